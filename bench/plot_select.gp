# What a turn of the loop costs, against the descriptors that it waits for.
picture = "select"
load "plot_style.gp"
set title "One client talks, the others are idle"
set xlabel "idle clients, and as many descriptors"
set ylabel "server CPU a turn, us (lowest of the runs)"
set xrange [0:1050]
set yrange [0:*]
plot for [i = 2 : servers + 1] data using 1:i title columnheader(i)
