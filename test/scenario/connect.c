/*
 * connect.c: the login of protocols that have one: only the credential is judged, the rest is for the register to hear.
 */
#include "scenario/scene.h"

static struct heard *connect_with(struct scene *s, const char *id, struct slice token)
{
	const struct device_question q = {.op = DEVICE_CONNECT,
					  .scope = SLICE(SCOPE),
					  .registration_id = slice_str(id),
					  .token = token,
					  .protocol = "mqtt",
					  .peer = "192.0.2.1",
					  .request_id = "7f0f4f0e-3c55-4f0b-8d0b-6a1f4c1d2e3f"};
	struct heard *h = scene_ask(s, &q);

	scene_advance(s, 0);
	return h;
}

static void a_good_credential_is_welcome_and_changes_nothing(void **state)
{
	struct scene *s = *state;

	scene_enrollment(s, "dev-1", HUB1);
	assert_int_equal(connect_with(s, "dev-1", scene_token(s, "dev-1", "dev-1", false))->status, 200);
	assert_null(scene_record(s, "dev-1"));
	assert_null(scene_attempt(s, "dev-1"));
}

static void a_wrong_credential_is_401_and_explained(void **state)
{
	struct scene *s = *state;

	scene_enrollment(s, "dev-1", HUB1);
	scene_enrollment(s, "dev-2", HUB1);
	assert_refused(connect_with(s, "dev-1", scene_token(s, "dev-1", "dev-2", false)), 401002);
	assert_true(slice_eq(scene_attempt(s, "dev-1")->operation, SLICE("connect")));
	assert_true(slice_eq(scene_attempt(s, "dev-1")->check_name, SLICE("token-signature")));
}

static void a_device_without_an_enrollment_hears_of_it_when_it_registers(void **state)
{
	struct scene *s = *state;

	assert_int_equal(connect_with(s, "dev-1", scene_token(s, "dev-1", "dev-1", false))->status, 404);
	assert_null(scene_attempt(s, "dev-1"));
	assert_refused(scene_register_fully(s, "dev-1"), 404201);
	assert_true(slice_eq(scene_attempt(s, "dev-1")->operation, SLICE("register")));
}

static void a_disabled_device_is_let_in_to_hear_of_it(void **state)
{
	struct scene *s = *state;
	struct enrollment *e = scene_enrollment(s, "dev-1", HUB1);

	e->provisioning_status = SLICE("disabled");
	scene_put(s, &noun_individual, e);
	assert_int_equal(connect_with(s, "dev-1", scene_token(s, "dev-1", "dev-1", false))->status, 200);
	assert_null(scene_attempt(s, "dev-1"));
	assert_string_equal(heard_text(scene_register_fully(s, "dev-1"), "status"), "disabled");
}

const struct CMUnitTest connect_tests[] = {
	SCENE_TEST(a_good_credential_is_welcome_and_changes_nothing),
	SCENE_TEST(a_wrong_credential_is_401_and_explained),
	SCENE_TEST(a_device_without_an_enrollment_hears_of_it_when_it_registers),
	SCENE_TEST(a_disabled_device_is_let_in_to_hear_of_it),
};
const size_t connect_test_count = sizeof(connect_tests) / sizeof(connect_tests[0]);
