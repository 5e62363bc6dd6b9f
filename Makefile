# netlab: a networking lab in C. For GNU make (4.0 and later) and BSD make. Whatever is
# built lies in bin/ and build/.
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
#   make format lay the sources out as .clang-format has it
#   make clean  remove everything that was built

# CFLAGS is yours (BSD make has a default for it) and comes last, so it wins.
OPTIMISED = -O2 -g
CHECKED = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# A 32-bit system has files of 2 GiB and more, and times after 2038, with the last two.
STANDARD = -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
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
TESTS != ls tests/test_*.c | sed 's,^tests,build,; s,\.c$$,,'
TEST_SERVERS != ls tests/*_srv.c tests/*_server.c tests/faulty_*.c | \
	sed 's,^tests,build,; s,\.c$$,,'
HARNESS != ls tests/*.c | grep -vE 'tests/(test_|faulty_|follow\.c)|_(srv|server)\.c'

# What else is asked for waits for these two: make -j8 clean all, make -j4 deps test.
FIRST != case " $(MAKECMDGOALS) $(.TARGETS) " in *' clean '*) echo clean ;; esac
DEPS != case " $(MAKECMDGOALS) $(.TARGETS) " in *' deps '*) echo deps ;; esac

all: $(PROGRAMS)

run: bin/pchatsrv
	bin/pchatsrv $(ARGS)

deps:
	tests/install-deps

tests: $(TESTS) $(TEST_SERVERS) build/length_srv build/follow

test: build/check-is-there all tests
	MAKE="$(MAKE)" tests/run $(TESTS)

faults: all build/faults build/faults.so
	build/faults

fuzz: $(FIRST)
	FUZZ_SECONDS="$(FUZZ_SECONDS)" tests/fuzz/run

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

# The two makes share no rule for an object that lies in another directory than its source,
# and none for a program that has many folders to come from. So a loop writes these rules
# out, a few lines for each source, and both makes read them.
RULES != mkdir -p build; for source in $(SOURCES) $(MODULES) tests/*.c; do \
	name=$${source\#\#*/}; name=$${name%.c}; object=build/$${source%.c}.o; \
	program= needs= flags= libs=build/libkit.a more='$$(LIBS_'$$name')'; \
	case " $(SOURCES) $(TEST_SERVERS) " in *" $$source "*) program=bin/$$name ;; \
	*" build/$$name "*) program=build/$$name ;; esac; \
	case $$source$$program in tests/*.c) flags='$$(CHECK_CFLAGS)' needs=build/check-is-there; esac; \
	case $$source in tests/test_*|tests/follow.c) program=build/$$name more='$$(CHECK_LIBS)' \
	libs="build/libtest.a $$libs" ;; esac; \
	printf '%s: %s\n\t@mkdir -p $$(@D)\n' $$object "$$source $$needs $(FIRST)"; \
	printf '\t$$(COMPILE) %s $(DEPENDS) -c -o $$@ %s\n-include %s\n' "$$flags" $$source \
	$${object%.o}.d; \
	[ -z "$$program" ] || printf '%s: %s\n\t@mkdir -p $$(@D)\n\t$$(LINK) %s %s $$(LDLIBS)\n' \
	$$program "$$object $$libs" "$$object $$libs" "$$more"; \
	done >build/rules.$$$$ && mv build/rules.$$$$ build/rules.mk
include build/rules.mk

# POSIX threads are in libc, or in a libpthread that this option finds.
LIBS_echo_thread = -pthread

# The page in web_chat, as numbers for an array of char.
build/labs/web_chat.o: build/web_chat.inc
build/web_chat.inc: labs/web_chat.html
	od -An -v -tu1 labs/web_chat.html | sed 's/[0-9][0-9]*/&,/g; $$s/$$/ 0/' >$@

build/libkit.a: $(MODULES:%.c=build/%.o)
	rm -f $@
	$(AR) rc $@ $(MODULES:%.c=build/%.o)

# The tests. pkg-config knows where Check is if the compiler does not.
CHECK_CFLAGS = `pkg-config --cflags check 2>/dev/null`
CHECK_LIBS = `pkg-config --libs check 2>/dev/null || echo -lcheck`

build/check-is-there: $(DEPS) $(FIRST)
	@mkdir -p $(@D)
	@echo '#include <check.h>' | $(COMPILE) $(CHECK_CFLAGS) -E -x c - >/dev/null 2>&1 || \
	{ echo "The tests need Check: 'make deps' installs it." >&2; exit 1; }
	@touch $@

build/libtest.a: $(HARNESS:%.c=build/%.o)
	rm -f $@
	$(AR) rc $@ $(HARNESS:%.c=build/%.o)

build/faults: build/libkit.a tests/faults/*.[ch]
	$(COMPILE) $(LDFLAGS) -o $@ tests/faults/run.c tests/faults/sc*.c build/libkit.a $(LDLIBS)

# What is loaded into the programs. It defines libc's own functions, which ISO C forbids.
build/faults.so: tests/faults/shim.c tests/faults/fault.h $(FIRST)
	@[ "`uname`" = Linux ] || { echo "make faults needs Linux with glibc" >&2; exit 1; }
	$(CC) -std=gnu11 -I. $(OPTIMISED) -Wall -Wextra $(CFLAGS) -shared -fPIC -o $@ \
		tests/faults/shim.c -ldl

# The server in the header's example, on any free port.
build/length_srv: loop/stream_server.h build/libkit.a
	sed -n '/^ \*     #include "loop/,/^ \*     cc /s/^ \*//p' loop/stream_server.h | \
		sed -e '/^     cc /d' -e 's/\.port = 4000/.port = 0/' >$@.c
	$(COMPILE) $(LDFLAGS) -o $@ $@.c build/libkit.a $(LDLIBS)
