#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/digest.h"

#include "crypto/seal.h"

#define SEAL_VERSION 1
#define NONCE_SIZE   12
#define TAG_SIZE     16
#define HEAD_SIZE    (1 + NONCE_SIZE)
#define SECRET_MAX   (1 << 20) /* far more than any key or certificate */

struct seal {
	unsigned char key[32];
};

static EVP_CIPHER *aes_256_gcm;
static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;

static void fetch_cipher(void)
{
	aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	assert(aes_256_gcm != NULL);
}

enum err seal_from_key(const unsigned char key[32], struct seal **out)
{
	struct seal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NO_MEMORY;
	pthread_once(&cipher_once, fetch_cipher);
	memcpy(s->key, key, sizeof(s->key));
	*out = s;
	return OK;
}

void seal_free(struct seal **s)
{
	if (*s != NULL)
		OPENSSL_cleanse(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

/* The nonce is random: 96 bits bear 2^32 secrets under one master key (NIST SP 800-38D
 * section 8.3), which is more than will ever be written. */
static bool encrypt(const struct seal *s, struct slice where, struct slice secret, unsigned char *out)
{
	unsigned char *nonce = out + 1, *text = out + HEAD_SIZE, *tag = text + secret.n;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool good;

	out[0] = SEAL_VERSION;
	random_bytes(nonce, NONCE_SIZE);
	good = c && EVP_EncryptInit_ex2(c, aes_256_gcm, s->key, nonce, NULL) &&
	       EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)where.p, (int)where.n) &&
	       (secret.n == 0 || EVP_EncryptUpdate(c, text, &n, (const unsigned char *)secret.p, (int)secret.n)) &&
	       EVP_EncryptFinal_ex(c, tag, &n) && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag);
	EVP_CIPHER_CTX_free(c);
	return good;
}

/* The master key is a key of AES too; there is no way between what the two functions make of it. */
void seal_derive(const struct seal *s, struct slice use, unsigned char out[32])
{
	hmac_sha256(slice_over(s->key, sizeof(s->key)), use, out);
}

struct slice seal_close(const struct seal *s, struct arena *a, struct slice where, struct slice secret)
{
	size_t size = HEAD_SIZE + secret.n + TAG_SIZE;
	unsigned char *out;

	assert(where.n > 0 && where.n <= SECRET_MAX);
	if (secret.n > SECRET_MAX || (out = arena_alloc(a, size)) == NULL)
		return NO_SLICE;
	if (!encrypt(s, where, secret, out)) {
		ERR_clear_error();
		return NO_SLICE;
	}
	return slice_over(out, size);
}

static bool decrypt(const struct seal *s, struct slice where, struct slice sealed, unsigned char *out)
{
	const unsigned char *nonce = (const unsigned char *)sealed.p + 1, *text = nonce + NONCE_SIZE;
	size_t size = sealed.n - HEAD_SIZE - TAG_SIZE;
	unsigned char tag[TAG_SIZE];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;
	bool good;

	memcpy(tag, text + size, TAG_SIZE);
	good = c && EVP_DecryptInit_ex2(c, aes_256_gcm, s->key, nonce, NULL) &&
	       EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)where.p, (int)where.n) &&
	       (size == 0 || EVP_DecryptUpdate(c, out, &n, text, (int)size)) &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) && EVP_DecryptFinal_ex(c, out + size, &n);
	EVP_CIPHER_CTX_free(c);
	return good;
}

enum err seal_reveal(const struct seal *s, struct arena *a, struct slice where, struct slice sealed, struct slice *out)
{
	unsigned char *secret;
	size_t size;

	assert(where.n > 0 && where.n <= SECRET_MAX);
	if (sealed.n < HEAD_SIZE + TAG_SIZE || sealed.n - HEAD_SIZE - TAG_SIZE > SECRET_MAX || sealed.p[0] != SEAL_VERSION)
		return ERR_CORRUPT;
	size = sealed.n - HEAD_SIZE - TAG_SIZE;
	if ((secret = arena_alloc(a, size + 1)) == NULL) /* zeroed: a NUL stands behind the secret */
		return ERR_TOO_BIG;
	if (!decrypt(s, where, sealed, secret)) {
		/* What was decrypted before the tag failed is nobody's to see. */
		OPENSSL_cleanse(secret, size);
		ERR_clear_error();
		return ERR_CORRUPT;
	}
	*out = slice_over(secret, size);
	return OK;
}
