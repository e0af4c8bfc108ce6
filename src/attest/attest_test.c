/* The kinds, and the switch of an enrollment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/attest.h"

#define ROOM 65536
#define NOW  ((instant)1790000000 * INSTANT_SECOND)

static const struct slice key_text = SLICE("c2l4dGVlbiBieXRlcyBvciBzby4u");

static struct evidence evidence(struct arena *a)
{
	struct slice resource = SLICE("0ne00AB12CD/registrations/dev-1"), key = SLICE("sixteen bytes or so..");

	return (struct evidence){
		.scope = SLICE("0ne00AB12CD"),
		.registration_id = SLICE("dev-1"),
		.token = token_make(a, resource, key, SLICE("registration"), NOW + 60 * INSTANT_SECOND),
		.now = NOW,
	};
}

static struct enrollment enrollment(void)
{
	struct enrollment e;

	noun_clear(&noun_individual, &e);
	e.name = SLICE("dev-1");
	e.attestation = SLICE("symmetricKey");
	e.primary_key = key_text;
	return e;
}

static void kinds_are_found_by_name(void **state)
{
	(void)state;
	assert_non_null(attest_find(SLICE("symmetricKey")));
	assert_non_null(attest_find(SLICE("SYMMETRICKEY")));
	assert_null(attest_find(SLICE("magic")));
	assert_null(attest_find(NO_SLICE));
}

static void a_kind_that_is_not_built_is_told(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct enrollment e = enrollment();
	struct evidence ev = evidence(a);
	struct verdict v;

	(void)state;
	e.attestation = SLICE("nitro");
	assert_int_equal(attest_judge(&e, false, &ev, a, &v), OK);
	assert_int_equal(v.error_code, 401002);
	assert_string_equal(v.message, "Unauthorized");
	assert_string_equal(v.check, "attestation-kind");
	assert_string_equal(v.sentence, "Enrollment dev-1 attests by nitro, which this build of Berth cannot judge yet.");
	arena_free(&a);
}

static void a_disabled_enrollment_refuses_its_own_device(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct enrollment e = enrollment();
	struct evidence ev = evidence(a);
	struct verdict v;

	(void)state;
	assert_int_equal(attest_judge(&e, false, &ev, a, &v), OK);
	assert_int_equal(v.error_code, 0);
	e.provisioning_status = SLICE("disabled");
	assert_int_equal(attest_judge(&e, false, &ev, a, &v), OK);
	assert_int_equal(v.error_code, 401003);
	assert_string_equal(v.message, "The enrollment is disabled.");
	assert_string_equal(v.check, "enrollment-enabled");
	assert_string_equal(v.sentence, "The device has proven itself, but enrollment dev-1 is disabled.");
	assert_null(v.hub_authentication);
	assert_true(slice_absent(v.primary_key));
	arena_free(&a);
}

/* A stranger learns nothing of the switch. */
static void a_disabled_enrollment_says_nothing_to_a_stranger(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct enrollment e = enrollment();
	struct evidence ev = evidence(a);
	struct verdict v;

	(void)state;
	e.provisioning_status = SLICE("disabled");
	e.primary_key = SLICE("YW5vdGhlciBrZXkgYWx0b2dldGhlcg==");
	assert_int_equal(attest_judge(&e, false, &ev, a, &v), OK);
	assert_int_equal(v.error_code, 401002);
	assert_string_equal(v.check, "token-signature");
	arena_free(&a);
}

/* service-api.md 4.4: such an enrollment provisions like an enabled one. */
static void a_null_status_counts_as_enabled(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct enrollment e = enrollment();
	struct evidence ev = evidence(a);
	struct verdict v;

	(void)state;
	e.provisioning_status = SLICE("");
	assert_int_equal(attest_judge(&e, false, &ev, a, &v), OK);
	assert_int_equal(v.error_code, 0);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_found_by_name),
		cmocka_unit_test(a_kind_that_is_not_built_is_told),
		cmocka_unit_test(a_disabled_enrollment_refuses_its_own_device),
		cmocka_unit_test(a_disabled_enrollment_says_nothing_to_a_stranger),
		cmocka_unit_test(a_null_status_counts_as_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
