/*
 * test_tpm.h: as much of a TPM as it takes to show two keys and to take a wrapped one in. Included by tests only.
 */
#ifndef BERTH_CRYPTO_TEST_TPM_H
#define BERTH_CRYPTO_TEST_TPM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/cursor.h"
#include "base/text.h"
#include "crypto/tpm.h"

/* Of the standard templates, up to the modulus: device-api.md 14.2. */
#define TEST_EK_HEAD                                                                                                                       \
	"0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa0006008000430010080000000000"                 \
	"0100"
#define TEST_SRK_HEAD "0001000b00030472000000060080004300100800000000000100"

struct test_tpm {
	EVP_PKEY *endorsement, *storage;
	struct slice endorsement_key, storage_root_key; /* TPM2B_PUBLIC; in the arena */
};

/* A TPM2B_PUBLIC of these hexadecimal digits and whatever follows them. */
static inline struct slice test_public(struct arena *a, const char *head, struct slice rest)
{
	struct slice area = hex_decode(a, slice_str(head));
	size_t size = area.n + rest.n;
	unsigned char *bytes = arena_alloc(a, size + 2);

	bytes[0] = (unsigned char)(size >> 8);
	bytes[1] = (unsigned char)size;
	memcpy(bytes + 2, area.p, area.n);
	memcpy(bytes + 2 + area.n, rest.p, rest.n);
	return slice_over(bytes, size + 2);
}

static inline struct slice test_rsa_public(struct arena *a, const char *head, EVP_PKEY *key)
{
	unsigned char modulus[TPM_RSA_SIZE];
	BIGNUM *n = NULL;

	assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
	assert_int_equal(BN_bn2binpad(n, modulus, sizeof(modulus)), sizeof(modulus));
	BN_free(n);
	return test_public(a, head, slice_over(modulus, sizeof(modulus)));
}

static inline struct test_tpm test_tpm_make(struct arena *a)
{
	struct test_tpm t = {.endorsement = EVP_RSA_gen(2048), .storage = EVP_RSA_gen(2048)};

	t.endorsement_key = test_rsa_public(a, TEST_EK_HEAD, t.endorsement);
	t.storage_root_key = test_rsa_public(a, TEST_SRK_HEAD, t.storage);
	return t;
}

static inline void test_tpm_unmake(struct test_tpm *t)
{
	EVP_PKEY_free(t->endorsement);
	EVP_PKEY_free(t->storage);
}

/* --- what TPM2_ActivateCredential and TPM2_Import do --- */

static inline void test_kdf_a(struct slice key, const char *label, struct slice context, size_t bits, unsigned char out[SHA256_SIZE])
{
	char in[256] = {0, 0, 0, 1};
	size_t n = 4;

	memcpy(in + n, label, strlen(label) + 1);
	n += strlen(label) + 1;
	memcpy(in + n, context.p, context.n);
	n += context.n + 2;
	in[n++] = (char)(bits >> 8);
	in[n++] = (char)bits;
	hmac_sha256(key, slice_over(in, n), out);
}

static inline struct slice test_aes(struct arena *a, const unsigned char *key, struct slice in)
{
	static const unsigned char iv[16];
	unsigned char *out = arena_alloc(a, in.n + 1);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	assert_true(EVP_DecryptInit_ex2(c, EVP_aes_128_cfb128(), key, iv, NULL));
	assert_true(EVP_DecryptUpdate(c, out, &n, (const unsigned char *)in.p, (int)in.n));
	EVP_CIPHER_CTX_free(c);
	return slice_over(out, in.n);
}

static inline struct slice test_open_seed(struct arena *a, EVP_PKEY *key, const char *label, struct slice secret)
{
	unsigned char *out = arena_alloc(a, TPM_RSA_SIZE);
	size_t size = TPM_RSA_SIZE;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	int good = EVP_PKEY_decrypt_init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) > 0 &&
		   EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) > 0 &&
		   EVP_PKEY_CTX_set0_rsa_oaep_label(c, OPENSSL_memdup(label, strlen(label) + 1), (int)strlen(label) + 1) > 0 &&
		   EVP_PKEY_decrypt(c, out, &size, (const unsigned char *)secret.p, secret.n) > 0;

	EVP_PKEY_CTX_free(c);
	return good ? slice_over(out, size) : NO_SLICE;
}

/* What was wrapped under this seed and name. Absent: that is not what it is. */
static inline struct slice test_open_wrapped(struct arena *a, struct slice seed, struct slice name, struct slice wrapped)
{
	unsigned char key[SHA256_SIZE], mac_key[SHA256_SIZE], mac[SHA256_SIZE];
	struct cursor c = cursor_over(wrapped);
	struct slice told = cur_str16(&c), rest = cur_rest(&c);
	char *joined = arena_alloc(a, rest.n + name.n + 1);

	memcpy(joined, rest.p, rest.n);
	memcpy(joined + rest.n, name.p, name.n);
	test_kdf_a(seed, "STORAGE", name, 128, key);
	test_kdf_a(seed, "INTEGRITY", SLICE(""), 256, mac_key);
	hmac_sha256(slice_over(mac_key, SHA256_SIZE), slice_over(joined, rest.n + name.n), mac);
	return slice_eq(told, slice_over(mac, SHA256_SIZE)) ? test_aes(a, key, rest) : NO_SLICE;
}

/* The HMAC key in the blob, when these are the TPM's keys; absent: they are not. */
static inline struct slice test_tpm_unwrap(struct arena *a, const struct test_tpm *t, struct slice blob)
{
	unsigned char srk_name[TPM_NAME_SIZE] = {0, 0x0b}, name[TPM_NAME_SIZE] = {0, 0x0b};
	struct cursor c = cursor_over(blob), inside;
	struct slice id = cur_str16(&c), seed1 = cur_str16(&c), private = cur_str16(&c), seed2 = cur_str16(&c), public = cur_str16(&c);
	struct slice opened, wrap_key, inner;

	assert_true(cur_str16(&c).n > 0 && !c.bad && c.rest.n == 0);
	sha256(slice_from(t->storage_root_key, 2), srk_name + 2);
	sha256(public, name + 2);
	if ((opened = test_open_seed(a, t->endorsement, "IDENTITY", seed1)).n == 0)
		return NO_SLICE;
	if ((opened = test_open_wrapped(a, opened, slice_over(srk_name, sizeof(srk_name)), id)).n == 0)
		return NO_SLICE;
	wrap_key = slice_from(opened, 2);
	if ((opened = test_open_seed(a, t->storage, "DUPLICATE", seed2)).n == 0)
		return NO_SLICE;
	if ((opened = test_open_wrapped(a, opened, slice_over(name, sizeof(name)), private)).n == 0)
		return NO_SLICE;
	inside = cursor_over(test_aes(a, (const unsigned char *)wrap_key.p, opened));
	inner = cur_str16(&inside);
	assert_int_equal(inner.n, SHA256_SIZE);
	inside = cursor_over(cur_str16(&inside));
	assert_int_equal(cur_u16(&inside), 0x0008);
	assert_int_equal(cur_str16(&inside).n, 0);
	assert_int_equal(cur_str16(&inside).n, SHA256_SIZE);
	inner = cur_str16(&inside);
	assert_true(!inside.bad && inside.rest.n == 0);
	return inner;
}

#endif
