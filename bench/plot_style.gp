# What the plots have in common. They are to be read on a phone too: few words, large.
set terminal svg name picture noenhanced size 640,460 font "Helvetica,17" background "white" linewidth 2
set datafile missing "?"
set grid ytics lt 1 lc rgb "#dddddd" lw 0.5
set border 3 lc rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set key above left Left reverse maxrows 2 samplen 1.5
set style data linespoints
set pointsize 0.9
# The kit's own server first; colours that those who see few can tell apart.
set linetype 1 lc rgb "#0063b1" lw 2.0 pt 7
set linetype 2 lc rgb "#d55e00" lw 1.2 pt 5
set linetype 3 lc rgb "#009e73" lw 1.2 pt 9
set linetype 4 lc rgb "#999999" lw 1.2 pt 11
set linetype 5 lc rgb "#cc79a7" lw 1.2 pt 13
set linetype 6 lc rgb "#e69f00" lw 1.2 pt 4

# The data: a head of names, then a row an x; the columns from 2 on are the servers.
set output picture.".svg"
data = picture.".dat"
servers = words(system("tail -n 1 ".data)) - 1
