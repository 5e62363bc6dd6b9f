/*
 * server: the server that a test starts. The test may leave it running: run_cases() then
 * closes the test's sockets and stops it, as program_stop() does.
 */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include "tests/harness.h"

extern struct program server;

#endif
