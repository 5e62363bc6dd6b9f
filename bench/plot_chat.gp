# Deliveries a second against clients, a fifth of whom talk.
picture = "chat"
load here."/plot_style.gp"
set title "Chat: a fifth of the clients talk, a line in flight each"
set xlabel "clients"
set ylabel "million deliveries a second"
set logscale xy
set xrange [4:1200]
set xtics (5, 10, 100, 900)
plot for [i = 2 : servers + 1] data using 1:i title columnheader(i)
