/*
 * refusal.c: devices that are turned away: what they hear, and what the operator learns.
 */
#include "scenario/scene.h"

static struct device_question question(struct scene *s, const char *id)
{
	return (struct device_question){.op = DEVICE_REGISTER,
					.scope = SLICE(SCOPE),
					.registration_id = slice_str(id),
					.token = scene_token(s, id, id, false),
					.protocol = "https",
					.peer = "192.0.2.1",
					.request_id = "2d1c7e43-6f04-4b8e-9a53-1f0a2b6c9d10"};
}

static struct heard *ask(struct scene *s, const struct device_question *q)
{
	struct heard *h = scene_ask(s, q);

	scene_advance(s, 0);
	return h;
}

static void an_unknown_scope_is_404001(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");
	struct heard *h;

	scene_enrollment(s, "dev-1", HUB1);
	q.scope = SLICE("0ne00FFFFFF");
	h = ask(s, &q);
	assert_refused(h, 404001);
	assert_string_equal(heard_text(h, "trackingId"), q.request_id);
	assert_null(scene_attempt(s, "dev-1"));
}

static void a_stranger_is_404201_when_no_group_could_have_given_it_a_key(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	assert_refused(ask(s, &q), 404201);
	assert_true(slice_eq(scene_attempt(s, "dev-1")->check_name, SLICE("enrollment-found")));
	assert_null(scene_record(s, "dev-1"));
}

static void a_stranger_is_401002_when_a_group_could(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	scene_group(s, "presses");
	assert_refused(ask(s, &q), 401002);
	assert_true(slice_eq(scene_attempt(s, "dev-1")->check_name, SLICE("token-signature")));
	assert_null(scene_record(s, "dev-1"));
}

static void a_wrong_or_missing_token_is_401002_and_the_operator_learns_why(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");
	struct attempt *a;

	scene_enrollment(s, "dev-1", HUB1);
	q.token = scene_token(s, "dev-1", "dev-2", false);
	assert_refused(ask(s, &q), 401002);
	a = scene_attempt(s, "dev-1");
	assert_true(slice_eq(a->check_name, SLICE("token-signature")));
	assert_true(slice_eq(a->enrollment, SLICE("dev-1")));
	assert_true(slice_eq(a->request_id, slice_str(q.request_id)));
	assert_true(slice_eq(a->peer, SLICE("192.0.2.1")));
	assert_true(slice_search(a->sentence, scene_key(s, "dev-1")) < 0);
	scene_advance(s, 10);
	q.token = NO_SLICE;
	assert_refused(ask(s, &q), 401002);
	assert_int_equal(scene_hub(s, HUB1)->calls, 0);
}

static void an_expired_token_is_401002(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	scene_enrollment(s, "dev-1", HUB1);
	scene_advance(s, (3600 + 301) * 1000);
	assert_refused(ask(s, &q), 401002);
	assert_true(slice_eq(scene_attempt(s, "dev-1")->check_name, SLICE("token-expiry")));
}

static void a_malformed_question_is_400004(void **state)
{
	static const char *const bodies[] = {
		"{", "[]", "\"dev-1\"", "{\"registrationId\":7}", "{\"registrationId\":\"dev-2\"}", "{\"a\":1,\"a\":2}"};
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	scene_enrollment(s, "dev-1", HUB1);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		q.body = slice_str(bodies[i]);
		assert_refused(ask(s, &q), 400004);
	}
	q = question(s, "dev-1");
	q.registration_id = SLICE("dev/1");
	assert_refused(ask(s, &q), 400004);
	q.registration_id = SLICE("");
	assert_refused(ask(s, &q), 400004);
	assert_int_equal(scene_hub(s, HUB1)->calls, 0);
}

/* device-api.md 5.2. */
static void what_clients_really_send_is_taken(void **state)
{
	static const char *const bodies[] = {"",
					     " ",
					     "{}",
					     "{\"payload\": null, \"registrationId\": \"dev-1\"}",
					     "{\"registrationId\":\"DEV-1\",\"unknown\":{\"x\":[1]}}",
					     "{\"payload\":\"text\"}"};
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	scene_enrollment(s, "dev-1", HUB1);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		q.body = slice_str(bodies[i]);
		assert_assigned(ask(s, &q), HUB1, "dev-1", NULL);
	}
}

static void a_disabled_enrollment_is_told_only_to_a_device_that_has_proven_itself(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);
	struct device_question q = question(s, "dev-1");
	struct heard *h;

	e->provisioning_status = SLICE("disabled");
	scene_put(s, &noun_individual, e);
	q.token = scene_token(s, "dev-1", "dev-2", false);
	assert_refused(ask(s, &q), 401002);
	assert_null(scene_record(s, "dev-1"));
	q = question(s, "dev-1");
	h = ask(s, &q);
	assert_int_equal(h->status, 200);
	assert_int_equal(h->code, 0);
	assert_string_equal(heard_text(h, "status"), "disabled");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(h->json, "registrationState"), "errorCode")), 401003);
	assert_true(slice_eq(scene_record(s, "dev-1")->status, SLICE("disabled")));
	assert_int_equal(scene_hub(s, HUB1)->calls, 0);
	/* Asking on and on costs no write. */
	s->fail_writes = 1;
	assert_string_equal(ask(s, &q)->body, h->body);
	s->fail_writes = 0;
	/* Switched on again, it is let in. */
	e->provisioning_status = SLICE("enabled");
	scene_put(s, &noun_individual, e);
	assert_assigned(ask(s, &q), HUB1, "dev-1", "initialAssignment");
}

static void an_individual_enrollment_bars_a_device_of_an_enabled_group(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "press-7", NULL);
	struct heard *h;

	scene_group(s, "presses");
	h = scene_register_with(s, "press-7", scene_token(s, "press-7", "presses", true));
	scene_advance(s, 0);
	assert_refused(h, 401002);
	e->provisioning_status = SLICE("disabled");
	scene_put(s, &noun_individual, e);
	assert_string_equal(heard_text(scene_register_fully(s, "press-7"), "status"), "disabled");
}

static void a_status_is_told_only_to_a_device_that_has_proven_itself(void **state)
{
	struct scene *s = *state;
	struct device_question q;
	const char *operation;
	struct heard *h;

	scene_enrollment(s, "dev-1", HUB1);
	h = scene_status(s, "dev-1");
	scene_advance(s, 0);
	assert_refused(h, 404202);
	operation = heard_text(scene_register_fully(s, "dev-1"), "operationId");
	h = scene_status(s, "dev-1");
	scene_advance(s, 0);
	assert_int_equal(h->status, 200);
	assert_string_equal(heard_text(h, "assignedHub"), HUB1);
	q = question(s, "dev-1");
	q.op = DEVICE_OPERATION_STATUS;
	q.operation_id = slice_str(operation);
	q.body = SLICE("{}");
	assert_assigned(ask(s, &q), HUB1, "dev-1", NULL);
	q.token = scene_token(s, "dev-1", "dev-2", false);
	assert_refused(ask(s, &q), 401002);
	q = question(s, "dev-1");
	q.op = DEVICE_OPERATION_STATUS;
	q.operation_id = SLICE("5.0000000000000000.nobody");
	assert_refused(ask(s, &q), 404001);
}

/* device-api.md 5.1. */
static void a_registration_status_with_a_csr_is_400004(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");

	scene_enrollment(s, "dev-1", HUB1);
	scene_register_fully(s, "dev-1");
	q.op = DEVICE_REGISTRATION_STATUS;
	q.body = SLICE("{\"csr\":\"AAAA\"}");
	assert_refused(ask(s, &q), 400004);
}

static void everything_is_counted(void **state)
{
	struct scene *s = *state;
	struct device_question q = question(s, "dev-1");
	struct provision_latency latency;

	scene_enrollment(s, "dev-1", HUB1);
	assert_assigned(ask(s, &q), HUB1, "dev-1", NULL);
	q.token = NO_SLICE;
	assert_refused(ask(s, &q), 401002);
	assert_int_equal(scene_counted(s, "registration", "assigned"), 1);
	assert_int_equal(scene_counted(s, "registration", "401002"), 1);
	assert_int_equal(scene_counted(s, "attestation", "attested"), 1);
	assert_int_equal(scene_counted(s, "attestation", "401002"), 1);
	assert_int_equal(scene_counted(s, "assignment", ""), 1);
	provision_latency(s->provision, TIME_REGISTER, &latency);
	assert_int_equal(latency.n, 2);
}

static void only_the_last_attempts_are_kept(void **state)
{
	struct scene *s = *state;
	struct attempt *like = noun_new(&noun_attempt, s->arena);
	struct device_question q = question(s, "dev-1");
	int n = 0;

	scene_enrollment(s, "dev-1", HUB1);
	q.token = NO_SLICE;
	for (int i = 0; i < 25; i++) {
		assert_refused(ask(s, &q), 401002);
		scene_advance(s, 10);
	}
	scene_advance(s, 61000);
	like->scope = SLICE(SCOPE);
	like->id = SLICE("dev-1");
	n = scene_count(s, &noun_attempt, like, 2);
	assert_int_equal(n, 10);
}

const struct CMUnitTest refusal_tests[] = {
	SCENE_TEST(an_unknown_scope_is_404001),
	SCENE_TEST(a_stranger_is_404201_when_no_group_could_have_given_it_a_key),
	SCENE_TEST(a_stranger_is_401002_when_a_group_could),
	SCENE_TEST(a_wrong_or_missing_token_is_401002_and_the_operator_learns_why),
	SCENE_TEST(an_expired_token_is_401002),
	SCENE_TEST(a_malformed_question_is_400004),
	SCENE_TEST(what_clients_really_send_is_taken),
	SCENE_TEST(a_disabled_enrollment_is_told_only_to_a_device_that_has_proven_itself),
	SCENE_TEST(an_individual_enrollment_bars_a_device_of_an_enabled_group),
	SCENE_TEST(a_status_is_told_only_to_a_device_that_has_proven_itself),
	SCENE_TEST(a_registration_status_with_a_csr_is_400004),
	SCENE_TEST(everything_is_counted),
	SCENE_TEST(only_the_last_attempts_are_kept),
};
const size_t refusal_test_count = sizeof(refusal_tests) / sizeof(refusal_tests[0]);
