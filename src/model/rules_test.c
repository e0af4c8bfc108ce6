#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/model.h"

#define ROOM 65536

static struct slice repeat(char *to, char c, size_t n)
{
	memset(to, c, n);
	return slice_over(to, n);
}

/* device-api.md 4, service-api.md 4.3 and 14 check 10 */
static void registration_ids_keep_to_their_alphabet(void **state)
{
	char long_id[ID_MAX + 1];

	(void)state;
	assert_true(id_is_good(SLICE("a:b")));
	assert_true(id_is_good(SLICE("A.b_c-")));
	assert_true(id_is_good(SLICE(".a")));
	assert_true(id_is_good(repeat(long_id, 'x', ID_MAX)));
	assert_false(id_is_good(repeat(long_id, 'x', ID_MAX + 1)));
	assert_false(id_is_good(NO_SLICE));
	assert_false(id_is_good(SLICE("")));
	assert_false(id_is_good(SLICE("a.")));
	assert_false(id_is_good(SLICE("a_")));
	assert_false(id_is_good(SLICE("a:")));
	assert_false(id_is_good(SLICE("a b")));
	assert_false(id_is_good(SLICE("a/b")));
	assert_false(id_is_good(SLICE("a\0b")));
	assert_false(id_is_good(SLICE("\xc3\xa9t\xc3\xa9")));
}

/* hub-api.md 4.3 */
static void device_ids_have_a_wider_alphabet(void **state)
{
	char long_id[ID_MAX + 1];

	(void)state;
	assert_true(device_id_is_good(SLICE("A-:.+%_#*?!(),=@;$'9")));
	assert_true(device_id_is_good(repeat(long_id, '.', ID_MAX)));
	assert_false(device_id_is_good(repeat(long_id, '.', ID_MAX + 1)));
	assert_false(device_id_is_good(SLICE("")));
	assert_false(device_id_is_good(SLICE("a/b")));
	assert_false(device_id_is_good(SLICE("a b")));
	assert_false(device_id_is_good(SLICE("a\0")));
}

/* service-api.md 11.2 */
static void names_of_services_are_host_labels(void **state)
{
	char long_name[51];

	(void)state;
	assert_true(name_is_good(SLICE("dps1")));
	assert_true(name_is_good(SLICE("1dp")));
	assert_true(name_is_good(repeat(long_name, 'n', 50)));
	assert_false(name_is_good(repeat(long_name, 'n', 51)));
	assert_false(name_is_good(SLICE("dp")));
	assert_false(name_is_good(SLICE("123")));
	assert_false(name_is_good(SLICE("-dps")));
	assert_false(name_is_good(SLICE("dps-")));
	assert_false(name_is_good(SLICE("dps_1")));
	assert_false(name_is_good(NO_SLICE));
}

/* service-api.md 5.3 */
static void keys_are_base64_of_16_to_64_bytes(void **state)
{
	char bytes[65];
	struct arena *a = arena_new(ROOM);

	(void)state;
	assert_true(key_is_good(base64_encode(a, repeat(bytes, 'k', 16))));
	assert_true(key_is_good(base64_encode(a, repeat(bytes, 'k', 64))));
	assert_false(key_is_good(base64_encode(a, repeat(bytes, 'k', 15))));
	assert_false(key_is_good(base64_encode(a, repeat(bytes, 'k', 65))));
	assert_false(key_is_good(SLICE("not base64 at all, but long enough!")));
	assert_false(key_is_good(SLICE("")));
	assert_false(key_is_good(NO_SLICE));
	arena_free(&a);
}

/* service-api.md 4.6: the quoted text is GUID-like and ends with the time in hex seconds. */
static void a_tag_is_base64_of_a_quoted_text_with_the_time(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct slice text = base64_decode(a, etag_make(a, INSTANT_SECOND * 0x65000000));

	(void)state;
	assert_int_equal(text.n, 38);
	assert_true(text.p[0] == '"' && text.p[37] == '"' && text.p[9] == '-' && text.p[24] == '-');
	assert_true(slice_eq(slice_from(text, 25), SLICE("650000000000\"")));
	arena_free(&a);
}

static void two_tags_of_one_moment_differ(void **state)
{
	struct arena *a = arena_new(ROOM);

	(void)state;
	assert_false(slice_eq(etag_make(a, INSTANT_SECOND), etag_make(a, INSTANT_SECOND)));
	arena_free(&a);
}

#define STORED SLICE("IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=")

static void if_match_is_understood_in_every_spelling(void **state)
{
	(void)state;
	assert_true(etag_matches(STORED, STORED));
	assert_true(etag_matches(SLICE("\"IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=\""), STORED));
	assert_true(etag_matches(SLICE("W/\"IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=\""), STORED));
	assert_true(etag_matches(SLICE("\"00000a11-0000-0700-0000-650000000000\""), STORED));
	assert_true(etag_matches(SLICE("00000a11-0000-0700-0000-650000000000"), STORED));
	assert_true(etag_matches(SLICE("*"), STORED));
	assert_true(etag_matches(SLICE("\"*\""), STORED));
	assert_true(etag_matches(NO_SLICE, STORED));
}

static void a_stale_tag_does_not_match(void **state)
{
	char long_tag[5000];

	(void)state;
	assert_false(etag_matches(SLICE("IjAwMDAwYTEyLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI="), STORED));
	assert_false(etag_matches(SLICE("00000a12-0000-0700-0000-650000000000"), STORED));
	assert_false(etag_matches(SLICE(""), STORED));
	assert_false(etag_matches(SLICE("\""), STORED));
	assert_false(etag_matches(repeat(long_tag, 'A', sizeof(long_tag)), STORED));
	assert_false(etag_matches(STORED, NO_SLICE));
}

/* hub-api.md 4.3: base64 of a number, which is not quoted inside; 4.6: of eight bytes. */
static void tags_of_hubs_match_too(void **state)
{
	(void)state;
	assert_true(etag_matches(SLICE("\"MTAwMDAwMDE=\""), SLICE("MTAwMDAwMDE=")));
	assert_true(etag_matches(SLICE("\"AAAAAAAAAAM=\""), SLICE("AAAAAAAAAAM=")));
	assert_false(etag_matches(SLICE("\"AAAAAAAAAAI=\""), SLICE("AAAAAAAAAAM=")));
}

static void only_a_star_is_any(void **state)
{
	(void)state;
	assert_true(etag_is_any(SLICE("*")));
	assert_true(etag_is_any(SLICE(" \"*\" ")));
	assert_false(etag_is_any(SLICE("**")));
	assert_false(etag_is_any(NO_SLICE));
}

static void names_of_operators_can_be_addresses(void **state)
{
	char long_name[65];

	(void)state;
	assert_true(operator_name_is_good(SLICE("a")));
	assert_true(operator_name_is_good(SLICE("Ada.Lovelace+berth_1@example-2.org")));
	assert_true(operator_name_is_good(repeat(long_name, 'x', 64)));
	assert_false(operator_name_is_good(repeat(long_name, 'x', 65)));
	assert_false(operator_name_is_good(SLICE("")));
	assert_false(operator_name_is_good(SLICE("-a")));
	assert_false(operator_name_is_good(SLICE("a b")));
	assert_false(operator_name_is_good(SLICE("a/b")));
	assert_false(operator_name_is_good(SLICE("a\0b")));
}

static void passwords_are_counted_in_characters(void **state)
{
	char text[2 * 129];

	(void)state;
	assert_true(password_is_good(repeat(text, 'x', 12)));
	assert_true(password_is_good(repeat(text, ' ', 128)));
	assert_false(password_is_good(repeat(text, 'x', 11)));
	assert_false(password_is_good(repeat(text, 'x', 129)));
	assert_false(password_is_good(NO_SLICE));
	for (size_t i = 0; i < 129; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 2);
	assert_true(password_is_good(slice_over(text, 2 * 12)));
	assert_true(password_is_good(slice_over(text, 2 * 128)));
	assert_false(password_is_good(slice_over(text, 2 * 11)));
	assert_false(password_is_good(slice_over(text, 2 * 129)));
	assert_false(password_is_good(slice_over(text, 2 * 20 - 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration_ids_keep_to_their_alphabet),
		cmocka_unit_test(device_ids_have_a_wider_alphabet),
		cmocka_unit_test(names_of_services_are_host_labels),
		cmocka_unit_test(keys_are_base64_of_16_to_64_bytes),
		cmocka_unit_test(a_tag_is_base64_of_a_quoted_text_with_the_time),
		cmocka_unit_test(two_tags_of_one_moment_differ),
		cmocka_unit_test(if_match_is_understood_in_every_spelling),
		cmocka_unit_test(a_stale_tag_does_not_match),
		cmocka_unit_test(tags_of_hubs_match_too),
		cmocka_unit_test(only_a_star_is_any),
		cmocka_unit_test(names_of_operators_can_be_addresses),
		cmocka_unit_test(passwords_are_counted_in_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
