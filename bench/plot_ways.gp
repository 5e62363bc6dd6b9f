# The ways to serve many clients with an echo, against their number.
picture = "ways"
load "plot_style.gp"
set title "Echo of 64 bytes: ways to serve many"
set xlabel "connections; *: the generator's pace; +: in turns"
set ylabel "thousand round trips a second"
set style data histograms
set style histogram clustered gap 1
set style fill solid noborder
set yrange [0:*]
set key maxrows 3
plot for [i = 2 : servers + 1] data using i:xtic(1) title columnheader(i)
