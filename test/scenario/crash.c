/*
 * crash.c: the world ends after the n-th thing that a hub or the store was made to remember, n = 1, 2, 3 and so on
 * until it runs clean. Then the service starts again, the device too, and everything must be in its place.
 */
#include "scenario/scene.h"

#define STEPS_MAX 40

/* What is played: before the end of the world, and what must hold after it. */
struct play {
	void (*prepare)(struct scene *);
	const char *hub; /* where the device must end; NULL: any linked hub */
	const char *tags, *desired, *reported;
	bool resumes; /* after a restart it is finished without the device asking */
};

static void assert_in_place(struct scene *s, const struct play *p)
{
	struct registration_record *record = scene_record(s, "dev-1");
	struct fake_hub *hub = scene_only_hub(s, "dev-1");
	struct fake_device *d = fake_hub_find(hub, "dev-1");

	assert_non_null(record);
	assert_true(slice_eq(record->status, SLICE("assigned")));
	assert_true(slice_eq(record->assigned_hub, slice_str(hub->name)));
	assert_true(slice_eq(record->device_id, SLICE("dev-1")));
	assert_int_equal(record->pending, INT_NONE);
	assert_int_equal(record->leftovers.n, 0);
	if (p->hub)
		assert_string_equal(hub->name, p->hub);
	assert_json(d->tags, p->tags);
	assert_json(d->desired, p->desired);
	assert_json(d->reported, p->reported);
}

/* What has been answered "assigned" is never unsaid. */
static void assert_kept(struct scene *s, const struct heard *h)
{
	struct registration_record *record;

	if (h->times == 0 || h->status != 200)
		return;
	record = scene_record(s, "dev-1");
	assert_non_null(record);
	assert_true(slice_eq(record->assigned_hub, slice_str(heard_state(h, "assignedHub"))));
	assert_non_null(fake_hub_find(scene_hub(s, heard_state(h, "assignedHub")), "dev-1"));
}

/* True: it crashed. */
static bool play_once(struct scene *s, const struct play *p, int n, bool wait)
{
	struct heard *h;

	p->prepare(s);
	scene_crash_at(s, n);
	h = scene_register(s, "dev-1");
	scene_advance(s, 0);
	if (!s->crashed)
		return false;
	scene_restart(s);
	assert_kept(s, h);
	if (wait)
		scene_advance(s, 120000);
	if (wait && scene_record(s, "dev-1"))
		assert_in_place(s, p);
	assert_assigned(scene_register_fully(s, "dev-1"), p->hub, "dev-1", NULL);
	assert_in_place(s, p);
	return true;
}

static void play(void **state, const struct play *p)
{
	for (int wait = 0; wait < 2; wait++) {
		int n = 1;

		for (; n < STEPS_MAX && play_once(*state, p, n, wait); n++) {
			scene_end(state);
			scene_begin(state);
		}
		assert_in_range(n, 3, STEPS_MAX - 1); /* there was something to break, and an end to it */
		scene_end(state);
		scene_begin(state);
	}
}

static void prepare_first(struct scene *s)
{
	scene_enrollment(s, "dev-1", HUB1);
}

static struct enrollment *prepare_settled(struct scene *s)
{
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);
	struct fake_device *d;

	scene_register_fully(s, "dev-1");
	d = fake_hub_find(scene_hub(s, HUB1), "dev-1");
	json_object_set_new(d->reported, "fw", json_string("1.2"));
	return e;
}

static void prepare_move(struct scene *s)
{
	struct enrollment *e = prepare_settled(s);

	e->iot_hubs.at[0] = SLICE(HUB2);
	scene_put(s, &noun_individual, e);
}

static void prepare_reset(struct scene *s)
{
	struct enrollment *e = prepare_settled(s);

	e->iot_hubs.at[0] = SLICE(HUB2);
	e->update_hub = FLAG_YES;
	e->migrate_data = FLAG_NO;
	scene_put(s, &noun_individual, e);
}

/* Back to where an identity was left over. */
static void prepare_return(struct scene *s)
{
	struct enrollment *e = prepare_settled(s);

	e->iot_hubs.at[0] = SLICE(HUB2);
	scene_put(s, &noun_individual, e);
	scene_register(s, "dev-1");
	scene_advance(s, 0);
	/* As if it had not been removed. */
	fake_hub_add(scene_hub(s, HUB1), "dev-1", "{\"rate\":1}", "{\"fw\":\"0.9\"}", NULL);
	{
		struct registration_record *record = scene_record(s, "dev-1");
		struct slice left = SLICE(HUB1 "/dev-1");

		record->leftovers = (struct slices){.at = &left, .n = 1, .given = true};
		record->pending = 1;
		scene_put(s, &noun_registration, record);
	}
	e->iot_hubs.at[0] = SLICE(HUB1);
	scene_put(s, &noun_individual, e);
}

static void a_crash_in_a_first_assignment_is_survived(void **state)
{
	static const struct play p = {prepare_first, HUB1, "{\"site\":\"north\"}", "{\"rate\":5}", "{}", true};

	play(state, &p);
}

static void a_crash_in_a_move_with_the_twin_is_survived(void **state)
{
	static const struct play p = {prepare_move, HUB2, "{\"site\":\"north\"}", "{\"rate\":5}", "{\"fw\":\"1.2\"}", true};

	play(state, &p);
}

static void a_crash_in_a_move_with_reset_is_survived(void **state)
{
	static const struct play p = {prepare_reset, HUB2, "{\"site\":\"north\"}", "{\"rate\":5}", "{}", true};

	play(state, &p);
}

static void a_crash_in_a_move_back_to_a_leftover_is_survived(void **state)
{
	static const struct play p = {prepare_return, HUB1, "{\"site\":\"north\"}", "{\"rate\":5}", "{\"fw\":\"1.2\"}", true};

	play(state, &p);
}

#define CHOOSES(hub) "{\"iotHubHostName\":\"" hub "\",\"initialTwin\":{\"tags\":{\"line\":3}},\"payload\":{\"a\":1}}"

static void prepare_custom(struct scene *s)
{
	scene_customize(s, &noun_individual, scene_enrollment(s, "dev-1", NULL));
	fake_webhook_says(&s->webhook, CHOOSES(HUB2));
}

static void a_crash_in_a_custom_allocation_is_survived(void **state)
{
	static const struct play p = {prepare_custom, HUB2, "{\"line\":3}", "{}", "{}", true};

	play(state, &p);
}

static void prepare_custom_move(struct scene *s)
{
	scene_customize(s, &noun_individual, prepare_settled(s));
	fake_webhook_says(&s->webhook, CHOOSES(HUB2));
}

static void a_crash_in_a_move_that_a_webhook_chose_is_survived(void **state)
{
	static const struct play p = {prepare_custom_move, HUB2, "{\"line\":3}", "{}", "{}", true};

	play(state, &p);
}

/* A restart, and the enrollment says something else by then. */
static void after_a_crash_the_enrollment_as_it_is_now_counts(void **state)
{
	int n;

	for (n = 1; n < STEPS_MAX; n++) {
		struct scene *s = *state;
		struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);

		scene_crash_at(s, n);
		scene_register(s, "dev-1");
		scene_advance(s, 0);
		if (!s->crashed)
			break;
		e->iot_hubs.at[0] = SLICE(HUB2);
		scene_put(s, &noun_individual, e);
		scene_restart(s);
		assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", NULL);
		assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
		assert_int_equal(scene_record(s, "dev-1")->leftovers.n, 0);
		scene_end(state);
		scene_begin(state);
	}
	assert_in_range(n, 3, STEPS_MAX - 1);
}

/* While the service is down the former hub lives on, and with it the device there. */
static void what_happens_to_the_twin_before_a_move_is_taken_up_again_moves_too(void **state)
{
	int n;

	for (n = 1; n < STEPS_MAX; n++) {
		struct scene *s = *state;
		struct fake_device *d;
		bool here;

		prepare_move(s);
		scene_crash_at(s, n);
		scene_register(s, "dev-1");
		scene_advance(s, 0);
		if (!s->crashed)
			break;
		here = slice_eq(scene_record(s, "dev-1")->assigned_hub, SLICE(HUB1));
		d = fake_hub_find(scene_hub(s, here ? HUB1 : HUB2), "dev-1");
		json_object_set_new(d->reported, "fw", json_string("1.3"));
		scene_restart(s);
		assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", NULL);
		assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
		assert_json(fake_hub_find(scene_hub(s, HUB2), "dev-1")->reported, "{\"fw\":\"1.3\"}");
		scene_end(state);
		scene_begin(state);
	}
	assert_in_range(n, 3, STEPS_MAX - 1);
}

/* Its key has two spellings, and only the device knows which: it is not guessed. */
static void an_interrupted_device_that_nobody_can_speak_for_goes_on_with_its_poll(void **state)
{
	struct scene *s = *state;
	struct slice token;
	struct heard *h;
	struct device_question q;

	scene_group(s, "presses");
	for (size_t i = 0; i < HUBS; i++)
		s->hubs[i].mood = MOOD_SILENT;
	token = scene_token(s, "Press-7", "presses", true);
	h = scene_register_with(s, "Press-7", token);
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	for (size_t i = 0; i < HUBS; i++)
		s->hubs[i].mood = MOOD_WELL;
	scene_restart(s);
	scene_advance(s, 60000);
	assert_true(slice_eq(scene_record(s, "Press-7")->status, SLICE("assigning")));
	q = (struct device_question){.op = DEVICE_OPERATION_STATUS,
				     .scope = SLICE(SCOPE),
				     .registration_id = SLICE("Press-7"),
				     .operation_id = slice_str(heard_text(h, "operationId")),
				     .token = token,
				     .protocol = "https",
				     .peer = "192.0.2.1",
				     .request_id = "1"};
	h = scene_ask(s, &q);
	scene_advance(s, 0);
	assert_int_equal(h->status, 202);
	h = scene_ask(s, &q);
	scene_advance(s, 0);
	assert_assigned(h, NULL, "Press-7", "initialAssignment");
	scene_only_hub(s, "Press-7");
}

static void an_interrupted_device_that_never_comes_back_is_given_up(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	scene_group(s, "presses");
	scene_hub(s, HUB1)->mood = scene_hub(s, HUB2)->mood = MOOD_FORGETFUL;
	h = scene_register_with(s, "Press-7", scene_token(s, "Press-7", "presses", true));
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	scene_hub(s, HUB1)->mood = scene_hub(s, HUB2)->mood = MOOD_WELL;
	scene_restart(s);
	scene_advance(s, 900000);
	assert_true(slice_eq(scene_record(s, "Press-7")->status, SLICE("failed")));
	assert_int_equal(scene_record(s, "Press-7")->pending, INT_NONE);
	assert_int_equal(scene_hub(s, HUB1)->device_count + scene_hub(s, HUB2)->device_count, 0);
}

/* More of them than one page holds, in two services. */
static void all_that_was_interrupted_is_taken_up(void **state)
{
	struct scene *s = *state;
	char id[32];

	s->hubs[0].mood = MOOD_SILENT;
	for (int i = 0; i < 150; i++) {
		snprintf(id, sizeof(id), "dev-%d", i);
		scene_enrollment(s, arena_str(s->arena, slice_str(id)), HUB1);
		scene_register(s, arena_str(s->arena, slice_str(id)));
	}
	scene_advance(s, 2500);
	s->hubs[0].mood = MOOD_UNREACHABLE; /* none of those gets through any more */
	s->crashed = true;
	scene_restart(s);
	s->hubs[0].mood = MOOD_WELL;
	scene_advance(s, 60000);
	for (int i = 0; i < 150; i++) {
		snprintf(id, sizeof(id), "dev-%d", i);
		assert_true(slice_eq(scene_record(s, id)->status, SLICE("assigned")));
	}
}

const struct CMUnitTest crash_tests[] = {
	SCENE_TEST(a_crash_in_a_first_assignment_is_survived),
	SCENE_TEST(a_crash_in_a_move_with_the_twin_is_survived),
	SCENE_TEST(a_crash_in_a_move_with_reset_is_survived),
	SCENE_TEST(a_crash_in_a_move_back_to_a_leftover_is_survived),
	SCENE_TEST(a_crash_in_a_custom_allocation_is_survived),
	SCENE_TEST(a_crash_in_a_move_that_a_webhook_chose_is_survived),
	SCENE_TEST(after_a_crash_the_enrollment_as_it_is_now_counts),
	SCENE_TEST(what_happens_to_the_twin_before_a_move_is_taken_up_again_moves_too),
	SCENE_TEST(an_interrupted_device_that_nobody_can_speak_for_goes_on_with_its_poll),
	SCENE_TEST(an_interrupted_device_that_never_comes_back_is_given_up),
	SCENE_TEST(all_that_was_interrupted_is_taken_up),
};
const size_t crash_test_count = sizeof(crash_tests) / sizeof(crash_tests[0]);
