# Makes of the rows of bench/run (runs.csv) one of its parts, as -v part=... names it: the
# README's table, the table of all figures, the data of the picture chat or select.
#
# row[trial, server, round] is a run. Figures are medians of the rounds. A ratio is the
# median of the ratios in each round: what disturbs the machine disturbs a whole round.

BEGIN { FS = "," }

FNR == 1 {
    for (i = 1; i <= NF; i++)
        column[$i] = i
    next
}

{
    if (!($2 in servers))
        trial[++trials] = $2
    if (!(($2, $3) in runs))
        servers[$2] = servers[$2] (servers[$2] == "" ? "" : " ") $3
    runs[$2, $3]++
    row[$2, $3, $1] = $0
    if ($1 > rounds)
        rounds = $1
}

function value(trial, server, round, name,    fields) {
    if (!((trial, server, round) in row))
        return ""
    split(row[trial, server, round], fields, ",")
    return fields[column[name]]
}

# A name may be a figure's, or "ratio" before one.
function known(trial, server, name, sorted,    round, count, i, x, ours) {
    count = 0
    for (round = 1; round <= rounds; round++) {
        x = value(trial, server, round, substr(name, name ~ /^ratio / ? 7 : 1))
        if (name ~ /^ratio / && x != "") {
            ours = value(trial, ours_of(trial), round, substr(name, 7))
            x = ours + 0 > 0 ? x / ours : ""
        }
        if (x == "")
            continue
        for (i = count++; i > 0 && sorted[i] > x + 0; i--)
            sorted[i + 1] = sorted[i]
        sorted[i + 1] = x + 0
    }
    return count
}

function median(trial, server, name,    count, sorted) {
    count = known(trial, server, name, sorted)
    return count == 0 ? "" : (sorted[int((count + 1) / 2)] + sorted[int(count / 2) + 1]) / 2
}

function ours_of(trial) { return trial ~ /^chat/ ? "pchatsrv" : "echo_srv" }

# In how many runs a column is this text.
function times(trial, server, name, text,    round, count) {
    for (round = 1; round <= rounds; round++)
        count += value(trial, server, round, name) == text
    return count + 0
}

# What was wrong with a server, or "".
function fault(trial, server,    lost) {
    if (times(trial, server, "outcome", "complete") == runs[trial, server])
        return ""
    if (times(trial, server, "outcome", "not connected"))
        return "not all got in"
    if (times(trial, server, "outcome", "died"))
        return "died"
    lost = median(trial, server, "lost_percent")
    if (lost >= 0.5)
        return sprintf("%.0f%% lost", lost)
    return times(trial, server, "outcome", "unfinished") ? "stops" : "faults"
}

# The generator set the pace, and the server could have done more.
function mark(trial, server) {
    return times(trial, server, "bottleneck", "generator") * 2 > runs[trial, server] ? "\\*" : ""
}

# Two significant digits: more is noise.
function brief(x,    digits) {
    for (digits = 1; x >= 9.95 * 10 ^ (1 - digits) && digits > 0; digits--)
        continue
    return sprintf("%." digits "f", x)
}

function quantity(x, unit) {
    if (x == "")
        return "-"
    if (unit == "ns" && x >= 1000)
        return brief(x / 1000) " us"
    return unit == "s" && x < 1 ? brief(x * 1000) " ms" : brief(x) " " unit
}

function times_ours(trial, server, name,    ratio) {
    if (fault(trial, server) != "")
        return fault(trial, server)
    ratio = median(trial, server, "ratio " name)
    return ratio == "" ? "-" : brief(ratio) "x"
}

function table_row(what, trial, name, unit,    list, count, i, ours, text) {
    ours = ours_of(trial)
    count = split(servers[trial], list, " ")
    text = fault(trial, ours) == "" ? quantity(median(trial, ours, name), unit) : fault(trial, ours)
    text = "| " what " | " text mark(trial, ours) " |"
    for (i = 1; i <= 6; i++)
        if (i > count || list[i] != ours)
            text = text (i > count ? "" : " " list[i] " " times_ours(trial, list[i], name)) " |"
    print text
}

function table() {
    print "| | ours | others, as a multiple of ours | | | | |"
    print "|---|---|---|---|---|---|---|"
    table_row("CPU a line: 100 in the chat, 1 talks", "chat -c 100 -s 1", "server_cpu_ns", "ns")
    table_row("100 in the chat, 20 talk", "chat -c 100 -s 20", "server_cpu_ns", "ns")
    table_row("900 in the chat, 50 talk", "chat -c 900 -s 50 -t 1", "server_cpu_ns", "ns")
    table_row("900 join the chat: time", "chat -c 900 -s 50 -t 1", "joined_s", "s")
    table_row("1 of 100 stops reading: longest pause", "chat -c 100 -s 20 -l 90 -z 1 -t 8", \
        "longest_pause_s", "s")
    table_row("CPU an echo of 64 bytes: 50 clients", "echo -e -c 50 -s 50 -l 64", "server_cpu_ns", "ns")
    table_row("900 clients", "echo -e -c 900 -s 900 -l 64", "server_cpu_ns", "ns")
    table_row("memory for 900 clients", "echo -e -c 900 -s 900 -l 64", "server_kib", "KiB")
}

function all(    t, i, count, list, s) {
    print "| trial | server | runs | CPU each, ns | ratio | a second | p50 us | p99 us | joined s" \
        " | pause s | KiB | generator % | faults |"
    print "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"
    for (t = 1; t <= trials; t++) {
        count = split(servers[trial[t]], list, " ")
        for (i = 1; i <= count; i++) {
            s = list[i]
            print "| " trial[t] " | " s " | " runs[trial[t], s] " | " \
                median(trial[t], s, "server_cpu_ns") " | " times_ours(trial[t], s, "server_cpu_ns") \
                " | " median(trial[t], s, "arrived_a_second") mark(trial[t], s) \
                " | " median(trial[t], s, "latency_p50_us") " | " median(trial[t], s, "latency_p99_us") \
                " | " median(trial[t], s, "joined_s") " | " median(trial[t], s, "longest_pause_s") \
                " | " median(trial[t], s, "server_kib") " | " median(trial[t], s, "generator_percent") \
                " | " fault(trial[t], s) " |"
        }
    }
}

# A row a trial, a column a server; a server with faults has no point there.
function plot_data(pattern,    t, i, count, list, words, cpu, text) {
    for (t = 1; t <= trials; t++) {
        if (trial[t] !~ pattern)
            continue
        if (text == "") {
            text = servers[trial[t]]
            print "x " text
            count = split(text, list, " ")
        }
        split(trial[t], words, /[^0-9]+/)
        text = part == "chat" ? words[2] : words[2] - 1
        for (i = 1; i <= count; i++) {
            cpu = median(trial[t], list[i], "server_cpu_ns")
            if (cpu == "" || fault(trial[t], list[i]) != "")
                cpu = 0
            text = text " " (cpu == 0 ? "?" : part == "chat" ? 1000 / cpu : cpu / 1000)
        }
        print text
    }
}

END {
    if (part == "table")
        table()
    else if (part == "all")
        all()
    else
        plot_data(part == "chat" ? "^chat -c [0-9]+ -s [0-9]*[02]( -t 1)?$" : "^idle")
}
