# Draws chat.svg, select.svg or network.svg from the .dat beside it, as gnuplot -e "part='...'" says: few,
# large words on a white background, in colours that everyone can tell apart.
set terminal svg name part noenhanced size 640,440 font "Helvetica,17" background "white" linewidth 2
set output part.".svg"
set datafile missing "?"; set style data linespoints
set grid ytics lc rgb "#dddddd" lw 0.5
set border 3 lc rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set key above left Left reverse samplen 1.5
set linetype 1 lc rgb "#0063b1" lw 2.0 pt 7
set linetype 2 lc rgb "#d55e00" lw 1.2 pt 5
set linetype 3 lc rgb "#009e73" lw 1.2 pt 9

if (part eq "chat") {
    set title "Chat: lines delivered in a second of server CPU"
    set xlabel "clients, of whom a fifth talk, but at most 50 (log scale)"
    set ylabel "millions (log scale)"
    set logscale xy
    set xrange [8:1100]
}
if (part eq "network") {
    set title "1,000 people a room, 10 lines a second in all"
    set xlabel "rooms"
    set ylabel "CPU, per cent of a core"
    set yrange [0:*]; set xrange [0:11]
}
if (part eq "select") {
    set title "Echo: one client talks, the others are idle"
    set xlabel "idle clients"
    set ylabel "server CPU for an echo, us"
    set yrange [0:*]; set xrange [-20:1040]
}
data = part.".dat"
plot for [i = 2 : words(system("head -n 1 ".data))] data using 1:i:xtic(1) title columnheader(i)
