/*
 * custom.c: devices whose hub a webhook chooses (service-api.md 8), and webhooks that do not do what they should.
 */
#include <string.h>

#include "scenario/scene.h"

#define SAYS_HUB2 "{\"iotHubHostName\":\"" HUB2 "\"}"
#define GIVES                                                                                                                              \
	"{\"iotHubHostName\":\"" HUB2                                                                                                      \
	"\",\"initialTwin\":{\"tags\":{\"line\":3},\"properties\":{\"desired\":{\"rate\":9}}},\"payload\":{\"welcome\":true}}"

static struct enrollment *custom(struct scene *s, const char *id)
{
	struct enrollment *e = scene_enrollment(s, id, NULL);

	scene_customize(s, &noun_individual, e);
	return e;
}

static const json_t *state_of(const struct heard *h)
{
	return json_object_get(h->json, "registrationState");
}

static const json_t *context(struct scene *s)
{
	return json_object_get(s->webhook.heard, "deviceRuntimeContext");
}

static void assert_twin(struct scene *s, const char *hub, const char *tags, const char *desired, const char *reported)
{
	struct fake_device *d = fake_hub_find(scene_hub(s, hub), "dev-1");

	assert_non_null(d);
	assert_json(d->tags, tags);
	assert_json(d->desired, desired);
	assert_json(d->reported, reported);
}

static void assert_failed(struct scene *s, const struct heard *h, const char *message, const char *sentence)
{
	const struct attempt *attempt = scene_attempt(s, "dev-1");

	assert_string_equal(heard_text(h, "status"), "failed");
	assert_int_equal(json_integer_value(json_object_get(state_of(h), "errorCode")), 400207);
	assert_string_equal(heard_state(h, "errorMessage"), message);
	assert_non_null(attempt);
	assert_int_equal(attempt->error_code, 400207);
	assert_true(slice_eq(attempt->check_name, SLICE("custom-allocation")));
	if (slice_search(attempt->sentence, slice_str(sentence)) < 0)
		fail_msg("%.*s", SLICE_ARG(attempt->sentence));
	/* What opens the function's door is nobody's business. */
	assert_int_equal(slice_search(attempt->expected, SLICE("s3cret")), -1);
	assert_true(slice_search(attempt->expected, SLICE("https://place.example.net/api/place?****")) >= 0);
}

/* --- what it is asked --- */

static void the_webhook_is_asked_with_the_enrollment_the_device_and_the_hubs(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = custom(s, "dev-1");
	struct heard *h;

	e->etag = SLICE("IjAwMTIi"); /* base64 of "0012", quotes and all */
	scene_put(s, &noun_individual, e);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	h = scene_register_saying(s, "dev-1", "{ \"model\" : \"P9\" }");
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
	assert_string_equal(s->webhook.url, "POST " WEBHOOK);
	assert_json(s->webhook.heard,
		    "{\"individualEnrollment\":{\"registrationId\":\"dev-1\",\"attestation\":{\"type\":\"symmetricKey\"},"
		    "\"initialTwin\":" INITIAL_TWIN ",\"etag\":\"\\\"0012\\\"\",\"provisioningStatus\":\"enabled\",\"allocationPolicy\":"
		    "\"custom\",\"customAllocationDefinition\":"
		    "{\"webhookUrl\":\"https://place.example.net/api/place?****\",\"apiVersion\":\"2021-10-01\"}},"
		    "\"deviceRuntimeContext\":{\"registrationId\":\"dev-1\",\"symmetricKey\":{},\"payload\":{\"model\":\"P9\"}},"
		    "\"linkedHubs\":[\"" HUB1 "\",\"" HUB2 "\"]}");
	assert_twin(s, HUB2, "{\"site\":\"north\"}", "{\"rate\":5}", "{}");
}

static void a_group_is_named_as_one(void **state)
{
	struct scene *s = *state;
	struct enrollment *group = scene_group(s, "presses");
	struct heard *h;

	scene_customize(s, &noun_group, group);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	h = scene_register_with(s, "press-7", scene_token(s, "press-7", "presses", true));
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "press-7", "initialAssignment");
	assert_null(json_object_get(s->webhook.heard, "individualEnrollment"));
	assert_json(json_object_get(json_object_get(s->webhook.heard, "enrollmentGroup"), "enrollmentGroupId"), "\"presses\"");
	assert_json(context(s), "{\"registrationId\":\"press-7\",\"symmetricKey\":{}}");
}

/* service-api.md 7.1: those that the enrollment names; without names, those to which a policy is to be applied. */
static void only_the_candidates_are_told_and_taken(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = custom(s, "dev-1");
	struct slice allowed = SLICE(HUB1);
	struct heard *h;

	e->iot_hubs = (struct slices){.at = &allowed, .n = 1, .given = true};
	scene_put(s, &noun_individual, e);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	h = scene_register_fully(s, "dev-1");
	assert_json(json_object_get(s->webhook.heard, "linkedHubs"), "[\"" HUB1 "\"]");
	assert_failed(s, h, "Custom allocation failed: the answer of the webhook cannot be used.", "linked but not among the hubs");
}

static void a_first_form_of_the_question_knows_no_payload(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = custom(s, "dev-1");

	e->webhook_version = SLICE("2018-09-01-preview");
	scene_put(s, &noun_individual, e);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	scene_register_saying(s, "dev-1", "{\"model\":\"P9\"}");
	scene_advance(s, 0);
	assert_json(context(s), "{\"registrationId\":\"dev-1\",\"symmetricKey\":{}}");
}

/* Any JSON goes to the webhook; Python says null when it has nothing to say. */
static void a_payload_may_be_any_json_and_null_is_none(void **state)
{
	struct scene *s = *state;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	scene_register_saying(s, "dev-1", "\"{\\\"java\\\":1}\"");
	scene_advance(s, 0);
	assert_json(json_object_get(context(s), "payload"), "\"{\\\"java\\\":1}\"");
	scene_register_saying(s, "dev-1", "null");
	scene_advance(s, 0);
	assert_null(json_object_get(context(s), "payload"));
}

/* --- what it gives --- */

static void its_twin_comes_in_place_of_the_enrollments_and_its_payload_goes_to_the_device(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, GIVES);
	h = scene_register_fully(s, "dev-1");
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
	assert_json(json_object_get(state_of(h), "payload"), "{\"welcome\":true}");
	assert_twin(s, HUB2, "{\"line\":3}", "{\"rate\":9}", "{}");
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_json(json_object_get(state_of(h), "payload"), "{\"welcome\":true}");
	h = scene_status(s, "dev-1");
	scene_advance(s, 0);
	assert_json(json_object_get(h->json, "payload"), "{\"welcome\":true}");
	assert_int_equal(s->webhook.calls, 1);
}

static void a_device_that_registers_again_is_asked_for_again_and_told_what_is_said_now(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, GIVES);
	scene_register_fully(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	h = scene_register_fully(s, "dev-1");
	assert_assigned(h, HUB2, "dev-1", "reprovisionedToInitialAssignment");
	assert_null(json_object_get(state_of(h), "payload"));
	assert_json(context(s), "{\"registrationId\":\"dev-1\",\"currentIotHubHostName\":\"" HUB2
				"\",\"currentDeviceId\":\"dev-1\",\"symmetricKey\":{}}");
	assert_twin(s, HUB2, "{\"line\":3}", "{\"rate\":9}", "{}");
}

/* The device is on HUB1, and has reported something. */
static struct enrollment *settled(struct scene *s)
{
	struct enrollment *e = custom(s, "dev-1");
	struct fake_device *d;

	fake_webhook_says(&s->webhook, "{\"iotHubHostName\":\"" HUB1 "\",\"payload\":{\"first\":1}}");
	assert_assigned(scene_register_fully(s, "dev-1"), HUB1, "dev-1", "initialAssignment");
	d = fake_hub_find(scene_hub(s, HUB1), "dev-1");
	json_object_set_new(d->reported, "fw", json_string("1.2"));
	return e;
}

static void a_move_takes_the_twin_along(void **state)
{
	struct scene *s = *state;

	settled(s);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataMigrated");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_twin(s, HUB2, "{\"site\":\"north\"}", "{\"rate\":5}", "{\"fw\":\"1.2\"}");
}

/* service-api.md 8: the twin given replaces any migration. */
static void a_move_with_a_twin_of_the_webhook_leaves_the_old_one_behind(void **state)
{
	struct scene *s = *state;

	settled(s);
	fake_webhook_says(&s->webhook, GIVES);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataReset");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
	assert_twin(s, HUB2, "{\"line\":3}", "{\"rate\":9}", "{}");
}

static void a_device_that_is_never_moved_is_not_asked_for(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	struct heard *h;

	e->update_hub = e->migrate_data = FLAG_NO;
	scene_put(s, &noun_individual, e);
	fake_webhook_says(&s->webhook, GIVES);
	h = scene_register_fully(s, "dev-1");
	assert_assigned(h, HUB1, "dev-1", "initialAssignment");
	assert_json(json_object_get(state_of(h), "payload"), "{\"first\":1}");
	assert_int_equal(s->webhook.calls, 1);
}

/* A failure in between does not cost the device what it was told. */
static void a_device_that_is_never_moved_any_more_keeps_its_payload(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = settled(s);
	struct heard *h;

	s->webhook.status = 500;
	assert_string_equal(heard_text(scene_register_fully(s, "dev-1"), "status"), "failed");
	e->update_hub = e->migrate_data = FLAG_NO;
	scene_put(s, &noun_individual, e);
	h = scene_register_fully(s, "dev-1");
	assert_assigned(h, HUB1, "dev-1", NULL);
	assert_json(json_object_get(state_of(h), "payload"), "{\"first\":1}");
}

static void two_registers_at_once_ask_once_and_hear_the_same(void **state)
{
	struct scene *s = *state;
	struct heard *a, *b;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, GIVES);
	s->webhook.delay_ms = 500;
	a = scene_register(s, "dev-1");
	b = scene_register(s, "dev-1");
	scene_advance(s, 1000);
	assert_assigned(a, HUB2, "dev-1", "initialAssignment");
	assert_string_equal(a->body, b->body);
	assert_int_equal(s->webhook.calls, 1);
}

/* --- a slow one --- */

static void a_slow_webhook_lets_the_device_hear_assigning_first(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, GIVES);
	s->webhook.delay_ms = 5000;
	h = scene_register_saying(s, "dev-1", "{\"model\":\"P9\"}");
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	assert_string_equal(heard_text(h, "status"), "assigning");
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("assigning")));
	assert_int_equal(scene_hub(s, HUB2)->calls, 0);
	scene_advance(s, 3000);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
	assert_json(json_object_get(state_of(h), "payload"), "{\"welcome\":true}");
	assert_true(slice_absent(scene_record(s, "dev-1")->device_payload));
	assert_int_equal(s->webhook.calls, 1);
}

/* The intent of the move comes after the webhook, and before the new hub. */
static void a_slow_webhook_moves_a_device_in_good_order(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	settled(s);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 5000;
	h = scene_register(s, "dev-1");
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	assert_true(slice_eq(scene_record(s, "dev-1")->assigned_hub, SLICE(HUB1)));
	assert_true(slice_absent(scene_record(s, "dev-1")->target_hub));
	scene_hub(s, HUB2)->delay_ms = 1000;
	scene_advance(s, 3000);
	assert_true(slice_eq(scene_record(s, "dev-1")->target_hub, SLICE(HUB2)));
	scene_advance(s, 2000);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "dev-1", "deviceDataMigrated");
	assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB2));
}

/* The webhook answers at the moment when "assigning" is being written. */
static void an_answer_that_meets_the_writing_of_the_promise_is_not_lost(void **state)
{
	for (int delay_ms = REGISTRATION_FIRST_ANSWER_MS - 1; delay_ms <= REGISTRATION_FIRST_ANSWER_MS + 1; delay_ms++) {
		struct scene *s = *state;

		custom(s, "dev-1");
		fake_webhook_says(&s->webhook, SAYS_HUB2);
		s->webhook.delay_ms = delay_ms;
		assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "initialAssignment");
		assert_int_equal(s->webhook.calls, 1);
		scene_end(state);
		scene_begin(state);
	}
}

static void a_webhook_that_is_too_slow_fails_after_ten_seconds(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 60000;
	h = scene_register(s, "dev-1");
	scene_advance(s, 9900);
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("assigning")));
	scene_advance(s, 200);
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_failed(s, h, "Custom allocation failed: the webhook did not answer.", "too slow");
	assert_int_equal(s->webhook.calls, 1);
	assert_int_equal(scene_record(s, "dev-1")->pending, INT_NONE);
}

/* --- one that fails --- */

static void one_that_cannot_be_reached_is_tried_once_more(void **state)
{
	struct scene *s = *state;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.unreachable = 1;
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "initialAssignment");
	assert_int_equal(s->webhook.calls, 2);
	s->webhook.unreachable = 2;
	assert_failed(s, scene_register_fully(s, "dev-1"), "Custom allocation failed: the webhook did not answer.",
		      "could not be reached: connection refused");
	assert_int_equal(s->webhook.calls, 4);
}

static const struct {
	struct fake_webhook says;
	const char *message, *sentence;
} failures[] = {
	{{.status = 500}, "Custom allocation failed with status code: 500", "answered with status 500"},
	{{.status = 404, .answer = SAYS_HUB2}, "Custom allocation failed with status code: 404", "answered with status 404"},
	{{.status = 302, .location = "https://other.example.net/?code=s3cret", .answer = SAYS_HUB2},
	 "Custom allocation failed with status code: 302",
	 "redirects to https://other.example.net/ with status 302; a redirect is not followed"},
	{{.e = ERR_TOO_BIG, .why = "the answer is too long"},
	 "Custom allocation failed: the answer of the webhook cannot be used.",
	 "longer than 98304 bytes"},
	{{.e = ERR_CLOSED, .why = "gone"}, "Custom allocation failed: the webhook did not answer.", "ended the connection"},
	{{.status = 200, .answer = "<html>"}, "Custom allocation failed: the answer of the webhook cannot be used.", "is not JSON"},
	{{.status = 200, .answer = ""}, "Custom allocation failed: the answer of the webhook cannot be used.", "is not JSON"},
	{{.status = 200, .answer = "{}"}, "Custom allocation failed: the answer of the webhook cannot be used.", "names no hub"},
	{{.status = 200, .answer = "{\"iotHubHostName\":\"" HUB3 "\"}"},
	 "Custom allocation failed: the answer of the webhook cannot be used.",
	 "names " HUB3 ", which is not linked"},
};

/* A device that has a place keeps it, and the next register finds the webhook well. */
static void every_way_of_a_webhook_to_fail_is_told_and_leaves_the_device_where_it_is(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		const struct fake_webhook *says = &failures[i].says;
		struct scene *s = *state;

		settled(s);
		s->webhook.e = says->e;
		s->webhook.why = says->why;
		s->webhook.status = says->status;
		s->webhook.location = says->location;
		s->webhook.answer = says->answer;
		assert_failed(s, scene_register_fully(s, "dev-1"), failures[i].message, failures[i].sentence);
		assert_int_equal(s->webhook.calls, 2);
		assert_true(slice_eq(scene_record(s, "dev-1")->assigned_hub, SLICE(HUB1)));
		assert_ptr_equal(scene_only_hub(s, "dev-1"), scene_hub(s, HUB1));
		assert_int_equal(provision_running(s->provision), 0);
		fake_webhook_says(&s->webhook, SAYS_HUB2);
		assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "deviceDataMigrated");
		scene_end(state);
		scene_begin(state);
	}
}

static void without_a_candidate_nobody_is_asked(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	scene_unlink(s, HUB1);
	scene_unlink(s, HUB2);
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	h = scene_register_fully(s, "dev-1");
	assert_int_equal(json_integer_value(json_object_get(state_of(h), "errorCode")), 400208);
	assert_int_equal(s->webhook.calls, 0);
}

/* A payload for which clients have no type: device-api.md 5.7, rule 5; the linter looks at the answer. */
static void a_payload_that_is_no_object_is_kept_from_the_device(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, "{\"iotHubHostName\":\"" HUB2 "\",\"payload\":[1,2]}");
	h = scene_register_fully(s, "dev-1");
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
	assert_null(json_object_get(state_of(h), "payload"));
}

/* --- while it is asked --- */

static struct heard *begin_slowly(struct scene *s, struct enrollment **e)
{
	struct heard *h;

	*e = custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 8000;
	h = scene_register_saying(s, "dev-1", "{\"model\":\"P9\"}");
	scene_advance(s, 2500);
	assert_int_equal(h->status, 202);
	return h;
}

/* The room goes, and the question with it; then all is taken up, and the webhook hears of the same payload. */
static void a_restart_asks_again_with_what_the_device_sent_along(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;
	struct heard *h = begin_slowly(s, &e);

	scene_restart(s);
	scene_advance(s, 9000);
	assert_int_equal(s->webhook.calls, 2);
	assert_json(json_object_get(context(s), "payload"), "{\"model\":\"P9\"}");
	h = scene_poll(s, "dev-1", heard_text(h, "operationId"));
	scene_advance(s, 0);
	assert_assigned(h, HUB2, "dev-1", "initialAssignment");
}

static void an_enrollment_deleted_while_the_webhook_is_asked_leaves_nothing_behind(void **state)
{
	struct scene *s = *state;
	struct enrollment *e;

	begin_slowly(s, &e);
	scene_delete(s, &noun_registration, scene_record(s, "dev-1"));
	scene_delete(s, &noun_individual, e);
	scene_advance(s, 30000);
	assert_null(scene_record(s, "dev-1"));
	assert_int_equal(scene_hub(s, HUB2)->device_count, 0);
	assert_int_equal(provision_running(s->provision), 0);
}

/* The promise could not be written: the device shall come again, and nobody waits for the webhook any more. */
static void a_store_that_cannot_write_the_promise_ends_the_asking(void **state)
{
	struct scene *s = *state;
	struct heard *h;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 5000;
	s->fail_writes = 1;
	h = scene_register(s, "dev-1");
	scene_advance(s, 2500);
	assert_refused(h, 500001);
	assert_true(list_empty(&s->webhook.asks));
	scene_advance(s, 10000);
	assert_int_equal(scene_hub(s, HUB2)->device_count, 0);
	assert_assigned(scene_register_fully(s, "dev-1"), HUB2, "dev-1", "initialAssignment");
}

static void how_it_went_is_counted(void **state)
{
	struct scene *s = *state;
	struct provision_latency latency;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 300;
	scene_register(s, "dev-1");
	scene_advance(s, 200);
	assert_int_equal(provision_webhooks_running(s->provision), 1);
	scene_advance(s, 200);
	assert_int_equal(provision_webhooks_running(s->provision), 0);
	fake_webhook_says(&s->webhook, "{}");
	scene_register_fully(s, "dev-1");
	s->webhook.unreachable = 2;
	scene_register_fully(s, "dev-1");
	assert_int_equal(scene_counted(s, "custom allocation", CUSTOM_CHOSEN), 1);
	assert_int_equal(scene_counted(s, "custom allocation", CUSTOM_BAD), 1);
	assert_int_equal(scene_counted(s, "custom allocation", CUSTOM_NO_ANSWER), 1);
	provision_latency(s->provision, TIME_WEBHOOK, &latency);
	assert_int_equal(latency.n, 3);
	assert_true(latency.sum >= 0.3);
}

/* Who gives up asking, for want of a store, asks no longer. */
static void an_asking_that_was_given_up_is_not_running(void **state)
{
	struct scene *s = *state;

	custom(s, "dev-1");
	fake_webhook_says(&s->webhook, SAYS_HUB2);
	s->webhook.delay_ms = 5000;
	s->fail_writes = 1;
	scene_register(s, "dev-1");
	scene_advance(s, 2500);
	assert_int_equal(provision_webhooks_running(s->provision), 0);
}

const struct CMUnitTest custom_tests[] = {
	SCENE_TEST(the_webhook_is_asked_with_the_enrollment_the_device_and_the_hubs),
	SCENE_TEST(a_group_is_named_as_one),
	SCENE_TEST(only_the_candidates_are_told_and_taken),
	SCENE_TEST(a_first_form_of_the_question_knows_no_payload),
	SCENE_TEST(a_payload_may_be_any_json_and_null_is_none),
	SCENE_TEST(its_twin_comes_in_place_of_the_enrollments_and_its_payload_goes_to_the_device),
	SCENE_TEST(a_device_that_registers_again_is_asked_for_again_and_told_what_is_said_now),
	SCENE_TEST(a_move_takes_the_twin_along),
	SCENE_TEST(a_move_with_a_twin_of_the_webhook_leaves_the_old_one_behind),
	SCENE_TEST(a_device_that_is_never_moved_is_not_asked_for),
	SCENE_TEST(a_device_that_is_never_moved_any_more_keeps_its_payload),
	SCENE_TEST(two_registers_at_once_ask_once_and_hear_the_same),
	SCENE_TEST(a_slow_webhook_lets_the_device_hear_assigning_first),
	SCENE_TEST(a_slow_webhook_moves_a_device_in_good_order),
	SCENE_TEST(an_answer_that_meets_the_writing_of_the_promise_is_not_lost),
	SCENE_TEST(a_webhook_that_is_too_slow_fails_after_ten_seconds),
	SCENE_TEST(one_that_cannot_be_reached_is_tried_once_more),
	SCENE_TEST(every_way_of_a_webhook_to_fail_is_told_and_leaves_the_device_where_it_is),
	SCENE_TEST(without_a_candidate_nobody_is_asked),
	SCENE_TEST(a_payload_that_is_no_object_is_kept_from_the_device),
	SCENE_TEST(a_restart_asks_again_with_what_the_device_sent_along),
	SCENE_TEST(an_enrollment_deleted_while_the_webhook_is_asked_leaves_nothing_behind),
	SCENE_TEST(a_store_that_cannot_write_the_promise_ends_the_asking),
	SCENE_TEST(how_it_went_is_counted),
	SCENE_TEST(an_asking_that_was_given_up_is_not_running),
};
const size_t custom_test_count = sizeof(custom_tests) / sizeof(custom_tests[0]);
