/*
 * tpm.c: what a TPM shows of its keys: which of them we can use, and their names.
 */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <tss2/tss2_mu.h>

#include "crypto/certificate_own.h"
#include "crypto/tpm.h"

#define SIZE_PREFIX 2 /* TPM2B: two bytes of size before what it holds */

/* The library would write a line to stderr about whatever a device sends that does not read. Before there are threads. */
__attribute__((constructor)) static void keep_quiet(void)
{
	setenv("TSS2_LOG", "all+NONE", 0);
}

/* --- which bytes --- */

static bool has_size(struct slice blob)
{
	return blob.n >= SIZE_PREFIX && blob.n - SIZE_PREFIX == ((size_t)(unsigned char)blob.p[0] << 8 | (unsigned char)blob.p[1]);
}

static struct slice without_size(struct slice blob)
{
	return has_size(blob) ? slice_from(blob, SIZE_PREFIX) : blob;
}

bool tpm_public_same(struct slice one, struct slice other)
{
	return slice_eq(without_size(one), without_size(other));
}

/* --- which key --- */

/* What makes a key one that only decrypts what is meant for its TPM, and never leaves it. */
#define NEEDED_ATTRIBUTES (TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM)

static bool is_aes_128_cfb(const TPMT_SYM_DEF_OBJECT *s)
{
	return s->algorithm == TPM2_ALG_AES && s->keyBits.aes == 128 && s->mode.aes == TPM2_ALG_CFB;
}

static const char *object_to_rsa(const TPMT_PUBLIC *area)
{
	const TPMS_RSA_PARMS *rsa = &area->parameters.rsaDetail;
	const TPM2B_PUBLIC_KEY_RSA *n = &area->unique.rsa;

	if (rsa->keyBits != 2048 || n->size != TPM_RSA_SIZE || !(n->buffer[0] & 0x80) || !(n->buffer[TPM_RSA_SIZE - 1] & 1))
		return "is an RSA key, but not one of 2048 bits.";
	if (rsa->exponent != 0 && rsa->exponent != 65537)
		return "has an RSA exponent other than 65537.";
	if (rsa->scheme.scheme != TPM2_ALG_NULL)
		return "is bound to a scheme, which a key for decrypting is not.";
	return is_aes_128_cfb(&rsa->symmetric) ? NULL : "has a symmetric algorithm other than AES-128 in CFB mode.";
}

static const char *object_to_ecc(const TPMT_PUBLIC *area)
{
	const TPMS_ECC_PARMS *ecc = &area->parameters.eccDetail;
	const TPMS_ECC_POINT *at = &area->unique.ecc;

	if (ecc->curveID != TPM2_ECC_NIST_P256 || at->x.size != TPM_ECC_SIZE || at->y.size != TPM_ECC_SIZE)
		return "is an elliptic curve key, but not one on P-256.";
	if (ecc->scheme.scheme != TPM2_ALG_NULL || ecc->kdf.scheme != TPM2_ALG_NULL)
		return "is bound to a scheme, which a key for decrypting is not.";
	return is_aes_128_cfb(&ecc->symmetric) ? NULL : "has a symmetric algorithm other than AES-128 in CFB mode.";
}

/* NULL: we can use it. */
static const char *object_to(const TPMT_PUBLIC *area)
{
	if (area->type != TPM2_ALG_RSA && area->type != TPM2_ALG_ECC)
		return "is neither an RSA nor an elliptic curve key.";
	if (area->nameAlg != TPM2_ALG_SHA256)
		return "has a name that is not made with SHA-256.";
	if ((area->objectAttributes & NEEDED_ATTRIBUTES) != NEEDED_ATTRIBUTES || (area->objectAttributes & TPMA_OBJECT_SIGN_ENCRYPT))
		return "is not a restricted decryption key that is fixed to its TPM.";
	return area->type == TPM2_ALG_RSA ? object_to_rsa(area) : object_to_ecc(area);
}

/* --- reading --- */

static void take_key(const TPMT_PUBLIC *area, struct tpm_public *out)
{
	out->kind = area->type == TPM2_ALG_RSA ? TPM_RSA_2048 : TPM_ECC_P256;
	if (out->kind == TPM_RSA_2048) {
		memcpy(out->key, area->unique.rsa.buffer, TPM_RSA_SIZE);
		return;
	}
	memcpy(out->key, area->unique.ecc.x.buffer, TPM_ECC_SIZE);
	memcpy(out->key + TPM_ECC_SIZE, area->unique.ecc.y.buffer, TPM_ECC_SIZE);
}

enum err tpm_public_read(struct slice blob, struct tpm_public *out, const char **why)
{
	struct slice bytes = without_size(blob);
	TPMT_PUBLIC area = {0};
	size_t at = 0;

	*out = (struct tpm_public){0};
	*why = NULL;
	if (blob.n > TPM_PUBLIC_MAX) {
		*why = "is longer than the public area of any key that we know.";
		return ERR_TOO_BIG;
	}
	if (bytes.n == 0 || Tss2_MU_TPMT_PUBLIC_Unmarshal((const uint8_t *)bytes.p, bytes.n, &at, &area) != TSS2_RC_SUCCESS ||
	    at != bytes.n) {
		*why = "does not read as a TPM2B_PUBLIC.";
		return ERR_MALFORMED;
	}
	if ((*why = object_to(&area)) != NULL)
		return ERR_UNSUPPORTED;
	take_key(&area, out);
	out->name[0] = TPM2_ALG_SHA256 >> 8;
	out->name[1] = TPM2_ALG_SHA256 & 0xff;
	sha256(bytes, out->name + 2);
	return OK;
}

/* --- the ID --- */

#define BASE32_CHUNK 5 /* bits of a character */

struct slice tpm_registration_id(struct arena *arena, struct slice endorsement_key)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char digest[SHA256_SIZE];
	size_t size = (SHA256_SIZE * 8 + BASE32_CHUNK - 1) / BASE32_CHUNK;
	char *text = arena_alloc(arena, size + 1);

	if (text == NULL)
		return NO_SLICE;
	sha256(endorsement_key, digest);
	for (size_t i = 0; i < size; i++) {
		size_t bit = i * BASE32_CHUNK, byte = bit / 8;
		unsigned two = (unsigned)digest[byte] << 8 | (byte + 1 < sizeof(digest) ? digest[byte + 1] : 0);

		text[i] = digits[two >> (16 - BASE32_CHUNK - bit % 8) & 31];
	}
	return slice_over(text, size);
}

/* --- certified --- */

static bool is_rsa_key(struct slice bits, const unsigned char modulus[TPM_RSA_SIZE])
{
	const unsigned char *at = (const unsigned char *)bits.p;
	EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)bits.n);
	unsigned char n[TPM_RSA_SIZE];
	BIGNUM *number = NULL;
	bool same = key && EVP_PKEY_get_bn_param(key, "n", &number) && BN_bn2binpad(number, n, sizeof(n)) == (int)sizeof(n) &&
		    memcmp(n, modulus, sizeof(n)) == 0;

	BN_free(number);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return same;
}

/* SEC 1, 2.3.3: a point in full, as all certificates of TPMs have it. */
static bool is_point(struct slice bits, const unsigned char point[2 * TPM_ECC_SIZE])
{
	return bits.n == 1 + 2 * TPM_ECC_SIZE && bits.p[0] == 4 && memcmp(bits.p + 1, point, 2 * TPM_ECC_SIZE) == 0;
}

bool tpm_public_certified(const struct tpm_public *key, struct slice certificate)
{
	X509 *x = certificate_decode(certificate);
	const unsigned char *bytes = NULL;
	int n = 0;
	bool same = false;

	if (x && X509_PUBKEY_get0_param(NULL, &bytes, &n, NULL, X509_get_X509_PUBKEY(x)) && n > 0)
		same = key->kind == TPM_RSA_2048 ? is_rsa_key(slice_over(bytes, (size_t)n), key->key)
						 : is_point(slice_over(bytes, (size_t)n), key->key);
	X509_free(x);
	return same;
}
