/*
 * again.c: devices that register again: on the same hub, on another, or never (service-api.md 9.1, 14 row 16).
 */
#include "scenario/scene.h"

#define REPORTED "{\"fw\":\"1.2\"}"
#define DESIRED  "{\"rate\":7}"
#define TAGS     "{\"site\":\"south\"}"

/* The device is on HUB1, and has a life there. */
static struct enrollment *settled(struct scene *s)
{
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);
	struct fake_device *d;

	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "initialAssignment");
	d = fake_hub_find(scene_hub(s, HUB1), "dev-1");
	json_decref(d->desired);
	json_decref(d->reported);
	json_decref(d->tags);
	d->desired = json_loads(DESIRED, 0, NULL);
	d->reported = json_loads(REPORTED, 0, NULL);
	d->tags = json_loads(TAGS, 0, NULL);
	return e;
}

static void set_policy(struct scene *s, struct enrollment *e, enum flag update, enum flag migrate, const char *hub)
{
	e->update_hub = update;
	e->migrate_data = migrate;
	e->iot_hubs.at[0] = slice_str(hub);
	scene_put(s, &noun_individual, e);
}

static void assert_twin(struct scene *s, const char *hub, const char *tags, const char *desired, const char *reported)
{
	struct fake_device *d = fake_hub_find(scene_hub(s, hub), "dev-1");

	assert_non_null(d);
	assert_json(d->tags, tags);
	assert_json(d->desired, desired);
	assert_json(d->reported, reported);
}

struct matrix {
	enum flag update, migrate;
	const char *hub, *lands, *substatus;
	bool old_twin; /* the life it had, rather than the initial twin */
};

static const struct matrix matrix[] = {
	{FLAG_YES, FLAG_YES, HUB1, HUB1, "reprovisionedToInitialAssignment", true},
	{FLAG_YES, FLAG_NO, HUB1, HUB1, "reprovisionedToInitialAssignment", true},
	{FLAG_NO, FLAG_NO, HUB1, HUB1, "initialAssignment", true},
	{FLAG_NO, FLAG_YES, HUB1, HUB1, "initialAssignment", true},
	{FLAG_NONE, FLAG_NONE, HUB1, HUB1, "reprovisionedToInitialAssignment", true},
	{FLAG_YES, FLAG_YES, HUB2, HUB2, "deviceDataMigrated", true},
	{FLAG_YES, FLAG_NO, HUB2, HUB2, "deviceDataReset", false},
	{FLAG_NO, FLAG_NO, HUB2, HUB1, "initialAssignment", true},
	{FLAG_NO, FLAG_YES, HUB2, HUB1, "initialAssignment", true},
	{FLAG_NONE, FLAG_NONE, HUB2, HUB2, "deviceDataMigrated", true},
};

static void play_matrix(struct scene *s, const struct matrix *m)
{
	struct enrollment *e = settled(s);
	struct registration_record *record;

	set_policy(s, e, m->update, m->migrate, m->hub);
	assert_assigned(scene_register_fully(s, "dev-1"), m->lands, "dev-1", m->substatus);
	assert_string_equal(scene_only_hub(s, "dev-1")->name, m->lands);
	if (m->old_twin)
		assert_twin(s, m->lands, TAGS, DESIRED, REPORTED);
	else
		assert_twin(s, m->lands, "{\"site\":\"north\"}", "{\"rate\":5}", "{}");
	record = scene_record(s, "dev-1");
	assert_true(slice_eq(record->assigned_hub, slice_str(m->lands)));
	assert_int_equal(record->pending, INT_NONE);
	assert_int_equal(record->leftovers.n, 0);
}

static void the_three_policies_say_where_it_lands_and_with_which_twin(void **state)
{
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		if (i > 0) {
			scene_end(state);
			scene_begin(state);
		}
		play_matrix(*state, &matrix[i]);
	}
}

static void never_asks_no_hub_and_repeats_the_operation(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);
	struct heard *one = scene_register_fully(s, "dev-1"), *two;
	int calls = scene_hub(s, HUB1)->calls;

	set_policy(s, e, FLAG_NO, FLAG_NO, HUB2);
	s->fail_writes = 1;
	two = scene_register(s, "dev-1");
	scene_advance(s, 0);
	assert_string_equal(one->body, two->body);
	assert_int_equal(scene_hub(s, HUB1)->calls, calls);
	assert_int_equal(s->fail_writes, 1);
	s->fail_writes = 0;
}

static void on_the_same_hub_new_keys_are_put_right(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	const char *key;
	struct fake_device *d;

	e->primary_key = scene_key(s, "rolled");
	key = arena_str(s->arena, e->primary_key);
	scene_put(s, &noun_individual, e);
	scene_register_with(s, "dev-1", scene_token(s, "dev-1", "rolled", false));
	scene_advance(s, 0);
	d = fake_hub_find(scene_hub(s, HUB1), "dev-1");
	assert_string_equal(json_string_value(json_object_get(json_object_get(d->authentication, "symmetricKey"), "primaryKey")), key);
	assert_twin(s, HUB1, TAGS, DESIRED, REPORTED);
}

static void an_identity_that_is_gone_is_made_again_from_the_initial_twin(void **state)
{
	struct scene *s = *state;

	settled(s);
	fake_hub_drop(scene_hub(s, HUB1), "dev-1");
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "reprovisionedToInitialAssignment");
	assert_twin(s, HUB1, "{\"site\":\"north\"}", "{\"rate\":5}", "{}");
}

static void a_new_device_id_is_a_move_on_the_same_hub(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	struct fake_device *d;

	e->device_id = SLICE("press-7");
	scene_put(s, &noun_individual, e);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "press-7", "deviceDataMigrated");
	assert_null(fake_hub_find(scene_hub(s, HUB1), "dev-1"));
	d = fake_hub_find(scene_hub(s, HUB1), "press-7");
	assert_json(d->reported, REPORTED);
}

/* The twin cannot be had any more, and waiting would not bring it back. */
static void a_former_hub_that_is_unlinked_lets_the_device_start_afresh(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);

	set_policy(s, e, FLAG_YES, FLAG_YES, HUB2);
	scene_unlink(s, HUB1);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataReset");
	assert_twin(s, HUB2, "{\"site\":\"north\"}", "{\"rate\":5}", "{}");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	/* It still lies there, and is remembered without anybody looking for it. */
	assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 1);
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
	/* Linked again, it is cleared with the next register. */
	scene_link(s, HUB1);
	scene_register_fully(s, "dev-1");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 0);
}

static void a_former_hub_that_does_not_answer_keeps_the_device_and_nothing_is_lost(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	struct heard *h;

	set_policy(s, e, FLAG_YES, FLAG_YES, HUB2);
	scene_hub(s, HUB1)->mood = MOOD_UNREACHABLE;
	h = scene_register_fully(s, "dev-1");
	assert_string_equal(heard_text(h, "status"), "failed");
	assert_true(slice_eq(scene_record(s, "dev-1")->assigned_hub, SLICE(HUB1)));
	assert_null(fake_hub_find(scene_hub(s, HUB2), "dev-1"));
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	scene_advance(s, 120000); /* a breaker may be open for a while */
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataMigrated");
	assert_twin(s, HUB2, TAGS, DESIRED, REPORTED);
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
}

static void a_former_hub_that_cannot_be_cleared_does_not_hold_up_the_answer_and_is_cleared_later(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	struct heard *h;

	set_policy(s, e, FLAG_YES, FLAG_NO, HUB2);
	scene_hub(s, HUB1)->mood = MOOD_SILENT;
	h = scene_register(s, "dev-1");
	scene_advance(s, REGISTRATION_FIRST_ANSWER_MS);
	assert_assigned(h, HUB2, "dev-1", "deviceDataReset");
	assert_int_equal(scene_record(s, "dev-1")->pending, 1);
	scene_advance(s, 20000);
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	scene_advance(s, 300000);
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
	assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 0);
	assert_true(
		slice_eq(scene_record(s, "dev-1")->etag, slice_str(heard_state(h, "etag")))); /* clearing up is nothing that anybody sees */
}

/* Back to the hub where an old identity still lies: it must not come back to life with its old twin. */
static void moving_back_to_where_a_leftover_lies_brings_the_twin_along(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);

	set_policy(s, e, FLAG_YES, FLAG_NO, HUB2);
	scene_hub(s, HUB1)->mood = MOOD_UNREACHABLE;
	scene_register(s, "dev-1");
	scene_advance(s, 20000);
	assert_non_null(fake_hub_find(scene_hub(s, HUB1), "dev-1"));
	scene_hub(s, HUB1)->mood = MOOD_WELL;
	set_policy(s, e, FLAG_YES, FLAG_YES, HUB1);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "deviceDataMigrated");
	assert_twin(s, HUB1, "{\"site\":\"north\"}", "{\"rate\":5}", "{}");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB1));
	assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 0);
}

static void the_operation_before_is_still_answered(void **state)
{
	struct scene *s = *state;
	struct heard *one, *two, *poll;

	scene_enrollment(s, "dev-1", HUB1);
	one = scene_register_fully(s, "dev-1");
	two = scene_register_fully(s, "dev-1");
	assert_string_not_equal(heard_text(one, "operationId"), heard_text(two, "operationId"));
	poll = scene_poll(s, "dev-1", heard_text(one, "operationId"));
	scene_advance(s, 0);
	assert_assigned(poll, HUB1, "dev-1", NULL);
	assert_string_equal(heard_text(poll, "operationId"), heard_text(one, "operationId"));
	assert_string_equal(heard_state(one, "createdDateTimeUtc"), heard_state(two, "createdDateTimeUtc"));
}

/* The same hub is slow: nothing was announced, but the first answer has to be on disk. */
static void a_slow_check_on_the_same_hub_is_announced_before_it_is_answered(void **state)
{
	struct scene *s = *state;
	struct heard *h, *poll;

	settled(s);
	scene_hub(s, HUB1)->delay_ms = 4000;
	h = scene_register(s, "dev-1");
	scene_advance(s, 2000);
	assert_int_equal(h->status, 202);
	assert_true(slice_eq(scene_record(s, "dev-1")->operation_id, slice_str(heard_text(h, "operationId"))));
	assert_true(slice_eq(scene_record(s, "dev-1")->assigned_hub, SLICE(HUB1)));
	scene_advance(s, 20000);
	poll = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(poll, HUB1, "dev-1", "reprovisionedToInitialAssignment");
	assert_twin(s, HUB1, TAGS, DESIRED, REPORTED);
}

/* service-api.md 7.2, geoLatency: a device goes with its hub's distance, once that is measured. */
static void a_device_of_lowest_latency_moves_when_its_hub_is_known_to_be_farther(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);

	scene_enrollment(s, "dev-2", HUB2);
	scene_register_fully(s, "dev-2");
	e->allocation_policy = SLICE("geoLatency");
	e->iot_hubs = (struct slices){0};
	scene_put(s, &noun_individual, e);
	s->round_trips_us[0] = 40000;
	s->round_trips_us[1] = 30000;
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "reprovisionedToInitialAssignment");
	s->round_trips_us[0] = 90000;
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataMigrated");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_twin(s, HUB2, TAGS, DESIRED, REPORTED);
}

const struct CMUnitTest again_tests[] = {
	SCENE_TEST(a_device_of_lowest_latency_moves_when_its_hub_is_known_to_be_farther),
	SCENE_TEST(the_three_policies_say_where_it_lands_and_with_which_twin),
	SCENE_TEST(never_asks_no_hub_and_repeats_the_operation),
	SCENE_TEST(on_the_same_hub_new_keys_are_put_right),
	SCENE_TEST(an_identity_that_is_gone_is_made_again_from_the_initial_twin),
	SCENE_TEST(a_new_device_id_is_a_move_on_the_same_hub),
	SCENE_TEST(a_former_hub_that_is_unlinked_lets_the_device_start_afresh),
	SCENE_TEST(a_former_hub_that_does_not_answer_keeps_the_device_and_nothing_is_lost),
	SCENE_TEST(a_former_hub_that_cannot_be_cleared_does_not_hold_up_the_answer_and_is_cleared_later),
	SCENE_TEST(moving_back_to_where_a_leftover_lies_brings_the_twin_along),
	SCENE_TEST(the_operation_before_is_still_answered),
	SCENE_TEST(a_slow_check_on_the_same_hub_is_announced_before_it_is_answered),
};
const size_t again_test_count = sizeof(again_tests) / sizeof(again_tests[0]);
