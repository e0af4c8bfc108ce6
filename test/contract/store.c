/*
 * store.c: what every database must do for Berth.
 *
 * The suite runs once for each line of store/drivers.def, from the day the line is there.
 */
#include "contract/store_scene.h"

static const char *const drivers[] = {
#define DRIVER(d) #d,
#include "store/drivers.def"
#undef DRIVER
};

static int run_group(const char *what, const struct CMUnitTest *tests, size_t count)
{
	char name[64];

	snprintf(name, sizeof(name), "%s: %s", scene_driver, what);
	return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		scene_driver = drivers[i];
		failed += run_group("records", store_record_tests, store_record_test_count);
		failed += run_group("questions", store_question_tests, store_question_test_count);
		failed += run_group("crashes", store_crash_tests, store_crash_test_count);
	}
	return failed;
}
