/* Places and distances. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/globe.h"

static const struct coordinates zurich = {47.38, 8.54}, sydney = {-33.87, 151.21}, quito = {-0.18, -78.47};

static void known_distances_are_right(void **state)
{
	static const struct coordinates new_york = {40.71, -74.01}, pole = {90, 0}, other_pole = {-90, 77};

	(void)state;
	assert_true(fabs(globe_km(&zurich, &new_york) - 6320) < 60);
	assert_true(fabs(globe_km(&zurich, &sydney) - 16570) < 160);
	assert_true(fabs(globe_km(&pole, &other_pole) - 20015) < 1);
	assert_true(globe_km(&zurich, &zurich) < 0.001);
	assert_true(fabs(globe_km(&quito, &sydney) - globe_km(&sydney, &quito)) < 0.001);
}

static void across_the_date_line_is_near(void **state)
{
	static const struct coordinates east = {0, 179.9}, west = {0, -179.9};

	(void)state;
	assert_true(globe_km(&east, &west) < 25);
}

static void coordinates_are_read(void **state)
{
	struct coordinates at;

	(void)state;
	assert_true(coordinates_read(SLICE("47.38,8.54"), &at));
	assert_true(fabs(at.latitude - 47.38) < 1e-9 && fabs(at.longitude - 8.54) < 1e-9);
	assert_true(coordinates_read(SLICE(" -33.9 , +151 "), &at));
	assert_true(fabs(at.latitude + 33.9) < 1e-9 && fabs(at.longitude - 151) < 1e-9);
	assert_true(coordinates_read(SLICE("90,-180"), &at));
}

static void what_is_no_place_is_refused(void **state)
{
	static const char *const bad[] = {"",        ",",      "47.38",       "47.38,",  "91,0",  "0,181",  "nan,0",  "inf,0",
					  "0x10,1", "1e1,2", "1,2,3", "westeurope", "4 7,8", "--1,2", "1,000000000000000000000000000000000001"};
	struct coordinates at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (coordinates_read(slice_str(bad[i]), &at))
			fail_msg("%s was taken", bad[i]);
	assert_false(coordinates_read(NO_SLICE, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_distances_are_right),
		cmocka_unit_test(across_the_date_line_is_near),
		cmocka_unit_test(coordinates_are_read),
		cmocka_unit_test(what_is_no_place_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
