/*
 * tpm.h: the TPM 2.0 of the machine that the command line runs on, or one in software.
 *
 * What device SDKs do with theirs (device-api.md 14): show the public areas of the endorsement key and the storage root key, take in a key
 * that the service wrapped for the two, and sign with it. The key never leaves the TPM. The two keys are taken from where the SDKs persist
 * them, else made anew from the standard templates, which gives the same keys each time, and dropped again when the TPM is closed.
 *
 * Every call waits for the TPM, which may take seconds: for one device at a time, never a server. A TPM that has not answered one command
 * after TPM_PATIENCE_SECONDS ends the program with a sentence, because its driver cannot be interrupted otherwise.
 *
 * A call that fails leaves a sentence for the operator in `why`, with what to do about it; it lives in the arena given to tpm_open.
 */
#ifndef BERTH_CLI_TPM_H
#define BERTH_CLI_TPM_H

#include "crypto/tpm.h"

#define TPM_TCTI             "device:/dev/tpmrm0"
#define TPM_PATIENCE_SECONDS 60
#define TPM_SIGN_MAX         1024 /* bytes: what every TPM takes at once */

struct tpm;

struct tpm_conf {
	const char *tcti; /* "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321": tpm2-tss's names; NULL: TPM_TCTI */
	bool ecc;         /* keys on P-256 in place of RSA 2048 */
	bool high;        /* the endorsement key of the high range, under policy B, in place of that which SDKs use */
	bool persist;     /* keep the two keys where SDKs look for them; not with ecc or high */
	struct slice owner_auth, endorsement_auth; /* of the hierarchies; absent: empty, as they are when nobody has set them */
};

/* With both keys at hand. ERR_UNREACHABLE: no TPM is there; ERR_FORBIDDEN: it is not for this user, or wants a password; ERR_IO: it said no;
 * ERR_TOO_BIG: a password of more than 32 bytes; ERR_NO_MEMORY. */
MUST_USE enum err tpm_open(const struct tpm_conf *, struct arena *, struct tpm **out, const char **why);

/* Forgets what was loaded. Sets *t to NULL; NULL inside is welcome. */
void tpm_close(struct tpm **t);

struct tpm_key {
	struct slice area; /* TPM2B_PUBLIC */
	bool persistent;
	const char *place; /* "at 0x81010001", "made from the standard template" */
};

const struct tpm_key *tpm_endorsement_key(const struct tpm *);
const struct tpm_key *tpm_storage_root_key(const struct tpm *);

/* The endorsement key's certificate, as its manufacturer left it, DER. ERR_NOT_FOUND: there is none, though perhaps one for the key of the
 * other range, which `why` then tells, else NULL; ERR_TOO_BIG, ERR_IO. */
MUST_USE enum err tpm_certificate(struct tpm *, struct slice *der, const char **why);

/* Take in an `authenticationKey` (device-api.md 14.5; not base64), in place of the one before. ERR_MALFORMED: it does not read;
 * ERR_UNAUTHORIZED: it is meant for another TPM; ERR_IO. */
MUST_USE enum err tpm_activate(struct tpm *, struct slice blob, const char **why);

/* HMAC-SHA256 with the key taken in. ERR_PRECONDITION: none was; ERR_TOO_BIG: TPM_SIGN_MAX; ERR_IO. */
MUST_USE enum err tpm_sign(struct tpm *, struct slice text, unsigned char mac[SHA256_SIZE], const char **why);

#endif
