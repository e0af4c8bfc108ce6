#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/text.h"

#include "crypto/digest.h"

/* Fetching an algorithm walks OpenSSL's providers, which costs more than the hash of a
 * short text: it is done once for the process. The keyless MAC context is only ever
 * copied, which any number of threads may do at once. */
static struct {
	EVP_MD *sha1, *sha256;
	EVP_MAC_CTX *hmac;
} made;

static pthread_once_t made_once = PTHREAD_ONCE_INIT;

static void make_all(void)
{
	const OSSL_PARAM with_sha256[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
					  OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	made.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	made.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	made.hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	assert(made.sha1 && made.sha256 && made.hmac);
	if (!EVP_MAC_CTX_set_params(made.hmac, with_sha256))
		assert(!"HMAC takes SHA-256");
	EVP_MAC_free(mac); /* the context holds on to it */
}

/* A hash that cannot be had leaves nobody to trust: the process ends. */
static void hash(const EVP_MD *md, struct slice data, unsigned char *out)
{
	if (!EVP_Digest(data.p, data.n, out, NULL, md, NULL))
		assert(!"a hash of bytes in memory");
}

void sha1(struct slice data, unsigned char out[SHA1_SIZE])
{
	pthread_once(&made_once, make_all);
	hash(made.sha1, data, out);
}

void sha256(struct slice data, unsigned char out[SHA256_SIZE])
{
	pthread_once(&made_once, make_all);
	hash(made.sha256, data, out);
}

void hmac_sha256(struct slice key, struct slice data, unsigned char out[SHA256_SIZE])
{
	/* To OpenSSL no address means "the key from before", so an absent key gets one. */
	const unsigned char *key_bytes = (const unsigned char *)(key.p ? key.p : "");
	EVP_MAC_CTX *mac;
	size_t size = 0;
	bool good;

	pthread_once(&made_once, make_all);
	mac = EVP_MAC_CTX_dup(made.hmac);
	good = mac && EVP_MAC_init(mac, key_bytes, key.n, NULL) && EVP_MAC_update(mac, (const unsigned char *)data.p, data.n) &&
	       EVP_MAC_final(mac, out, &size, SHA256_SIZE);
	EVP_MAC_CTX_free(mac); /* wipes its copy of the key */
	assert(good && size == SHA256_SIZE);
}

bool same_secret(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void random_bytes(void *out, size_t n)
{
	unsigned char *to = out;
	ssize_t got;

	while (n > 0) {
		got = getrandom(to, n, 0);
		if (got < 0) {
			assert(errno == EINTR);
			continue;
		}
		to += got;
		n -= (size_t)got;
	}
}

void random_uuid(char out[37])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4: version 4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* section 4.1: the variant */
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
		 b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

struct slice random_key(struct arena *a, size_t n)
{
	unsigned char *raw = arena_alloc(a, n); /* the arena wipes it */

	if (raw == NULL)
		return NO_SLICE;
	random_bytes(raw, n);
	return base64_encode(a, slice_over(raw, n));
}
