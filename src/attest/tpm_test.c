/* Devices with a TPM, in two rounds: device-api.md 14. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/attest.h"
#include "base/text.h"
#include "crypto/test_tpm.h"

#define ROOM     (1024 * 1024)
#define NOW      ((instant)1790000100 * INSTANT_SECOND) /* a window begins */
#define WINDOW   (TPM_CHALLENGE_SECONDS * INSTANT_SECOND)
#define SECRET   SLICE("thirty-two bytes of this house..")
#define RESOURCE SLICE("0ne00AB12CD/registrations/Dev-1")

struct fixture {
	struct arena *a;
	struct test_tpm tpm, other;
	struct enrollment e;
	struct evidence ev;
	struct verdict v;
};

static struct test_tpm tpm, other_tpm;
static struct arena *keys;

static int make_keys(void **state)
{
	(void)state;
	keys = arena_new(ROOM);
	tpm = test_tpm_make(keys);
	other_tpm = test_tpm_make(keys);
	return 0;
}

static int unmake_keys(void **state)
{
	(void)state;
	test_tpm_unmake(&tpm);
	test_tpm_unmake(&other_tpm);
	arena_free(&keys);
	return 0;
}

static void show(struct fixture *f, const struct test_tpm *t)
{
	f->ev.endorsement_key = base64_encode(f->a, t->endorsement_key);
	f->ev.storage_root_key = base64_encode(f->a, t->storage_root_key);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM), .tpm = tpm, .other = other_tpm};
	noun_clear(&noun_individual, &f.e);
	f.e.scope = SLICE("0ne00AB12CD");
	f.e.id = SLICE("dev-1");
	f.e.name = SLICE("Dev-1");
	f.e.attestation = SLICE("tpm");
	f.e.endorsement_key = base64_encode(f.a, tpm.endorsement_key);
	f.ev = (struct evidence){.scope = SLICE("0ne00AB12CD"), .registration_id = SLICE("Dev-1"), .secret = SECRET, .now = NOW};
	show(&f, &tpm);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static enum err judge(struct fixture *f)
{
	return attest_judge(&f->e, false, &f->ev, f->a, &f->v);
}

/* The key that the TPM finds in the challenge. */
static struct slice challenged(struct fixture *f)
{
	struct slice key;

	f->ev.token = NO_SLICE;
	assert_int_equal(judge(f), ERR_AGAIN);
	assert_true(f->v.challenge.n > 0 && f->v.error_code == 401002);
	key = test_tpm_unwrap(f->a, &f->tpm, base64_decode(f->a, f->v.challenge));
	assert_int_equal(key.n, TPM_KEY_SIZE);
	return key;
}

static void sign(struct fixture *f, struct slice key)
{
	f->ev.token = token_make(f->a, RESOURCE, key, SLICE("registration"), f->ev.now + 3600 * INSTANT_SECOND);
}

static void accepted(struct fixture *f)
{
	assert_int_equal(judge(f), OK);
	if (f->v.error_code != 0)
		fail_msg("%s: %s", f->v.check, f->v.sentence);
	assert_string_equal(f->v.hub_authentication, "sas");
}

static void refused(struct fixture *f, const char *check, const char *sentence)
{
	assert_int_equal(judge(f), OK);
	assert_int_equal(f->v.error_code, 401002);
	assert_string_equal(f->v.check, check);
	if (sentence)
		assert_string_equal(f->v.sentence, sentence);
	assert_true(f->v.seen && f->v.expected && f->v.sentence && f->v.message);
	assert_true(slice_absent(f->v.challenge) && slice_absent(f->v.primary_key));
	assert_null(f->v.hub_authentication);
}

/* --- as it should be --- */

static void a_device_that_meets_the_challenge_is_let_in(void **state)
{
	struct fixture *f = *state;

	sign(f, challenged(f));
	accepted(f);
	assert_int_equal(base64_decode(f->a, f->v.primary_key).n, TPM_KEY_SIZE);
	assert_int_equal(base64_decode(f->a, f->v.secondary_key).n, TPM_KEY_SIZE);
	assert_false(slice_eq(f->v.primary_key, f->v.secondary_key));
	assert_true(slice_eq(f->v.storage_root_key, f->ev.storage_root_key));
}

/* Polls carry the token and no keys. */
static void the_token_alone_will_do_afterwards(void **state)
{
	struct fixture *f = *state;

	sign(f, challenged(f));
	f->ev.endorsement_key = f->ev.storage_root_key = NO_SLICE;
	accepted(f);
	assert_true(slice_absent(f->v.storage_root_key));
}

static void the_hub_key_stays_the_same_and_reaches_its_tpm(void **state)
{
	struct fixture *f = *state;
	struct slice first, blob;

	sign(f, challenged(f));
	accepted(f);
	first = f->v.primary_key;
	f->ev.now += 100 * WINDOW;
	sign(f, challenged(f));
	accepted(f);
	assert_true(slice_eq(first, f->v.primary_key));
	blob = base64_decode(f->a, attest_tpm_wrap(&f->e, f->v.storage_root_key, f->v.primary_key, f->a));
	assert_true(slice_eq(test_tpm_unwrap(f->a, &f->tpm, blob), base64_decode(f->a, first)));
}

static void an_enrollment_may_have_the_key_without_its_size(void **state)
{
	struct fixture *f = *state;

	f->e.endorsement_key = base64_encode(f->a, slice_from(tpm.endorsement_key, 2));
	sign(f, challenged(f));
	accepted(f);
}

static void an_enrolled_storage_root_key_is_used_when_none_is_shown(void **state)
{
	struct fixture *f = *state;

	f->e.storage_root_key = f->ev.storage_root_key;
	sign(f, challenged(f));
	f->ev.storage_root_key = NO_SLICE;
	accepted(f);
	assert_true(slice_eq(f->v.storage_root_key, f->e.storage_root_key));
}

/* Another server, or this one after a restart, knows no more than the secret. */
static void the_key_of_a_challenge_is_known_to_whoever_has_the_secret(void **state)
{
	struct fixture *f = *state;
	unsigned char key[TPM_KEY_SIZE];

	assert_int_equal(attest_tpm_challenge_key(&f->e, SECRET, NOW, 0, f->a, key), OK);
	assert_true(slice_eq(challenged(f), slice_over(key, sizeof(key))));
	f->ev.secret = SLICE("thirty-two bytes of another one.");
	sign(f, slice_over(key, sizeof(key)));
	refused(f, "token-signature", NULL);
}

/* --- the time --- */

static void a_challenge_is_good_for_its_time_and_not_longer(void **state)
{
	struct fixture *f = *state;
	struct slice key = challenged(f);

	f->ev.now = NOW + WINDOW;
	sign(f, key);
	accepted(f);
	f->ev.now = NOW + 2 * WINDOW + INSTANT_SECOND;
	sign(f, key);
	refused(f, "challenge-expired",
		"The token was signed with the key of a challenge that is more than 5 minutes old: the device has been slow, or somebody "
		"has "
		"sent an old token again. It has to register without a token first.");
	f->ev.now = NOW + 50 * WINDOW;
	sign(f, key);
	refused(f, "token-signature",
		"The token was not signed with the key of a challenge to Dev-1: it is of another device or TPM, or older than the server "
		"remembers.");
}

/* What the record says once the register is on disk. */
static void use_up(struct fixture *f, instant at)
{
	f->ev.challenge_used_before = f->ev.challenge_used;
	f->ev.challenge_used = at;
}

static void a_challenge_is_good_for_one_register(void **state)
{
	struct fixture *f = *state;
	struct slice key = challenged(f), next;

	sign(f, key);
	accepted(f);
	assert_true(f->v.uses_challenge);
	use_up(f, NOW);
	refused(f, "challenge-used",
		"The token was signed with the key of a challenge that was used at 2026-09-21T14:15:00.0000000Z already, and each is good for one "
		"registration: somebody has sent an old token again, or the device keeps its token too long. It has to register without a "
		"token first.");
	next = challenged(f);
	assert_false(slice_eq(next, key));
	sign(f, next);
	accepted(f);
	assert_true(f->v.uses_challenge);
	use_up(f, NOW + 1);
	sign(f, key);
	refused(f, "token-signature", NULL);
}

static void what_a_challenge_has_begun_may_be_asked_about_with_it(void **state)
{
	struct fixture *f = *state;

	sign(f, challenged(f));
	use_up(f, NOW);
	f->ev.goes_on = true;
	accepted(f);
	assert_false(f->v.uses_challenge);
	f->ev.now = NOW + 2 * WINDOW + INSTANT_SECOND;
	refused(f, "challenge-expired", NULL);
}

static void the_hub_key_does_not_depend_on_what_was_used(void **state)
{
	struct fixture *f = *state;
	struct slice first;

	sign(f, challenged(f));
	accepted(f);
	first = f->v.primary_key;
	use_up(f, NOW);
	sign(f, challenged(f));
	accepted(f);
	assert_true(slice_eq(first, f->v.primary_key));
}

static void a_token_has_an_end_of_its_own(void **state)
{
	struct fixture *f = *state;

	f->ev.token = token_make(f->a, RESOURCE, challenged(f), NO_SLICE, NOW - (TOKEN_SKEW_SECONDS + 1) * INSTANT_SECOND);
	refused(f, "token-expiry", NULL);
}

/* --- the wrong TPM, the wrong device --- */

static void another_tpm_gets_no_challenge(void **state)
{
	struct fixture *f = *state;

	show(f, &other_tpm);
	refused(f, "endorsement-key",
		"The device presented another endorsement key than enrollment Dev-1 has: it is the TPM of another device, or the device "
		"has "
		"got a new one.");
	assert_string_not_equal(f->v.seen, f->v.expected);
}

static void another_tpm_is_refused_though_the_token_is_good(void **state)
{
	struct fixture *f = *state;

	sign(f, challenged(f));
	show(f, &other_tpm);
	refused(f, "endorsement-key", NULL);
}

static void whoever_only_knows_the_keys_cannot_meet_the_challenge(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(judge(f), ERR_AGAIN);
	assert_true(slice_absent(test_tpm_unwrap(f->a, &other_tpm, base64_decode(f->a, f->v.challenge))));
	sign(f, SLICE("a key that somebody has made up."));
	refused(f, "token-signature", NULL);
}

static void a_storage_root_key_that_is_enrolled_must_be_shown(void **state)
{
	struct fixture *f = *state;

	f->e.storage_root_key = base64_encode(f->a, other_tpm.storage_root_key);
	refused(f, "storage-root-key",
		"The device presented another storage root key than enrollment Dev-1 has: its TPM was cleared, or the key was made anew. "
		"Leave "
		"the key out of the enrollment to allow that.");
}

static void the_challenge_of_another_device_is_not_met(void **state)
{
	struct fixture *f = *state;
	struct slice key = challenged(f);

	f->e.id = SLICE("dev-2");
	sign(f, key);
	refused(f, "token-signature", NULL);
	f->e.id = SLICE("dev-1");
	f->e.scope = SLICE("0ne00AB12CE");
	refused(f, "token-signature", NULL);
}

static void a_token_for_another_device_is_refused(void **state)
{
	struct fixture *f = *state;

	f->ev.token = token_make(f->a, SLICE("0ne00AB12CD/registrations/dev-2"), challenged(f), NO_SLICE, NOW + INSTANT_SECOND);
	refused(f, "token-resource", NULL);
}

static void the_key_for_the_hub_is_recognised(void **state)
{
	struct fixture *f = *state;

	sign(f, challenged(f));
	accepted(f);
	sign(f, base64_decode(f->a, f->v.primary_key));
	refused(f, "token-signature",
		"The token of Dev-1 was signed with the key for its hub: to register again it has to ask for a challenge first.");
}

/* --- what does not read --- */

static void who_shows_nothing_is_told_so(void **state)
{
	struct fixture *f = *state;

	f->ev.storage_root_key = NO_SLICE;
	refused(f, "storage-root-key", "The device presented no token, and not the storage root key of a TPM either.");
	f->ev.endorsement_key = NO_SLICE;
	refused(f, "endorsement-key", "The device presented no token, and not the endorsement key of a TPM either.");
}

static void a_key_that_does_not_read_is_refused(void **state)
{
	struct fixture *f = *state;

	f->ev.storage_root_key = SLICE("AToA");
	refused(f, "storage-root-key", "The storage root key of the device does not read as a TPM2B_PUBLIC.");
	f->ev.endorsement_key = SLICE("AToA!");
	refused(f, "endorsement-key", "The endorsement key that the device presented is not base64.");
	f->e.endorsement_key = SLICE("AToA");
	refused(f, "enrolled-key", "The endorsement key of enrollment Dev-1 does not read as a TPM2B_PUBLIC.");
}

static void an_enrolled_storage_root_key_that_does_not_read_lets_nobody_in(void **state)
{
	struct fixture *f = *state;

	f->e.storage_root_key = SLICE("AToA");
	refused(f, "enrolled-key", "The storage root key of enrollment Dev-1 does not read as a TPM2B_PUBLIC.");
}

/* --- and the rest --- */

static void a_disabled_enrollment_says_so_only_to_its_device(void **state)
{
	struct fixture *f = *state;

	f->e.provisioning_status = SLICE("disabled");
	sign(f, challenged(f));
	assert_int_equal(judge(f), OK);
	assert_int_equal(f->v.error_code, 401003);
}

static void a_decoy_looks_like_a_challenge(void **state)
{
	struct fixture *f = *state;
	struct slice decoy = attest_tpm_decoy(&f->ev, f->a);

	challenged(f);
	assert_int_equal(decoy.n, f->v.challenge.n);
	sign(f, test_tpm_unwrap(f->a, &f->tpm, base64_decode(f->a, decoy)));
	refused(f, "token-signature", NULL);
	f->ev.storage_root_key = SLICE("AToA");
	assert_true(slice_absent(attest_tpm_decoy(&f->ev, f->a)));
}

static void without_its_secret_the_server_attests_nobody(void **state)
{
	struct fixture *f = *state;

	f->ev.secret = NO_SLICE;
	assert_int_equal(judge(f), ERR_INTERNAL);
}

static void a_verdict_is_whole_or_there_is_no_memory(void **state)
{
	struct fixture *f = *state;
	enum err e = ERR_NO_MEMORY;
	int failed = 0;

	sign(f, challenged(f));
	for (int round = 0; round < 2; round++, f->ev.token = NO_SLICE, e = ERR_NO_MEMORY) {
		for (size_t ceiling = 16; e == ERR_NO_MEMORY && ceiling < ROOM; ceiling += 64) {
			struct arena *small = arena_new(ceiling);

			e = small ? attest_judge(&f->e, false, &f->ev, small, &f->v) : ERR_NO_MEMORY;
			failed += e == ERR_NO_MEMORY;
			if (e == OK)
				assert_int_equal(f->v.error_code, 0);
			arena_free(&small);
		}
		assert_int_equal(e, round ? ERR_AGAIN : OK);
	}
	assert_true(failed > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_that_meets_the_challenge_is_let_in),
		TEST(the_token_alone_will_do_afterwards),
		TEST(the_hub_key_stays_the_same_and_reaches_its_tpm),
		TEST(an_enrollment_may_have_the_key_without_its_size),
		TEST(an_enrolled_storage_root_key_is_used_when_none_is_shown),
		TEST(the_key_of_a_challenge_is_known_to_whoever_has_the_secret),
		TEST(a_challenge_is_good_for_its_time_and_not_longer),
		TEST(a_challenge_is_good_for_one_register),
		TEST(what_a_challenge_has_begun_may_be_asked_about_with_it),
		TEST(the_hub_key_does_not_depend_on_what_was_used),
		TEST(a_token_has_an_end_of_its_own),
		TEST(another_tpm_gets_no_challenge),
		TEST(another_tpm_is_refused_though_the_token_is_good),
		TEST(whoever_only_knows_the_keys_cannot_meet_the_challenge),
		TEST(a_storage_root_key_that_is_enrolled_must_be_shown),
		TEST(the_challenge_of_another_device_is_not_met),
		TEST(a_token_for_another_device_is_refused),
		TEST(the_key_for_the_hub_is_recognised),
		TEST(who_shows_nothing_is_told_so),
		TEST(a_key_that_does_not_read_is_refused),
		TEST(an_enrolled_storage_root_key_that_does_not_read_lets_nobody_in),
		TEST(a_disabled_enrollment_says_so_only_to_its_device),
		TEST(a_decoy_looks_like_a_challenge),
		TEST(without_its_secret_the_server_attests_nobody),
		TEST(a_verdict_is_whole_or_there_is_no_memory),
	};

	return cmocka_run_group_tests(tests, make_keys, unmake_keys);
}
