/* Tokens of every client against enrollments and groups: device-api.md 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "attest/attest.h"
#include "base/text.h"
#include "crypto/digest.h"

#define ROOM  (1024 * 1024)
#define SCOPE "0ne00AB12CD"
#define SE    1790000000 /* of the vectors in 7.3 */

/* 7.3: bytes 00 to 3f, and the published group key */
#define VECTOR_KEY SLICE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==")
#define OTHER_KEY  SLICE("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
#define GROUP_KEY  SLICE("8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==")

struct fixture {
	struct arena *a;
	struct enrollment e, groups[3];
	struct evidence ev;
	struct verdict v;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM)};
	noun_clear(&noun_individual, &f.e);
	f.e.name = SLICE("dev-1");
	f.e.attestation = SLICE("symmetricKey");
	f.e.primary_key = VECTOR_KEY;
	f.e.secondary_key = OTHER_KEY;
	for (int i = 0; i < 3; i++) {
		f.groups[i] = f.e;
		f.groups[i].name = slice_str(((const char *[]){"presses", "mills", "saws"})[i]);
	}
	f.groups[1].primary_key = GROUP_KEY;
	f.groups[2].primary_key = SLICE("c2F3cyBoYXZlIHRoaXMga2V5IGluIGZpcnN0IHBsYWNl");
	f.groups[2].secondary_key = SLICE("YW5kIHNhd3MgaGF2ZSB0aGlzIGtleSBpbiBzZWNvbmQ=");
	f.ev = (struct evidence){
		.scope = SLICE(SCOPE),
		.registration_id = SLICE("dev-1"),
		.now = (instant)(SE - 60) * INSTANT_SECOND,
	};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static void judge(struct fixture *f, bool group)
{
	assert_int_equal(attest_judge(group ? &f->groups[1] : &f->e, group, &f->ev, f->a, &f->v), OK);
}

static void present(struct fixture *f, const char *token)
{
	f->ev.token = slice_str(token);
}

/* Sign `text` + LF + SE with the bytes of the key, and show it with this sr and these members behind it. */
static void sign(struct fixture *f, struct slice key, const char *text, const char *sr, const char *behind)
{
	unsigned char mac[SHA256_SIZE];
	struct slice signed_text = arena_format(f->a, "%s\n%d", text, SE), sig;

	hmac_sha256(key, signed_text, mac);
	sig = percent_encode(f->a, base64_encode(f->a, slice_over(mac, sizeof(mac))));
	f->ev.token = arena_format(f->a, "SharedAccessSignature sr=%s&sig=%.*s&se=%d%s", sr, SLICE_ARG(sig), SE, behind);
}

static struct slice bytes(struct fixture *f, struct slice base64)
{
	struct slice b = base64_decode(f->a, base64);

	assert_false(slice_absent(b));
	return b;
}

static struct slice derived(struct fixture *f, struct slice group_key, const char *id)
{
	char *raw = arena_alloc(f->a, 32);

	device_key(group_key, slice_str(id), (unsigned char *)raw);
	return slice_over(raw, 32);
}

#define RESOURCE SCOPE "/registrations/dev-1"

static void accepted(struct fixture *f)
{
	if (f->v.error_code != 0)
		print_error("%s: %s\n", f->v.check, f->v.sentence);
	assert_int_equal(f->v.error_code, 0);
	assert_string_equal(f->v.hub_authentication, "sas");
}

static void refused(struct fixture *f, const char *check, const char *sentence)
{
	assert_int_equal(f->v.error_code, 401002);
	assert_string_equal(f->v.message, "Unauthorized");
	assert_string_equal(f->v.check, check);
	assert_string_equal(f->v.sentence, sentence);
	assert_non_null(f->v.seen);
	assert_non_null(f->v.expected);
	assert_null(f->v.hub_authentication);
	assert_true(slice_absent(f->v.primary_key));
}

/* --- 7.3: one resource in four spellings, four signatures --- */

#define SE_TEXT "&se=1790000000"

static void the_tokens_of_every_client_are_accepted(void **state)
{
	static const char *const tokens[] = {
		/* Node; Java with its empty skn */
		"SharedAccessSignature sr=0ne00AB12CD/registrations/dev-1&sig=stU8soTcmETMkYY%2FCPplafneE6HmQ3WrfADLHTzcfbs%3D"
		"&skn=registration" SE_TEXT,
		"SharedAccessSignature sr=0ne00AB12CD/registrations/dev-1&sig=stU8soTcmETMkYY%2FCPplafneE6HmQ3WrfADLHTzcfbs%3D" SE_TEXT
		"&skn=",
		/* Python without skn, .NET */
		"SharedAccessSignature sr=0ne00AB12CD%2Fregistrations%2Fdev-1&sig=NxGHpZKHRe0FxQ%2FiUSMBohjSn1OcaKf5PH43veOJC08%3D" SE_TEXT,
		/* C, with lower-case escapes */
		"SharedAccessSignature sr=0ne00AB12CD%2fregistrations%2fdev-1&sig=qcuF5DgoRaoguGA8syPvZ2M7veiggC87jqVzHGLwPT4%3d" SE_TEXT
		"&skn=registration",
		/* Edge, all lower case */
		"SharedAccessSignature sr=0ne00ab12cd/registrations/dev-1&sig=eMHjcfkH7pfiEKPFxutkVmr5GuvbV67hzg7evs%2B2Pfc%3D" SE_TEXT
		"&skn=registration",
		/* any order */
		"SharedAccessSignature skn=registration" SE_TEXT
		"&sig=stU8soTcmETMkYY%2FCPplafneE6HmQ3WrfADLHTzcfbs%3D&sr=0ne00AB12CD/registrations/dev-1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		present(f, tokens[i]);
		judge(f, false);
		accepted(f);
	}
}

/* hub-api.md 5.1 */
static void the_hub_gets_the_keys_of_the_enrollment(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, VECTOR_KEY), RESOURCE, RESOURCE, "");
	judge(f, false);
	accepted(f);
	assert_true(slice_eq(f->v.primary_key, VECTOR_KEY));
	assert_true(slice_eq(f->v.secondary_key, OTHER_KEY));
}

static void the_secondary_key_is_as_good_as_the_primary(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, OTHER_KEY), RESOURCE, RESOURCE, "&skn=registration");
	judge(f, false);
	accepted(f);
}

static void the_case_of_the_registration_id_does_not_matter(void **state)
{
	struct fixture *f = *state;

	f->ev.registration_id = SLICE("DEV-1");
	f->ev.scope = SLICE("0NE00ab12cd");
	sign(f, bytes(f, VECTOR_KEY), RESOURCE, RESOURCE, "");
	judge(f, false);
	accepted(f);
}

/* --- groups, 7.2 --- */

static void a_derived_key_speaks_for_its_device(void **state)
{
	struct fixture *f = *state;

	f->groups[1].primary_key = VECTOR_KEY;
	sign(f, derived(f, bytes(f, VECTOR_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	judge(f, true);
	accepted(f);
	/* the vectors of 7.3 */
	assert_true(slice_eq(f->v.primary_key, SLICE("hwMX6ImusIQR3uC8iZ8xvHD4mtPX7fK4reK/A0B+wK8=")));
	assert_true(slice_eq(f->v.secondary_key, base64_encode(f->a, derived(f, bytes(f, OTHER_KEY), "dev-1"))));
}

static void the_published_group_key_gives_the_published_device_key(void **state)
{
#define LONG_ID "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"
	struct fixture *f = *state;

	f->ev.registration_id = SLICE(LONG_ID);
	sign(f, bytes(f, SLICE("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=")), SCOPE "/registrations/" LONG_ID,
	     SCOPE "/registrations/" LONG_ID, "");
	judge(f, true);
	accepted(f);
}

static void a_key_derived_from_the_secondary_is_good_too(void **state)
{
	struct fixture *f = *state;

	sign(f, derived(f, bytes(f, OTHER_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	judge(f, true);
	accepted(f);
}

/* RULE: as received, then lower-cased; the hub gets the spelling that verified. */
static void a_key_derived_from_either_spelling_is_good(void **state)
{
	struct fixture *f = *state;

	f->ev.registration_id = SLICE("DEV-1");
	sign(f, derived(f, bytes(f, GROUP_KEY), "DEV-1"), RESOURCE, RESOURCE, "");
	judge(f, true);
	accepted(f);
	assert_true(slice_eq(f->v.primary_key, base64_encode(f->a, derived(f, bytes(f, GROUP_KEY), "DEV-1"))));
	sign(f, derived(f, bytes(f, GROUP_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	judge(f, true);
	accepted(f);
	assert_true(slice_eq(f->v.primary_key, base64_encode(f->a, derived(f, bytes(f, GROUP_KEY), "dev-1"))));
}

static void a_key_derived_for_another_device_is_refused(void **state)
{
	struct fixture *f = *state;

	sign(f, derived(f, bytes(f, GROUP_KEY), "dev-2"), RESOURCE, RESOURCE, "");
	judge(f, true);
	refused(f, "token-signature", "The signature was made with neither of the keys that enrollment group mills gives to dev-1.");
}

/* --- one thing wrong after the other --- */

static void without_a_token_nobody_is_let_in(void **state)
{
	struct fixture *f = *state;

	judge(f, false);
	refused(f, "token-missing", "The device presented no token, and without one it can't show that it knows a symmetric key.");
	f->ev.token = SLICE("  ");
	judge(f, false);
	assert_string_equal(f->v.check, "token-missing");
}

static void a_token_that_does_not_read_is_refused(void **state)
{
	struct fixture *f = *state;

	present(f, "SharedAccessSignature sr=a&se=1790000000");
	judge(f, false);
	assert_int_equal(f->v.error_code, 401002);
	assert_string_equal(f->v.check, "token-form");
	assert_non_null(strstr(f->v.sentence, "The token does not read: "));
}

static void a_token_for_another_device_is_refused(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, VECTOR_KEY), SCOPE "%2fregistrations%2fpress-08", SCOPE "%2fregistrations%2fpress-08", "");
	judge(f, false);
	refused(f, "token-resource",
		"The token is for 0ne00AB12CD/registrations/press-08, but the device registers as dev-1 in ID scope 0ne00AB12CD.");
	assert_string_equal(f->v.seen, "0ne00AB12CD/registrations/press-08");
	assert_string_equal(f->v.expected, "0ne00AB12CD/registrations/dev-1");
}

/* The whole resource counts: neither a prefix nor more. */
static void a_token_for_more_or_less_than_the_device_is_refused(void **state)
{
	static const char *const resources[] = {SCOPE, SCOPE "/registrations", RESOURCE "1", RESOURCE "/register", "", "/" RESOURCE};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		sign(f, bytes(f, VECTOR_KEY), resources[i], resources[i], "");
		judge(f, false);
		assert_int_equal(f->v.error_code, 401002);
	}
}

static void what_a_device_sent_is_repeated_only_as_plain_text(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, VECTOR_KEY), "a%0a%1b%e9", "a%0a%1b%e9", "");
	judge(f, false);
	assert_string_equal(f->v.check, "token-resource");
	assert_string_equal(f->v.seen, "a???");
}

static void a_token_under_a_policy_name_is_refused(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, VECTOR_KEY), RESOURCE, RESOURCE, "&skn=provisioningserviceowner");
	judge(f, false);
	refused(f, "token-key-name",
		"The token names the key provisioningserviceowner (skn), but a device's token names the key registration or none.");
}

/* 7.1: five minutes of clock error */
static void an_expired_token_is_refused_after_the_allowance(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, VECTOR_KEY), RESOURCE, RESOURCE, "");
	f->ev.now = (instant)(SE + 4 * 60) * INSTANT_SECOND;
	judge(f, false);
	accepted(f);
	f->ev.now = (instant)(SE + 7 * 60 + 5) * INSTANT_SECOND;
	judge(f, false);
	refused(f, "token-expiry", "The token expired at 2026-09-21T14:13:20Z, 7 minutes ago by this server's clock.");
	f->ev.now = (instant)(SE + 3 * 86400) * INSTANT_SECOND;
	judge(f, false);
	refused(f, "token-expiry", "The token expired at 2026-09-21T14:13:20Z, 3 days ago by this server's clock.");
}

static void an_expiry_that_is_a_life_time_is_told_as_one(void **state)
{
	struct fixture *f = *state;

	present(f, "SharedAccessSignature sr=" RESOURCE "&sig=stU8soTcmETMkYY%2FCPplafneE6HmQ3WrfADLHTzcfbs%3D&se=3600");
	judge(f, false);
	assert_string_equal(f->v.check, "token-expiry");
	assert_non_null(strstr(f->v.sentence, "se is a point in time, in seconds since 1970, and not a life time."));
}

static void a_signature_of_nobody_is_refused(void **state)
{
	struct fixture *f = *state;

	sign(f, SLICE("whatever key this is, it is nobody's"), RESOURCE, RESOURCE, "");
	judge(f, false);
	refused(f, "token-signature", "The signature was made with neither the primary nor the secondary key of enrollment dev-1.");
}

static void an_enrollment_without_keys_lets_nobody_in(void **state)
{
	struct fixture *f = *state;

	f->e.primary_key = f->e.secondary_key = NO_SLICE;
	sign(f, SLICE(""), RESOURCE, RESOURCE, "");
	judge(f, false);
	assert_int_equal(f->v.error_code, 401002);
	f->e.primary_key = f->e.secondary_key = SLICE("");
	judge(f, false);
	assert_int_equal(f->v.error_code, 401002);
}

/* --- the usual mistakes --- */

static void a_key_used_as_text_is_recognized(void **state)
{
	struct fixture *f = *state;

	sign(f, OTHER_KEY, RESOURCE, RESOURCE, "");
	judge(f, false);
	refused(f, "token-signature",
		"The token was signed with the base64 text of the secondary key of enrollment dev-1: decode the key from base64 before "
		"signing.");
}

static void a_derived_key_where_none_is_needed_is_recognized(void **state)
{
	struct fixture *f = *state;

	sign(f, derived(f, bytes(f, VECTOR_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	judge(f, false);
	refused(f, "token-signature",
		"The token was signed with a key derived from the primary key of enrollment dev-1, as devices of a group do: the key of an "
		"individual enrollment signs as it is.");
}

/* In each direction: sent encoded and signed decoded, sent raw and signed encoded. */
static void a_signature_over_another_spelling_is_recognized(void **state)
{
	static const char *const encoded = SCOPE "%2Fregistrations%2Fdev-1";
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		sign(f, bytes(f, VECTOR_KEY), i ? encoded : RESOURCE, i ? RESOURCE : encoded, "");
		judge(f, false);
		refused(f, "token-signature",
			"The token was signed with the primary key of enrollment dev-1, but over another spelling of sr than the one sent: "
			"sign the "
			"text exactly as it stands in the token.");
	}
}

static void the_group_key_itself_is_recognized(void **state)
{
	struct fixture *f = *state;

	sign(f, bytes(f, GROUP_KEY), RESOURCE, RESOURCE, "");
	judge(f, true);
	refused(f, "token-signature",
		"The token was signed with the primary key of enrollment group mills itself: derive the device's own key from it first "
		"(HMAC-SHA256 over the registration ID).");
	sign(f, GROUP_KEY, RESOURCE, RESOURCE, "");
	judge(f, true);
	assert_non_null(strstr(f->v.sentence, "with the base64 text of the primary key of enrollment group mills"));
}

static void a_key_derived_or_used_as_text_is_recognized(void **state)
{
	struct fixture *f = *state;

	sign(f, derived(f, GROUP_KEY, "dev-1"), RESOURCE, RESOURCE, "");
	judge(f, true);
	assert_non_null(strstr(f->v.sentence, "was derived from the base64 text of the primary key of enrollment group mills"));
	sign(f, base64_encode(f->a, derived(f, bytes(f, GROUP_KEY), "dev-1")), RESOURCE, RESOURCE, "");
	judge(f, true);
	assert_non_null(strstr(f->v.sentence, "with the base64 text of the key derived from the primary key of enrollment group mills"));
	sign(f, derived(f, bytes(f, GROUP_KEY), "dev-1"), RESOURCE, SCOPE "%2fregistrations%2fdev-1", "");
	judge(f, true);
	assert_non_null(strstr(f->v.sentence, "but over another spelling of sr than the one sent"));
}

static void no_refusal_tells_a_key_or_a_signature(void **state)
{
	static const char *const secrets[] = {"AAECAwQF", "8isrFI1s", "p1YFPLQZ", "MDEyMzQ1"};
	struct fixture *f = *state;

	for (int group = 0; group < 2; group++) {
		sign(f, group ? GROUP_KEY : VECTOR_KEY, RESOURCE, RESOURCE, "");
		judge(f, group);
		for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
			assert_null(strstr(f->v.sentence, secrets[i]));
			assert_null(strstr(f->v.seen, secrets[i]));
			assert_null(strstr(f->v.expected, secrets[i]));
		}
	}
}

/* --- which group --- */

static int group_of(struct fixture *f, size_t count, int preferred)
{
	return attest_group_of(f->groups, count, preferred, &f->ev, f->a, &f->v);
}

static void the_group_that_made_the_key_is_found(void **state)
{
	struct fixture *f = *state;

	for (int preferred = -1; preferred <= 3; preferred++) {
		sign(f, derived(f, bytes(f, GROUP_KEY), "dev-1"), RESOURCE, RESOURCE, "");
		assert_int_equal(group_of(f, 3, preferred), 1);
		assert_int_equal(f->v.error_code, 0);
		sign(f, derived(f, bytes(f, f->groups[2].secondary_key), "dev-1"), RESOURCE, RESOURCE, "");
		assert_int_equal(group_of(f, 3, preferred), 2);
	}
}

/* Two groups may share a key; the device stays with the one that served it before. */
static void the_preferred_group_comes_first(void **state)
{
	struct fixture *f = *state;

	sign(f, derived(f, bytes(f, OTHER_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	assert_int_equal(group_of(f, 3, -1), 0);
	assert_int_equal(group_of(f, 3, 1), 1);
}

static void a_group_of_another_kind_is_passed_over(void **state)
{
	struct fixture *f = *state;

	f->groups[1].attestation = SLICE("x509");
	sign(f, derived(f, bytes(f, GROUP_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	assert_int_equal(group_of(f, 3, 1), -1);
}

static void a_stranger_to_all_groups_hears_of_all(void **state)
{
	struct fixture *f = *state;

	sign(f, SLICE("nobody's key"), RESOURCE, RESOURCE, "");
	assert_int_equal(group_of(f, 3, -1), -1);
	refused(f, "token-signature",
		"dev-1 has no enrollment of its own, and no symmetric key group gave it the key that signed (presses, mills, saws).");
	sign(f, bytes(f, GROUP_KEY), RESOURCE, RESOURCE, "");
	assert_int_equal(group_of(f, 3, -1), -1);
	assert_non_null(strstr(f->v.sentence, "with the primary key of enrollment group mills itself"));
}

static void a_token_that_is_wrong_in_itself_is_told_without_trying_groups(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(group_of(f, 3, -1), -1);
	assert_string_equal(f->v.check, "token-missing");
	sign(f, derived(f, bytes(f, GROUP_KEY), "dev-1"), RESOURCE, RESOURCE, "");
	f->ev.now = (instant)(SE + 3600) * INSTANT_SECOND;
	assert_int_equal(group_of(f, 3, -1), -1);
	assert_string_equal(f->v.check, "token-expiry");
}

static void without_groups_there_is_no_enrollment(void **state)
{
	struct fixture *f = *state;

	sign(f, SLICE("nobody's key"), RESOURCE, RESOURCE, "");
	assert_int_equal(group_of(f, 0, -1), -1);
	assert_int_equal(f->v.error_code, 404201);
	assert_string_equal(f->v.check, "enrollment-found");
}

/* --- what if it fails here? --- */

static void a_verdict_is_whole_or_there_is_no_memory(void **state)
{
	struct fixture *f = *state;
	enum err e = ERR_NO_MEMORY;
	int failed = 0;

	sign(f, OTHER_KEY, RESOURCE, RESOURCE, "");
	for (size_t ceiling = 16; e != OK && ceiling < ROOM; ceiling += 16) {
		struct arena *a = arena_new(ceiling);

		if (a != NULL && (e = attest_judge(&f->e, false, &f->ev, a, &f->v)) == OK)
			assert_non_null(strstr(f->v.sentence, "base64 text of the secondary key"));
		failed += e != OK;
		arena_free(&a);
	}
	assert_int_equal(e, OK);
	assert_true(failed > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_tokens_of_every_client_are_accepted),
		TEST(the_hub_gets_the_keys_of_the_enrollment),
		TEST(the_secondary_key_is_as_good_as_the_primary),
		TEST(the_case_of_the_registration_id_does_not_matter),
		TEST(a_derived_key_speaks_for_its_device),
		TEST(the_published_group_key_gives_the_published_device_key),
		TEST(a_key_derived_from_the_secondary_is_good_too),
		TEST(a_key_derived_from_either_spelling_is_good),
		TEST(a_key_derived_for_another_device_is_refused),
		TEST(without_a_token_nobody_is_let_in),
		TEST(a_token_that_does_not_read_is_refused),
		TEST(a_token_for_another_device_is_refused),
		TEST(a_token_for_more_or_less_than_the_device_is_refused),
		TEST(what_a_device_sent_is_repeated_only_as_plain_text),
		TEST(a_token_under_a_policy_name_is_refused),
		TEST(an_expired_token_is_refused_after_the_allowance),
		TEST(an_expiry_that_is_a_life_time_is_told_as_one),
		TEST(a_signature_of_nobody_is_refused),
		TEST(an_enrollment_without_keys_lets_nobody_in),
		TEST(a_key_used_as_text_is_recognized),
		TEST(a_derived_key_where_none_is_needed_is_recognized),
		TEST(a_signature_over_another_spelling_is_recognized),
		TEST(the_group_key_itself_is_recognized),
		TEST(a_key_derived_or_used_as_text_is_recognized),
		TEST(no_refusal_tells_a_key_or_a_signature),
		TEST(the_group_that_made_the_key_is_found),
		TEST(the_preferred_group_comes_first),
		TEST(a_group_of_another_kind_is_passed_over),
		TEST(a_stranger_to_all_groups_hears_of_all),
		TEST(a_token_that_is_wrong_in_itself_is_told_without_trying_groups),
		TEST(without_groups_there_is_no_enrollment),
		TEST(a_verdict_is_whole_or_there_is_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
