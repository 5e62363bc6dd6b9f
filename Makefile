# netlab: a networking lab in C. For GNU make and BSD make.
#
#   make        build every program into bin/
#   make run    build the chat server and start it (make run ARGS='-p 4000')
#   make deps   install what the tests and the benches need
#   make test   build and run every test
#   make bench  measure the servers beside others, in under ten minutes
#   make format lay the sources out as .clang-format has it
#   make clean  remove all that was built

# CFLAGS is for whoever builds it (BSD make has a value of its own), and wins.
OPTIMISED = -O2 -g
CHECKED = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# The second lets a 32-bit system have files of 2 GiB and more.
STANDARD = -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64
COMPILE = $(CC) $(STANDARD) -I. $(OPTIMISED) $(CHECKED) $(CPPFLAGS) $(CFLAGS)
LINK = mkdir -p $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -o $@

PROGRAMS = bin/pchatsrv bin/echo_srv bin/dgram_srv bin/echo_cli bin/dgram_cli \
	bin/chat_cli bin/watch_cli bin/resolve bin/sockopts bin/threat_cli bin/http_get \
	bin/irc_bot bin/irc_relay \
	bin/hello_srv bin/name_srv bin/threat_srv bin/web_srv bin/echo_fork bin/echo_thread \
	bin/chat_naive
BENCHES = bin/chat_load bin/echo_load bin/bare_sends bin/echo_select_blocking \
	bin/dgram_select_blocking
TESTS = build/test_transcript build/test_input build/test_sockets build/test_chat \
	build/test_chat_server build/test_telnet build/test_echo build/test_dgram \
	build/test_labs build/test_threat build/test_line_edit build/test_chat_cli \
	build/test_watch build/test_resolve build/test_sockopts build/test_http \
	build/test_http_get build/test_web_srv build/test_irc build/test_irc_bot \
	build/test_irc_relay build/test_relay_way build/test_bench build/test_stream_server
FIGURES = build/test_figures

KIT = options.o net/address.o net/append.o net/clock.o net/datagram.o net/descriptor.o net/dial.o \
	net/http.o net/irc.o net/keepalive.o net/line.o net/listener.o net/log.o net/number.o \
	net/program.o net/server.o net/signals.o net/telnet.o net/terminal.o net/text.o \
	net/transcript.o net/url.o
CHAT = pchatsrv.o chat_commands.o chat_readers.o
GENERATOR = bench/child.o bench/generator.o bench/histogram.o bench/report.o
LOAD = bench/chat_load.o bench/chat_clients.o bench/chat_join.o bench/chat_line.o \
	bench/chat_run.o $(GENERATOR)
ECHO_LOAD = bench/echo_load.o bench/echo_run.o bench/echo_stream.o bench/echo_datagram.o \
	$(GENERATOR)
BARE_SENDS = bench/bare_sends.o $(GENERATOR)
YARDSTICKS = bench/echo_select_blocking.o bench/dgram_select_blocking.o bench/echo_epoll.o
HARNESS = tests/harness.o tests/ngircd.o tests/person.o tests/room.o tests/screen.o
LINE_EDIT = clients/line_edit.o clients/columns.o
CHAT_CLI = clients/chat_cli.o clients/chat_screen.o clients/chat_names.o \
	$(LINE_EDIT)
IRC = clients/irc_options.o clients/irc_session.o clients/line_queue.o
IRC_BOT = clients/irc_bot.o $(IRC)
IRC_RELAY = clients/irc_relay.o clients/relay_way.o clients/room_link.o $(IRC)
# Modules of programs that have a test by themselves.
TESTED = $(LINE_EDIT) clients/relay_way.o clients/line_queue.o bench/histogram.o bench/report.o
HTTP_GET = clients/http_get.o clients/save.o
CLIENTS = clients/threat_cli.o clients/echo_cli.o clients/dgram_cli.o $(CHAT_CLI) \
	clients/watch_cli.o clients/resolve.o clients/sockopts.o $(HTTP_GET) \
	clients/irc_bot.o $(IRC_RELAY)
WEB_SRV = labs/web_srv.o labs/web_file.o
STREAM_SERVER = labs/stream_server.o build/libkit.a
LABS = labs/chat_naive.o labs/echo_blocking.o labs/echo_fork.o labs/echo_thread.o \
	labs/fetch.o labs/threat_srv.o labs/hello_srv.o labs/name_srv.o labs/stream_server.o \
	$(WEB_SRV)

OBJECTS = $(CHAT) echo_srv.o dgram_srv.o $(CLIENTS) $(KIT) $(LABS) $(LOAD) \
	$(ECHO_LOAD) $(BARE_SENDS) $(YARDSTICKS) $(HARNESS) \
	tests/bad_server.o tests/loop_srv.o

all: $(PROGRAMS) $(BENCHES)

run: bin/pchatsrv
	bin/pchatsrv $(ARGS)

deps:
	tests/install-deps

tests: $(TESTS) $(FIGURES)

test: build/check-is-there all tests
	tests/run $(TESTS) $(FIGURES)

# Linux alone has the epoll server. bench-docs takes a run's table and pictures over into
# the README.
bench: all
	@[ "`uname`" != Linux ] || $(MAKE) bin/echo_epoll
	CC="$(CC)" CFLAGS="$(OPTIMISED) $(CFLAGS)" exec bench/run

bench-docs:
	bench/publish bench/results

clean:
	rm -rf bin build
	rm -f *.[od] */*.[od]

format:
	clang-format -i *.[ch] */*.[ch]

.PHONY: all run deps tests test bench bench-docs clean format

# The programs. Those of one object are linked by one rule for each directory.

bin/echo_srv bin/dgram_srv: build/libkit.a
	$(LINK) $(@F).o build/libkit.a $(LDLIBS)

bin/echo_srv: echo_srv.o
bin/dgram_srv: dgram_srv.o

bin/echo_cli bin/dgram_cli bin/watch_cli bin/resolve bin/sockopts bin/threat_cli: build/libkit.a
	$(LINK) clients/$(@F).o build/libkit.a $(LDLIBS)

bin/echo_cli: clients/echo_cli.o
bin/dgram_cli: clients/dgram_cli.o
bin/watch_cli: clients/watch_cli.o
bin/resolve: clients/resolve.o
bin/sockopts: clients/sockopts.o
bin/threat_cli: clients/threat_cli.o

bin/hello_srv bin/name_srv: $(STREAM_SERVER)
	$(LINK) labs/$(@F).o $(STREAM_SERVER) $(LDLIBS)

bin/hello_srv: labs/hello_srv.o
bin/name_srv: labs/name_srv.o

bin/pchatsrv: $(CHAT) build/libkit.a
	$(LINK) $(CHAT) build/libkit.a $(LDLIBS)

bin/chat_cli: $(CHAT_CLI) build/libkit.a
	$(LINK) $(CHAT_CLI) build/libkit.a $(LDLIBS)

bin/threat_srv: labs/threat_srv.o labs/fetch.o $(STREAM_SERVER)
	$(LINK) labs/threat_srv.o labs/fetch.o $(STREAM_SERVER) $(LDLIBS)

bin/echo_fork: labs/echo_fork.o labs/echo_blocking.o build/libkit.a
	$(LINK) labs/echo_fork.o labs/echo_blocking.o build/libkit.a $(LDLIBS)

# POSIX threads are in libc, or in libpthread, which -pthread finds.
bin/echo_thread: labs/echo_thread.o labs/echo_blocking.o build/libkit.a
	$(LINK) -pthread labs/echo_thread.o labs/echo_blocking.o build/libkit.a $(LDLIBS)

bin/web_srv: $(WEB_SRV) $(STREAM_SERVER)
	$(LINK) $(WEB_SRV) $(STREAM_SERVER) $(LDLIBS)

bin/http_get: $(HTTP_GET) build/libkit.a
	$(LINK) $(HTTP_GET) build/libkit.a $(LDLIBS)

bin/irc_bot: $(IRC_BOT) build/libkit.a
	$(LINK) $(IRC_BOT) build/libkit.a $(LDLIBS)

bin/irc_relay: $(IRC_RELAY) build/libkit.a
	$(LINK) $(IRC_RELAY) build/libkit.a $(LDLIBS)

bin/chat_naive: labs/chat_naive.o
	$(LINK) labs/chat_naive.o $(LDLIBS)

bin/chat_load: $(LOAD) build/libkit.a
	$(LINK) $(LOAD) build/libkit.a $(LDLIBS)

bin/echo_load: $(ECHO_LOAD) build/libkit.a
	$(LINK) $(ECHO_LOAD) build/libkit.a $(LDLIBS)

bin/bare_sends: $(BARE_SENDS) build/libkit.a
	$(LINK) $(BARE_SENDS) build/libkit.a $(LDLIBS)

bin/echo_select_blocking: bench/echo_select_blocking.o
	$(LINK) bench/echo_select_blocking.o $(LDLIBS)

bin/dgram_select_blocking: bench/dgram_select_blocking.o
	$(LINK) bench/dgram_select_blocking.o $(LDLIBS)

# Linux alone has epoll, so this is not one of "all".
bin/echo_epoll: bench/echo_epoll.o
	$(LINK) bench/echo_epoll.o $(LDLIBS)

build/libkit.a: $(KIT)
	mkdir -p $(@D)
	rm -f $@
	$(AR) rc $@ $(KIT)

# The tests. pkg-config knows where Check is if the compiler does not.

CHECK_CFLAGS = `pkg-config --cflags check 2>/dev/null`
CHECK_LIBS = `pkg-config --libs check 2>/dev/null || echo -lcheck`

build/check-is-there:
	@mkdir -p $(@D)
	@echo '#include <check.h>' | $(COMPILE) $(CHECK_CFLAGS) -E -x c - >/dev/null 2>&1 || \
	{ echo "The tests need Check: 'make deps' installs it." >&2; exit 1; }
	@touch $@

$(HARNESS): build/check-is-there
	$(COMPILE) $(CHECK_CFLAGS) -MMD -MP -c -o $@ $(@:.o=.c)

build/libtest.a: $(HARNESS) $(TESTED)
	rm -f $@
	$(AR) rc $@ $(HARNESS) $(TESTED)

# One rule for all tests: each takes from the libraries what it needs.
$(TESTS) $(FIGURES): build/libtest.a build/libkit.a
	$(COMPILE) $(CHECK_CFLAGS) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ tests/$(@F).c \
		build/libtest.a build/libkit.a $(CHECK_LIBS) $(LDLIBS)

build/test_bench: build/bad_server $(BENCHES)
build/test_stream_server build/test_figures: build/loop_srv
build/test_stream_server: build/length_srv

# The server that stands in the header, on any free port.
build/length_srv: labs/stream_server.h $(STREAM_SERVER)
	sed -n '/^ \*     #include "labs/,/^ \*     cc /s/^ \*//p' labs/stream_server.h | \
		sed -e '/^     cc /d' -e 's/\.port = 4000/.port = 0/' >$@.c
	$(COMPILE) $(LDFLAGS) -o $@ $@.c $(STREAM_SERVER) $(LDLIBS)

build/loop_srv: tests/loop_srv.o $(STREAM_SERVER)
	$(LINK) tests/loop_srv.o $(STREAM_SERVER) $(LDLIBS)

build/bad_server: tests/bad_server.o build/libkit.a
	$(LINK) tests/bad_server.o build/libkit.a $(LDLIBS)

# What includes a header, or is made of a source, is made again when it has changed: the
# compiler writes down which (the .d files).

.SUFFIXES: .c .o
.c.o:
	$(COMPILE) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d) $(TESTS:=.d) $(FIGURES:=.d)
