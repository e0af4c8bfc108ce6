/* Passwords hashed and judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/password.h"

static const struct slice right = SLICE("correct horse battery");

static void only_the_password_itself_fits_its_hash(void **state)
{
	char hash[PASSWORD_HASH_SIZE];

	(void)state;
	assert_int_equal(password_hash(right, hash), OK);
	assert_true(password_is(right, slice_str(hash)));
	assert_false(password_is(SLICE("correct horse batterY"), slice_str(hash)));
	assert_false(password_is(SLICE("correct horse batter"), slice_str(hash)));
	assert_false(password_is(SLICE("correct horse battery\0"), slice_str(hash)));
	assert_false(password_is(SLICE(""), slice_str(hash)));
	assert_false(password_is(NO_SLICE, slice_str(hash)));
}

static void the_hash_tells_how_it_was_made_and_has_a_salt_of_its_own(void **state)
{
	char one[PASSWORD_HASH_SIZE], other[PASSWORD_HASH_SIZE];

	(void)state;
	assert_int_equal(password_hash(right, one), OK);
	assert_int_equal(password_hash(right, other), OK);
	assert_string_not_equal(one, other);
	assert_true(slice_starts(slice_str(one), SLICE("$argon2id$v=19$m=65536,t=2,p=1$")));
	assert_true(slice_search(slice_str(one), right) < 0);
}

static void nobodys_hash_fits_nothing(void **state)
{
	char long_text[2 * PASSWORD_HASH_SIZE];

	(void)state;
	memset(long_text, 'a', sizeof(long_text));
	assert_false(password_is(right, NO_SLICE));
	assert_false(password_is(right, SLICE("")));
	assert_false(password_is(right, SLICE("$argon2id$")));
	assert_false(password_is(right, right));
	assert_false(password_is(right, slice_over(long_text, sizeof(long_text))));
}

static void made_passwords_differ_and_can_be_read_aloud(void **state)
{
	char one[PASSWORD_MADE_SIZE], other[PASSWORD_MADE_SIZE];

	(void)state;
	password_make(one);
	password_make(other);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), PASSWORD_MADE_SIZE - 1);
	for (size_t i = 0; one[i]; i++)
		if (i % 6 == 5)
			assert_int_equal(one[i], '-');
		else
			assert_non_null(strchr("abcdefghijkmnpqrstuvwxyz23456789", one[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_password_itself_fits_its_hash),
		cmocka_unit_test(the_hash_tells_how_it_was_made_and_has_a_salt_of_its_own),
		cmocka_unit_test(nobodys_hash_fits_nothing),
		cmocka_unit_test(made_passwords_differ_and_can_be_read_aloud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
