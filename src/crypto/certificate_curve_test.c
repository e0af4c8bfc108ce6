/* Certificates whose key is on a curve that is spelled out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/test_keys.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_curve_that_is_spelled_out_is_not_decoded),
		TEST(a_named_curve_is_not_spelled_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
