/*
 * tpm_primary.c: the endorsement key and the storage root key: where SDKs keep them, else made from the templates that everybody uses.
 */
#include <tss2/tss2_mu.h>

#include "cli/tpm_own.h"

/* Where device SDKs keep them. */
#define ENDORSEMENT_AT 0x81010001
#define STORAGE_AT     0x81000001

/* --- templates --- */

#define OF_THIS_TPM                                                                                                                        \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

#define AES_128_CFB                                                                                                                        \
	{                                                                                                                                  \
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB                                                    \
	}

/* TPM2_PolicySecret(TPM_RH_ENDORSEMENT), TCG EK Credential Profile B.2. */
#define ENDORSEMENT_POLICY                                                                                                                 \
	{                                                                                                                                  \
		.size = SHA256_SIZE, .buffer = {                                                                                           \
			0x83,                                                                                                              \
			0x71,                                                                                                              \
			0x97,                                                                                                              \
			0x67,                                                                                                              \
			0x44,                                                                                                              \
			0x84,                                                                                                              \
			0xb3,                                                                                                              \
			0xf8,                                                                                                              \
			0x1a,                                                                                                              \
			0x90,                                                                                                              \
			0xcc,                                                                                                              \
			0x8d,                                                                                                              \
			0x46,                                                                                                              \
			0xa5,                                                                                                              \
			0xd7,                                                                                                              \
			0x24,                                                                                                              \
			0xfd,                                                                                                              \
			0x52,                                                                                                              \
			0xd7,                                                                                                              \
			0x6e,                                                                                                              \
			0x06,                                                                                                              \
			0x52,                                                                                                              \
			0x0b,                                                                                                              \
			0x64,                                                                                                              \
			0xf2,                                                                                                              \
			0xa1,                                                                                                              \
			0xda,                                                                                                              \
			0x1b,                                                                                                              \
			0x33,                                                                                                              \
			0x14,                                                                                                              \
			0x69,                                                                                                              \
			0xaa                                                                                                               \
		}                                                                                                                          \
	}

#define RSA_2048 .parameters.rsaDetail = {.symmetric = AES_128_CFB, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048}
#define ECC_P256                                                                                                                           \
	.parameters.eccDetail = {                                                                                                          \
		.symmetric = AES_128_CFB,                                                                                                  \
		.scheme.scheme = TPM2_ALG_NULL,                                                                                            \
		.curveID = TPM2_ECC_NIST_P256,                                                                                             \
		.kdf.scheme = TPM2_ALG_NULL,                                                                                               \
	}

/* Zeros as long as the key, as TCG's templates L-1 and L-2 have them: they are part of what the key is made from. */
#define RSA_ZEROS .unique.rsa.size = TPM_RSA_SIZE
#define ECC_ZEROS .unique.ecc = {.x.size = TPM_ECC_SIZE, .y.size = TPM_ECC_SIZE}

#define ENDORSEMENT(type_, kind, zeros)                                                                                                    \
	{                                                                                                                                  \
		.publicArea = {                                                                                                            \
			.type = (type_),                                                                                                   \
			.nameAlg = TPM2_ALG_SHA256,                                                                                        \
			.objectAttributes = OF_THIS_TPM | TPMA_OBJECT_ADMINWITHPOLICY,                                                     \
			.authPolicy = ENDORSEMENT_POLICY,                                                                                  \
			kind,                                                                                                              \
			zeros                                                                                                              \
		}                                                                                                                          \
	}
#define STORAGE(type_, kind, zeros)                                                                                                        \
	{                                                                                                                                  \
		.publicArea = {                                                                                                            \
			.type = (type_),                                                                                                   \
			.nameAlg = TPM2_ALG_SHA256,                                                                                        \
			.objectAttributes = OF_THIS_TPM | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,                                     \
			kind,                                                                                                              \
			zeros                                                                                                              \
		}                                                                                                                          \
	}

static const TPM2B_PUBLIC templates[2][2] = {
	{ENDORSEMENT(TPM2_ALG_RSA, RSA_2048, RSA_ZEROS), STORAGE(TPM2_ALG_RSA, RSA_2048, RSA_ZEROS)},
	{ENDORSEMENT(TPM2_ALG_ECC, ECC_P256, ECC_ZEROS), STORAGE(TPM2_ALG_ECC, ECC_P256, ECC_ZEROS)},
};

/* What there is to know of each of the two. */
struct primary_kind {
	const char *name;
	ESYS_TR hierarchy;
	TPM2_HANDLE at;
	int column; /* of templates */
};

static const struct primary_kind endorsement_kind = {"the endorsement key", ESYS_TR_RH_ENDORSEMENT, ENDORSEMENT_AT, 0};
static const struct primary_kind storage_kind = {"the storage root key", ESYS_TR_RH_OWNER, STORAGE_AT, 1};

/* --- a key --- */

static enum err keep_area(struct tpm *t, struct tpm_primary *p, const TPM2B_PUBLIC *area, const char **why)
{
	unsigned char bytes[TPM_PUBLIC_MAX];
	size_t n = 0;
	TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Marshal(area, bytes, sizeof(bytes), &n);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_complain(t, rc, "reading a key of the TPM", why);
	p->key.area = arena_copy(t->arena, slice_over(bytes, n));
	p->with_policy = area->publicArea.authPolicy.size > 0 && !(area->publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH);
	return arena_failed(t->arena) ? ERR_NO_MEMORY : OK;
}

/* What is kept at that handle; ERR_NOT_FOUND: nothing, or a key of the other algorithm. */
static enum err find_persistent(struct tpm *t, const struct primary_kind *kind, bool ecc, struct tpm_primary *p, const char **why)
{
	const char *doing = arena_printf(t->arena, "reading %s at 0x%x", kind->name, kind->at);
	TPM2B_PUBLIC *area = NULL;
	TSS2_RC rc;
	enum err e;

	TPM_CALL(rc, Esys_TR_FromTPMPublic(t->esys, kind->at, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &p->handle));
	if (rc != TSS2_RC_SUCCESS) {
		p->handle = ESYS_TR_NONE;
		return tpm_plain_code(rc) == TPM2_RC_HANDLE ? ERR_NOT_FOUND : tpm_complain(t, rc, doing, why);
	}
	TPM_CALL(rc, Esys_ReadPublic(t->esys, p->handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, NULL, NULL));
	if (rc != TSS2_RC_SUCCESS)
		return tpm_complain(t, rc, doing, why);
	if (area->publicArea.type != templates[ecc][kind->column].publicArea.type) {
		Esys_TR_Close(t->esys, &p->handle);
		p->handle = ESYS_TR_NONE;
		e = ERR_NOT_FOUND;
	} else {
		e = keep_area(t, p, area, why);
		p->key.persistent = true;
		p->key.place = arena_printf(t->arena, "at 0x%x", kind->at);
	}
	Esys_Free(area);
	return e;
}

static enum err make(struct tpm *t, const struct primary_kind *kind, bool ecc, struct tpm_primary *p, const char **why)
{
	static const TPM2B_SENSITIVE_CREATE sensitive = {0};
	static const TPM2B_DATA outside = {0};
	static const TPML_PCR_SELECTION pcrs = {0};
	TPM2B_PUBLIC *area = NULL;
	TSS2_RC rc;
	enum err e;

	TPM_CALL(rc, Esys_CreatePrimary(t->esys, kind->hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
					&templates[ecc][kind->column], &outside, &pcrs, &p->handle, &area, NULL, NULL, NULL));
	if (rc != TSS2_RC_SUCCESS) {
		p->handle = ESYS_TR_NONE;
		return tpm_complain(t, rc, arena_printf(t->arena, "making %s", kind->name), why);
	}
	p->made = true;
	p->key.place = "made from the standard template";
	e = keep_area(t, p, area, why);
	Esys_Free(area);
	return e;
}

/* From then on it is the persistent one. */
static enum err persist(struct tpm *t, const struct primary_kind *kind, struct tpm_primary *p, const char **why)
{
	ESYS_TR kept = ESYS_TR_NONE;
	TSS2_RC rc;

	TPM_CALL(rc,
		 Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, p->handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, kind->at, &kept));
	if (rc != TSS2_RC_SUCCESS)
		return tpm_complain(t, rc, arena_printf(t->arena, "keeping %s at 0x%x", kind->name, kind->at), why);
	tpm_flush(t, &p->handle);
	p->handle = kept;
	p->made = false;
	p->key.persistent = true;
	p->key.place = arena_printf(t->arena, "kept at 0x%x from now on", kind->at);
	return OK;
}

static enum err find(struct tpm *t, const struct primary_kind *kind, const struct tpm_conf *conf, struct tpm_primary *p, const char **why)
{
	enum err e = find_persistent(t, kind, conf->ecc, p, why);

	if (e != ERR_NOT_FOUND)
		return e;
	e = make(t, kind, conf->ecc, p, why);
	return e == OK && conf->persist && !conf->ecc ? persist(t, kind, p, why) : e;
}

enum err tpm_find_primaries(struct tpm *t, const struct tpm_conf *conf, const char **why)
{
	enum err e = find(t, &endorsement_kind, conf, &t->endorsement, why);

	return e == OK ? find(t, &storage_kind, conf, &t->storage, why) : e;
}
