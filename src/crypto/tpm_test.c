/* What TPMs show, and keys wrapped for them: device-api.md 14. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/test_tpm.h"

#define ROOM 262144

static struct arena *a;
static struct test_tpm tpm;
static struct tpm_public ek, srk;
static const char *why;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(ROOM);
	tpm = test_tpm_make(a);
	assert_int_equal(tpm_public_read(tpm.endorsement_key, &ek, &why), OK);
	assert_int_equal(tpm_public_read(tpm.storage_root_key, &srk, &why), OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_tpm_unmake(&tpm);
	arena_free(&a);
	return 0;
}

static struct slice counting(unsigned char *out, unsigned char from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(from + i);
	return slice_over(out, n);
}

/* --- public areas --- */

static void the_standard_keys_are_read(void **state)
{
	(void)state;
	assert_int_equal(tpm.endorsement_key.n, 316);
	assert_int_equal(tpm.storage_root_key.n, 284);
	assert_int_equal(ek.kind, TPM_RSA_2048);
	assert_memory_equal(ek.key, slice_from(tpm.endorsement_key, 60).p, TPM_RSA_SIZE);
	assert_memory_equal(srk.name, "\x00\x0b", 2);
}

static void the_size_in_front_may_be_missing(void **state)
{
	struct slice bare = slice_from(tpm.endorsement_key, 2);
	struct tpm_public again;

	(void)state;
	assert_int_equal(tpm_public_read(bare, &again, &why), OK);
	assert_memory_equal(again.name, ek.name, TPM_NAME_SIZE);
	assert_true(tpm_public_same(bare, tpm.endorsement_key) && tpm_public_same(tpm.endorsement_key, tpm.endorsement_key));
	assert_false(tpm_public_same(bare, tpm.storage_root_key));
	assert_false(tpm_public_same(NO_SLICE, tpm.endorsement_key));
}

static void refused(struct slice blob, enum err e, const char *sentence)
{
	struct tpm_public out;

	assert_int_equal(tpm_public_read(blob, &out, &why), e);
	assert_string_equal(why, sentence);
}

static void what_is_cut_short_is_refused(void **state)
{
	struct slice bare = slice_from(tpm.endorsement_key, 2);

	(void)state;
	for (size_t n = 0; n < tpm.endorsement_key.n; n++)
		refused(slice_to(tpm.endorsement_key, n), ERR_MALFORMED, "does not read as a TPM2B_PUBLIC.");
	for (size_t n = 0; n < bare.n; n++)
		refused(slice_to(bare, n), ERR_MALFORMED, "does not read as a TPM2B_PUBLIC.");
	refused(NO_SLICE, ERR_MALFORMED, "does not read as a TPM2B_PUBLIC.");
}

static void what_is_too_long_is_refused(void **state)
{
	static char zeros[TPM_PUBLIC_MAX + 1];

	(void)state;
	refused(slice_over(zeros, sizeof(zeros)), ERR_TOO_BIG, "is longer than the public area of any key that we know.");
	refused(slice_over(zeros, TPM_PUBLIC_MAX), ERR_MALFORMED, "does not read as a TPM2B_PUBLIC.");
}

/* The EK, with other bytes at a place in its area. */
static struct slice odd(size_t at, const char *hex)
{
	struct slice bytes = hex_decode(a, slice_str(hex)), copy = arena_copy(a, tpm.endorsement_key);

	memcpy((char *)copy.p + 2 + at, bytes.p, bytes.n);
	return copy;
}

static void a_key_of_another_kind_is_told(void **state)
{
	(void)state;
	refused(odd(2, "000c"), ERR_UNSUPPORTED, "has a name that is not made with SHA-256.");
	refused(odd(4, "000200b2"), ERR_UNSUPPORTED, "is not a restricted decryption key that is fixed to its TPM.");
	refused(odd(4, "000300b0"), ERR_UNSUPPORTED, "is not a restricted decryption key that is fixed to its TPM.");
	refused(odd(4, "000700b2"), ERR_UNSUPPORTED, "is not a restricted decryption key that is fixed to its TPM.");
	refused(odd(42, "0006010000430010"), ERR_UNSUPPORTED, "has a symmetric algorithm other than AES-128 in CFB mode.");
	refused(odd(42, "0006008000420010"), ERR_UNSUPPORTED, "has a symmetric algorithm other than AES-128 in CFB mode.");
	refused(odd(50, "0c00"), ERR_UNSUPPORTED, "is an RSA key, but not one of 2048 bits.");
	refused(odd(52, "00000003"), ERR_UNSUPPORTED, "has an RSA exponent other than 65537.");
	refused(odd(58, "00"), ERR_UNSUPPORTED, "is an RSA key, but not one of 2048 bits.");
	refused(test_public(a, "0008000b0004044000000005000b0000", SLICE("")), ERR_UNSUPPORTED,
		"is neither an RSA nor an elliptic curve key.");
}

static void an_exponent_that_is_spelled_out_is_the_same(void **state)
{
	struct tpm_public out;

	(void)state;
	assert_int_equal(tpm_public_read(odd(52, "00010001"), &out, &why), OK);
}

/* --- the vectors of 14.8 --- */

static void lot_of_the_vectors(struct tpm_lot *lot)
{
	counting(lot->seed_value, 0x40, SHA256_SIZE);
	counting(lot->wrap_key, 0, TPM_WRAP_KEY_SIZE);
	counting(lot->duplicate_seed, 0x60, SHA256_SIZE);
	counting(lot->identity_seed, 0x80, SHA256_SIZE);
}

static void a_blob_is_laid_out_as_published(void **state)
{
	static const char *const f1 = "003400203a968adf4cb907161c6ddf1bea2203a745d3927c3d59c6f0cc9a95c020a812af83221ac916f6532f339824824d"
				      "b5a9992002";
	static const char *const f3 = "008e00205a9d83495d9eb9befe1849fc7ac4d00e428620501ada7ad74fc64b9ab07aa4cd0b22b3546e82767a0c6eee53"
				      "fe57e555bf422204d8875e353487a12b6a6ded45bcc748756ae6bc2b3df4cd3c7d46a6d22322dd60ce80071951dede6d"
				      "4fc3428b5fdb2f5e97b50837889916b358dcb09c73866200b4d75ac0156390b15abe25fcfbb668dcc6b010569b13285a";
	static const char *const f5 = "00500008000b000404400020bef56b8c1cc84e11edd717528d2cd99356bd2bbf8f015209c3f84aeeaba8e8a20005000b"
				      "0020591ce7265a7d7713a84fddff64fb45863fd7f9f99f4a4e5327471bc69c8526e3";
	static const char *const f6 = "000cb4c45c5ef4fb29e31b26ee0c";
	unsigned char key[TPM_KEY_SIZE];
	struct slice name = hex_decode(a, SLICE("fad3ce39b0a405497c7347911139764cc1f894b4a1537134ab741aa50a2a6004")), blob;
	struct tpm_lot lot;

	(void)state;
	lot_of_the_vectors(&lot);
	counting(key, 0x20, sizeof(key));
	memcpy(srk.name + 2, name.p, name.n);
	assert_int_equal(tpm_wrap_with(&lot, &ek, &srk, key, a, &blob), OK);
	assert_int_equal(blob.n, 810);
	assert_true(slice_eq(hex_lower(a, slice_to(blob, 54)), slice_str(f1)));
	assert_memory_equal(blob.p + 54, "\x01\x00", 2);
	assert_true(slice_eq(hex_lower(a, slice_to(slice_from(blob, 312), 144)), slice_str(f3)));
	assert_memory_equal(blob.p + 456, "\x01\x00", 2);
	assert_true(slice_eq(hex_lower(a, slice_to(slice_from(blob, 714), 82)), slice_str(f5)));
	assert_true(slice_eq(hex_lower(a, slice_from(blob, 796)), slice_str(f6)));
}

/* Without a TPM the digest of the vector cannot be met: the ID of any key shows its form, and 32 zero bytes their own. */
static void a_device_without_an_id_is_named_by_its_key(void **state)
{
	struct slice id = tpm_registration_id(a, tpm.endorsement_key);

	(void)state;
	assert_int_equal(id.n, 52);
	for (size_t i = 0; i < id.n; i++)
		assert_true((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= '2' && id.p[i] <= '7'));
	/* SHA-256("abc") is ba7816bf..., FIPS 180-4. */
	assert_true(slice_eq(tpm_registration_id(a, SLICE("abc")), SLICE("xj4bnp4pahh6uqkbidpf3lrceoyagyndsylxvhfucd7wd4qacwwq")));
}

/* --- who can take it in --- */

static void its_tpm_takes_the_key_in(void **state)
{
	unsigned char key[TPM_KEY_SIZE];
	struct slice blob, other;

	(void)state;
	counting(key, 1, sizeof(key));
	assert_int_equal(tpm_wrap(&ek, &srk, key, a, &blob), OK);
	assert_true(slice_eq(test_tpm_unwrap(a, &tpm, blob), slice_over(key, sizeof(key))));
	assert_int_equal(tpm_wrap(&ek, &srk, key, a, &other), OK);
	assert_false(slice_eq(blob, other));
}

static void no_other_tpm_takes_it_in(void **state)
{
	unsigned char key[TPM_KEY_SIZE] = {0};
	struct test_tpm other = test_tpm_make(a), half = {.endorsement = tpm.endorsement,
							  .endorsement_key = tpm.endorsement_key,
							  .storage = other.storage,
							  .storage_root_key = other.storage_root_key};
	struct slice blob;

	(void)state;
	assert_int_equal(tpm_wrap(&ek, &srk, key, a, &blob), OK);
	assert_true(slice_absent(test_tpm_unwrap(a, &other, blob)));
	assert_true(slice_absent(test_tpm_unwrap(a, &half, blob)));
	half = (struct test_tpm){other.endorsement, tpm.storage, other.endorsement_key, tpm.storage_root_key};
	assert_true(slice_absent(test_tpm_unwrap(a, &half, blob)));
	test_tpm_unmake(&other);
}

/* --- elliptic curves --- */

#define ECC_HEAD                                                                                                                           \
	"0023000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080004300100003001000"                   \
	"20"

static struct slice ecc_public(EVP_PKEY *key)
{
	unsigned char point[65], parts[66];
	size_t n;

	assert_true(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n));
	memcpy(parts, point + 1, 32);
	parts[32] = 0;
	parts[33] = 32;
	memcpy(parts + 34, point + 33, 32);
	return test_public(a, ECC_HEAD, slice_over(parts, sizeof(parts)));
}

static void a_key_on_p_256_will_do(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("prime256v1");
	unsigned char secret[TPM_KEY_SIZE] = {0};
	struct tpm_public p;
	struct slice blob;
	struct cursor c;

	(void)state;
	assert_int_equal(tpm_public_read(ecc_public(key), &p, &why), OK);
	assert_int_equal(p.kind, TPM_ECC_P256);
	assert_int_equal(tpm_wrap(&p, &srk, secret, a, &blob), OK);
	c = cursor_over(blob);
	assert_int_equal(cur_str16(&c).n, 52);
	assert_int_equal(cur_str16(&c).n, 2 * (2 + TPM_ECC_SIZE));
	EVP_PKEY_free(key);
}

/* TCG EK Credential Profile B.4.1: policy B, and an empty password will do. */
static void a_key_of_the_high_range_will_do(void **state)
{
	struct slice head = SLICE("0001000b000300f20020ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0"
				  "00060080004300100800000000000100");
	struct slice modulus = slice_from(tpm.endorsement_key, tpm.endorsement_key.n - TPM_RSA_SIZE);
	unsigned char key[TPM_KEY_SIZE] = {7};
	struct test_tpm high = tpm;
	struct tpm_public p;
	struct slice blob;

	(void)state;
	high.endorsement_key = test_public(a, head.p, modulus);
	assert_int_equal(high.endorsement_key.n, 316);
	assert_int_equal(tpm_public_read(high.endorsement_key, &p, &why), OK);
	assert_memory_not_equal(p.name, ek.name, TPM_NAME_SIZE);
	assert_int_equal(tpm_wrap(&p, &srk, key, a, &blob), OK);
	assert_true(slice_eq(test_tpm_unwrap(a, &high, blob), slice_over(key, sizeof(key))));
}

static void what_is_no_point_on_the_curve_is_refused(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("prime256v1");
	unsigned char secret[TPM_KEY_SIZE] = {0};
	struct tpm_public p;
	struct slice blob;

	(void)state;
	assert_int_equal(tpm_public_read(ecc_public(key), &p, &why), OK);
	p.key[TPM_ECC_SIZE] ^= 1;
	assert_int_equal(tpm_wrap(&p, &srk, secret, a, &blob), ERR_INVALID);
	EVP_PKEY_free(key);
}

static void without_room_there_is_no_blob(void **state)
{
	unsigned char key[TPM_KEY_SIZE] = {0};
	struct arena *small = arena_new(256);
	struct slice blob;

	(void)state;
	assert_int_equal(tpm_wrap(&ek, &srk, key, small, &blob), ERR_NO_MEMORY);
	arena_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_standard_keys_are_read),      TEST(the_size_in_front_may_be_missing),
		TEST(what_is_cut_short_is_refused),    TEST(what_is_too_long_is_refused),
		TEST(a_key_of_another_kind_is_told),   TEST(an_exponent_that_is_spelled_out_is_the_same),
		TEST(a_blob_is_laid_out_as_published), TEST(a_device_without_an_id_is_named_by_its_key),
		TEST(its_tpm_takes_the_key_in),        TEST(no_other_tpm_takes_it_in),
		TEST(a_key_on_p_256_will_do),          TEST(what_is_no_point_on_the_curve_is_refused),
		TEST(without_room_there_is_no_blob),   TEST(a_key_of_the_high_range_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
