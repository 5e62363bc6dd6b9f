# Makes table.md, headline.md and the plots' data (*.dat) of the rows of bench/run.
# Called with its `machine` file (name=value lines) before the CSVs, and -v results=.
#
# value[trial, server, column, n] is what the n-th run of a server in a trial gave, and
# runs[trial, server] how many there are. Everything that is printed is a median.

FILENAME ~ /\/machine$/ {
    split($0, pair, "=")
    about[pair[1]] = pair[2]
    next
}

FNR == 1 {
    for (i = 1; i <= NF; i++)
        name[i] = $i
    next
}

{
    trial = $2
    server = $3
    if (!((trial, server) in runs)) {
        if (!(trial in servers))
            trials[++trial_count] = trial
        servers[trial] = servers[trial] " " server
    }
    n = ++runs[trial, server]
    for (i = 4; i <= NF; i++)
        value[trial, server, name[i], n] = $i
}

# ---- Figures --------------------------------------------------------------------------

# The median of what is known; "" if nothing is.
function median(trial, server, column,    count, i, j, x, sorted)
{
    count = 0
    for (i = 1; i <= runs[trial, server]; i++) {
        x = value[trial, server, column, i]
        if (x == "")
            continue
        for (j = count++; j > 0 && sorted[j] > x + 0; j--)
            sorted[j + 1] = sorted[j]
        sorted[j + 1] = x + 0
    }
    if (count == 0)
        return ""
    if (count % 2 == 1)
        return sorted[(count + 1) / 2]
    return (sorted[count / 2] + sorted[count / 2 + 1]) / 2
}

# In how many runs of a server a column is (not) this text.
function times(trial, server, column, text,    i, count)
{
    count = 0
    for (i = 1; i <= runs[trial, server]; i++)
        count += value[trial, server, column, i] == text
    return count
}

# "" for a server of which every run was complete; or what was wrong, in words.
function fault(trial, server,    share)
{
    if (!((trial, server) in runs) || times(trial, server, "outcome", "complete") == runs[trial, server])
        return ""
    if (times(trial, server, "outcome", "not joined") > 0)
        return "not everyone got in"
    if (times(trial, server, "outcome", "not opened") > 0)
        return "not all connections opened"
    if (times(trial, server, "outcome", "died") > 0)
        return "the server died"
    if (trial ~ /^stalled /)
        return "froze for good in " (runs[trial, server] - times(trial, server, "outcome", "complete")) \
            " of " runs[trial, server] " runs"
    share = median(trial, server, "lost_share")
    if (share != "" && share >= 0.01)
        return sprintf(share < 1 ? "%.2f%% of the lines lost or cut" : "%.0f%% of the lines lost or cut", share)
    if (median(trial, server, "out_of_order_deliveries") > 0)
        return "lines out of order"
    if (median(trial, server, "lost") > 0)
        return full(median(trial, server, "lost")) " lost"
    return "something lost or wrong"
}

# ---- Writing --------------------------------------------------------------------------

# Two significant digits: more is noise.
function brief(x)
{
    if (x == "")
        return "-"
    if (x >= 1e6)
        return sprintf(x >= 1e7 ? "%.0f million" : "%.1f million", x / 1e6)
    if (x >= 1e4)
        return sprintf("%d,000", x / 1e3 + 0.5)
    if (x >= 1e3)
        return sprintf("%d,%d00", x / 1e3, int(x % 1e3 / 100))
    if (x >= 10)
        return sprintf("%.0f", x)
    return sprintf(x >= 1 ? "%.1f" : "%.2f", x)
}

# A number with a comma before each three digits, or to `digits` behind the point.
function full(x, digits,    text, out)
{
    if (x == "")
        return "-"
    if (digits > 0)
        return sprintf("%." digits "f", x)
    text = sprintf("%.0f", x)
    for (out = ""; length(text) > 3; text = substr(text, 1, length(text) - 3))
        out = "," substr(text, length(text) - 2) out
    return text out
}

# How another figure compares with ours: "3.9 times fewer", "1.2 times more".
function versus(ours, theirs, less, more,    ratio)
{
    if (ours == "" || theirs == "" || ours == 0 || theirs == 0)
        return "-"
    ratio = ours > theirs ? ours / theirs : theirs / ours
    if (ratio < 1.05)
        return "the same"
    return sprintf(ratio < 9.95 ? "%.1f times " : "%.0f times ", ratio) (ours > theirs ? less : more)
}

function rounds()
{
    return about["rounds"] (about["rounds"] == 1 ? " round" : " rounds") ", " about["seconds"] " s each"
}

function percent(x)
{
    return x == "" ? "-" : sprintf("%.0f%%", x)
}

function line(text)
{
    print text >file
}

# The heads of columns that hold text, then of those that hold numbers.
function heads(texts, numbers,    i, count, words, rule)
{
    count = split(texts, words, "|")
    rule = "|"
    for (i = 1; i <= count; i++)
        rule = rule "---|"
    count = split(numbers, words, "|")
    for (i = 1; i <= count; i++)
        rule = rule "---:|"
    line("")
    line("| " texts " |" (count > 0 ? " " numbers " |" : ""))
    line(rule)
}

# A server's name, marked.
function marked(trial, server,    text, n)
{
    n = runs[trial, server]
    text = "`" server "`"
    if (times(trial, server, "bottleneck", "generator") * 2 > n)
        text = text " *"
    if (n < about["rounds"])
        text = text " (" n (n == 1 ? " run)" : " runs)")
    return text
}

# The ratio of a rate to the first server's, or what is wrong with this server.
function rank(trial, server, column,    first)
{
    first = substr(servers[trial], 2)
    sub(/ .*/, "", first)
    if (fault(trial, server) != "")
        return "not ranked: " fault(trial, server)
    if (server == first)
        return ""
    return versus(median(trial, first, column), median(trial, server, column), "fewer", "more")
}

# ---- The tables -----------------------------------------------------------------------

function has(pattern,    i)
{
    for (i = 1; i <= trial_count; i++)
        if (trials[i] ~ pattern)
            return 1
    return 0
}

# The bare sends to hold a load against: one line where one talks, else as many together
# as there may be under way.
function ceiling_of(clients, senders, in_flight)
{
    return "ceiling " clients " " (senders == 1 ? 1 : in_flight == 1 ? 20 : 1000)
}

function share(part, whole)
{
    return part == "" || whole == "" || whole == 0 ? "-" : sprintf("%.0f%%", 100 * part / whole)
}

function chat_table(    i, j, count, words, of, list, trial, server, above)
{
    if (!has("^chat "))
        return
    line("")
    line("## Chat")
    heads("clients, talking, lines in flight each | server", \
        "deliveries/s | | p50 us | p99 us | server CPU a delivery, ns | bare sends' CPU a line | of the bare sends' rate | memory KiB | generator's share")
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        if (split(trial, words, " ") != 4 || words[1] != "chat")
            continue
        above = ceiling_of(words[2], words[3], words[4])
        count = split(servers[trial], list, " ")
        for (j = 1; j <= count; j++) {
            server = list[j]
            line("| " words[2] ", " words[3] ", " words[4] " | " marked(trial, server) \
                " | " full(median(trial, server, "delivery_rate_a_second")) \
                " | " rank(trial, server, "delivery_rate_a_second") \
                " | " full(median(trial, server, "latency_p50_us")) \
                " | " full(median(trial, server, "latency_p99_us")) \
                " | " full(median(trial, server, "server_cpu_a_delivery_ns")) \
                " | " share(median(above, "send_ceiling", "sender_cpu_a_line_ns"), median(trial, server, "server_cpu_a_delivery_ns")) \
                " | " share(median(trial, server, "delivery_rate_a_second"), median(above, "send_ceiling", "line_rate_a_second")) \
                " | " full(median(trial, server, "server_memory_kib")) \
                " | " percent(median(trial, server, "generator_share")) " |")
        }
    }
}

function joins_table(    i, j, count, words, list, trial, server)
{
    if (!has("^chat "))
        return
    line("")
    line("## Joins: all at once, each told of all who come later")
    heads("clients | server", "connected, s | all told, s | had to be nudged")
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        if (split(trial, words, " ") != 4 || words[1] != "chat" || words[3] == 1 || words[4] != 1)
            continue
        count = split(servers[trial], list, " ")
        for (j = 1; j <= count; j++) {
            server = list[j]
            line("| " words[2] " | " marked(trial, server) \
                " | " full(median(trial, server, "connected_s"), 3) \
                " | " (times(trial, server, "outcome", "not joined") ? "not in time" : full(median(trial, server, "all_told_s"), 3)) \
                " | " full(median(trial, server, "nudged_clients")) " |")
        }
    }
}

function stalled_table(    i, j, count, words, list, trial, server)
{
    if (!has("^stalled "))
        return
    line("")
    line("## One who does not read")
    heads("clients, talking | server", "deliveries/s to the others | longest pause, s | ")
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        if (split(trial, words, " ") != 3 || words[1] != "stalled")
            continue
        count = split(servers[trial], list, " ")
        for (j = 1; j <= count; j++) {
            server = list[j]
            line("| " words[2] ", " words[3] " | " marked(trial, server) \
                " | " full(median(trial, server, "delivery_rate_a_second")) \
                " | " full(median(trial, server, "longest_pause_s"), 2) \
                " | " (fault(trial, server) == "" ? "went on, nothing lost" : fault(trial, server)) " |")
        }
    }
}

function ceiling_table(    i, words, trial)
{
    if (!has("^ceiling "))
        return
    line("")
    line("## The ceiling: bare sends of 80-byte lines")
    heads("connections, lines a send", "lines/s | CPU a line, ns | sender's share | reader's share")
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        split(trial, words, " ")
        if (words[1] == "ceiling")
            line("| " words[2] ", " words[3] \
                " | " full(median(trial, "send_ceiling", "line_rate_a_second")) \
                " | " full(median(trial, "send_ceiling", "sender_cpu_a_line_ns")) \
                " | " percent(median(trial, "send_ceiling", "sender_share")) \
                " | " percent(median(trial, "send_ceiling", "reader_share")) " |")
    }
}

# Of echo_load; `kind` is that of the trials, and `what` names the two numbers in it.
function echo_table(kind, title, what,    i, j, count, words, list, trial, server, rest)
{
    if (!has("^" kind " "))
        return
    line("")
    line("## " title)
    heads(what " | server", "round trips/s | | MB/s each way | p50 us | p99 us | server CPU a round trip, us | memory KiB | generator's share")
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        split(trial, words, " ")
        if (words[1] != kind)
            continue
        rest = substr(trial, length(kind) + 2)
        sub(/ /, ", ", rest)
        count = split(servers[trial], list, " ")
        for (j = 1; j <= count; j++) {
            server = list[j]
            line("| " rest " | " marked(trial, server) \
                " | " full(median(trial, server, "round_trip_rate_a_second")) \
                " | " rank(trial, server, "round_trip_rate_a_second") \
                " | " full(median(trial, server, "throughput_mb_s_each_way"), 1) \
                " | " full(median(trial, server, "latency_p50_us")) \
                " | " full(median(trial, server, "latency_p99_us")) \
                " | " full(median(trial, server, "server_cpu_a_round_trip_ns") / 1000, 1) \
                " | " full(median(trial, server, "server_memory_kib")) \
                " | " percent(median(trial, server, "generator_share")) " |")
        }
    }
}

# ---- The README's table ---------------------------------------------------------------

function others(trial, column, less, more,    j, count, list, text, said)
{
    count = split(servers[trial], list, " ")
    text = ""
    for (j = 2; j <= count; j++) {
        said = fault(trial, list[j])
        if (said == "")
            said = versus(median(trial, list[1], column), median(trial, list[j], column), less, more)
        text = text (text == "" ? "" : "; ") "`" list[j] "` " said
    }
    return text == "" ? "-" : text
}

function headline(what, trial, column, unit, less, more, divisor,    first, ours)
{
    if (!(trial in servers))
        return
    first = substr(servers[trial], 2)
    sub(/ .*/, "", first)
    ours = fault(trial, first)
    if (ours == "")
        ours = brief(median(trial, first, column) / divisor) " " unit
    line("| " what " | `" first "` " ours " | " others(trial, column, less, more) " |")
}

# What bare sends of as many lines cost, of what a delivered line costs the first server.
function ceiling_share(trial,    words)
{
    split(trial, words, " ")
    return share(median(ceiling_of(words[2], words[3], words[4]), "send_ceiling", "sender_cpu_a_line_ns"), \
        median(trial, "pchatsrv", "server_cpu_a_delivery_ns"))
}

function headline_table()
{
    heads("| ours | others", "")
    headline("Chat: 100 clients, one talks", "chat 100 1 1", "delivery_rate_a_second", "deliveries/s", "fewer", "more", 1)
    headline("100 clients, 20 talk, a line in flight each", "chat 100 20 1", "delivery_rate_a_second", "deliveries/s", "fewer", "more", 1)
    headline("900 clients, 180 talk, a line in flight each", "chat 900 180 1", "delivery_rate_a_second", "deliveries/s", "fewer", "more", 1)
    headline("100 clients, 20 talk, 50 lines in flight each", "chat 100 20 50", "delivery_rate_a_second", "deliveries/s", "fewer", "more", 1)
    headline("server CPU a delivered line, the same", "chat 100 20 50", "server_cpu_a_delivery_ns", "ns", "less", "more", 1)
    if ("chat 100 20 50" in servers)
        line("| bare sends would take of that CPU: one talks, 20 talk, 50 lines in flight | " \
            ceiling_share("chat 100 1 1") ", " ceiling_share("chat 100 20 1") ", " ceiling_share("chat 100 20 50") " | |")
    headline("100 clients join, each told of all later ones", "chat 100 20 1", "all_told_s", "ms", "less", "longer", 0.001)
    headline("900 clients join", "chat 900 180 1", "all_told_s", "ms", "less", "longer", 0.001)
    headline("one of 100 stops reading: longest pause", "stalled 100 20", "longest_pause_s", "s", "shorter", "longer", 1)
    headline("Echo: 50 connections, 64 bytes", "echo 50 64", "round_trip_rate_a_second", "round trips/s", "fewer", "more", 1)
    headline("server CPU a round trip, the same", "echo 50 64", "server_cpu_a_round_trip_ns", "us", "less", "more", 1000)
    headline("900 connections, 64 bytes", "echo 900 64", "round_trip_rate_a_second", "round trips/s", "fewer", "more", 1)
    headline("50 connections, 16 KiB", "echo 50 16384", "throughput_mb_s_each_way", "MB/s each way", "fewer", "more", 1)
    headline("opened and closed, 50 at a time", "open 50", "round_trip_rate_a_second", "connections/s", "fewer", "more", 1)
    headline("Datagrams of 64 bytes", "datagram 64", "round_trip_rate_a_second", "round trips/s", "fewer", "more", 1)
    headline("one talks, 1,000 are idle: CPU a turn", "select 1000", "server_cpu_a_round_trip_ns", "us", "less", "more", 1000)
}

# ---- Data for the plots ---------------------------------------------------------------

# A row a trial of `kind` whose words fit `pattern`, a column a server; x is word `at`.
function plot_data(name, kind, pattern, at, column, divisor,    i, j, count, list, seen, words, trial, y, row)
{
    file = results "/" name ".dat"
    count = 0
    for (i = 1; i <= trial_count; i++)
        if (trials[i] ~ pattern && count == 0)
            count = split(servers[trials[i]], list, " ")
    if (count == 0)
        return
    row = kind
    for (j = 1; j <= count; j++)
        row = row " " list[j]
    line(row)
    for (i = 1; i <= trial_count; i++) {
        trial = trials[i]
        if (trial !~ pattern)
            continue
        split(trial, words, " ")
        row = words[at]
        for (j = 1; j <= count; j++) {
            y = fault(trial, list[j]) == "" ? median(trial, list[j], column) : ""
            row = row " " (y == "" ? "?" : y / divisor)
        }
        line(row)
    }
    close(file)
}

# A row a percentile, for one load.
function latency_data(trial,    i, j, count, list, columns, percents, row)
{
    if (!(trial in servers))
        return
    file = results "/latency.dat"
    count = split(servers[trial], list, " ")
    split("latency_p50_us latency_p90_us latency_p99_us latency_max_us", columns, " ")
    split("50 90 99 max", percents, " ")
    row = "percentile"
    for (j = 1; j <= count; j++)
        row = row " " list[j]
    line(row)
    for (i = 1; i <= 4; i++) {
        row = percents[i]
        for (j = 1; j <= count; j++)
            row = row " " (fault(trial, list[j]) != "" ? "?" : median(trial, list[j], columns[i]) / 1000)
        line(row)
    }
    close(file)
}

END {
    file = results "/headline.md"
    headline_table()
    line("")
    line("Medians of " rounds() ", all servers in turn, on " \
        about["cores"] " cores, " about["system"] ", " about["date"] ".")
    close(file)

    file = results "/table.md"
    line("# What `make bench` found")
    line("")
    line("On " about["cores"] " cores, " about["system"] ", " about["date"] "; medians of " rounds() \
        ", all servers in turn.")
    if (about["left_out"] != "")
        line("Not installed, and left out: " about["left_out"] ".")
    if (about["load"] > about["cores"] / 4)
        line("**The machine was busy with other things at the start (load " about["load"] "): the figures are off.**")
    line("")
    line("`*`: the generator was the bottleneck, and the server could have done more. Ratios are to")
    line("the first server of each trial. `bench/README.md` says what each figure means.")
    headline_table()
    chat_table()
    joins_table()
    stalled_table()
    ceiling_table()
    echo_table("echo", "Echo: round trips", "connections, bytes")
    echo_table("open", "Echo: connections opened and closed", "at a time")
    echo_table("datagram", "Datagrams", "bytes")
    echo_table("select", "How select() grows: one talks, the others are idle", "idle")
    close(file)

    plot_data("chat", "clients", "^chat [0-9]+ ([2-9]|[0-9][0-9]+) 1$", 2, "delivery_rate_a_second", 1e6)
    plot_data("ways", "connections", "^echo [0-9]+ 64$", 2, "round_trip_rate_a_second", 1000)
    plot_data("select", "idle", "^select ", 2, "server_cpu_a_round_trip_ns", 1000)
    latency_data(("chat 100 20 1" in servers) ? "chat 100 20 1" : "chat 5 2 1")
}
