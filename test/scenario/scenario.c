/*
 * scenario.c: all scenarios, file by file.
 */
#include "base/log.h"
#include "scenario/scene.h"

#define RUN(group) failed += _cmocka_run_group_tests(#group, group##_tests, group##_test_count, NULL, NULL)

int main(void)
{
	int failed = 0;

	log_set_level(getenv("SCENARIO_LOG") ? LOG_DEBUG : LOG_ERROR);
	RUN(first);
	RUN(again);
	RUN(trouble);
	RUN(refusal);
	RUN(connect);
	RUN(x509);
	RUN(tpm);
	RUN(custom);
	RUN(foretold);
	RUN(crash);
	return failed;
}
