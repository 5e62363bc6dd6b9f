# Makes table.md, headline.md and the plots' data (*.dat) of the rows of bench/run.
# Called with its `machine` file (name=value lines) before the CSVs, and the environment's
# `results` as the directory to write to.
#
# value[trial, server, column, n] is what the n-th run of a server in a trial gave,
# runs[trial, server] how many there are, and of_round[trial, server, column, round] what a
# round gave. about[name] is of `machine`, and a text: `+ 0` makes it a number to compare
# with. line() writes to the `file` that END has named.

FILENAME ~ /\/machine$/ {
    about[substr($0, 1, index($0, "=") - 1)] = substr($0, index($0, "=") + 1)
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
        value[trial, server, name[i], n] = of_round[trial, server, name[i], $1] = $i
    if ($NF == "not joined")
        barred[clients_of(trial)] = barred[clients_of(trial)] " " server
}

# ---- Figures --------------------------------------------------------------------------

# What is known of a column, from the lowest up, in sorted[]; returns how many.
function known(trial, server, column, sorted,    count, i, j, x)
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
    return count
}

# To wake an idle virtual machine only adds to what a turn of select() costs: that figure is
# the lowest of the runs, and the tables and the plot say so.
function is_lowest(trial, column)
{
    return trial ~ /^select / && column ~ /cpu/
}

# The median of what is known; "" if nothing is.
function figure(trial, server, column,    count, sorted)
{
    count = known(trial, server, column, sorted)
    if (count == 0)
        return ""
    if (is_lowest(trial, column))
        return sorted[1]
    return (sorted[int((count + 1) / 2)] + sorted[int(count / 2) + 1]) / 2
}

function sum(trial, server, column,    i, total)
{
    total = 0
    for (i = 1; i <= runs[trial, server]; i++)
        total += value[trial, server, column, i]
    return total
}

# In how many runs of a server a column is this text.
function times(trial, server, column, text,    i, count)
{
    count = 0
    for (i = 1; i <= runs[trial, server]; i++)
        count += value[trial, server, column, i] == text
    return count
}

# In how many runs both together were busy as one core is.
function turns(trial, server,    i, count, busy)
{
    count = 0
    for (i = 1; i <= runs[trial, server]; i++) {
        busy = value[trial, server, "generator_share", i]
        if (value[trial, server, "run_time_s", i] > 0)
            busy += 100 * value[trial, server, "server_cpu_s", i] / value[trial, server, "run_time_s", i]
        count += value[trial, server, "bottleneck", i] == "neither" && busy >= 90 && busy <= 110
    }
    return count
}

# The server of the kit, which the others are compared with.
function ours_of(trial)
{
    return trial ~ /^(chat|stalled) / ? "pchatsrv" : trial ~ /^datagram / ? "dgram_srv" : "echo_srv"
}

# "chat 900" of "chat 900 180 1".
function clients_of(trial,    words)
{
    split(trial, words, " ")
    return words[1] " " words[2]
}

function is_barred(trial, server)
{
    return index(barred[clients_of(trial)] " ", " " server " ") > 0
}

# "" for a server of which every run was complete; or what was wrong, in words.
function fault(trial, server,    n, share)
{
    n = runs[trial, server]
    if (is_barred(trial, server))
        return "not everyone got in"
    if (n == 0)
        return "not measured"
    if (times(trial, server, "outcome", "complete") == n)
        return ""
    if (times(trial, server, "outcome", "not opened") > 0)
        return "not all connections opened"
    if (times(trial, server, "outcome", "died") > 0)
        return "the server died"
    if (trial ~ /^datagram / && sum(trial, server, "damaged") + sum(trial, server, "duplicates") \
        + sum(trial, server, "foreign") == 0)
        return ""
    share = figure(trial, server, "lost_share")
    if (share != "" && share >= 0.01)
        return sprintf(share < 1 ? "%.2f%% of the lines lost or cut" : "%.0f%% of the lines lost or cut", share)
    if (times(trial, server, "outcome", "unfinished") > 0)
        return (figure(trial, server, "longest_pause_s") >= 10 ? "nothing for 10 s" : "not done 10 s later") \
            " in " times(trial, server, "outcome", "unfinished") " of " n " runs"
    if (sum(trial, server, "out_of_order_deliveries") > 0)
        return "lines out of order"
    if (sum(trial, server, "stray_lines") > 0)
        return "lines that nobody sent"
    return "something lost or wrong"
}

# A datagram may be lost, and its server is compared all the same.
function loss(trial, server,    lost)
{
    lost = sum(trial, server, "lost")
    if (trial !~ /^datagram / || lost == 0)
        return ""
    return ", " full(lost) " of " full(lost + sum(trial, server, "round_trips")) " lost"
}

# ---- Writing --------------------------------------------------------------------------

# Two significant digits: more is noise.
function brief(x,    scale)
{
    if (x == "")
        return "-"
    for (scale = 0.01; x >= 99.5 * scale; scale *= 10)
        continue
    x = int(x / scale + 0.5) * scale
    if (x >= 1e6)
        return sprintf(x >= 1e7 ? "%.0f million" : "%.1f million", x / 1e6)
    return full(x, x >= 10 ? 0 : x >= 1 ? 1 : 2)
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

# A figure, with the lowest and the highest of the runs.
function spread(trial, server, column, divisor, digits,    count, sorted)
{
    count = known(trial, server, column, sorted)
    if (count == 0)
        return "-"
    return full(figure(trial, server, column) / divisor, digits) \
        (count > 1 ? " (" full(sorted[1] / divisor, digits) "-" full(sorted[count] / divisor, digits) ")" : "")
}

# Whether in some rounds a server's figure was above ours, and in others below: what disturbs
# the machine disturbs those of a round alike.
function rounds_differ(trial, server, column,    round, ours, theirs, above, below)
{
    for (round = 1; round <= about["rounds"] + 0; round++) {
        ours = of_round[trial, ours_of(trial), column, round]
        theirs = of_round[trial, server, column, round]
        above += ours != "" && theirs != "" && theirs + 0 > ours + 0
        below += ours != "" && theirs != "" && theirs + 0 < ours + 0
    }
    return above > 0 && below > 0
}

# How a server's figure compares with ours: "39% of that", "1.2 times that".
function versus(trial, server, column,    ours, theirs, ratio, text)
{
    ours = figure(trial, ours_of(trial), column)
    theirs = figure(trial, server, column)
    if (theirs == "" || ours + 0 <= 0)
        return "-"
    ratio = theirs / ours
    if (ratio > 1 / 1.05 && ratio < 1.05)
        return "the same"
    if (ratio < 1)
        text = sprintf(ratio < 0.0995 ? "%.1f%% of that" : "%.0f%% of that", 100 * ratio)
    else
        text = sprintf(ratio < 9.95 ? "%.1f times that" : "%.0f times that", ratio)
    return text (rounds_differ(trial, server, column) ? ", not always" : "")
}

function percent(part, whole)
{
    return part == "" || whole == "" || whole == 0 ? "-" : sprintf("%.0f%%", 100 * part / whole)
}

function duration(seconds)
{
    return seconds == "" ? "-" : seconds < 0.995 ? brief(1000 * seconds) " ms" : brief(seconds) " s"
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

# What there is to be known of a rate.
function mark(trial, server, column,    n)
{
    n = runs[trial, server] + 0
    if (column !~ /rate|throughput/ || n == 0)
        return ""
    if (times(trial, server, "bottleneck", "generator") * 2 > n)
        return " *"
    return turns(trial, server) * 2 >= n ? " +" : ""
}

# A server's name, marked.
function marked(trial, server, column,    text, n)
{
    n = runs[trial, server] + 0
    text = "`" server "`" mark(trial, server, column)
    if (n > 0 && n < about["rounds"] + 0)
        text = text " (" n (n == 1 ? " run)" : " runs)")
    return text
}

# How it compares with ours; nothing for ours, or one that is not ranked.
function beside_ours(trial, server, column)
{
    return server == ours_of(trial) || fault(trial, server) != "" ? "" : versus(trial, server, column)
}

# The same, or what is wrong with it.
function rank(trial, server, column)
{
    if (fault(trial, server) != "")
        return "not ranked: " fault(trial, server)
    return beside_ours(trial, server, column) loss(trial, server)
}

# What the figures belong to, and whether they are any good.
function machine()
{
    line("")
    line("Medians of " about["rounds"] (about["rounds"] == 1 ? " round" : " rounds") ", " about["seconds"] \
        " s each (" about["long_seconds"] " or " about["longest_seconds"] " s in a chat of 900), all servers in turn, on " about["cores"] " cores" \
        (about["cpu"] == "" ? "" : " (" about["cpu"] ")") ", " about["system"] \
        (about["compiler"] == "" ? "" : ", " about["compiler"]) (about["others"] == "" ? "" : ", " about["others"]) \
        ", " about["date"] ".")
    line("`*`: the generator set the pace, and the server could have done more. `+`: server and generator")
    line("took turns, as on one core. The same: within 5%. Not always: in some rounds it was the other")
    line("way round.")
    if (about["left_out"] != "")
        line("Not installed or not built, and left out: " about["left_out"] ".")
    if (about["too_large"] != "")
        line("More sockets than may be open (`ulimit -Hn`), and left out: " about["too_large"] ".")
    if (about["load"] + 0 > about["cores"] / 4)
        line("**The machine was busy with other things at the start (load " about["load"] "): the figures are off.**")
}

# ---- The tables -----------------------------------------------------------------------

# The bare sends to hold a load against: as many lines together as may be under way.
function bare_of(trial,    words)
{
    split(trial, words, " ")
    return "bare " words[2] " " words[3] * words[4]
}

# What bare sends of as many lines cost, of what a delivered line costs a server.
function bare_share(trial, server)
{
    return percent(figure(bare_of(trial), "bare_sends", "sender_cpu_a_line_ns"), \
        figure(trial, server, "server_cpu_a_delivery_ns"))
}

function chat_cells(trial, server)
{
    return spread(trial, server, "delivery_rate_a_second", 1) \
        " | " rank(trial, server, "delivery_rate_a_second") \
        " | " full(figure(trial, server, "latency_p50_us")) \
        " | " full(figure(trial, server, "latency_p99_us")) \
        " | " spread(trial, server, "server_cpu_a_delivery_ns", 1) \
        " | " beside_ours(trial, server, "server_cpu_a_delivery_ns") \
        " | " bare_share(trial, server) \
        " | " percent(figure(trial, server, "delivery_rate_a_second"), figure(bare_of(trial), "bare_sends", "line_rate_a_second")) \
        " | " full(figure(trial, server, "server_memory_kib")) \
        " | " percent(figure(trial, server, "generator_share"), 100)
}

function joins_cells(trial, server)
{
    return spread(trial, server, "connected_s", 1, 3) \
        " | " (is_barred(trial, server) ? "not in time" : spread(trial, server, "all_told_s", 1, 3)) \
        " | " full(figure(trial, server, "nudged_clients"))
}

function stalled_cells(trial, server)
{
    return full(figure(trial, server, "delivery_rate_a_second")) \
        " | " spread(trial, server, "longest_pause_s", 1, 2) \
        " | " (fault(trial, server) == "" ? "went on, nothing lost" : fault(trial, server))
}

function bare_cells(trial, server)
{
    return spread(trial, server, "line_rate_a_second", 1) \
        " | " spread(trial, server, "sender_cpu_a_line_ns", 1) \
        " | " percent(figure(trial, server, "sender_share"), 100) \
        " | " percent(figure(trial, server, "reader_share"), 100)
}

function echo_cells(trial, server)
{
    return spread(trial, server, "round_trip_rate_a_second", 1) \
        " | " rank(trial, server, "round_trip_rate_a_second") \
        " | " full(figure(trial, server, "throughput_mb_s_each_way"), 1) \
        " | " full(figure(trial, server, "latency_p50_us")) \
        " | " full(figure(trial, server, "latency_p99_us")) \
        " | " spread(trial, server, "server_cpu_a_round_trip_ns", 1000, 1) \
        " | " beside_ours(trial, server, "server_cpu_a_round_trip_ns") \
        " | " full(figure(trial, server, "server_memory_kib")) \
        " | " percent(figure(trial, server, "generator_share"), 100)
}

function cells(kind, trial, server)
{
    return kind == "chat" ? chat_cells(trial, server) \
        : kind == "joins" ? joins_cells(trial, server) \
        : kind == "stalled" ? stalled_cells(trial, server) \
        : kind == "bare" ? bare_cells(trial, server) : echo_cells(trial, server)
}

# A row a server of the trials that fit `pattern`; none, no table.
function table(kind, pattern, title, what, columns,    i, j, count, list, rows, rest)
{
    rows = 0
    for (i = 1; i <= trial_count; i++) {
        if (trials[i] !~ pattern)
            continue
        if (rows++ == 0) {
            line("")
            line("## " title)
            heads(what " | server", columns)
        }
        rest = substr(trials[i], index(trials[i], " ") + 1)
        gsub(/ /, ", ", rest)
        count = split(servers[trials[i]], list, " ")
        for (j = 1; j <= count; j++)
            line("| " rest " | " marked(trials[i], list[j], kind ~ /chat|echo/ ? "rate" : "") " | " cells(kind, trials[i], list[j]) " |")
    }
}

function echo_table(kind, title, what)
{
    table("echo", "^" kind " ", title, what, \
        "round trips/s | | MB/s each way | p50 us | p99 us | server CPU a round trip, us" \
        (is_lowest(kind " ", "cpu") ? ", the lowest" : "") " | | memory KiB | generator's share")
}

# ---- The README's table ---------------------------------------------------------------

# A time says more than its ratio: it has a cause. With a second or more to connect it is
# that of TCP, which tries again when a queue was full.
function told(trial, server, column)
{
    if (fault(trial, server) != "")
        return fault(trial, server)
    if (column !~ /_s$/)
        return versus(trial, server, column) loss(trial, server)
    return duration(figure(trial, server, column)) \
        (column == "all_told_s" && figure(trial, server, "connected_s") >= 1 ? ": queue full" : "")
}

function headline(what, trial, column, unit, divisor,    ours, said, text, j, count, list)
{
    ours = ours_of(trial)
    said = fault(trial, ours)
    if (said == "")
        said = (unit == "" ? duration(figure(trial, ours, column)) : brief(figure(trial, ours, column) / divisor) " " unit) \
            loss(trial, ours)
    count = split(servers[trial], list, " ")
    text = ""
    for (j = 1; j <= count; j++)
        if (list[j] != ours)
            text = text (text == "" ? "" : "; ") marked(trial, list[j], column) " " told(trial, list[j], column)
    line("| " what " | " (runs[trial, ours] > 0 ? marked(trial, ours, column) : "`" ours "`") " " said " | " text " |")
}

# A load's rate, and below it what the load costs.
function headline_pair(what, trial, column, unit)
{
    headline(what, trial, column, unit, 1)
    if (trial ~ /^chat /)
        headline("server CPU a delivered line", trial, "server_cpu_a_delivery_ns", "ns", 1)
    else
        headline("server CPU a round trip", trial, "server_cpu_a_round_trip_ns", "us", 1000)
}

function headline_table()
{
    heads("| ours | others", "")
    headline_pair("Chat: 100 clients, one talks", "chat 100 1 1", "delivery_rate_a_second", "deliveries/s")
    headline_pair("100 clients, 20 talk, a line in flight each", "chat 100 20 1", "delivery_rate_a_second", "deliveries/s")
    headline_pair("900 clients, 180 talk, a line in flight each", "chat 900 180 1", "delivery_rate_a_second", "deliveries/s")
    headline_pair("100 clients, 20 talk, 50 lines in flight each", "chat 100 20 50", "delivery_rate_a_second", "deliveries/s")
    line("| bare sends would take of that CPU: one of 100 talks, 20 talk, 50 lines in flight | " \
        bare_share("chat 100 1 1", "pchatsrv") ", " bare_share("chat 100 20 1", "pchatsrv") ", " \
        bare_share("chat 100 20 50", "pchatsrv") " | |")
    headline("100 clients join, each told of all later ones", "chat 100 20 1", "all_told_s")
    headline("900 clients join", "chat 900 180 1", "all_told_s")
    headline("one of 100 stops reading: longest pause", "stalled 100 20", "longest_pause_s")
    headline_pair("Echo: 1 connection, 64 bytes", "echo 1 64", "round_trip_rate_a_second", "round trips/s")
    headline_pair("50 connections, 64 bytes", "echo 50 64", "round_trip_rate_a_second", "round trips/s")
    headline_pair("900 connections, 64 bytes", "echo 900 64", "round_trip_rate_a_second", "round trips/s")
    headline("server memory", "echo 900 64", "server_memory_kib", "KiB", 1)
    headline_pair("50 connections, 16 KiB", "echo 50 16384", "throughput_mb_s_each_way", "MB/s each way")
    headline_pair("opened and closed, 50 at a time", "open 50", "round_trip_rate_a_second", "connections/s")
    headline_pair("Datagrams of 64 bytes", "datagram 64", "round_trip_rate_a_second", "round trips/s")
    headline("Echo: one talks, 1,000 are idle: CPU a turn, the lowest of the runs", "select 1000", "server_cpu_a_round_trip_ns", "us", 1000)
    machine()
    line("Queue full: more connect at once than the server's queue holds, and the clients' system tries")
    line("again after a second.")
}

# ---- Data for the plots ---------------------------------------------------------------

# A server's name for a plot, with its points that are marked, up to the first trial in
# which it has none.
function column_head(server, pattern, at, column,    i, words, notes)
{
    notes = ""
    for (i = 1; i <= trial_count; i++) {
        if (trials[i] !~ pattern)
            continue
        split(trials[i], words, " ")
        if (fault(trials[i], server) != "") {
            notes = notes ", " words[at] ": " fault(trials[i], server)
            break
        }
        if (mark(trials[i], server, column) != "")
            notes = notes ", " words[at] mark(trials[i], server, column)
    }
    return notes == "" ? " " server : " \"" server " (" substr(notes, 3) ")\""
}

function point(trial, server, column, divisor)
{
    return fault(trial, server) != "" || figure(trial, server, column) == "" ? "?" \
        : figure(trial, server, column) / divisor
}

# A row a trial that fits `pattern`, a column a server; x is word `at`.
function plot_data(name, kind, pattern, at, column, divisor,    i, j, count, list, words, row)
{
    file = results "/" name ".dat"
    count = 0
    for (i = 1; i <= trial_count; i++) {
        if (trials[i] !~ pattern)
            continue
        if (count == 0) {
            count = split(servers[trials[i]], list, " ")
            row = kind
            for (j = 1; j <= count; j++)
                row = row column_head(list[j], pattern, at, column)
            line(row)
        }
        split(trials[i], words, " ")
        row = words[at]
        for (j = 1; j <= count; j++)
            row = row " " point(trials[i], list[j], column, divisor)
        line(row)
    }
    if (count > 0)
        close(file)
}

# A row a percentile, for the load that the plot's title names.
function latency_data(trial,    i, j, count, list, columns, percents, row)
{
    if (servers[trial] == "")
        return
    file = results "/latency.dat"
    count = split(servers[trial], list, " ")
    split("latency_p50_us latency_p90_us latency_p99_us latency_max_us", columns, " ")
    split("50 90 99 max", percents, " ")
    line("percentile" servers[trial])
    for (i = 1; i <= 4; i++) {
        row = percents[i]
        for (j = 1; j <= count; j++)
            row = row " " point(trial, list[j], columns[i], 1000)
        line(row)
    }
    close(file)
}

END {
    results = ENVIRON["results"]
    for (i = 1; i <= trial_count; i++) { # those barred have no run there, but an answer
        count = split(barred[clients_of(trials[i])], list, " ")
        for (j = 1; j <= count; j++)
            if (index(servers[trials[i]] " ", " " list[j] " ") == 0)
                servers[trials[i]] = servers[trials[i]] " " list[j]
    }

    file = results "/headline.md"
    headline_table()
    close(file)

    file = results "/table.md"
    line("# What `make bench` found")
    line("")
    line("In parentheses are the lowest and the highest of the runs; `bench/README.md` says what each")
    line("figure means.")
    headline_table()
    table("chat", "^chat ", "Chat", "clients, talking, lines in flight each", \
        "deliveries/s | | p50 us | p99 us | server CPU a delivery, ns | | bare sends' CPU a line | of the bare sends' rate | memory KiB | generator's share")
    table("joins", "^chat [0-9]+ ([2-9]|[0-9][0-9]+) 1$", "Joins: all at once, each told of all who come later", \
        "clients, talking, lines in flight each", "connected, s | all told, s | had to be nudged")
    table("stalled", "^stalled ", "One who does not read", "clients, talking", \
        "deliveries/s to the others | longest pause, s | ")
    table("bare", "^bare ", "Bare sends of 80-byte lines, to hold the chat servers against", "connections, lines a send", \
        "lines/s | CPU a line, ns | sender's share | reader's share")
    echo_table("echo", "Echo: round trips", "connections, bytes")
    echo_table("open", "Echo: connections opened and closed", "at a time")
    echo_table("datagram", "Datagrams", "bytes")
    echo_table("select", "How select() grows: one talks, the others are idle", "idle")
    close(file)

    plot_data("chat", "clients", "^chat [0-9]+ ([2-9]|[0-9][0-9]+) 1$", 2, "delivery_rate_a_second", 1e6)
    plot_data("ways", "connections", "^echo [0-9]+ 64$", 2, "round_trip_rate_a_second", 1000)
    plot_data("select", "idle", "^select ", 2, "server_cpu_a_round_trip_ns", 1000)
    latency_data("chat 100 20 1")
}
