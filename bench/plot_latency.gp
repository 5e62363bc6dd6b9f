# How long a line takes, from the median to the slowest.
picture = "latency"
load "plot_style.gp"
set title "100 clients, 20 talk: how long a line takes"
set xlabel "percent of the lines arrive within"
set ylabel "milliseconds (log scale)"
set logscale y
set offsets 0.3, 0.3, 0, 0
plot for [i = 2 : servers + 1] data using 0:i:xtic(1) title columnheader(i)
