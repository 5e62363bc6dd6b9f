# netlab: a networking lab in C. For GNU make (4.0 and later) and BSD make. Everything that
# is built goes into bin/ and build/.
#
#   make        build every program into bin/
#   make run    build the chat server and start it (make run ARGS='-p 4000')
#   make deps   install what the tests and the benches need
#   make test   build and run every test
#   make faults run every program while its system calls fail, one after another
#   make fuzz   try the parsers with inputs that libFuzzer makes up, FUZZ_SECONDS (60) each
#   make bench  measure the servers beside others, in under ten minutes
#   make grade LAB=chat PROGRAM=mine/chat.c  grade a server; docs/grade.md has grade-all
#               for a whole class, and gradescope
#   make start LAB=chat  copy a starter to mine/; course/README.md has handout and class, too
#   make install    install the programs, their pages and the documents below PREFIX
#   make uninstall  remove them (DESTDIR, PREFIX, BINDIR and MANDIR as for install)
#   make dist   make a tarball of the last commit
#   make format lay the sources out as .clang-format says
#   make clean  remove everything that was built

# CFLAGS is yours (BSD make has a default for it) and comes last, so it wins.
OPTIMISED = -O2 -g
CHECKED = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# A 32-bit system has files of 2 GiB and more, and times after 2038, with two of these. And
# macOS hides a part of POSIX.1-2008 without the last.
STANDARD = -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-D_DARWIN_C_SOURCE
COMPILE = $(CC) $(STANDARD) -I. $(OPTIMISED) $(CHECKED) $(HARDENED) $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(HARDENED_LINK) $(CFLAGS) $(LDFLAGS) -o $@

# This sets DEPENDS, HARDENED and HARDENED_LINK to what the compiler and the linker take.
FLAGS != make/flags $(COMPILE) $(LDFLAGS)
include build/flags.mk

# A file with a main() is a program, named after it; all the others are modules, and go
# into one library. Only Linux has the epoll that one of the benches needs.
MODULES != ls base/*.c net/*.c chat/*.c http/*.c irc/*.c terminal/*.c loop/*.c load/*.c \
	scene/*.c trace/*.c
SOURCES != ls *.c clients/*.c labs/*.c bench/*.c grade/*.c | \
	if [ "`uname`" = Linux ]; then cat; else grep -v epoll; fi
PROGRAMS != ls $(SOURCES) | sed 's,.*/,,; s,^,bin/,; s,\.c$$,,'

# What else is asked for waits for these two: make -j8 clean all, make -j4 deps test.
GOALS = $(MAKECMDGOALS) $(.TARGETS)
FIRST != case " $(GOALS) " in *' clean '*) echo clean ;; esac
DEPS != case " $(GOALS) " in *' deps '*) echo deps ;; esac

all: $(PROGRAMS)

run: bin/pchatsrv
	bin/pchatsrv $(ARGS)

deps:
	tests/install-deps

# bench-docs takes a run's table and pictures over into the README.
bench: all
	bench/run

bench-docs:
	bench/publish build/figures

# A student's own server, or the program that is named; bin/... are the kit's own.
grade: bin/grade
	@set -- "$(LAB)" "$(PROGRAM)"; [ -n "$$2" ] || set -- "$$1" "mine/$$1.c"; \
	case $$2 in bin/*' '*) ;; bin/*) set -- "$$1" "$$2 -p %p" ;; esac; \
	exec bin/grade $(ARGS) "$$@"

grade-all: bin/grade
	@JOBS="$(JOBS)" RUN_AS="$(RUN_AS)" SEED="$(SEED)" exec grade/all "$(LAB)" "$(DIR)" "$(OUT)"

gradescope:
	@exec grade/gradescope "$(LAB)"

# The course: a starter in mine/, the students' tarball, and a room for the class.
start:
	@exec course/start "$(LAB)"

handout: all
	@exec course/handout

class: bin/pchatsrv
	@exec course/class $(ARGS)

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
PLACES = DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BINDIR="$(BINDIR)" MANDIR="$(MANDIR)"

install:
	@$(PLACES) make/install

uninstall:
	@$(PLACES) make/install -u

dist:
	@make/dist

clean:
	rm -rf bin build

format:
	clang-format -i *.[ch] */*.[ch] tests/*/*.[ch]

.PHONY: all run deps tests test faults fuzz bench bench-docs grade grade-all gradescope start \
	handout class install uninstall dist clean format

# This writes a rule for each object and each program.
RULES != SOURCES="$(SOURCES)" MODULES="$(MODULES)" make/rules $(GOALS)
include build/rules.mk

# POSIX threads are in libc, or in a libpthread that this option finds.
LIBS_echo_thread = -pthread

# The page in web_chat, as numbers for an array of char.
build/labs/web_chat.o: build/web_chat.inc
build/web_chat.inc: labs/web_chat.html $(FIRST)
	@mkdir -p $(@D)
	od -An -v -tu1 labs/web_chat.html | sed 's/[0-9][0-9]*/&,/g; $$s/$$/ 0/' >$@

build/libkit.a: $(MODULES:%.c=build/%.o)
	rm -f $@
	$(AR) rc $@ $(MODULES:%.c=build/%.o)

include make/tests.mk
