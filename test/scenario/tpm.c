/*
 * tpm.c: devices with a TPM: two rounds, whatever happens between them, and a key for the hub that only the TPM learns.
 */
#include "crypto/test_tpm.h"
#include "scenario/scene.h"

#define ID "dev-1"

static struct slice text_of(struct scene *s, struct slice key)
{
	return base64_encode(s->arena, key);
}

static struct enrollment *enroll(struct scene *s, const struct test_tpm *tpm)
{
	struct enrollment *e = noun_new(&noun_individual, s->arena);

	e->scope = SLICE(SCOPE);
	e->id = e->name = SLICE(ID);
	e->attestation = SLICE("tpm");
	e->etag = SLICE("1");
	e->endorsement_key = text_of(s, tpm->endorsement_key);
	scene_put(s, &noun_individual, e);
	return e;
}

/* --- what a device asks --- */

static struct heard *ask(struct scene *s, const struct device_question *q, int64_t ms)
{
	struct heard *h = scene_ask(s, q);

	scene_advance(s, ms);
	return h;
}

static struct device_question question(enum device_op op, struct slice token)
{
	return (struct device_question){.op = op,
					.scope = SLICE(SCOPE),
					.registration_id = SLICE(ID),
					.token = token,
					.protocol = "https",
					.peer = "192.0.2.1",
					.request_id = "2d1c7e43-6f04-4b8e-9a53-1f0a2b6c9d10"};
}

static struct device_question registering(struct scene *s, const struct test_tpm *tpm, struct slice token)
{
	struct device_question q = question(DEVICE_REGISTER, token);

	q.body = arena_format(s->arena, "{\"registrationId\":\"" ID "\",\"tpm\":{\"endorsementKey\":\"%.*s\",\"storageRootKey\":\"%.*s\"}}",
			      SLICE_ARG(text_of(s, tpm->endorsement_key)), SLICE_ARG(text_of(s, tpm->storage_root_key)));
	return q;
}

static struct heard *show(struct scene *s, const struct test_tpm *tpm, struct slice token)
{
	struct device_question q = registering(s, tpm, token);

	return ask(s, &q, 10);
}

static struct heard *show_status(struct scene *s, struct slice token)
{
	struct device_question q = question(DEVICE_REGISTRATION_STATUS, token);

	return ask(s, &q, 10);
}

static struct device_question connecting(struct scene *s, const struct test_tpm *tpm, struct slice token)
{
	struct device_question q = question(DEVICE_CONNECT, token);

	q.endorsement_key = text_of(s, tpm->endorsement_key);
	q.storage_root_key = text_of(s, tpm->storage_root_key);
	return q;
}

/* --- what it hears --- */

static struct slice key_in(struct scene *s, const struct test_tpm *tpm, const char *blob)
{
	assert_non_null(blob);
	return test_tpm_unwrap(s->arena, tpm, base64_decode(s->arena, slice_str(blob)));
}

static struct slice token_of(struct scene *s, struct slice key)
{
	assert_int_equal(key.n, TPM_KEY_SIZE);
	return token_make(s->arena, SLICE(SCOPE "/registrations/" ID), key, SLICE("registration"),
			  loop_wall(s->loop) + 3600 * INSTANT_SECOND);
}

/* The token with which the device answers a challenge. */
static struct slice meet(struct scene *s, const struct test_tpm *tpm, const struct heard *h)
{
	assert_int_equal(h->status, 401);
	assert_int_equal(h->code, 0);
	return token_of(s, key_in(s, tpm, heard_text(h, "authenticationKey")));
}

static struct slice hub_key(struct scene *s, const struct test_tpm *tpm, const struct heard *h)
{
	const json_t *state = json_object_get(h->json, "registrationState");

	return key_in(s, tpm, json_string_value(json_object_get(json_object_get(state, "tpm"), "authenticationKey")));
}

/* The hub knows the device by the key that its TPM was given. */
static void hub_knows(struct scene *s, const char *hub, struct slice key)
{
	const struct fake_device *d = fake_hub_find(scene_hub(s, hub), ID);
	const json_t *keys;

	assert_non_null(d);
	keys = json_object_get(d->authentication, "symmetricKey");
	assert_string_equal(json_string_value(json_object_get(keys, "primaryKey")), text_of(s, key).p);
	assert_string_not_equal(json_string_value(json_object_get(keys, "secondaryKey")), text_of(s, key).p);
}

static void refused(struct scene *s, const struct heard *h, int code, const char *check)
{
	struct attempt *a;

	assert_refused(h, code);
	assert_null(heard_text(h, "authenticationKey"));
	assert_non_null(a = scene_attempt(s, ID));
	if (!slice_eq(a->check_name, slice_str(check)))
		fail_msg("%.*s instead of %s: %.*s", SLICE_ARG(a->check_name), check, SLICE_ARG(a->sentence));
}

/* --- scenarios --- */

static void a_device_is_assigned_in_the_second_round(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct heard *h;
	const char *hub;

	enroll(s, &tpm);
	h = show(s, &tpm, NO_SLICE);
	assert_null(scene_attempt(s, ID));
	assert_null(scene_record(s, ID));
	h = show(s, &tpm, meet(s, &tpm, h));
	hub = heard_state(h, "assignedHub");
	assert_assigned(h, hub, ID, "initialAssignment");
	hub_knows(s, hub, hub_key(s, &tpm, h));
	test_tpm_unmake(&tpm);
}

static void a_restart_between_the_rounds_does_not_matter(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct slice token;
	struct heard *h;

	enroll(s, &tpm);
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	scene_restart(s);
	h = show(s, &tpm, token);
	assert_assigned(h, heard_state(h, "assignedHub"), ID, "initialAssignment");
	test_tpm_unmake(&tpm);
}

/* Its poll carries no storage root key: the record has it. */
static void a_poll_brings_the_key_for_the_hub(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct device_question poll;
	struct slice token;
	struct heard *h;

	enroll(s, &tpm);
	scene_hub(s, HUB1)->delay_ms = scene_hub(s, HUB2)->delay_ms = 3000;
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	h = show(s, &tpm, token);
	scene_advance(s, REGISTRATION_FIRST_ANSWER_MS);
	assert_string_equal(heard_text(h, "status"), "assigning");
	scene_advance(s, 5000);
	poll = question(DEVICE_OPERATION_STATUS, token);
	poll.operation_id = slice_str(heard_text(h, "operationId"));
	h = ask(s, &poll, 10);
	assert_string_equal(heard_text(h, "status"), "assigned");
	hub_knows(s, heard_state(h, "assignedHub"), hub_key(s, &tpm, h));
	test_tpm_unmake(&tpm);
}

/* What was begun is finished without the device: nothing that only it knows is missing. */
static void a_registration_that_was_interrupted_is_taken_up(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct slice token;
	struct heard *h;

	enroll(s, &tpm);
	scene_hub(s, HUB1)->mood = scene_hub(s, HUB2)->mood = MOOD_SILENT;
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	h = show(s, &tpm, token);
	scene_advance(s, REGISTRATION_FIRST_ANSWER_MS);
	assert_string_equal(heard_text(h, "status"), "assigning");
	scene_hub(s, HUB1)->mood = scene_hub(s, HUB2)->mood = MOOD_WELL;
	scene_restart(s);
	scene_advance(s, 10000);
	assert_true(slice_eq(scene_record(s, ID)->status, SLICE("assigned")));
	h = show_status(s, token);
	hub_knows(s, heard_text(h, "assignedHub"), key_in(s, &tpm, json_string_value(json_object_get(json_object_get(h->json, "tpm"), "authenticationKey"))));
	refused(s, show(s, &tpm, token), 401002, "challenge-used");
	test_tpm_unmake(&tpm);
}

static void a_challenge_is_good_for_one_registration(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct slice token;
	struct heard *h;

	enroll(s, &tpm);
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	h = show(s, &tpm, token);
	assert_assigned(h, heard_state(h, "assignedHub"), ID, "initialAssignment");
	refused(s, show(s, &tpm, token), 401002, "challenge-used");
	scene_restart(s);
	refused(s, show(s, &tpm, token), 401002, "challenge-used");
	h = show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	assert_assigned(h, heard_state(h, "assignedHub"), ID, "reprovisionedToInitialAssignment");
	test_tpm_unmake(&tpm);
}

/* Nothing would have to be written for a device that stays where it is, but that its challenge was used. */
static void a_challenge_is_used_up_though_the_device_never_moves(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct enrollment *e = enroll(s, &tpm);
	struct slice token;
	struct heard *h;

	e->update_hub = FLAG_NO;
	scene_put(s, &noun_individual, e);
	show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	h = show(s, &tpm, token);
	assert_assigned(h, heard_state(h, "assignedHub"), ID, "initialAssignment");
	refused(s, show(s, &tpm, token), 401002, "challenge-used");
	test_tpm_unmake(&tpm);
}

/* A client that loses the answer sends its register again: as long as the first is under way it gets the same answer. */
static void two_registers_with_one_challenge_are_one_registration(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct heard *first, *second;
	struct slice token;

	enroll(s, &tpm);
	scene_hub(s, HUB1)->delay_ms = scene_hub(s, HUB2)->delay_ms = 1000;
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	first = show(s, &tpm, token);
	second = show(s, &tpm, token);
	scene_advance(s, 5000);
	assert_assigned(first, heard_state(first, "assignedHub"), ID, "initialAssignment");
	assert_string_equal(heard_text(first, "operationId"), heard_text(second, "operationId"));
	assert_int_equal(scene_hub(s, HUB1)->device_count + scene_hub(s, HUB2)->device_count, 1);
	refused(s, show(s, &tpm, token), 401002, "challenge-used");
	test_tpm_unmake(&tpm);
}

static void a_device_that_comes_back_gets_the_same_key(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct slice first;
	struct heard *h;

	enroll(s, &tpm);
	h = show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	first = hub_key(s, &tpm, h);
	scene_advance(s, 86400000);
	h = show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	assert_true(slice_eq(first, hub_key(s, &tpm, h)));
	test_tpm_unmake(&tpm);
}

static void an_old_token_that_is_sent_again_is_refused(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct slice token;

	enroll(s, &tpm);
	token = meet(s, &tpm, show(s, &tpm, NO_SLICE));
	scene_advance(s, 2 * TPM_CHALLENGE_SECONDS * 1000);
	refused(s, show(s, &tpm, token), 401002, "challenge-expired");
	test_tpm_unmake(&tpm);
}

static void the_tpm_of_another_device_is_refused(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena), other = test_tpm_make(s->arena);

	enroll(s, &tpm);
	refused(s, show(s, &other, NO_SLICE), 401002, "endorsement-key");
	test_tpm_unmake(&tpm);
	test_tpm_unmake(&other);
}

/* The policy "never" asks no hub, but a device with a new TPM could not log in there any more. */
static void a_hub_hears_of_a_new_tpm_though_the_device_never_moves(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena), other = test_tpm_make(s->arena);
	struct enrollment *e = enroll(s, &tpm);
	struct heard *h;
	int calls;

	e->update_hub = FLAG_NO;
	scene_put(s, &noun_individual, e);
	show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	calls = scene_hub(s, HUB1)->calls + scene_hub(s, HUB2)->calls;
	h = show(s, &tpm, meet(s, &tpm, show(s, &tpm, NO_SLICE)));
	hub_knows(s, heard_state(h, "assignedHub"), hub_key(s, &tpm, h));
	assert_int_equal(scene_hub(s, HUB1)->calls + scene_hub(s, HUB2)->calls, calls);
	e->endorsement_key = text_of(s, other.endorsement_key);
	scene_put(s, &noun_individual, e);
	h = show(s, &other, meet(s, &other, show(s, &other, NO_SLICE)));
	hub_knows(s, heard_state(h, "assignedHub"), hub_key(s, &other, h));
	test_tpm_unmake(&tpm);
	test_tpm_unmake(&other);
}

static void a_tpm_without_an_enrollment_is_told(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);

	refused(s, show(s, &tpm, NO_SLICE), 404201, "enrollment-found");
	scene_group(s, "mills");
	refused(s, show(s, &tpm, NO_SLICE), 404201, "enrollment-found");
	test_tpm_unmake(&tpm);
}

/* --- logins: the keys come with the login, and not with the register --- */

static void a_login_is_challenged_and_then_welcome(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct device_question q = connecting(s, &tpm, NO_SLICE);
	struct slice token;
	struct heard *h;

	enroll(s, &tpm);
	token = meet(s, &tpm, ask(s, &q, 10));
	q = connecting(s, &tpm, token);
	assert_int_equal(ask(s, &q, 10)->status, 200);
	q.op = DEVICE_REGISTER;
	q.body = SLICE("{\"registrationId\":\"" ID "\",\"tpm\":{}}");
	h = ask(s, &q, 10);
	hub_knows(s, heard_state(h, "assignedHub"), hub_key(s, &tpm, h));
	test_tpm_unmake(&tpm);
}

static void a_login_without_an_enrollment_is_challenged_in_vain(void **state)
{
	struct scene *s = *state;
	struct test_tpm tpm = test_tpm_make(s->arena);
	struct device_question q = connecting(s, &tpm, NO_SLICE);
	struct slice token = meet(s, &tpm, ask(s, &q, 10));

	assert_null(scene_attempt(s, ID));
	q = connecting(s, &tpm, token);
	assert_int_equal(ask(s, &q, 10)->status, 404);
	q.op = DEVICE_REGISTER;
	refused(s, ask(s, &q, 10), 404201, "enrollment-found");
	test_tpm_unmake(&tpm);
}

const struct CMUnitTest tpm_tests[] = {
	SCENE_TEST(a_device_is_assigned_in_the_second_round),
	SCENE_TEST(a_restart_between_the_rounds_does_not_matter),
	SCENE_TEST(a_poll_brings_the_key_for_the_hub),
	SCENE_TEST(a_registration_that_was_interrupted_is_taken_up),
	SCENE_TEST(a_challenge_is_good_for_one_registration),
	SCENE_TEST(a_challenge_is_used_up_though_the_device_never_moves),
	SCENE_TEST(two_registers_with_one_challenge_are_one_registration),
	SCENE_TEST(a_device_that_comes_back_gets_the_same_key),
	SCENE_TEST(an_old_token_that_is_sent_again_is_refused),
	SCENE_TEST(the_tpm_of_another_device_is_refused),
	SCENE_TEST(a_hub_hears_of_a_new_tpm_though_the_device_never_moves),
	SCENE_TEST(a_tpm_without_an_enrollment_is_told),
	SCENE_TEST(a_login_is_challenged_and_then_welcome),
	SCENE_TEST(a_login_without_an_enrollment_is_challenged_in_vain),
};
const size_t tpm_test_count = sizeof(tpm_tests) / sizeof(tpm_tests[0]);
