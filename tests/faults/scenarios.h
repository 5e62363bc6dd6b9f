#ifndef TESTS_FAULTS_SCENARIOS_H
#define TESTS_FAULTS_SCENARIOS_H

#include "tests/faults/script.h"

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

#endif
