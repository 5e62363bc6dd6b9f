# Makes the part that -v part=... names from runs.csv, the rows of bench/run: the README's
# table, all figures, or the data of the picture chat or select. Figures are medians of the
# rounds, and ratios are medians of each round's ratios.

BEGIN { FS = "," }
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }

{
    if (!($2 in servers))
        trial[++trials] = $2
    if (!(($2, $3) in runs))
        servers[$2] = servers[$2] (servers[$2] == "" ? "" : " ") $3
    runs[$2, $3]++
    rounds = $1
    for (name in column)
        value[$2, $3, name, $1] = $(column[name])
}

function ours_of(trial) { return trial ~ /^chat/ ? "pchatsrv" : "echo_srv" }

# The median of a figure, or of its ratios to the server `beside`; "": unknown.
function median(trial, server, name, beside,    round, count, i, x, ours, sorted) {
    count = 0
    for (round = 1; round <= rounds; round++) {
        x = value[trial, server, name, round]
        ours = beside == "" ? 1 : value[trial, beside, name, round]
        if (x == "" || ours + 0 == 0)
            continue
        for (i = count++; i > 0 && sorted[i] > x / ours; i--)
            sorted[i + 1] = sorted[i]
        sorted[i + 1] = x / ours
    }
    return count == 0 ? "" : (sorted[int((count + 1) / 2)] + sorted[int(count / 2) + 1]) / 2
}

# The number of runs in which a column is this text.
function times(trial, server, name, text,    round, count) {
    for (round = 1; round <= rounds; round++)
        count += value[trial, server, name, round] == text
    return count + 0
}

# What was wrong with a server, or "".
function fault(trial, server,    lost) {
    lost = median(trial, server, "lost_percent")
    return times(trial, server, "outcome", "complete") == runs[trial, server] + 0 ? "" \
        : times(trial, server, "outcome", "not connected") ? "not all got in" \
        : times(trial, server, "outcome", "died") ? "died" \
        : lost >= 0.5 ? sprintf("%.0f%% lost", lost) \
        : times(trial, server, "outcome", "unfinished") ? "stops" : "faults"
}

# The generator set the pace: the server could have done more.
function mark(trial, server) {
    return times(trial, server, "bottleneck", "generator") * 2 > runs[trial, server] ? "\\*" : ""
}

# Two digits: more is noise.
function brief(x) { return sprintf(x < 0.995 ? "%.2f" : x < 9.95 ? "%.1f" : "%.0f", x) }

function quantity(x, unit) {
    return x == "" ? "-" : unit == "ns" && x >= 999.5 ? brief(x / 1000) " us" \
        : unit == "s" && x < 0.9995 ? brief(x * 1000) " ms" : brief(x) " " unit
}

function ratio(trial, server, name,    x) {
    if (fault(trial, server) != "")
        return fault(trial, server)
    x = median(trial, server, name, ours_of(trial))
    return x == "" ? "-" : brief(x) "x"
}

function row(what, trial, name, unit,    ours, list, count, i, text) {
    ours = ours_of(trial)
    count = split(servers[trial], list, " ")
    text = fault(trial, ours)
    printf "| %s | %s%s", what, text == "" ? quantity(median(trial, ours, name), unit) : text, mark(trial, ours)
    for (i = 1; i <= 6; i++)
        if (list[i] != ours && (i <= count || i > 1))
            printf " | %s", (i > count ? "" : list[i] " " ratio(trial, list[i], name))
    print " |"
}

function table() {
    print "| | ours | others, as a multiple of ours | | | | |\n|---|---|---|---|---|---|---|"
    row("CPU for a line: 1 of 100 talks", "chat -c 100 -s 1", "server_cpu_ns", "ns")
    row("CPU for a line: 20 of 100 talk", "chat -c 100 -s 20", "server_cpu_ns", "ns")
    row("CPU for a line: 50 of 900 talk", "chat -c 900 -s 50 -t 1", "server_cpu_ns", "ns")
    row("CPU for a line: 20 of 100 talk, 50 lines ahead each", "chat -c 100 -s 20 -f 50", "server_cpu_ns", "ns")
    row("900 join the chat: time", "chat -c 900 -s 50 -t 1", "joined_s", "s")
    row("1 of 100 stops reading: longest pause", "chat -c 100 -s 20 -l 90 -z 1 -t 8", "longest_pause_s", "s")
    row("CPU for an echo: 50 clients", "echo -e -c 50 -s 50 -l 64", "server_cpu_ns", "ns")
    row("memory: 900 echo clients", "echo -e -c 900 -s 900 -l 64", "server_kib", "KiB")
}

function all(    t, i, n, c, count, list, columns) {
    count = split("server_cpu_ns arrived_a_second latency_p50_us latency_p99_us joined_s nudged" \
        " longest_pause_s server_kib generator_percent", columns, " ")
    printf "| trial | server | runs | faults | ratio |"
    for (c = 1; c <= count; c++)
        printf " %s |", columns[c]
    print "\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for (t = 1; t <= trials; t++) {
        n = split(servers[trial[t]], list, " ")
        for (i = 1; i <= n; i++) {
            printf "| %s | %s%s | %d | %s | %s |", trial[t], list[i], mark(trial[t], list[i]), \
                runs[trial[t], list[i]], fault(trial[t], list[i]), ratio(trial[t], list[i], "server_cpu_ns")
            for (c = 1; c <= count; c++)
                printf " %s |", median(trial[t], list[i], columns[c])
            print ""
        }
    }
}

# A row for each trial, a column for each server. A server with faults has no point.
function plot_data(pattern,    t, i, count, list, words, cpu, text) {
    for (t = 1; t <= trials; t++) {
        if (trial[t] !~ pattern)
            continue
        if (count == 0)
            print "x " servers[trial[t]]
        count = split(servers[trial[t]], list, " ")
        split(trial[t], words, " ")
        text = part == "chat" ? words[3] : words[4] - 1
        for (i = 1; i <= count; i++) {
            cpu = fault(trial[t], list[i]) == "" ? median(trial[t], list[i], "server_cpu_ns") : ""
            text = text " " (cpu == "" ? "?" : part == "chat" ? 1000 / cpu : cpu / 1000)
        }
        print text
    }
}

END {
    if (part == "table") table()
    else if (part == "all") all()
    else plot_data(part == "chat" ? "^chat -c [0-9]+ -s [0-9]*[02]( -t 1)?$" : "^idle")
}
