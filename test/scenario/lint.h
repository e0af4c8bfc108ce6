/*
 * lint.h: what every answer must be, whatever it says (device-api.md 5.6, 5.7, 19 row 3).
 */
#ifndef BERTH_TEST_SCENARIO_LINT_H
#define BERTH_TEST_SCENARIO_LINT_H

#include "provision/provision.h"

/* Fails the test when some client would stumble over it. `op` is what was asked. */
void lint_answer(enum device_op op, const struct device_answer *answer);

#endif
