/*
 * first.c: devices that register for the first time.
 */
#include "scenario/scene.h"

static void the_first_answer_is_already_assigned(void **state)
{
	struct scene *s = *state;
	struct registration_record *record;
	struct heard *h;

	scene_enrollment(s, "dev-1", HUB2);
	h = scene_register(s, "dev-1");
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
	record = scene_record(s, "dev-1");
	assert_true(slice_eq(record->status, SLICE("assigned")));
	assert_true(slice_eq(record->operation_id, slice_str(heard_text(h, "operationId"))));
	assert_int_equal(record->pending, INT_NONE);
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_int_equal(provision_running(s->provision), 0);
}

static void the_hub_gets_the_keys_and_the_initial_twin_of_the_enrollment(void **state)
{
	struct scene *s = *state;
	struct fake_device *d;
	const char *key = arena_str(s->arena, scene_key(s, "dev-1"));

	scene_enrollment(s, "dev-1", HUB1);
	scene_register_fully(s, "dev-1");
	d = fake_hub_find(scene_hub(s, HUB1), "dev-1");
	assert_non_null(d);
	assert_string_equal(json_string_value(json_object_get(json_object_get(d->authentication, "symmetricKey"), "primaryKey")), key);
	assert_json(d->tags, "{\"site\":\"north\"}");
	assert_json(d->desired, "{\"rate\":5}");
	assert_json(d->reported, "{}");
}

static void the_hub_knows_the_device_by_the_device_id_of_the_enrollment(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);

	e->device_id = SLICE("press@7");
	scene_put(s, &noun_individual, e);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "press@7", "initialAssignment");
	assert_ptr_equal(scene_only_hub(s, "press@7"), scene_hub(s, HUB1));
}

static void a_slow_hub_makes_it_assigning_after_two_seconds_and_assigned_at_a_poll(void **state)
{
	struct scene *s = *state;
	struct heard *h, *poll;
	char operation[128];

	scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->delay_ms = 3500;
	h = scene_register(s, "dev-1");
	scene_advance(s, 1999);
	assert_int_equal(h->times, 0);
	scene_advance(s, 1);
	assert_int_equal(h->status, 202);
	assert_string_equal(heard_text(h, "status"), "assigning");
	assert_int_equal(h->retry_after, 3);
	snprintf(operation, sizeof(operation), "%s", heard_text(h, "operationId"));
	poll = scene_poll(s, "dev-1", operation);
	scene_advance(s, 0);
	assert_int_equal(poll->status, 202);
	assert_string_equal(heard_state(poll, "status"), "assigning");
	scene_advance(s, 3000);
	poll = scene_poll(s, "dev-1", operation);
	scene_advance(s, 0);
	assert_assigned(poll, HUB1, "dev-1", "initialAssignment");
	assert_string_equal(heard_text(poll, "operationId"), operation);
}

/* device-api.md 19, row 7. */
static void two_registers_at_once_are_one_operation_with_equal_answers(void **state)
{
	struct scene *s = *state;
	struct heard *one, *two;

	scene_enrollment(s, "dev-1", NULL);
	one = scene_register(s, "dev-1");
	two = scene_register_with(s, "DEV-1", scene_token(s, "dev-1", "dev-1", false));
	scene_advance(s, 0);
	assert_assigned(one, NULL, "dev-1", "initialAssignment");
	assert_string_equal(one->body, two->body);
}

static void whoever_joins_a_slow_registration_hears_assigning_too(void **state)
{
	struct scene *s = *state;
	struct heard *one, *two, *stranger;

	scene_enrollment(s, "dev-1", HUB1);
	scene_hub(s, HUB1)->delay_ms = 5000;
	one = scene_register(s, "dev-1");
	scene_advance(s, 1000);
	two = scene_register(s, "dev-1");
	stranger = scene_register_with(s, "dev-1", scene_token(s, "dev-1", "dev-2", false));
	scene_advance(s, 0);
	assert_refused(stranger, 401002);
	scene_advance(s, 1000);
	assert_int_equal(one->status, 202);
	assert_int_equal(two->times, 0);
	scene_advance(s, 1000);
	assert_string_equal(one->body, two->body);
	scene_advance(s, 5000);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", NULL);
	assert_int_equal(scene_hub(s, HUB1)->device_count, 1);
}

static void a_device_of_a_group_is_named_with_its_group_and_the_group_is_remembered(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_group(s, "mills");
	scene_group(s, "Presses");
	h = scene_register_with(s, "press-7", scene_token(s, "press-7", "Presses", true));
	scene_advance(s, 0);
	assert_assigned(h, NULL, "press-7", "initialAssignment");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json_object_get(h->json, "registrationState"), "symmetricKey"), "enrollmentGroupId")),
			    "Presses");
	assert_true(slice_eq(scene_record(s, "press-7")->group_id, SLICE("presses")));
}

static void a_device_that_changed_its_group_is_found_all_the_same(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_group(s, "mills");
	scene_group(s, "presses");
	scene_register_with(s, "press-7", scene_token(s, "press-7", "presses", true));
	scene_advance(s, 0);
	h = scene_register_with(s, "press-7", scene_token(s, "press-7", "mills", true));
	scene_advance(s, 0);
	assert_assigned(h, NULL, "press-7", NULL);
	assert_true(slice_eq(scene_record(s, "press-7")->group_id, SLICE("mills")));
}

static void the_right_one_of_a_hundred_groups_is_found(void **state)
{
	struct scene *s = *state;
	struct heard *h;
	char name[32];

	for (int i = 0; i < GROUP_KEYS_MAX; i++) {
		snprintf(name, sizeof(name), "group-%d", i);
		scene_group(s, arena_str(s->arena, slice_str(name)));
	}
	h = scene_register_with(s, "press-7", scene_token(s, "press-7", "group-99", true));
	scene_advance(s, 0);
	assert_assigned(h, NULL, "press-7", "initialAssignment");
}

static void an_answer_comes_after_the_asker_has_left_and_does_no_harm(void **state)
{
	struct scene *s = *state;
	struct device_question q = {.op = DEVICE_REGISTER,
				    .scope = SLICE(SCOPE),
				    .registration_id = SLICE("dev-1"),
				    .token = scene_token(s, "dev-1", "dev-1", false),
				    .protocol = "https",
				    .peer = "192.0.2.1",
				    .request_id = "1"};
	struct provision_ask *ask;

	scene_enrollment(s, "dev-1", HUB1);
	ask = provision_ask(s->provision, &q, NULL, NULL);
	provision_cancel(&ask);
	assert_null(ask);
	scene_advance(s, 0);
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB1));
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("assigned")));
}

static void the_scope_and_the_registration_id_have_no_case(void **state)
{
	struct scene *s = *state;
	struct device_question q = {.op = DEVICE_REGISTER,
				    .scope = SLICE("0NE00ab12cd"),
				    .registration_id = SLICE("Dev-1"),
				    .token = scene_token(s, "dev-1", "DEV-1", false),
				    .body = SLICE(" "),
				    .protocol = "mqtt",
				    .peer = "192.0.2.1",
				    .request_id = "1"};
	struct heard *h;

	scene_enrollment(s, "DEV-1", HUB1);
	h = scene_ask(s, &q);
	scene_advance(s, 0);
	assert_assigned(h, HUB1, "Dev-1", "initialAssignment");
}

const struct CMUnitTest first_tests[] = {
	SCENE_TEST(the_first_answer_is_already_assigned),
	SCENE_TEST(the_hub_gets_the_keys_and_the_initial_twin_of_the_enrollment),
	SCENE_TEST(the_hub_knows_the_device_by_the_device_id_of_the_enrollment),
	SCENE_TEST(a_slow_hub_makes_it_assigning_after_two_seconds_and_assigned_at_a_poll),
	SCENE_TEST(two_registers_at_once_are_one_operation_with_equal_answers),
	SCENE_TEST(whoever_joins_a_slow_registration_hears_assigning_too),
	SCENE_TEST(a_device_of_a_group_is_named_with_its_group_and_the_group_is_remembered),
	SCENE_TEST(a_device_that_changed_its_group_is_found_all_the_same),
	SCENE_TEST(the_right_one_of_a_hundred_groups_is_found),
	SCENE_TEST(an_answer_comes_after_the_asker_has_left_and_does_no_harm),
	SCENE_TEST(the_scope_and_the_registration_id_have_no_case),
};
const size_t first_test_count = sizeof(first_tests) / sizeof(first_tests[0]);
