/* Certificates that no honest CA gives out, but that somebody may present. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/test_oddities.h"

#define ROOM (1024 * 1024)

static int set_up(void **state)
{
	return (*state = arena_new(ROOM)) == NULL;
}

static int tear_down(void **state)
{
	arena_free((struct arena **)state);
	return 0;
}

/* RFC 5480 section 2.1.1. Whoever decodes this one, to refuse it afterwards, has computed two square roots meanwhile. */
static void a_curve_that_is_spelled_out_is_not_decoded(void **state)
{
	struct arena *a = *state;
	struct test_certificate plain = test_make((struct test_wish){.name = "press-07"});
	struct test_parts parts = test_take_apart(test_der_of(a, plain.x));
	struct certificate_info info;
	struct slice der, read;
	const char *why;

	parts.field[FIELD_OF_PUBLIC_KEY] = test_costly_spki(a);
	der = test_put_together(a, &parts);
	test_unmake(&plain);
	assert_true(certificate_spells_out_a_curve(der));
	assert_int_equal(certificate_read(der, a, &read, &why), ERR_MALFORMED);
	assert_int_equal(certificate_read(base64_encode(a, der), a, &read, &why), ERR_MALFORMED);
	assert_int_equal(certificate_describe(der, a, &info), ERR_MALFORMED);
	assert_true(slice_absent(certificate_subject_mark(der, a)));
	assert_false(certificate_is_ca(der) || certificate_signed_by(der, der));
}

static void a_named_curve_is_not_spelled_out(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521", "secp256k1", "brainpoolP256r1", "RSA-1024", "ED25519"};

	struct arena *a = *state;
	struct slice read;
	const char *why;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_certificate c = test_make((struct test_wish){.name = "press-07", .kind = kinds[i]});
		struct slice der = test_der_of(a, c.x);

		test_unmake(&c);
		assert_false(certificate_spells_out_a_curve(der));
		assert_int_equal(certificate_read(der, a, &read, &why), OK);
	}
	assert_false(certificate_spells_out_a_curve(NO_SLICE));
}

/* A leaf with another value of that field, as it is described; false: it is not. */
static bool describe(struct arena *a, enum test_field field, struct slice value, struct certificate_info *info)
{
	struct test_certificate plain = test_make((struct test_wish){.name = "press-07"});
	struct test_parts parts = test_take_apart(test_der_of(a, plain.x));

	parts.field[field] = value;
	test_unmake(&plain);
	return certificate_describe(test_put_together(a, &parts), a, info) == OK;
}

static void a_version_is_whatever_number_stands_there(void **state)
{
	static const struct {
		struct slice element;
		int version;
	} versions[] = {
		{SLICE("\xa0\x03\x02\x01\x00"), 1},
		{SLICE("\xa0\x03\x02\x01\x02"), 3},
		{SLICE("\xa0\x04\x02\x02\x03\xe7"), 1000},
		{SLICE("\xa0\x06\x02\x04\x7f\xff\xff\xfe"), INT_MAX},
		{SLICE("\xa0\x06\x02\x04\x7f\xff\xff\xff"), 0},
		{SLICE("\xa0\x03\x02\x01\xff"), 0},
	};
	struct certificate_info info;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		assert_true(describe(*state, FIELD_OF_VERSION, versions[i].element, &info));
		assert_int_equal(info.version, versions[i].version);
	}
}

static struct slice name_of(struct arena *a, unsigned char string_type, struct slice value)
{
	struct mutation_world w = {.a = a};

	return odd_name(&w, string_type, value);
}

static void a_name_shows_what_would_play_on_a_terminal(void **state)
{
	struct certificate_info info;

	assert_true(describe(*state, FIELD_OF_SUBJECT, name_of(*state, 0x0c, SLICE("a\x1b[2J\x7f\xc2\x9b\xc2\xa0z")), &info));
	assert_true(slice_eq(info.subject, SLICE("CN=a\\1B[2J\\7F\\C2\\9B\xc2\xa0z")));
	assert_true(describe(*state, FIELD_OF_SUBJECT, name_of(*state, 0x1e, SLICE("\0a\0\x9b\0z")), &info));
	assert_true(slice_eq(info.subject, SLICE("CN=a\\C2\\9Bz")));
	assert_true(describe(*state, FIELD_OF_SUBJECT, name_of(*state, 0x0c, SLICE("a\nb")), &info));
	assert_true(slice_eq(info.subject, SLICE("CN=\"a\\0Ab\"")));
}

static void a_name_that_is_no_text_is_in_no_certificate(void **state)
{
	struct certificate_info info;

	assert_false(describe(*state, FIELD_OF_SUBJECT, name_of(*state, 0x0c, SLICE("\xff\xfe")), &info));
	assert_false(describe(*state, FIELD_OF_SUBJECT, name_of(*state, 0x1e, SLICE("odd")), &info));
}

static void a_day_before_all_others_can_be_told(void **state)
{
	struct certificate_info info;
	char at[INSTANT_TEXT];

	assert_true(describe(*state, FIELD_OF_VALIDITY,
			     SLICE("\x30\x22\x18\x0f"
				   "00010101000000Z"
				   "\x18\x0f"
				   "99991231235959Z"),
			     &info));
	assert_string_equal(instant_print(info.not_after, INSTANT_SECONDS, at), "9999-12-31T23:59:59Z");
	assert_string_equal(instant_print(info.not_before, INSTANT_SECONDS, at), "0001-01-01T00:00:00Z");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_curve_that_is_spelled_out_is_not_decoded),  TEST(a_named_curve_is_not_spelled_out),
		TEST(a_version_is_whatever_number_stands_there),   TEST(a_name_shows_what_would_play_on_a_terminal),
		TEST(a_name_that_is_no_text_is_in_no_certificate), TEST(a_day_before_all_others_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
