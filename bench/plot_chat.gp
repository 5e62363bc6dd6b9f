# Deliveries a second against clients, a fifth of whom talk.
picture = "chat"
load "plot_style.gp"
set title "Chat: a fifth of the clients talk, a line in flight each"
set xlabel "clients (log scale); *: the generator's pace"
set ylabel "million deliveries a second (log scale)"
set logscale xy
set xrange [4:1200]
plot for [i = 2 : servers + 1] data using 1:i:xtic(1) title columnheader(i)
