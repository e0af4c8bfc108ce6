/*
 * tpm_wrap.c: a key, wrapped for one TPM, as device-api.md 14.5 and 14.6 lay it out.
 *
 * Inside out: the key with its random value is encrypted with the wrapping key (the inner wrapper), then under a seed that the
 * storage root key decrypts (the outer wrapper). The wrapping key is encrypted under a seed that the endorsement key decrypts, and the TPM
 * gives it out only where that storage root key is loaded, whose name is part of the proof of integrity.
 */
#include <assert.h>
#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <tss2/tss2_mu.h>

#include "crypto/tpm.h"

#define AES_SIZE     16
#define PART_MAX     512 /* of one structure while it is made; the largest has 260 bytes */
#define P256         "prime256v1"
#define POINT_SIZE   (1 + 2 * TPM_ECC_SIZE)
#define UNCOMPRESSED 0x04

/* What is sealed into the blob beside the keys; no client looks at what it says, but one of them decrypts it. */
#define KEY_NAME SLICE("registration")

/* Of the wrapped key: it signs, by an empty password, and may be imported anywhere. */
#define KEY_ATTRIBUTES (TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT)

/* SHA-256 over 32 zeros, TPM_CC_PolicyCommandCode, TPM_CC_Duplicate: it may be duplicated, under that policy. */
static const unsigned char duplicate_policy[SHA256_SIZE] = {0xbe, 0xf5, 0x6b, 0x8c, 0x1c, 0xc8, 0x4e, 0x11, 0xed, 0xd7, 0x17,
							    0x52, 0x8d, 0x2c, 0xd9, 0x93, 0x56, 0xbd, 0x2b, 0xbf, 0x8f, 0x01,
							    0x52, 0x09, 0xc3, 0xf8, 0x4a, 0xee, 0xab, 0xa8, 0xe8, 0xa2};

/* Which seed, and for which of the keys. As a label of OAEP and of a KDF it ends with its NUL. */
static const char identity[] = "IDENTITY", duplicate[] = "DUPLICATE";

/* --- bytes on their way out: more than PART_MAX is our own fault --- */

struct part {
	unsigned char p[PART_MAX];
	size_t n;
};

static void part_add(struct part *to, struct slice bytes)
{
	assert(bytes.n <= sizeof(to->p) - to->n);
	memcpy(to->p + to->n, bytes.p, bytes.n);
	to->n += bytes.n;
}

static void part_add_u16(struct part *to, size_t n)
{
	const unsigned char two[] = {(unsigned char)(n >> 8), (unsigned char)n};

	part_add(to, slice_over(two, sizeof(two)));
}

static struct slice part_slice(const struct part *part)
{
	return slice_over(part->p, part->n);
}

/* What the library writes it writes whole. */
#define MARSHAL(type, value, to) marshaled(Tss2_MU_##type##_Marshal((value), (to)->p, sizeof((to)->p), &(to)->n))

static void marshaled(TSS2_RC rc)
{
	assert(rc == TSS2_RC_SUCCESS);
	(void)rc;
}

/* --- AES and the KDF --- */

static EVP_CIPHER *aes_128_cfb;
static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;

static void fetch_cipher(void)
{
	aes_128_cfb = EVP_CIPHER_fetch(NULL, "AES-128-CFB", NULL);
	assert(aes_128_cfb != NULL);
}

/* In place, with a zero IV: each key encrypts one thing only. */
static bool encrypt(const unsigned char key[AES_SIZE], unsigned char *bytes, size_t size)
{
	static const unsigned char iv[AES_SIZE];
	EVP_CIPHER_CTX *c;
	int n;
	bool good;

	pthread_once(&cipher_once, fetch_cipher);
	c = EVP_CIPHER_CTX_new();
	good = c && EVP_EncryptInit_ex2(c, aes_128_cfb, key, iv, NULL) && EVP_EncryptUpdate(c, bytes, &n, bytes, (int)size);
	EVP_CIPHER_CTX_free(c);
	return good;
}

/* TPM 2.0 part 1, 11.4.10.2, for as much as one HMAC gives. */
static void kdf_a(const unsigned char seed[SHA256_SIZE], const char *label, struct slice context, size_t bits, unsigned char *out)
{
	struct part in = {.n = 0};
	unsigned char mac[SHA256_SIZE];

	part_add_u16(&in, 0);
	part_add_u16(&in, 1);
	part_add(&in, slice_over(label, strlen(label) + 1));
	part_add(&in, context);
	part_add_u16(&in, 0);
	part_add_u16(&in, bits);
	hmac_sha256(slice_over(seed, SHA256_SIZE), part_slice(&in), mac);
	memcpy(out, mac, bits / 8);
	OPENSSL_cleanse(mac, sizeof(mac));
}

/* The outer wrapper of a duplicate, and the only one of a credential: size, HMAC and what it vouches for, encrypted under the seed
 * (TPM 2.0 part 1, 23.3.2.3 and 24.4). `secret` is used up. */
static bool wrap_under_seed(const unsigned char seed[SHA256_SIZE], struct slice name, struct part *secret, struct part *out)
{
	unsigned char key[AES_SIZE], mac_key[SHA256_SIZE], mac[SHA256_SIZE];
	struct part authentic = {.n = 0};
	bool good;

	kdf_a(seed, "STORAGE", name, 128, key);
	kdf_a(seed, "INTEGRITY", SLICE(""), 256, mac_key);
	good = encrypt(key, secret->p, secret->n);
	part_add(&authentic, part_slice(secret));
	part_add(&authentic, name);
	hmac_sha256(slice_over(mac_key, sizeof(mac_key)), part_slice(&authentic), mac);
	part_add_u16(out, sizeof(mac));
	part_add(out, slice_over(mac, sizeof(mac)));
	part_add(out, part_slice(secret));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(mac_key, sizeof(mac_key));
	return good;
}

/* --- seeds --- */

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *c = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
	EVP_PKEY *key = NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) <= 0 || EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_key(const struct tpm_public *p)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(p->key, TPM_RSA_SIZE, NULL);
	EVP_PKEY *key = NULL;

	if (build && n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, 65537))
		key = key_from("RSA", build);
	BN_free(n);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* OpenSSL refuses what is no point on the curve. */
static EVP_PKEY *ecc_key(const struct tpm_public *p)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	unsigned char point[POINT_SIZE] = {UNCOMPRESSED};
	EVP_PKEY *key = NULL;

	memcpy(point + 1, p->key, 2 * TPM_ECC_SIZE);
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, P256, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		key = key_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* RSA: whoever makes the seed chooses it, and encrypts it (TPM 2.0 part 1, B.4). */
static bool share_by_rsa(EVP_PKEY *key, const char *label, const unsigned char seed[SHA256_SIZE], TPM2B_ENCRYPTED_SECRET *out)
{
	const OSSL_PARAM oaep[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, (char[]){OSSL_PKEY_RSA_PAD_MODE_OAEP}, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, (char *)label, strlen(label) + 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t size = sizeof(out->secret);
	bool good = c && EVP_PKEY_encrypt_init_ex(c, oaep) > 0 && EVP_PKEY_encrypt(c, out->secret, &size, seed, SHA256_SIZE) > 0;

	out->size = good ? (UINT16)size : 0;
	EVP_PKEY_CTX_free(c);
	return good;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *key, unsigned char z[TPM_ECC_SIZE])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t size = TPM_ECC_SIZE;
	bool good = c && EVP_PKEY_derive_init(c) > 0 && EVP_PKEY_derive_set_peer(c, key) > 0 && EVP_PKEY_derive(c, z, &size) > 0;

	EVP_PKEY_CTX_free(c);
	return good && size == TPM_ECC_SIZE;
}

/* TPM 2.0 part 1, 11.4.10.3: one round of the KDF of SP 800-56A. */
static void kdf_e(const unsigned char z[TPM_ECC_SIZE], const char *label, const unsigned char *own_x, const unsigned char *x,
		  unsigned char out[SHA256_SIZE])
{
	struct part in = {.n = 0};

	part_add_u16(&in, 0);
	part_add_u16(&in, 1);
	part_add(&in, slice_over(z, TPM_ECC_SIZE));
	part_add(&in, slice_over(label, strlen(label) + 1));
	part_add(&in, slice_over(own_x, TPM_ECC_SIZE));
	part_add(&in, slice_over(x, TPM_ECC_SIZE));
	sha256(part_slice(&in), out);
	OPENSSL_cleanse(&in, sizeof(in));
}

/* ECC: the seed comes of an exchange with a key that is made for it (TPM 2.0 part 1, C.6.3), and goes to `seed`. */
static bool share_by_ecc(EVP_PKEY *key, const struct tpm_public *p, const char *label, unsigned char seed[SHA256_SIZE],
			 TPM2B_ENCRYPTED_SECRET *out)
{
	EVP_PKEY *own = EVP_EC_gen(P256);
	unsigned char point[POINT_SIZE], z[TPM_ECC_SIZE];
	TPMS_ECC_POINT at = {.x.size = TPM_ECC_SIZE, .y.size = TPM_ECC_SIZE};
	struct part written = {.n = 0};
	size_t size = 0;
	bool good = own && EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &size) &&
		    size == sizeof(point) && point[0] == UNCOMPRESSED && agree(own, key, z);

	EVP_PKEY_free(own);
	if (!good)
		return false;
	memcpy(at.x.buffer, point + 1, TPM_ECC_SIZE);
	memcpy(at.y.buffer, point + 1 + TPM_ECC_SIZE, TPM_ECC_SIZE);
	kdf_e(z, label, at.x.buffer, p->key, seed);
	OPENSSL_cleanse(z, sizeof(z));
	MARSHAL(TPMS_ECC_POINT, &at, &written);
	out->size = (UINT16)written.n;
	memcpy(out->secret, written.p, written.n);
	return true;
}

/* Let the holder of the key know a seed. RSA takes the one given, ECC makes one. */
static bool share_seed(const struct tpm_public *p, const char *label, unsigned char seed[SHA256_SIZE], TPM2B_ENCRYPTED_SECRET *out)
{
	EVP_PKEY *key = p->kind == TPM_RSA_2048 ? rsa_key(p) : ecc_key(p);
	bool good = key && (p->kind == TPM_RSA_2048 ? share_by_rsa(key, label, seed, out) : share_by_ecc(key, p, label, seed, out));

	EVP_PKEY_free(key);
	return good;
}

/* --- the six structures of 14.5 --- */

struct wrapping {
	struct tpm_lot lot;
	const struct tpm_public *endorsement, *storage;
	struct part out[6];
};

/* The wrapping key, for the TPM that has both keys: the first and the second. */
static bool make_credential(struct wrapping *w)
{
	struct part secret = {.n = 0};
	struct part wrapped = {.n = 0};
	TPM2B_ENCRYPTED_SECRET shared = {0};
	bool good = share_seed(w->endorsement, identity, w->lot.identity_seed, &shared);

	if (!good)
		return false;
	part_add_u16(&secret, TPM_WRAP_KEY_SIZE);
	part_add(&secret, slice_over(w->lot.wrap_key, TPM_WRAP_KEY_SIZE));
	good = wrap_under_seed(w->lot.identity_seed, slice_over(w->storage->name, TPM_NAME_SIZE), &secret, &wrapped);
	part_add_u16(&w->out[0], wrapped.n);
	part_add(&w->out[0], part_slice(&wrapped));
	MARSHAL(TPM2B_ENCRYPTED_SECRET, &shared, &w->out[1]);
	return good;
}

/* The public area of the wrapped key: the fifth; and its name. */
static void describe(struct wrapping *w, const unsigned char key[TPM_KEY_SIZE], unsigned char name[TPM_NAME_SIZE])
{
	TPM2B_PUBLIC area = {
		.publicArea = {.type = TPM2_ALG_KEYEDHASH,
			       .nameAlg = TPM2_ALG_SHA256,
			       .objectAttributes = KEY_ATTRIBUTES,
			       .authPolicy.size = sizeof(duplicate_policy),
			       .parameters.keyedHashDetail.scheme = {.scheme = TPM2_ALG_HMAC, .details.hmac.hashAlg = TPM2_ALG_SHA256},
			       .unique.keyedHash.size = SHA256_SIZE}};
	struct part both = {.n = 0};

	memcpy(area.publicArea.authPolicy.buffer, duplicate_policy, sizeof(duplicate_policy));
	part_add(&both, slice_over(w->lot.seed_value, SHA256_SIZE));
	part_add(&both, slice_over(key, TPM_KEY_SIZE));
	sha256(part_slice(&both), area.publicArea.unique.keyedHash.buffer);
	MARSHAL(TPM2B_PUBLIC, &area, &w->out[4]);
	name[0] = TPM2_ALG_SHA256 >> 8;
	name[1] = TPM2_ALG_SHA256 & 0xff;
	sha256(slice_from(part_slice(&w->out[4]), 2), name + 2);
	OPENSSL_cleanse(&both, sizeof(both));
}

/* Its sensitive area in the inner wrapper: digest and area, encrypted. */
static bool wrap_inside(struct wrapping *w, const unsigned char key[TPM_KEY_SIZE], struct slice name, struct part *out)
{
	TPM2B_SENSITIVE s = {
		.sensitiveArea = {.sensitiveType = TPM2_ALG_KEYEDHASH, .seedValue.size = SHA256_SIZE, .sensitive.bits.size = TPM_KEY_SIZE}};
	struct part named = {.n = 0};
	unsigned char digest[SHA256_SIZE];
	size_t size;

	memcpy(s.sensitiveArea.seedValue.buffer, w->lot.seed_value, SHA256_SIZE);
	memcpy(s.sensitiveArea.sensitive.bits.buffer, key, TPM_KEY_SIZE);
	MARSHAL(TPM2B_SENSITIVE, &s, &named);
	size = named.n;
	part_add(&named, name);
	sha256(part_slice(&named), digest);
	part_add_u16(out, sizeof(digest));
	part_add(out, slice_over(digest, sizeof(digest)));
	part_add(out, slice_to(part_slice(&named), size));
	OPENSSL_cleanse(&s, sizeof(s));
	OPENSSL_cleanse(&named, sizeof(named));
	return encrypt(w->lot.wrap_key, out->p, out->n);
}

/* The key as a duplicate for its new parent: the third and the fourth. */
static bool make_duplicate(struct wrapping *w, const unsigned char key[TPM_KEY_SIZE])
{
	unsigned char name_bytes[TPM_NAME_SIZE];
	struct slice name = slice_over(name_bytes, sizeof(name_bytes));
	struct part inner = {.n = 0}, wrapped = {.n = 0};
	TPM2B_ENCRYPTED_SECRET shared = {0};
	bool good = share_seed(w->storage, duplicate, w->lot.duplicate_seed, &shared);

	describe(w, key, name_bytes);
	good = good && wrap_inside(w, key, name, &inner) && wrap_under_seed(w->lot.duplicate_seed, name, &inner, &wrapped);
	part_add_u16(&w->out[2], wrapped.n);
	part_add(&w->out[2], part_slice(&wrapped));
	MARSHAL(TPM2B_ENCRYPTED_SECRET, &shared, &w->out[3]);
	return good;
}

/* The sixth. */
static bool add_text(struct wrapping *w)
{
	struct part text = {.n = 0};
	bool good;

	part_add(&text, KEY_NAME);
	good = encrypt(w->lot.wrap_key, text.p, text.n);
	part_add_u16(&w->out[5], text.n);
	part_add(&w->out[5], part_slice(&text));
	return good;
}

static enum err join(const struct wrapping *w, struct arena *arena, struct slice *blob)
{
	size_t size = 0;
	char *bytes;

	for (size_t i = 0; i < 6; i++)
		size += w->out[i].n;
	assert(size <= TPM_BLOB_MAX);
	if ((bytes = arena_alloc(arena, size)) == NULL)
		return ERR_NO_MEMORY;
	*blob = slice_over(bytes, size);
	for (size_t i = 0; i < 6; bytes += w->out[i++].n)
		memcpy(bytes, w->out[i].p, w->out[i].n);
	return OK;
}

enum err tpm_wrap_with(const struct tpm_lot *lot, const struct tpm_public *endorsement, const struct tpm_public *storage,
		       const unsigned char key[TPM_KEY_SIZE], struct arena *arena, struct slice *blob)
{
	struct wrapping w = {.lot = *lot, .endorsement = endorsement, .storage = storage};
	enum err e = ERR_INVALID;

	if (make_credential(&w) && make_duplicate(&w, key) && add_text(&w))
		e = join(&w, arena, blob);
	else
		ERR_clear_error();
	OPENSSL_cleanse(&w, sizeof(w));
	return e;
}

enum err tpm_wrap(const struct tpm_public *endorsement, const struct tpm_public *storage, const unsigned char key[TPM_KEY_SIZE],
		  struct arena *arena, struct slice *blob)
{
	struct tpm_lot lot;
	enum err e;

	random_bytes(&lot, sizeof(lot));
	e = tpm_wrap_with(&lot, endorsement, storage, key, arena, blob);
	OPENSSL_cleanse(&lot, sizeof(lot));
	return e;
}
