/* Regions and coordinates of hubs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "allocate/region.h"

static void names_are_found_however_they_are_spelled(void **state)
{
	static const char *const spellings[] = {"westeurope", "West Europe", "WEST EUROPE", "west-europe", "West_Europe "};
	struct coordinates at;

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		assert_true(region_find(slice_str(spellings[i]), &at));
		assert_true(at.latitude > 52 && at.latitude < 53 && at.longitude > 4 && at.longitude < 6);
	}
	assert_true(region_find(SLICE("46.2,6.1"), &at));
	assert_true(at.latitude > 46 && at.longitude > 6);
}

static void what_nobody_knows_is_not_guessed(void **state)
{
	static const char *const unknown[] = {"", "local", "west", "westeurope3", "here, there", "200,5",
					      "a location whose name is longer than the name of any region that there is"};
	struct coordinates at;

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(region_find(slice_str(unknown[i]), &at));
	assert_false(region_find(NO_SLICE, &at));
}

/* A slip in the table shows as a place on another continent than its name says. */
static void the_table_is_plausible(void **state)
{
	static const struct {
		const char *part;
		double south, north, west, east;
	} continents[] = {{"europe", 40, 62, -11, 25}, {"france", 42, 51, -5, 8},   {"germany", 47, 55, 5, 15},   {"us", 24, 50, -125, -66},
			  {"canada", 42, 60, -130, -52}, {"australia", -44, -10, 112, 154}, {"india", 8, 35, 68, 90}, {"china", 18, 54, 73, 135},
			  {"japan", 30, 46, 129, 146},   {"africa", -35, 37, -18, 52},    {"brazil", -34, 6, -74, -34}, {"korea", 33, 39, 125, 130}};
	struct coordinates here;
	const char *name, *before = "";
	size_t count = 0;

	(void)state;
	for (size_t at = 0; (name = region_each(&at, &here)) != NULL; before = name, count++) {
		assert_true(coordinates_good(&here));
		assert_true(strcmp(before, name) < 0); /* in order, so none is there twice */
		for (size_t i = 0; i < sizeof(continents) / sizeof(continents[0]); i++) {
			const char *found = strstr(name, continents[i].part);

			/* "us" stands in "australia" and "austria" too. */
			if (found == NULL || (strcmp(continents[i].part, "us") == 0 && strncmp(name, "aus", 3) == 0))
				continue;
			if (here.latitude < continents[i].south || here.latitude > continents[i].north || here.longitude < continents[i].west ||
			    here.longitude > continents[i].east)
				fail_msg("%s is not where its name says", name);
		}
	}
	assert_true(count > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_however_they_are_spelled),
		cmocka_unit_test(what_nobody_knows_is_not_guessed),
		cmocka_unit_test(the_table_is_plausible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
