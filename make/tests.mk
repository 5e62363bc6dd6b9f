# The tests: a part of the Makefile.

tests: $(TESTS) $(TEST_SERVERS) build/length_srv build/follow

test: build/check-is-there all tests
	MAKE="$(MAKE)" tests/run $(TESTS)

faults: all build/faults build/faults.so
	build/faults

fuzz: $(FIRST)
	FUZZ_SECONDS="$(FUZZ_SECONDS)" tests/fuzz/run

# A test may use all that its system has, which the BSDs hide from a program that asks for
# POSIX only.
ALL_OF_SYSTEM = -U_POSIX_C_SOURCE -D_GNU_SOURCE
TEST_CFLAGS = $(ALL_OF_SYSTEM) $(CHECK_CFLAGS)

# pkg-config knows where Check is if the compiler does not.
CHECK_CFLAGS = `pkg-config --cflags check 2>/dev/null`
CHECK_LIBS = `pkg-config --libs check 2>/dev/null || echo -lcheck`

build/check-is-there: $(DEPS) $(FIRST)
	@mkdir -p $(@D)
	@echo '#include <check.h>' | $(COMPILE) $(CHECK_CFLAGS) -E -x c - >/dev/null 2>&1 || \
	{ echo "The tests need Check: 'make deps' installs it." >&2; exit 1; }
	@touch $@

build/libtest.a: $(HARNESS)
	rm -f $@
	$(AR) rc $@ $(HARNESS)

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
