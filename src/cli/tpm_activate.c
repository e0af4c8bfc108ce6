/*
 * tpm_activate.c: a key that the service wrapped for this TPM is taken in, and signs (device-api.md 14.5, 14.7).
 *
 * The TPM gives out the inner wrapping key by TPM2_ActivateCredential, to nobody but who may use its endorsement key, and only when the
 * storage root key is the one that the service was shown. With it TPM2_Import makes the duplicate a child of the storage root key, and
 * TPM2_Load loads that.
 */
#include <tss2/tss2_mu.h>

#include "cli/tpm_own.h"

/* An authenticationKey, taken apart. What follows the public area is a text that nobody needs. */
struct wrapped {
	TPM2B_ID_OBJECT credential;
	TPM2B_ENCRYPTED_SECRET credential_seed;
	TPM2B_PRIVATE duplicate;
	TPM2B_ENCRYPTED_SECRET duplicate_seed;
	TPM2B_PUBLIC area;
};

static bool take_apart(struct slice blob, struct wrapped *w)
{
	const uint8_t *p = (const uint8_t *)blob.p;
	size_t at = 0;

	*w = (struct wrapped){0};
	return Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(p, blob.n, &at, &w->credential) == TSS2_RC_SUCCESS &&
	       Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(p, blob.n, &at, &w->credential_seed) == TSS2_RC_SUCCESS &&
	       Tss2_MU_TPM2B_PRIVATE_Unmarshal(p, blob.n, &at, &w->duplicate) == TSS2_RC_SUCCESS &&
	       Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(p, blob.n, &at, &w->duplicate_seed) == TSS2_RC_SUCCESS &&
	       Tss2_MU_TPM2B_PUBLIC_Unmarshal(p, blob.n, &at, &w->area) == TSS2_RC_SUCCESS;
}

/* --- the credential --- */

/* The inner wrapping key. */
static TSS2_RC open_credential(struct tpm *t, const struct wrapped *w, TPM2B_DATA *key)
{
	ESYS_TR session = ESYS_TR_NONE;
	TPM2B_DIGEST *secret = NULL;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (t->endorsement.with_policy)
		rc = tpm_policy_begin(t, &t->endorsement, &session);
	if (rc == TSS2_RC_SUCCESS)
		TPM_CALL(rc, Esys_ActivateCredential(t->esys, t->storage.handle, t->endorsement.handle, ESYS_TR_PASSWORD,
						     session == ESYS_TR_NONE ? ESYS_TR_PASSWORD : session, ESYS_TR_NONE, &w->credential,
						     &w->credential_seed, &secret));
	tpm_flush(t, &session); /* its use may have ended it already */
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	key->size = secret->size;
	memcpy(key->buffer, secret->buffer, secret->size);
	explicit_bzero(secret, sizeof(*secret));
	Esys_Free(secret);
	return rc;
}

/* --- the key --- */

/* The key before makes room: many TPMs have three places, two of which the endorsement key and the storage root key take. */
static TSS2_RC take_in(struct tpm *t, const struct wrapped *w, const TPM2B_DATA *key)
{
	static const TPMT_SYM_DEF_OBJECT aes = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	TPM2B_PRIVATE *own = NULL;
	TSS2_RC rc;

	tpm_flush(t, &t->signing);
	TPM_CALL(rc, Esys_Import(t->esys, t->storage.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, key, &w->area, &w->duplicate,
				 &w->duplicate_seed, &aes, &own));
	if (rc == TSS2_RC_SUCCESS)
		TPM_CALL(rc,
			 Esys_Load(t->esys, t->storage.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, own, &w->area, &t->signing));
	if (rc != TSS2_RC_SUCCESS)
		t->signing = ESYS_TR_NONE;
	Esys_Free(own);
	return rc;
}

/* A credential for another TPM, or for another storage root key of this one, does not pass its check of integrity. */
static bool is_for_another(TSS2_RC rc)
{
	TSS2_RC plain = tpm_plain_code(rc);

	return plain == TPM2_RC_INTEGRITY || plain == TPM2_RC_VALUE || plain == TPM2_RC_SIZE || plain == TPM2_RC_ECC_POINT;
}

static enum err complain(struct tpm *t, TSS2_RC rc, const char *doing, const char **why)
{
	enum err e = tpm_complain(t, rc, doing, why);

	if (!is_for_another(rc))
		return e;
	*why = arena_printf(t->arena, "%s It was damaged on its way, or wrapped for another TPM.", *why ? *why : "");
	return ERR_UNAUTHORIZED;
}

enum err tpm_activate(struct tpm *t, struct slice blob, const char **why)
{
	struct wrapped w;
	TPM2B_DATA key = {0};
	TSS2_RC rc;
	enum err e = OK;

	*why = NULL;
	if (blob.n == 0 || !take_apart(blob, &w)) {
		*why = arena_printf(t->arena, "the %zu bytes that the service sent are not the six parts of a key for a TPM.", blob.n);
		return ERR_MALFORMED;
	}
	if ((rc = open_credential(t, &w, &key)) != TSS2_RC_SUCCESS)
		return complain(t, rc, "TPM2_ActivateCredential of what the service sent", why);
	if ((rc = take_in(t, &w, &key)) != TSS2_RC_SUCCESS)
		e = complain(t, rc, "TPM2_Import of what the service sent", why);
	explicit_bzero(&key, sizeof(key));
	return e;
}

enum err tpm_sign(struct tpm *t, struct slice text, unsigned char mac[SHA256_SIZE], const char **why)
{
	TPM2B_MAX_BUFFER buffer = {.size = (UINT16)text.n};
	TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc;

	if (t->signing == ESYS_TR_NONE) {
		*why = "the TPM has taken in no key to sign with.";
		return ERR_PRECONDITION;
	}
	if (text.n > TPM_SIGN_MAX || text.n > sizeof(buffer.buffer)) {
		*why = "a TPM signs at most 1024 bytes at once.";
		return ERR_TOO_BIG;
	}
	memcpy(buffer.buffer, text.p, text.n);
	TPM_CALL(rc, Esys_HMAC(t->esys, t->signing, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &buffer, TPM2_ALG_SHA256, &digest));
	if (rc != TSS2_RC_SUCCESS)
		return tpm_complain(t, rc, "TPM2_HMAC", why);
	memcpy(mac, digest->buffer, SHA256_SIZE); /* that is what SHA-256 makes */
	Esys_Free(digest);
	return OK;
}
