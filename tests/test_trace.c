/*
 * The modules of trace/: what strace writes, what that means, and how it is shown and
 * drawn. test_turns.c tests the program.
 */
#include "tests/harness.h"
#include "tests/screen.h"

#include "trace/calls.h"
#include "trace/picture.h"
#include "trace/show.h"
#include "trace/steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tests suite;

/* ---- strace's words ----------------------------------------------------------------- */

static struct calls calls;
static struct steps steps;

/* What this line of strace's means. */
static struct step step_of(const char *line)
{
    struct call call;
    struct step step;

    ck_assert_uint_eq(calls_take(&calls, line, strlen(line), &call), strlen(line));
    steps_read(&steps, &call, 1, &step);
    return step;
}

TEST(suite, a_call_is_read_whatever_it_carries)
{
    static const struct {
        const char *line, *verb, *text, *error;
        int descriptor;
        long bytes;
        unsigned long of;
        bool is_cut, is_end, is_hidden;
    } e[] = {
        {"1 recvfrom(4<TCP:[1.2.3.4:5->6.7.8.9:10]>, \"a\\n\", 100, 0, NULL, NULL) = 2 "
         "<0.1>\n",
         "recv", "a\\n", "", 4, 2, 100, false, false, false},
        {"1 recvfrom(4, \"\", 100, 0, NULL, NULL) = 0 <0.1>\n", "recv", "", "", 4, 0, 100,
         false, true, false},
        {"1 recvfrom(4<UDP:[1.2.3.4:5]>, \"\", 100, 0, {sa_family=AF_INET, "
         "sin_port=htons(1), sin_addr=inet_addr(\"1.1.1.1\")}, [128 => 16]) = 0 <0.1>\n",
         "recv", "", "", 4, 0, 100, false, false, false},
        {"1 recvfrom(4, \"MSG_PEEK\", 100, 0, NULL, NULL) = 8 <0.1>\n", "recv",
         "MSG_PEEK", "", 4, 8, 100, false, false, false},
        {"1 recvfrom(4, \"x\", 100, MSG_PEEK, NULL, NULL) = 1 <0.1>\n", "recv", "x", "",
         4, 1, 100, false, false, true},
        {"1 recv(4, \"on ARM\", 100, 0) = 6 <0.1>\n", "recv", "on ARM", "", 4, 6, 100,
         false, false, false},
        {"1 send(4, \"on ARM\", 100, 0) = 6 <0.1>\n", "send", "on ARM", "", 4, 6, 100,
         false, false, false},
        {"1 sendto(5<UNIX-STREAM:[1->2,\"/tmp/a\\\") = 5\"]>, \"xy\"..., 4096, 0, NULL, "
         "0) = 35 "
         "<0.1>\n",
         "send", "xy", "", 5, 35, 4096, true, false, false},
        {"1 sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"ab "
         "iov_base=\", "
         "iov_len=12}, {iov_base=\"\\\") = 9 <1>\", iov_len=10}], msg_iovlen=2, "
         "msg_controllen=0, msg_flags=0}, MSG_NOSIGNAL) = 22 <0.1>\n",
         "send", "ab iov_base=\\\") = 9 <1>", "", 5, 22, 22, false, false, false},
        {"1 writev(5, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = "
         "3 <0.1>\n",
         "write", "abc", "", 5, 3, 3, false, false, false},
        {"1 sendto(5, \"x\", 1, MSG_NOSIGNAL, NULL, 0) = -1 EPIPE (Broken pipe) <0.1>\n",
         "send", "x", "EPIPE", 5, -1, 1, false, false, false},
        {"1 sendto(5, \"x\", 1, 0, NULL, 0) = -1 EAGAIN (Resource temporarily "
         "unavailable) <0>\n",
         "send", "x", "EAGAIN", 5, -1, 1, false, false, true},
        {"1 recvfrom(5, 0x7ffc, 100, 0, NULL, NULL) = ? ERESTARTSYS (To be restarted) "
         "<0.1>\n",
         "recv", "", "EINTR", 5, 0, 100, false, false, false},
        {"1 read(3</etc/hosts>, \"127.0.0.1\", 4096) = 9 <0.1>\n", "read", "127.0.0.1",
         "", 3, 9, 4096, false, false, true},
        {"1 close(4</dev/null<char 1:3>>) = 0 <0.1>\n", "close", "", "", 4, 0, 0, false,
         false, true},
        {"1 close(9) = -1 EBADF (Bad file descriptor) <0.1>\n", "close", "", "EBADF", 9,
         0, 0, false, false, false},
    };
    for (size_t i = 0; i < COUNT(e); i++) {
        struct step step = step_of(e[i].line);

        ck_assert(step.is_over && step.kind != STEP_NONE);
        ck_assert_str_eq(step.verb, e[i].verb);
        ck_assert_str_eq(step.text, e[i].text);
        ck_assert_str_eq(step.error, e[i].error);
        ck_assert_int_eq(step.descriptor, e[i].descriptor);
        ck_assert_int_eq(step.bytes, e[i].bytes);
        ck_assert_uint_eq(step.of, e[i].of);
        ck_assert_int_eq(step.is_cut, e[i].is_cut);
        ck_assert_int_eq(step.is_end, e[i].is_end);
        ck_assert_int_eq(step.is_hidden, e[i].is_hidden);
    }
}

TEST(suite, a_call_is_known_from_its_beginning_on_and_whole_again_after_an_interruption)
{
    static const char line[] =
        "1 recvfrom(4, \"a) = 1 <0>\\n\", 100, 0, NULL, NULL) = 2 <0.5>\n";
    struct step step;
    struct call call;

    /* However it is cut, it is not over before its line is. */
    for (size_t cut = 1; cut < sizeof line - 1; cut++) {
        calls_take(&calls, line, cut, &call);
        steps_read(&steps, &call, 1, &step);
        ck_assert(!step.is_over || call.kind == CALL_NONE);
        ck_assert(cut < 13 || step.kind == STEP_RECEIVE);
        ck_assert(cut < 14 || step.descriptor == 4);
        step = step_of(line + cut);
        ck_assert(step.is_over);
        ck_assert_int_eq(step.bytes, 2);
    }
    step = step_of("1 sendto(4, \"ab\", 2, 0, NULL, 0 <unfinished ...>\n");
    ck_assert(!step.is_over && step.kind == STEP_SEND);
    step = step_of("2 recvfrom(5,  <unfinished ...>\n");
    step = step_of("1 <... sendto resumed>) = 1 <1.5>\n");
    ck_assert(step.is_over && step.kind == STEP_SEND);
    ck_assert_str_eq(step.text, "ab");
    ck_assert_int_eq(step.bytes, 1);
    ck_assert(step.seconds > 1.4 && step.seconds < 1.6);
    step = step_of("2 <... recvfrom resumed>\"x\", 100, 0, NULL, NULL) = 1 <1.5>\n");
    ck_assert(step.is_over && step.kind == STEP_RECEIVE && step.descriptor == 5);
    step = step_of("3 <... recvfrom resumed>\"x\", 100, 0, NULL, NULL) = 1 <1.5>\n");
    ck_assert_int_eq(step.kind, STEP_NONE); /* nobody knows its beginning */
    step = step_of("2 recvfrom(5,  <unfinished ...>) = ?\n");
    ck_assert_int_eq(step.kind, STEP_NONE);
    step = step_of("2 +++ killed by SIGKILL +++\n");
    ck_assert_int_eq(step.kind, STEP_EXIT);
    ck_assert_str_eq(step.text, "killed by SIGKILL");
    calls_free(&calls);
}

/* "3 4w", and in brackets what is ready. */
static const char *watched_by(const struct step *step)
{
    static char text[256];

    *text = '\0';
    ck_assert_int_eq(step->kind, STEP_WAIT);
    for (size_t i = 0; i < step->watches->count; i++) {
        const struct watch *watch = &step->watches->list[i];

        sprintf(
            text + strlen(text), " %d%s%s%s%s", watch->descriptor,
            watch->flags & WATCH_READ ? "r" : "", watch->flags & WATCH_WRITE ? "w" : "",
            watch->flags & READY_READ ? "R" : "", watch->flags & READY_WRITE ? "W" : "");
    }
    return text;
}

TEST(suite, select_poll_and_epoll_are_read_alike)
{
    struct step step;

    step = step_of(
        "1 pselect6(6, [3<TCP:[1.1.1.1:1->2.2.2.2:2]> 4], [5<pipe:[1]>], [], NULL, NULL) "
        "= 2 (in [4], out [5], left {tv_sec=1, tv_nsec=2}) <0.1>\n");
    ck_assert_str_eq(watched_by(&step), " 3r 4rR 5wW");
    step = step_of(
        "1 poll([{fd=5<pipe:[1]>, events=POLLOUT}, {fd=3, events=POLLIN|POLLOUT}, "
        "{fd=-1, events=0}], 3, 10) = 1 ([{fd=3, revents=POLLIN|POLLHUP}]) <0.1>\n");
    ck_assert_str_eq(watched_by(&step), " 3rwR 5w");
    step_of("1 epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 7, {events=EPOLLIN, "
            "data={u32=9, u64=9}}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data=0x6}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_ADD, 8, {events=EPOLLIN, data=0x8}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_MOD, 6, {events=EPOLLIN|EPOLLOUT|EPOLLET, "
            "data=0x6}) = 0 "
            "<0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_DEL, 8, NULL) = 0 <0>\n");
    step =
        step_of("1 epoll_wait(4<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=9, "
                "u64=9}}, {events=EPOLLOUT, data=0x6}], 8, -1) = 2 <0>\n");
    ck_assert_str_eq(watched_by(&step), " 6rwW 7rR");
    step_of("1 close(7) = 0 <0>\n");
    step = step_of("1 epoll_wait(4, [], 8, -1) = 0 <0>\n");
    ck_assert_str_eq(watched_by(&step), " 6rw");
    step_of("1 epoll_ctl(4, EPOLL_CTL_ADD, 5, {EPOLLIN, {u32=5, u64=5}}) = 0 <0>\n");
    step = step_of("1 epoll_wait(4, [{EPOLLIN, {u32=5, u64=5}}], 8, -1) = 1 <0>\n");
    ck_assert_str_eq(watched_by(&step), " 5rR 6rw"); /* of strace 5.10 */
}

/* ---- Lines -------------------------------------------------------------------------- */

/* The line that is shown for this line of strace's. */
static const char *shown(const char *line)
{
    static char bytes[LOG_BYTES];
    static struct log log;
    struct show show = {.screen = &log};
    struct show_task task = {.name = "server", .turns = 7};
    struct step step = step_of(line);

    log_open(&log, "test", STDERR_FILENO, bytes, sizeof bytes);
    show_begin(&show, task.name);
    show_step(&show, &task, &step);
    ck_assert_uint_gt(log.end, 0);
    bytes[log.end - 1] = '\0'; /* in place of the LF */
    return bytes;
}

TEST(suite, sets_that_are_too_long_are_ranges_and_are_cut_between_descriptors)
{
    static const struct {
        const char *read, *write, *expected;
    } examples[] = {
        {"[3 4 5]", "NULL", "read 3 4 5           "},
        {"[3 4 5]", "[5]", "read 3 4 5 write 5   "},
        {"[3 4 5 6 7 8 9 10]", "[]", "read 3 4 5 6 7 8 9 10"},
        {"[3 4 5 6 7 8 9 10 11]", "[]", "read 3-11            "},
        {"[3 4 5 6 7 8 9 10 11]", "[4 5 6 9]", "read 3-11 write 4-6 9"},
        {"[3 5 7 9 11 13 15 17 19]", "[7]", "read 3 5 7 9\xE2\x80\xA6 write 7"},
        {"[3 5 7 9 11 13 15]", "[5 7 9 11]",
         "read 3 5\xE2\x80\xA6 write 5 7\xE2\x80\xA6 "},
        {"NULL", "[3]", "write 3              "},
        {"NULL", "NULL", "nothing              "},
    };

    for (size_t i = 0; i < COUNT(examples); i++)
        ck_assert_str_eq(
            shown(formatted("1 select(20, %s, %s, NULL, NULL) = 0 (Timeout) <12.3>\n",
                            examples[i].read, examples[i].write)),
            formatted("server     7  %s slept  12.300 s   ready: none",
                      examples[i].expected));
}

TEST(suite, a_line_has_80_columns_and_no_half_of_an_escape)
{
    static const struct {
        const char *call, *line;
    } examples[] = {
        {"1 recvfrom(4, \"1234567890123456789012345678901234567890\\r\\n\", 100, 0, "
         "NULL, NULL) "
         "= 42 <0>\n",
         "server             4  recv    42    \"1234567890123456789012345678901234567890"
         "\"\xE2\x80\xA6"},
        {"1 recvfrom(4, \"123456789012345678901234567890123456789\\r\", 100, 0, NULL, "
         "NULL) "
         "= 40 <0>\n",
         "server             4  recv    40    "
         "\"123456789012345678901234567890123456789\\r\""},
        {"1 recvfrom(4, \"12345678901234567890123456789012345678\\0331\", 100, 0, NULL, "
         "NULL) "
         "= 40 <0>\n",
         "server             4  recv    40    \"12345678901234567890123456789012345678"
         "\"\xE2\x80\xA6"},
        {"1 sendto(5, \"x\"..., 4096, 0, NULL, 0) = 35 <3.21>\n",
         "server             5  send    35 of 4096: the rest waits after 3.2 s"},
        {"1 accept(3, NULL, NULL) = "
         "1023<TCPv6:[[::ffff:10.0.0.1]:4000->[::ffff:10.0.0.2]:40312]> <0>\n",
         "server             3  accept -> 1023 10.0.0.2:40312"},
        {"1 accept(3, NULL, NULL) = 7<TCPv6:[[::1]:4000->[fe80::1]:40312]> <0>\n",
         "server             3  accept -> 7   [fe80::1]:40312"},
        {"1 accept(3, NULL, NULL) = 7<socket:[1234]> <0>\n",
         "server             3  accept -> 7"},
        {"1 accept(3, NULL, NULL) = -1 EMFILE (Too many open files) <0>\n",
         "server             3  accept  EMFILE"},
        {"1 pselect6_time64(4, [3], NULL, NULL, NULL, NULL) = -1 EBADF (Bad file "
         "descriptor) <0.5>\n",
         "server     7  read 3                slept   0.500 s   ready: EBADF"},
        {"1 poll([{fd=3, events=POLLIN|POLLOUT}], 1, -1) = 1 ([{fd=3, "
         "revents=POLLIN|POLLOUT}]) <1234.5>\n",
         "server     7  read 3 write 3        slept    1234 s   ready: 3 3w"},
        {"1 --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_USER} ---\n",
         "server                 SIGPIPE"},
        {"1 +++ killed by SIGSEGV (core dumped) +++\n",
         "server                 killed by SIGSEGV (core dumped)"},
    };

    for (size_t i = 0; i < COUNT(examples); i++)
        ck_assert_str_eq(shown(examples[i].call), examples[i].line);
}

/* The program prints a line after each drawing. */
TEST(suite, a_line_of_the_program_is_not_printed_over_an_old_wait)
{
    static char bytes[LOG_BYTES], row[SCREEN_TEXT];
    static struct screen screen;
    const char *const printed[] = {"one\r\n", "two\r\n"};
    struct log log;
    struct show show = {.screen = &log, .can_draw = true, .columns = SHOW_COLUMNS};
    struct show_task task = {.name = "server"};
    struct step step = step_of("1 select(4, [3], NULL, NULL, NULL) = 1 (in [3]) <9>\n");
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    log_open(&log, "test", ends[1], bytes, sizeof bytes);
    screen_init(&screen, 24, SHOW_COLUMNS);
    show_begin(&show, task.name);
    step.is_over = false;
    for (size_t i = 0; i < COUNT(printed); i++) {
        char drawn[1000];
        ssize_t length;

        show_draw(&show, &task, &step);
        length = read(ends[0], drawn, sizeof drawn);
        ck_assert_int_gt(length, 0);
        screen_take(&screen, drawn, (size_t)length);
        screen_take(&screen, printed[i], strlen(printed[i]));
    }
    screen_row(&screen, 1, row);
    ck_assert_str_eq(row, "two");
    screen_row(&screen, 2, row);
    ck_assert_ptr_nonnull(strstr(row, "asleep in select"));
}

/* ---- Pictures ----------------------------------------------------------------------- */

/* The place of a text in a drawing, and its end. */
struct placed {
    double x, y, end;
};

/* No text overlaps another, and all are within the drawing. Returns how many there are. */
static size_t expect_no_overlap(const char *svg)
{
    static struct placed texts[20000];
    double width, height;
    size_t count = 0;

    ck_assert_int_eq(
        sscanf(strstr(svg, "width="), "width=\"%lf\" height=\"%lf\"", &width, &height),
        2);
    for (const char *at = svg; (at = strstr(at, "<text ")) != NULL; at++) {
        struct placed *text = &texts[count++];
        const char *begin = strchr(at, '>') + 1;
        char style[128] = "";
        double length;

        ck_assert_int_eq(sscanf(at, "<text x=\"%lf\" y=\"%lf\" %127[^>]", &text->x,
                                &text->y, style) >= 2,
                         1);
        length =
            (strstr(style, "size=\"16\"") ? 16 : 12) * 0.61 * (double)strcspn(begin, "<");
        if (strstr(style, "text-anchor") != NULL)
            text->x -= length;
        text->end = text->x + length;
        if (text->x < 0 || text->end > width || text->y > height || text->y < 12)
            ck_abort_msg("outside: %.40s", begin);
        for (size_t i = 0; i + 1 < count; i++)
            if (text->y - texts[i].y < 12 && texts[i].y - text->y < 12 &&
                text->x < texts[i].end && text->end > texts[i].x)
                ck_abort_msg("overlap at %.0f, %.0f: %.40s", text->x, text->y, begin);
    }
    return count;
}

/* A picture of that many turns, in which a server with so many clients is busy. */
static const char *drawn(unsigned turn_count, int clients)
{
    static const char *const words[] = {"recv",  "send",  "end",
                                        "close", "EPIPE", "accept"};
    static struct picture picture;
    static struct watches watches;
    struct step step = {.kind = STEP_WAIT, .watches = &watches};
    static char svg[1 << 21];
    FILE *file = tmpfile();

    memset(&picture, 0, sizeof picture);
    watches.count = (size_t)clients;
    for (unsigned turn = 1; turn <= turn_count; turn++) {
        for (int i = 0; i < clients; i++)
            watches.list[i] = (struct watch){3 + i, random_below(16)};
        picture_turn(&picture, 1, turn, &step);
        for (int i = 0; i < clients; i++)
            picture_step(&picture, 1, 3 + i, words[random_below(6)]);
        picture_step(&picture, 1, 3, words[random_below(6)]);
    }
    picture_draw(&picture, "<&>", file);
    rewind(file);
    svg[fread(svg, 1, sizeof svg - 1, file)] = '\0';
    fclose(file);
    return svg;
}

TEST(suite, nothing_overlaps_in_small_and_in_large_pictures)
{
    static const struct {
        unsigned turns;
        int clients;
    } sizes[] = {{0, 0}, {1, 1}, {12, 3}, {48, 5}, {49, 5}, {200, 30}, {20000, 3}};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        const char *svg = drawn(sizes[i].turns, sizes[i].clients);

        ck_assert_uint_gt(expect_no_overlap(svg),
                          sizes[i].turns < 200 ? sizes[i].turns : 200);
        ck_assert_ptr_nonnull(strstr(svg, "???: "));
        if (sizes[i].turns > 1000) /* the last ones are in it */
            ck_assert_ptr_nonnull(strstr(svg, "turns 19745 to 20000"));
    }
}

int main(void)
{
    return run_tests("trace", &suite, NULL);
}
