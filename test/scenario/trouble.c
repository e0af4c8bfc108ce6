/*
 * trouble.c: hubs and a store that do not do what they should, and operators who change things meanwhile.
 */
#include "scenario/scene.h"

/* --- hubs --- */

static void a_hub_that_wakes_after_31_seconds_gets_the_device(void **state)
{
	struct scene *s = *state;
	struct heard *h, *poll;

	scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->mood = MOOD_SILENT;
	h = scene_register(s, "dev-1");
	scene_advance(s, 31000);
	assert_int_equal(h->status, 202);
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	scene_advance(s, REGISTRATION_DEADLINE_MS - 31000);
	poll = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(poll, HUB1, "dev-1", "initialAssignment");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB1));
}

static void a_hub_that_stays_dead_is_a_failure_and_the_next_register_finds_it_well(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->mood = MOOD_UNREACHABLE;
	h = scene_register(s, "dev-1");
	scene_advance(s, REGISTRATION_DEADLINE_MS);
	assert_int_equal(h->status, 202);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 1000);
	assert_string_equal(heard_text(h, "status"), "failed");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(h->json, "registrationState"), "errorCode")), 503001);
	assert_int_equal(provision_running(s->provision), 0);
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	scene_advance(s, 120000); /* a breaker may be open for a while */
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "initialAssignment");
}

/* hub-api.md 5.3: what a hub says, and what the device hears of it in the end. */
static const struct {
	enum mood mood;
	int code;
	const char *says;
} failures[] = {
	{MOOD_UNREACHABLE, 503001, "could not be reached"},
	{MOOD_SILENT, 503001, "could not be reached"},
	{MOOD_BROKEN, 503001, "could not be reached"},
	{MOOD_THROTTLING, 503001, "could not be reached"},
	{MOOD_REFUSING, 400209, "ErrorCode:IotHubUnauthorizedAccess"},
	{MOOD_RUBBISH, 500001, "no usable answer"},
};

static void every_way_of_a_hub_to_fail_ends_in_a_clear_failure_and_is_overcome(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct scene *s = *state;
		struct heard *h;
		json_t *told;

		scene_enrollment(s, "dev-1", HUB1);
		scene_hub(s, HUB1)->mood = failures[i].mood;
		h = scene_register_fully(s, "dev-1");
		told = json_object_get(h->json, "registrationState");
		assert_string_equal(heard_text(h, "status"), "failed");
		assert_int_equal(json_integer_value(json_object_get(told, "errorCode")), failures[i].code);
		assert_non_null(strstr(heard_state(h, "errorMessage"), failures[i].says));
		assert_non_null(scene_attempt(s, "dev-1"));
		assert_int_equal(scene_attempt(s, "dev-1")->error_code, failures[i].code);
		scene_hub(s, HUB1)->mood = MOOD_WELL;
		scene_advance(s, 120000);
		assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "initialAssignment");
		assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 0);
		scene_end(state);
		scene_begin(state);
	}
}

static void a_lost_answer_does_not_make_two_of_one(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->mood = MOOD_FORGETFUL;
	h = scene_register(s, "dev-1");
	scene_advance(s, 3000);
	assert_int_equal(h->status, 202);
	assert_int_equal(scene_hub(s, HUB1)->device_count, 1);
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	scene_advance(s, 30000);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", NULL);
	assert_int_equal(scene_hub(s, HUB1)->device_count, 1);
}

/* It may exist there; the device goes elsewhere; so it is looked for and removed. */
static void what_may_have_been_made_on_a_hub_that_failed_is_cleared_when_the_device_lands_elsewhere(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);
	struct heard *h;

	scene_hub(s, HUB1)->mood = MOOD_FORGETFUL;
	h = scene_register_fully(s, "dev-1");
	assert_string_equal(heard_text(h, "status"), "failed");
	assert_int_equal(scene_hub(s, HUB1)->device_count, 1);
	assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 1);
	assert_int_equal(scene_record(s, "dev-1")->pending, 1);
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	e->iot_hubs.at[0] = SLICE(HUB2);
	scene_put(s, &noun_individual, e);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "initialAssignment");
	scene_advance(s, 300000);
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
}

static void one_dead_hub_does_not_slow_the_devices_of_the_other(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_enrollment(s, "dead-1", HUB1);
	scene_enrollment(s, "well-1", HUB2);
	scene_hub(s, HUB1)->mood = MOOD_SILENT;
	scene_register(s, "dead-1");
	scene_advance(s, 100);
	h = scene_register(s, "well-1");
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "well-1", "initialAssignment");
}

static void without_any_hub_the_registration_fails_with_400208(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_enrollment(s, "dev-1", NULL);
	scene_unlink(s, HUB1);
	scene_unlink(s, HUB2);
	h = scene_register(s, "dev-1");
	scene_advance(s, 0);
	assert_string_equal(heard_text(h, "status"), "failed");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(h->json, "registrationState"), "errorCode")), 400208);
	scene_link(s, HUB2);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "initialAssignment");
}

/* --- the store --- */

/* The n-th write fails, n = 1, 2, 3 ...: a 5xx and nothing half told, and the next register puts all in order. */
static void a_store_that_cannot_write_tells_the_device_to_come_again(void **state)
{
	int n;

	for (n = 0; n < 10; n++) {
		struct scene *s = *state;
		struct heard *h;

		scene_enrollment(s, "dev-1", HUB1);
		s->spare_writes = n;
		s->fail_writes = 1;
		h = scene_register(s, "dev-1");
		scene_advance(s, 0);
		if (s->fail_writes == 1)
			break;
		assert_refused(h, 500001);
		assert_int_equal(h->retry_after, 3);
		assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "initialAssignment");
		assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB1));
		scene_end(state);
		scene_begin(state);
	}
	assert_in_range(n, 2, 9);
}

/* Nobody asks again; it is found by itself. */
static void a_registration_that_a_full_store_left_unfinished_is_taken_up_later(void **state)
{
	struct scene *s = *state;

	scene_enrollment(s, "dev-1", HUB1);
	s->spare_writes = 1;
	s->fail_writes = 1;
	scene_register(s, "dev-1");
	scene_advance(s, 0);
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("assigning")));
	scene_advance(s, 120000);
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("assigned")));
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
}

/* --- operators --- */

/* The device waits for a slow hub, and meanwhile ... */
static struct heard *begin_slowly(struct scene *s, struct enrollment **e)
{
	struct heard *h;

	*e = scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->delay_ms = 5000;
	h = scene_register(s, "dev-1");
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	return h;
}

static void an_enrollment_deleted_meanwhile_leaves_nothing_behind(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;
	struct heard *h = begin_slowly(s, &e);

	/* As the service API does it: the record goes with the enrollment. */
	scene_delete(s, &noun_registration, scene_record(s, "dev-1"));
	scene_delete(s, &noun_individual, e);
	scene_advance(s, 30000);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_refused(h, 404201);
	assert_null(scene_record(s, "dev-1"));
	assert_int_equal(scene_hub(s, HUB1)->device_count, 0);
	assert_int_equal(provision_running(s->provision), 0);
}

static void a_record_deleted_meanwhile_is_a_first_assignment_again(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;
	struct heard *h = begin_slowly(s, &e), *poll;

	scene_delete(s, &noun_registration, scene_record(s, "dev-1"));
	scene_advance(s, 30000);
	poll = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(poll, HUB1, "dev-1", "initialAssignment");
	assert_int_equal(scene_hub(s, HUB1)->device_count, 1);
}

static void an_enrollment_edited_meanwhile_counts_at_the_next_register(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;
	struct heard *h = begin_slowly(s, &e);

	e->iot_hubs.at[0] = SLICE(HUB2);
	scene_put(s, &noun_individual, e);
	scene_advance(s, 20000);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(h, HUB1, "dev-1", "initialAssignment");
	scene_hub(s, HUB1)->delay_ms = 0;
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataMigrated");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
}

static void an_enrollment_disabled_meanwhile_ends_disabled(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;
	struct heard *h = begin_slowly(s, &e), *again;

	e->provisioning_status = SLICE("disabled");
	scene_put(s, &noun_individual, e);
	again = scene_register(s, "dev-1");
	scene_advance(s, 0);
	assert_string_equal(heard_text(again, "status"), "disabled");
	scene_advance(s, 30000);
	scene_hub(s, HUB1)->delay_ms = 0;
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 120000);
	assert_string_equal(heard_text(h, "status"), "disabled");
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("disabled")));
	assert_int_equal(scene_hub(s, HUB1)->device_count, 0);
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
}

static void a_hub_unlinked_meanwhile_is_left_at_the_next_register(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;

	begin_slowly(s, &e);
	scene_unlink(s, HUB1);
	scene_advance(s, 30000);
	scene_hub(s, HUB1)->delay_ms = 0;
	e->iot_hubs = (struct slices){0};
	e->allocation_policy = NO_SLICE;
	scene_put(s, &noun_individual, e);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataReset");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
}

const struct CMUnitTest trouble_tests[] = {
	SCENE_TEST(a_hub_that_wakes_after_31_seconds_gets_the_device),
	SCENE_TEST(a_hub_that_stays_dead_is_a_failure_and_the_next_register_finds_it_well),
	SCENE_TEST(every_way_of_a_hub_to_fail_ends_in_a_clear_failure_and_is_overcome),
	SCENE_TEST(a_lost_answer_does_not_make_two_of_one),
	SCENE_TEST(what_may_have_been_made_on_a_hub_that_failed_is_cleared_when_the_device_lands_elsewhere),
	SCENE_TEST(one_dead_hub_does_not_slow_the_devices_of_the_other),
	SCENE_TEST(without_any_hub_the_registration_fails_with_400208),
	SCENE_TEST(a_store_that_cannot_write_tells_the_device_to_come_again),
	SCENE_TEST(a_registration_that_a_full_store_left_unfinished_is_taken_up_later),
	SCENE_TEST(an_enrollment_deleted_meanwhile_leaves_nothing_behind),
	SCENE_TEST(a_record_deleted_meanwhile_is_a_first_assignment_again),
	SCENE_TEST(an_enrollment_edited_meanwhile_counts_at_the_next_register),
	SCENE_TEST(an_enrollment_disabled_meanwhile_ends_disabled),
	SCENE_TEST(a_hub_unlinked_meanwhile_is_left_at_the_next_register),
};
const size_t trouble_test_count = sizeof(trouble_tests) / sizeof(trouble_tests[0]);
