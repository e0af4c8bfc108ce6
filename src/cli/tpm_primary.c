/*
 * tpm_primary.c: the endorsement key and the storage root key: where SDKs keep them, else made from the templates that everybody uses.
 */
#include <tss2/tss2_mu.h>

#include "cli/tpm_own.h"

/* Where device SDKs keep them. */
#define ENDORSEMENT_AT 0x81010001
#define STORAGE_AT     0x81000001

/* Where those of the high range are, if anywhere: no standard says, so by swtpm's habit the last bytes are those of their certificate's place. */
#define HIGH_ENDORSEMENT_AT     0x81010012
#define HIGH_ENDORSEMENT_AT_ECC 0x81010014

/* What there is to know of each of the two. */
struct primary_kind {
	const char *name;
	ESYS_TR hierarchy;
	TPM2_HANDLE at;
	const char *made; /* from which template */
	bool endorsement;
	bool high; /* range: never of the storage root key */
};

static const struct primary_kind storage_kind = {
	"the storage root key", ESYS_TR_RH_OWNER, STORAGE_AT, "made from the standard template", false, false};

static struct primary_kind endorsement_kind(const struct tpm_conf *conf)
{
	struct primary_kind kind = {
		"the endorsement key", ESYS_TR_RH_ENDORSEMENT, ENDORSEMENT_AT, "made from the standard template", true, conf->high};

	if (conf->high) {
		kind.at = conf->ecc ? HIGH_ENDORSEMENT_AT_ECC : HIGH_ENDORSEMENT_AT;
		kind.made = "made from the standard template of the high range";
	}
	return kind;
}

/* --- templates --- */

#define OF_THIS_TPM                                                                                                                        \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

static const TPMT_SYM_DEF_OBJECT aes_128_cfb = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};

/* `unique_size`: of the zeros in the key's place, which are part of what the key is made from. */
static void be_rsa_2048(TPMT_PUBLIC *area, UINT16 unique_size)
{
	area->type = TPM2_ALG_RSA;
	area->parameters.rsaDetail = (TPMS_RSA_PARMS){.symmetric = aes_128_cfb, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048};
	area->unique.rsa.size = unique_size;
}

static void be_ecc_p256(TPMT_PUBLIC *area, UINT16 unique_size)
{
	area->type = TPM2_ALG_ECC;
	area->parameters.eccDetail = (TPMS_ECC_PARMS){
		.symmetric = aes_128_cfb, .scheme.scheme = TPM2_ALG_NULL, .curveID = TPM2_ECC_NIST_P256, .kdf.scheme = TPM2_ALG_NULL};
	area->unique.ecc.x.size = area->unique.ecc.y.size = unique_size;
}

/* Of an endorsement key TCG EK Credential Profile B.3 (L-1, L-2) and B.4 (H-1, H-2); of a storage root key as device SDKs make it. */
static TPM2B_PUBLIC template_of(const struct primary_kind *kind, bool ecc)
{
	TPM2B_PUBLIC template = {0};
	TPMT_PUBLIC *area = &template.publicArea;

	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes = OF_THIS_TPM;
	if (!kind->endorsement) {
		area->objectAttributes |= TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
	} else {
		area->objectAttributes |= TPMA_OBJECT_ADMINWITHPOLICY | (kind->high ? TPMA_OBJECT_USERWITHAUTH : 0);
		area->authPolicy = kind->high ? tpm_policy_b : tpm_policy_a;
	}
	if (ecc)
		be_ecc_p256(area, kind->high ? 0 : TPM_ECC_SIZE);
	else
		be_rsa_2048(area, kind->high ? 0 : TPM_RSA_SIZE);
	return template;
}

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
	p->high = tpm_policy_same(&area->publicArea.authPolicy, &tpm_policy_b);
	return arena_failed(t->arena) ? ERR_NO_MEMORY : OK;
}

/* Whether a key that is kept in its place is meant: others have been seen where keys of the high range are kept. */
static bool is_meant(const TPMT_PUBLIC *area, const struct primary_kind *kind, bool ecc)
{
	return area->type == (ecc ? TPM2_ALG_ECC : TPM2_ALG_RSA) && (!kind->high || tpm_policy_same(&area->authPolicy, &tpm_policy_b));
}

/* What is kept at that handle; ERR_NOT_FOUND: nothing, or a key of another kind. */
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
	if (!is_meant(&area->publicArea, kind, ecc)) {
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
	TPM2B_PUBLIC template = template_of(kind, ecc), *area = NULL;
	TSS2_RC rc;
	enum err e;

	TPM_CALL(rc, Esys_CreatePrimary(t->esys, kind->hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template,
					&outside, &pcrs, &p->handle, &area, NULL, NULL, NULL));
	if (rc != TSS2_RC_SUCCESS) {
		p->handle = ESYS_TR_NONE;
		return tpm_complain(t, rc, arena_printf(t->arena, "making %s", kind->name), why);
	}
	p->made = true;
	p->key.place = kind->made;
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
	return e == OK && conf->persist ? persist(t, kind, p, why) : e;
}

enum err tpm_find_primaries(struct tpm *t, const struct tpm_conf *conf, const char **why)
{
	struct primary_kind endorsement = endorsement_kind(conf);
	enum err e = find(t, &endorsement, conf, &t->endorsement, why);

	return e == OK ? find(t, &storage_kind, conf, &t->storage, why) : e;
}
