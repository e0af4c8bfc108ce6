#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

#define ROOM 65536

static void an_empty_record_has_nothing(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct linked_hub *hub = noun_new(&noun_linked_hub, a);

	(void)state;
	assert_non_null(hub);
	assert_true(hub->weight == INT_NONE);
	assert_int_equal(hub->apply, FLAG_NONE);
	assert_true(slice_absent(hub->name));
	arena_free(&a);
}

static void clearing_forgets_everything(void **state)
{
	struct registration_record r = {.name = SLICE("x"), .error_code = 5, .created = 7, .leftovers = {.n = 1, .given = true}};

	(void)state;
	noun_clear(&noun_registration, &r);
	assert_true(slice_absent(r.name));
	assert_true(r.error_code == INT_NONE && r.created == 0 && r.leftovers.n == 0 && !r.leftovers.given);
}

static void a_copy_stands_on_its_own(void **state)
{
	char name[] = "press-07", hub[] = "hub1";
	struct slice hubs[] = {slice_over(hub, 4), SLICE("")};
	struct arena *a = arena_new(ROOM);
	struct enrollment e, *copy;

	(void)state;
	noun_clear(&noun_individual, &e);
	e.name = slice_str(name);
	e.provisioning_status = SLICE("");
	e.iot_hubs = (struct slices){.at = hubs, .n = 2, .given = true};
	e.iot_edge = FLAG_YES;
	e.created = 42;
	copy = noun_copy(&noun_individual, &e, a);
	assert_non_null(copy);
	memset(name, 'x', sizeof(name) - 1);
	memset(hub, 'x', sizeof(hub) - 1);
	hubs[1] = NO_SLICE;
	assert_true(slice_eq(copy->name, SLICE("press-07")));
	assert_true(slice_absent(copy->device_id));
	assert_true(!slice_absent(copy->provisioning_status) && copy->provisioning_status.n == 0);
	assert_int_equal(copy->iot_hubs.n, 2);
	assert_true(slice_eq(copy->iot_hubs.at[0], SLICE("hub1")));
	assert_false(slice_absent(copy->iot_hubs.at[1]));
	assert_int_equal(copy->iot_edge, FLAG_YES);
	assert_true(copy->created == 42);
	arena_free(&a);
}

/* The arena is made a little larger each time: a copy is whole, or there is none. */
static void a_copy_without_room_is_none(void **state)
{
	struct slice hubs[] = {SLICE("hub1.example.test"), SLICE("hub2.example.test")};
	struct enrollment e, *copy = NULL;
	int refused = 0;

	(void)state;
	noun_clear(&noun_individual, &e);
	e.name = SLICE("press-07");
	e.iot_hubs = (struct slices){.at = hubs, .n = 2, .given = true};
	e.certificate_policy = SLICE("the last row");
	for (size_t ceiling = 16; copy == NULL && ceiling < ROOM; ceiling += 16) {
		struct arena *a = arena_new(ceiling);

		if (a != NULL && (copy = noun_copy(&noun_individual, &e, a)) != NULL)
			assert_true(slice_eq(copy->certificate_policy, e.certificate_policy));
		else
			refused++;
		arena_free(&a);
	}
	assert_true(refused > 1);
	assert_non_null(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_record_has_nothing),
		cmocka_unit_test(clearing_forgets_everything),
		cmocka_unit_test(a_copy_stands_on_its_own),
		cmocka_unit_test(a_copy_without_room_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
