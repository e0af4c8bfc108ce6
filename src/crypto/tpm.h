/*
 * tpm.h: keys that a single TPM 2.0 can take in (device-api.md 14).
 *
 * A TPM shows the public areas of two keys: the endorsement key, with which it was made, and the storage root key under which it
 * keeps others. A key that is wrapped for the two reaches nobody but the TPM that holds both: it gets a secret by TPM2_ActivateCredential,
 * and with that the key by TPM2_Import (TPM 2.0 part 1, 22 to 24).
 *
 * Nothing here talks to a TPM. Structures are read and written by libtss2-mu, cryptography is OpenSSL's. Safe from every thread.
 */
#ifndef BERTH_CRYPTO_TPM_H
#define BERTH_CRYPTO_TPM_H

#include "base/arena.h"
#include "base/err.h"
#include "crypto/digest.h"

#define TPM_PUBLIC_MAX    512 /* bytes of a TPM2B_PUBLIC; with RSA 2048 it has 316 at most */
#define TPM_KEY_SIZE      32  /* bytes of a key to be wrapped: every TPM can import that many */
#define TPM_BLOB_MAX      972 /* of a wrapped key: two SASL frames of 512 bytes carry it */
#define TPM_NAME_SIZE     (2 + SHA256_SIZE)
#define TPM_RSA_SIZE      256 /* RSA 2048 */
#define TPM_ECC_SIZE      32  /* a coordinate on P-256 */
#define TPM_WRAP_KEY_SIZE 16  /* AES-128: clients import with no other inner wrapper */

/* The public area of a key of a TPM that decrypts, and nothing else: its endorsement key, or its storage root key. */
struct tpm_public {
	enum { TPM_RSA_2048, TPM_ECC_P256 } kind;
	unsigned char name[TPM_NAME_SIZE]; /* TPM 2.0 part 1, 16: a digest of it all */
	unsigned char key[TPM_RSA_SIZE];   /* the modulus, or x and y */
};

/* Read a TPM2B_PUBLIC, or a TPMT_PUBLIC, which is the same without its size. ERR_MALFORMED: it does not read; ERR_TOO_BIG: TPM_PUBLIC_MAX;
 * ERR_UNSUPPORTED: it is a key of another kind; each with a sentence in `why` that begins after the key's name ("has ..."). */
MUST_USE enum err tpm_public_read(struct slice blob, struct tpm_public *out, const char **why);

/* Whether they are the same bytes, one or both without the size. */
bool tpm_public_same(struct slice one, struct slice other);

/* Whether the certificate (DER) is about that key: the same number, or point. */
bool tpm_public_certified(const struct tpm_public *, struct slice certificate);

/* The registration ID that a device takes when it was given none: lower-case base32 of a digest of its endorsement key (device-api.md 4).
 * Absent: the arena is full. */
struct slice tpm_registration_id(struct arena *, struct slice endorsement_key);

/* The `authenticationKey` of device-api.md 14.5, before base64. Two operations with public keys, well under a millisecond. ERR_INVALID:
 * one of the keys is no key; ERR_NO_MEMORY. */
MUST_USE enum err tpm_wrap(const struct tpm_public *endorsement, const struct tpm_public *storage, const unsigned char key[TPM_KEY_SIZE],
			   struct arena *, struct slice *blob);

/* The same with everything that is otherwise drawn by lot, for the vectors of 14.8. For ECC the last two are not used. */
struct tpm_lot {
	unsigned char wrap_key[TPM_WRAP_KEY_SIZE];
	unsigned char seed_value[SHA256_SIZE], identity_seed[SHA256_SIZE], duplicate_seed[SHA256_SIZE];
};
MUST_USE enum err tpm_wrap_with(const struct tpm_lot *, const struct tpm_public *endorsement, const struct tpm_public *storage,
				const unsigned char key[TPM_KEY_SIZE], struct arena *, struct slice *blob);

#endif
