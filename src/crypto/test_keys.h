/*
 * test_keys.h: keys at the limits and beyond: large ones in a moment, and those that were made to cost whoever reads them.
 * Included by tests only, and by the bench.
 */
#ifndef BERTH_CRYPTO_TEST_KEYS_H
#define BERTH_CRYPTO_TEST_KEYS_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/test_der.h"

static inline struct slice test_spki(struct arena *a, const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct slice copy;

	assert(n > 0);
	copy = arena_copy(a, slice_over(der, (size_t)n));
	OPENSSL_free(der);
	return copy;
}

/* --- RSA --- */

#define PRIME_BITS 512 /* small ones are found at once, and their product is as good a modulus to compute with */

/* Its upper bits are set, so that the product has as many bits as all of them together. */
static inline void test_prime(BIGNUM *p, BN_CTX *ctx)
{
	BN_rand(p, PRIME_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	for (int bit = PRIME_BITS - 16; bit < PRIME_BITS; bit++)
		BN_set_bit(p, bit);
	while (BN_check_prime(p, ctx, NULL) != 1)
		BN_add_word(p, 2);
}

static inline EVP_PKEY *test_rsa_of(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	if (d)
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d);
	params = OSSL_PARAM_BLD_to_param(build);
	assert(EVP_PKEY_fromdata_init(ctx) == 1);
	assert(EVP_PKEY_fromdata(ctx, &key, d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* `bits` a multiple of PRIME_BITS; the public exponent has as many bits as wished, 17: the usual one. */
static inline EVP_PKEY *test_rsa(int bits, int exponent_bits)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_new(), *phi = BN_new(), *p = BN_new(), *e = BN_new(), *d = NULL;
	EVP_PKEY *key;

	BN_one(n);
	BN_one(phi);
	for (int i = 0; i < bits / PRIME_BITS; i++) {
		test_prime(p, ctx);
		BN_mul(n, n, p, ctx);
		BN_sub_word(p, 1);
		BN_mul(phi, phi, p, ctx);
	}
	while (d == NULL) {
		BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
		if (exponent_bits == 17)
			BN_set_word(e, 65537);
		d = BN_mod_inverse(NULL, e, phi, ctx);
	}
	key = test_rsa_of(n, e, d);
	BN_free(n);
	BN_free(phi);
	BN_free(p);
	BN_free(e);
	BN_free(d);
	BN_CTX_free(ctx);
	return key;
}

/* A public key that nobody has the other half of. */
static inline struct slice test_rsa_spki(struct arena *a, int bits, const BIGNUM *exponent)
{
	BIGNUM *n = BN_new();
	EVP_PKEY *key;
	struct slice spki;

	BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
	key = test_rsa_of(n, exponent, NULL);
	spki = test_spki(a, key);
	EVP_PKEY_free(key);
	BN_free(n);
	return spki;
}

/* --- a curve spelled out, of a field in which roots take long --- */

/* The prime is COSTLY_FACTOR * 2^COSTLY_POWER + 1. */
#define COSTLY_FACTOR 85
#define COSTLY_POWER  624

static inline struct slice test_integer(struct arena *a, const BIGNUM *n)
{
	unsigned char bytes[1024] = {0};
	size_t length = (size_t)BN_bn2bin(n, bytes + 1), sign = bytes[1] >> 7; /* a zero in front of what would be negative */

	return test_der_wrap(a, 0x02, &(struct slice){(const char *)bytes + 1 - sign, length + sign}, 1);
}

/* As many bytes as the field has. */
static inline struct slice test_octets(struct arena *a, const BIGNUM *n, int size, const char *before)
{
	unsigned char bytes[1024];

	BN_bn2binpad(n, bytes, size);
	return test_der_wrap(a, 0x04, (const struct slice[]){slice_str(before), slice_over(bytes, (size_t)size)}, 2);
}

/* The b for which x is on y^2 = x^3 - 3x + b, with a y that is hard to find: y^2 has a high order, a power of two. */
static inline void test_costly_b(BIGNUM *b, const BIGNUM *p, const BIGNUM *x, BN_CTX *ctx)
{
	BIGNUM *z = BN_new(), *odd = BN_new();

	for (BN_set_word(z, 2); BN_kronecker(z, p, ctx) != -1;)
		BN_add_word(z, 1);
	BN_set_word(odd, COSTLY_FACTOR);
	BN_mod_exp(b, z, odd, p, ctx);
	BN_mod_sqr(b, b, p, ctx);
	BN_mod_sqr(z, x, p, ctx);
	BN_mod_mul(z, z, x, p, ctx);
	BN_mod_sub(b, b, z, p, ctx);
	BN_set_word(odd, 3);
	BN_mod_mul(z, odd, x, p, ctx);
	BN_mod_add(b, b, z, p, ctx);
	BN_free(z);
	BN_free(odd);
}

/* SubjectPublicKeyInfo of a key on such a curve. Its generator and the key are points of which only x is given: OpenSSL works out both y as
 * it decodes the certificate, before anybody has asked whether it is good. */
static inline struct slice test_costly_spki(struct arena *a)
{
	static const char prime_field[] = "\x06\x07\x2a\x86\x48\xce\x3d\x01\x01", ec_key[] = "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_new(), *x = BN_new(), *b = BN_new(), *minus_three = BN_new(), *one = BN_new();
	struct slice field, curve, params, algorithm, point;
	int size;

	BN_one(one);
	BN_set_word(p, COSTLY_FACTOR);
	BN_lshift(p, p, COSTLY_POWER);
	BN_add_word(p, 1);
	assert(BN_check_prime(p, ctx, NULL) == 1);
	size = BN_num_bytes(p);
	BN_set_word(x, 5);
	test_costly_b(b, p, x, ctx);
	BN_copy(minus_three, p);
	BN_sub_word(minus_three, 3);
	field = test_der_wrap(a, 0x30, (const struct slice[]){slice_over(prime_field, 9), test_integer(a, p)}, 2);
	curve = test_der_wrap(a, 0x30, (const struct slice[]){test_octets(a, minus_three, size, ""), test_octets(a, b, size, "")}, 2);
	point = test_octets(a, x, size, "\x02");
	params = test_der_wrap(
		a, 0x30,
		(const struct slice[]){test_integer(a, one), field, curve, point, test_integer(a, minus_three), test_integer(a, one)}, 6);
	algorithm = test_der_wrap(a, 0x30, (const struct slice[]){slice_over(ec_key, 9), params}, 2);
	point = test_der_wrap(a, 0x03, (const struct slice[]){slice_over("", 1), test_der_inside(point)}, 2);
	BN_free(p);
	BN_free(x);
	BN_free(b);
	BN_free(minus_three);
	BN_free(one);
	BN_CTX_free(ctx);
	return test_der_wrap(a, 0x30, (const struct slice[]){algorithm, point}, 2);
}

#endif
