/*
 * tpm.c: the connection to a TPM, and the certificate of its endorsement key.
 */
#include <stdlib.h>

#include <tss2/tss2_tctildr.h>

#include "base/cursor.h"
#include "cli/tpm_own.h"

/* Where manufacturers put certificates (TCG EK Credential Profile 2.2.1.4, 2.2.1.5): [high range][ECC]. */
static const TPM2_HANDLE certificate_at[2][2] = {{0x01c00002, 0x01c0000a}, {0x01c00012, 0x01c00014}};

#define NV_CHUNK              512 /* bytes that every TPM gives at once */
#define CERTIFICATE_MAX_BYTES 8192

/* --- the connection --- */

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
	    (e = authorize(t, ESYS_TR_RH_ENDORSEMENT, conf->endorsement_auth, why)) == OK)
		e = tpm_find_primaries(t, conf, why);
	if (e != OK)
		tpm_close(&t);
	*out = t;
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

/* ERR_NOT_FOUND: nothing is there. */
static enum err find_place(struct tpm *t, bool high, ESYS_TR *place, const char **why)
{
	bool ecc = t->endorsement.key.area.n > 3 && t->endorsement.key.area.p[3] == TPM2_ALG_ECC;
	TSS2_RC rc;

	TPM_CALL(rc, Esys_TR_FromTPMPublic(t->esys, certificate_at[high][ecc], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, place));
	if (rc == TSS2_RC_SUCCESS)
		return OK;
	*place = ESYS_TR_NONE;
	return tpm_plain_code(rc) == TPM2_RC_HANDLE ? ERR_NOT_FOUND : tpm_complain(t, rc, "looking for the endorsement certificate", why);
}

static void close_place(struct tpm *t, ESYS_TR *place)
{
	if (*place != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, place);
}

/* What is not in the place of this key may be in that of the other range. */
static const char *advise(struct tpm *t)
{
	bool high = t->endorsement.high;
	ESYS_TR place = ESYS_TR_NONE;
	const char *why;
	enum err e = find_place(t, !high, &place, &why);

	close_place(t, &place);
	if (e != OK)
		return NULL;
	return arena_printf(t->arena, "there is one for its key of the other range: --range %s", high ? "low" : "high");
}

static enum err read_certificate(struct tpm *t, ESYS_TR place, struct slice *der, const char **why)
{
	TPM2B_NV_PUBLIC *about = NULL;
	TSS2_RC rc;
	enum err e;

	TPM_CALL(rc, Esys_NV_ReadPublic(t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &about, NULL));
	if (rc != TSS2_RC_SUCCESS)
		return tpm_complain(t, rc, "looking for the endorsement certificate", why);
	if (about->nvPublic.dataSize > CERTIFICATE_MAX_BYTES) {
		*why = "what is kept in place of the endorsement certificate is longer than 8192 bytes.";
		e = ERR_TOO_BIG;
	} else {
		e = read_place(t, place, about->nvPublic.dataSize, der, why);
	}
	Esys_Free(about);
	return e;
}

enum err tpm_certificate(struct tpm *t, struct slice *der, const char **why)
{
	ESYS_TR place = ESYS_TR_NONE;
	enum err e;

	*der = NO_SLICE;
	*why = "there is no memory left.";
	e = find_place(t, t->endorsement.high, &place, why);
	if (e == OK)
		e = read_certificate(t, place, der, why);
	close_place(t, &place);
	if (e == ERR_NOT_FOUND)
		*why = advise(t);
	return e;
}
