# netlab: a networking lab in C. For GNU make and BSD make. Everything that is built goes into
# bin/ and build/.
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

all:

# These two write what the compiler and the linker take (DEPENDS, HARDENED, HARDENED_LINK), and
# a rule for each source.
GOALS = $(MAKECMDGOALS) $(.TARGETS)
FLAGS != make/flags $(COMPILE) $(LDFLAGS)
RULES != make/rules $(GOALS)
include build/flags.mk
include build/rules.mk

# GNU make 3.81, which macOS has, does not know "!=". It finds this rule for the files that it
# should include, and begins again.
OLD_MAKE = $(filter 3.%,$(MAKE_VERSION))
build/flags.mk build/rules.mk: $(OLD_MAKE)
	@make/flags $(COMPILE) $(LDFLAGS)
	@make/rules $(GOALS)

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
grade: all
	@set -- "$(LAB)" "$(PROGRAM)"; [ -n "$$2" ] || set -- "$$1" "mine/$$1.c"; \
	case $$2 in bin/*' '*) ;; bin/web_srv) set -- "$$1" "$$2 -d www -p %p" ;; \
	bin/*) set -- "$$1" "$$2 -p %p" ;; esac; \
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
	handout class install uninstall dist clean format $(OLD_MAKE)

# POSIX threads are in libc, or in a libpthread that this option finds.
LIBS_echo_thread = -pthread

# The page in web_chat, as numbers for an array of char.
build/labs/web_chat.o: build/web_chat.inc
build/web_chat.inc: labs/web_chat.html $(FIRST)
	@mkdir -p $(@D)
	od -An -v -tu1 labs/web_chat.html | sed 's/[0-9][0-9]*/&,/g; $$s/$$/ 0/' >$@

build/libkit.a: $(MODULES)
	rm -f $@
	$(AR) rc $@ $(MODULES)

include make/tests.mk
