/*
 * tpm.c: the connection to a TPM, its two keys and its certificate.
 */
#include <stdlib.h>

#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "base/cursor.h"
#include "cli/tpm_own.h"

/* Where device SDKs keep them, and where manufacturers put certificates (TCG EK Credential Profile 2.2.1). */
#define ENDORSEMENT_AT     0x81010001
#define STORAGE_AT         0x81000001
#define CERTIFICATE_AT_RSA 0x01c00002
#define CERTIFICATE_AT_ECC 0x01c0000a
#define NV_CHUNK           512 /* bytes that every TPM gives at once */

#define CERTIFICATE_MAX_BYTES 8192

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

void tpm_flush(struct tpm *t, ESYS_TR *handle)
{
	TSS2_RC rc;

	if (*handle == ESYS_TR_NONE)
		return;
	TPM_CALL(rc, Esys_FlushContext(t->esys, *handle));
	(void)rc; /* a TPM that does not forget now does so when the connection ends */
	*handle = ESYS_TR_NONE;
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

/* --- the whole --- */

static enum err authorize(struct tpm *t, ESYS_TR hierarchy, struct slice password, const char **why)
{
	TPM2B_AUTH auth = {.size = (UINT16)password.n};
	TSS2_RC rc;

	if (password.n == 0)
		return OK;
	if (password.n > SHA256_SIZE) { /* what a hierarchy of SHA-256 takes at most */
		*why = "a password of a TPM's hierarchy has at most 32 bytes.";
		return ERR_TOO_BIG;
	}
	memcpy(auth.buffer, password.p, password.n);
	rc = Esys_TR_SetAuth(t->esys, hierarchy, &auth);
	explicit_bzero(&auth, sizeof(auth));
	return rc == TSS2_RC_SUCCESS ? OK : tpm_complain(t, rc, "taking a password", why);
}

static enum err connect_to(struct tpm *t, const char **why)
{
	TSS2_RC rc;

	TPM_CALL(rc, Tss2_TctiLdr_Initialize(t->tcti_name, &t->tcti));
	if (rc != TSS2_RC_SUCCESS) {
		t->tcti = NULL;
		return tpm_complain_unreachable(t, rc, why);
	}
	TPM_CALL(rc, Esys_Initialize(&t->esys, t->tcti, NULL));
	if (rc != TSS2_RC_SUCCESS) {
		t->esys = NULL;
		return tpm_complain(t, rc, "speaking to the TPM", why);
	}
	return OK;
}

enum err tpm_open(const struct tpm_conf *conf, struct arena *arena, struct tpm **out, const char **why)
{
	struct tpm *t = calloc(1, sizeof(*t));
	enum err e;

	*out = NULL;
	*why = "there is no memory left.";
	if (t == NULL)
		return ERR_NO_MEMORY;
	*t = (struct tpm){.arena = arena,
			  .tcti_name = conf->tcti ? conf->tcti : TPM_TCTI,
			  .endorsement.handle = ESYS_TR_NONE,
			  .storage.handle = ESYS_TR_NONE,
			  .signing = ESYS_TR_NONE};
	if ((e = connect_to(t, why)) == OK && (e = authorize(t, ESYS_TR_RH_OWNER, conf->owner_auth, why)) == OK &&
	    (e = authorize(t, ESYS_TR_RH_ENDORSEMENT, conf->endorsement_auth, why)) == OK &&
	    (e = find(t, &endorsement_kind, conf, &t->endorsement, why)) == OK)
		e = find(t, &storage_kind, conf, &t->storage, why);
	if (e != OK)
		tpm_close(&t);
	*out = t;
	return e;
}

void tpm_close(struct tpm **out)
{
	struct tpm *t = *out;

	*out = NULL;
	if (t == NULL)
		return;
	if (t->esys) {
		tpm_flush(t, &t->signing);
		if (t->endorsement.made)
			tpm_flush(t, &t->endorsement.handle);
		if (t->storage.made)
			tpm_flush(t, &t->storage.handle);
		Esys_Finalize(&t->esys);
	}
	if (t->tcti)
		Tss2_TctiLdr_Finalize(&t->tcti);
	free(t);
}

const struct tpm_key *tpm_endorsement_key(const struct tpm *t)
{
	return &t->endorsement.key;
}

const struct tpm_key *tpm_storage_root_key(const struct tpm *t)
{
	return &t->storage.key;
}

/* --- the certificate --- */

/* Some places are larger than what is in them: a certificate says how long it is. */
static struct slice without_padding(struct slice bytes)
{
	struct cursor c = cursor_over(bytes);
	size_t head = 4, n;

	if (cur_u8(&c) != 0x30 || cur_u8(&c) != 0x82) /* DER: a sequence, its size in two bytes */
		return bytes;
	n = cur_u16(&c);
	return c.bad ? bytes : slice_to(bytes, head + n);
}

static TSS2_RC read_chunk(struct tpm *t, ESYS_TR place, size_t size, size_t offset, unsigned char *to, size_t *got)
{
	TPM2B_MAX_NV_BUFFER *chunk = NULL;
	TSS2_RC rc;

	TPM_CALL(rc,
		 Esys_NV_Read(t->esys, place, place, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)size, (UINT16)offset, &chunk));
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	*got = chunk->size < size ? chunk->size : size;
	memcpy(to, chunk->buffer, *got);
	Esys_Free(chunk);
	return rc;
}

static enum err read_place(struct tpm *t, ESYS_TR place, size_t size, struct slice *out, const char **why)
{
	unsigned char *bytes = arena_alloc(t->arena, size);
	size_t n = 0, got = 1;
	TSS2_RC rc;

	if (bytes == NULL)
		return ERR_NO_MEMORY;
	for (; n < size && got > 0; n += got) {
		rc = read_chunk(t, place, size - n < NV_CHUNK ? size - n : NV_CHUNK, n, bytes + n, &got);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_complain(t, rc, "reading the endorsement certificate", why);
	}
	*out = without_padding(slice_over(bytes, n));
	return OK;
}

enum err tpm_certificate(struct tpm *t, struct slice *der, const char **why)
{
	bool ecc = t->endorsement.key.area.n > 3 && t->endorsement.key.area.p[3] == TPM2_ALG_ECC;
	TPM2B_NV_PUBLIC *about = NULL;
	ESYS_TR place = ESYS_TR_NONE;
	TSS2_RC rc;
	enum err e;

	*der = NO_SLICE;
	*why = "there is no memory left.";
	TPM_CALL(rc, Esys_TR_FromTPMPublic(t->esys, ecc ? CERTIFICATE_AT_ECC : CERTIFICATE_AT_RSA, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					   &place));
	if (tpm_plain_code(rc) == TPM2_RC_HANDLE)
		return ERR_NOT_FOUND;
	if (rc == TSS2_RC_SUCCESS)
		TPM_CALL(rc, Esys_NV_ReadPublic(t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &about, NULL));
	if (rc != TSS2_RC_SUCCESS) {
		e = tpm_complain(t, rc, "looking for the endorsement certificate", why);
	} else if (about->nvPublic.dataSize > CERTIFICATE_MAX_BYTES) {
		*why = "what is kept in place of the endorsement certificate is longer than 8192 bytes.";
		e = ERR_TOO_BIG;
	} else {
		e = read_place(t, place, about->nvPublic.dataSize, der, why);
	}
	Esys_Free(about);
	if (place != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, &place);
	return e;
}
