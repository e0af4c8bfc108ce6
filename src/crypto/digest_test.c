/* Published vectors of the hashes and MACs, and what randomness promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/digest.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	return (a = arena_new(65536)) == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static void is_hex(const unsigned char *bytes, size_t n, const char *expected)
{
	assert_string_equal(hex_lower(a, slice_over(bytes, n)).p, expected);
}

/* FIPS 180-4, the examples of NIST */
static void hashes_of_the_standard(void **state)
{
	unsigned char out[SHA256_SIZE];

	(void)state;
	sha1(SLICE("abc"), out);
	is_hex(out, SHA1_SIZE, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha1(NO_SLICE, out);
	is_hex(out, SHA1_SIZE, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	sha256(SLICE("abc"), out);
	is_hex(out, SHA256_SIZE, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(NO_SLICE, out);
	is_hex(out, SHA256_SIZE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231 section 4; the last has a key longer than a block. */
static void macs_of_the_standard(void **state)
{
	unsigned char out[SHA256_SIZE];
	char key[131];

	(void)state;
	memset(key, 0x0b, 20);
	hmac_sha256(slice_over(key, 20), SLICE("Hi There"), out);
	is_hex(out, SHA256_SIZE, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), out);
	is_hex(out, SHA256_SIZE, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(slice_over(key, sizeof(key)), SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	is_hex(out, SHA256_SIZE, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void an_absent_key_is_an_empty_one_and_not_the_last(void **state)
{
	unsigned char out[SHA256_SIZE];

	(void)state;
	hmac_sha256(SLICE("another"), SLICE("text"), out);
	hmac_sha256(NO_SLICE, NO_SLICE, out);
	is_hex(out, SHA256_SIZE, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void secrets_are_the_same_only_to_the_last_bit(void **state)
{
	char x[32] = "a secret of thirty-two bytes...", y[32];

	(void)state;
	memcpy(y, x, sizeof(x));
	assert_true(same_secret(slice_over(x, 32), slice_over(y, 32)));
	for (int bit = 0; bit < 256; bit++) {
		y[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(same_secret(slice_over(x, 32), slice_over(y, 32)));
		y[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_false(same_secret(slice_over(x, 32), slice_over(x, 31)));
	assert_true(same_secret(NO_SLICE, SLICE("")));
}

static void random_bytes_fill_their_place_and_no_more(void **state)
{
	unsigned char bytes[34] = {0}, seen[32] = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		random_bytes(bytes + 1, 32);
		for (int k = 0; k < 32; k++)
			seen[k] |= bytes[k + 1];
	}
	for (int k = 0; k < 32; k++)
		assert_int_not_equal(seen[k], 0); /* 20 zeros in a row do not happen */
	assert_int_equal(bytes[0] | bytes[33], 0);
	random_bytes(NULL, 0);
}

/* RFC 9562 section 5.4 */
static void a_uuid_is_of_version_4(void **state)
{
	char one[37], other[37];

	(void)state;
	random_uuid(one);
	random_uuid(other);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), 36);
	assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
	assert_true(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-');
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
}

/* service-api.md 5.3 */
static void a_new_key_is_64_bytes_in_88_characters(void **state)
{
	struct slice key = random_key(a, 64);
	struct arena *small = arena_new(64);

	(void)state;
	assert_int_equal(key.n, 88);
	assert_int_equal(base64_decode(a, key).n, 64);
	assert_false(slice_eq(key, random_key(a, 64)));
	assert_true(slice_absent(random_key(small, 64)));
	arena_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hashes_of_the_standard),
		TEST(macs_of_the_standard),
		TEST(an_absent_key_is_an_empty_one_and_not_the_last),
		TEST(secrets_are_the_same_only_to_the_last_bit),
		TEST(random_bytes_fill_their_place_and_no_more),
		TEST(a_uuid_is_of_version_4),
		TEST(a_new_key_is_64_bytes_in_88_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
