/*
 * The grader's own marks: known programs, and servers with known faults, get exactly what
 * they must, and lose nothing else.
 *
 * The suite has the tag "calibration" for what takes minutes: CK_INCLUDE_TAGS=calibration
 * runs it. Without CK_INCLUDE_TAGS it is left out.
 */
#include "tests/harness.h"
#include "tests/marks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tests kits, by_itself, beside_loops;

#define NAIVE                                                                            \
    "pieces glued long burst telnet timing-mark escape reset gone talk-on stall queue "  \
    "full full-idle fd-set log farewell "

static const struct marks own[] = {
    {"chat", "bin/chat_naive -p %p", 39, NAIVE},
    {"chat", "bin/pchatsrv -p %p", 100, ""},
    {"hello", "bin/hello_srv -p %p", 10, ""},
    {"dgram", "bin/dgram_srv -p %p", 20, ""},
    {"name", "bin/name_srv -n Ali -p %p", 20, ""},
    {"web", "bin/web_srv -d www -p %p", 20, ""},
    {"echo", "bin/echo_srv -p %p", 30, ""},
    {"echo", "bin/echo_fork -p %p", 30, ""},
    {"echo", "bin/echo_thread -p %p", 30, ""},
};

/*
 * What the known programs get, and what one fault costs. The last row is Java's, since its
 * program has to be compiled first.
 */
static const struct marks known[] = {
    {"chat", "course/teacher/solutions/chat.c", 100, ""},
    {"chat", "python3 tests/room_asyncio.py", 90, "telnet timing-mark escape farewell "},
    {"chat", "node tests/room_node.js", 100, ""},
    {"chat", "ncat --chat -l -m 2000 127.0.0.1 %p", 52,
     "prefix join leave pieces glued utf8 timing-mark stall queue full-idle fd-set log "
     "farewell "},
    {"echo", "socat TCP-LISTEN:%p,fork,reuseaddr EXEC:cat", 30, ""},
    {"echo", "bin/echo_select_blocking -p %p", 28, "stall "},
    {"echo", "ncat -lk -e /bin/cat %p", 26, "half-close "},
    {"echo", "build/faulty_echo turns %p", 17, "two many reset stall "},
    {"echo", "build/faulty_echo text %p", 15, "bytes two many reset stall "},
    {"echo", "build/faulty_echo once %p", 8,
     "bytes big half-close two many reset stall "},
    {"chat", "build/faulty_room none %p", 100, ""},
    {"chat", "build/faulty_room 'sends with a blocking send' %p", 92, "stall "},
    {"chat", "build/faulty_room 'drops what does not fit' %p", 96, "slow "},
    {"chat", "build/faulty_room 'listen(5)' %p", 97, "queue "},
    {"chat", "build/faulty_room 'dies at EMFILE' %p", 95, "full full-idle "},
    {"chat", "build/faulty_room 'spins at EMFILE' %p", 98, "full-idle "},
    {"chat", "build/faulty_room 'descriptor >= 1024' %p", 97, "fd-set "},
    {"chat", "build/faulty_room 'busy loop' %p", 97, "full-idle idle "},
    {"chat", "build/faulty_room 'loses half-lines' %p", 94, "pieces "},
    {"chat", "build/faulty_room 'inherits half-lines' %p", 96, "go-on "},
    {"chat", "build/faulty_room glues %p", 95, "glued "},
    {"chat", "build/faulty_room 'cuts at 512' %p", 96, "long "},
    {"chat", "build/faulty_room 'printf(text)' %p", 94, "deliver "},
    {"chat", "build/faulty_room 'no telnet' %p", 94, "telnet timing-mark "},
    {"chat", "build/faulty_room 'no timing mark' %p", 97, "timing-mark "},
    {"chat", "build/faulty_room 'raw bytes' %p", 98, "escape "},
    {"chat", "build/faulty_room 'ASCII only' %p", 98, "utf8 "},
    {"chat", "build/faulty_room 'no leave' %p", 92, "leave reset "},
    {"chat", "build/faulty_room 'tells the newcomer' %p", 96, "join "},
    {"chat", "build/faulty_room 'no prefix' %p", 96, "prefix "},
    {"chat", "build/faulty_room 'port 0 in the prefix' %p", 96, "prefix "},
    {"chat", "build/faulty_room 'dies on reset' %p", 96, "reset "},
    {"chat", "build/faulty_room 'dies in getpeername' %p", 97, "gone "},
    {"chat", "build/faulty_room 'no flush' %p", 98, "log "},
    {"chat", "build/faulty_room 'no handler' %p", 98, "farewell "},
    {"chat", "build/faulty_room 'ignores TERM' %p", 100, ""},
    {"chat", "build/faulty_room 'sends to the sender' %p", 96, "not-self "},
    {"chat", "build/faulty_room 'forgets a closed peer' %p", 90,
     "go-on full full-idle idle "},
    {"chat", "build/faulty_room crashes %p", 4, ALL_BUT_GREET},
    {"chat", "build/faulty_room 'never listens' %p", 0, "start greet " ALL_BUT_GREET},
    {"chat", "java -Xmx256m -cp build Room %p", 100, ""},
};

TEST(kits, the_kits_own_servers_get_what_they_deserve)
{
    if (lacks_descriptors(1200))
        return;
    expect_marks(own, COUNT(own), 3, "");
}

/* All of them, four side by side. */
static void expect_known(const char *options)
{
    size_t count = COUNT(known);

    if (system("command -v javac >/dev/null && javac -d build tests/Room.java") != 0) {
        printf("left out, for javac is not on this machine: tests/Room.java\n");
        count--;
    }
    if (lacks_descriptors(1200))
        return;
    expect_marks(known, count, 4, options);
    expect_marks(own, COUNT(own), 4, options);
}

TEST(by_itself, a_known_program_gets_its_marks_and_a_fault_costs_its_own)
{
    expect_known("");
}

/* As much as there are processors, so that the others have to wait for one. */
static void make_busy(pid_t busy[2])
{
    for (int i = 0; i < 2; i++) {
        busy[i] = fork();
        if (busy[i] == 0) {
            alarm(1800);
            for (volatile unsigned long n = 0;; n++)
                continue;
        }
    }
}

TEST(beside_loops, the_marks_are_the_same_with_other_bytes_on_a_busy_machine)
{
    pid_t busy[2];

    make_busy(busy);
    expect_known("-s 2026");
    for (int i = 0; i < 2; i++) {
        kill(busy[i], SIGKILL);
        waitpid(busy[i], NULL, 0);
    }
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "own", .tests = &kits, .seconds = 300},
        {.name = "quiet", .tests = &by_itself, .tags = "calibration", .seconds = 2400},
        {.name = "busy", .tests = &beside_loops, .tags = "calibration", .seconds = 2400},
    };

    if (getenv("CK_INCLUDE_TAGS") == NULL)
        setenv("CK_EXCLUDE_TAGS", "calibration", 1);
    return run_cases("grade_marks", cases, COUNT(cases));
}
