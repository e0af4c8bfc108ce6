/*
 * tpm_policy.c: the policies that endorsement keys have, and sessions that satisfy them.
 */
#include <string.h>

#include "cli/tpm_own.h"

const TPM2B_DIGEST tpm_policy_a = {.size = SHA256_SIZE,
				   .buffer = "\x83\x71\x97\x67\x44\x84\xb3\xf8\x1a\x90\xcc\x8d\x46\xa5\xd7\x24"
					     "\xfd\x52\xd7\x6e\x06\x52\x0b\x64\xf2\xa1\xda\x1b\x33\x14\x69\xaa"};

const TPM2B_DIGEST tpm_policy_b = {.size = SHA256_SIZE,
				   .buffer = "\xca\x3d\x0a\x99\xa2\xb9\x39\x06\xf7\xa3\x34\x24\x14\xef\xcf\xb3"
					     "\xa3\x85\xd4\x4c\xd1\xfd\x45\x90\x89\xd1\x9b\x50\x71\xc0\xb7\xa0"};

const TPM2B_DIGEST tpm_policy_c = {.size = SHA256_SIZE,
				   .buffer = "\x37\x67\xe2\xed\xd4\x3f\xf4\x5a\x3a\x7e\x1e\xae\xfc\xef\x78\x64"
					     "\x3d\xca\x96\x46\x32\xe7\xaa\xd8\x2c\x67\x3a\x30\xd8\x63\x3f\xde"};

bool tpm_policy_same(const TPM2B_DIGEST *one, const TPM2B_DIGEST *other)
{
	return one->size == other->size && memcmp(one->buffer, other->buffer, one->size) == 0;
}

static TSS2_RC satisfy_a(struct tpm *t, ESYS_TR session)
{
	TSS2_RC rc;

	TPM_CALL(rc, Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL,
				       NULL, 0, NULL, NULL));
	return rc;
}

/* After one of the two. */
static TSS2_RC satisfy_b(struct tpm *t, ESYS_TR session)
{
	const TPML_DIGEST either = {.count = 2, .digests = {tpm_policy_a, tpm_policy_c}};
	TSS2_RC rc;

	TPM_CALL(rc, Esys_PolicyOR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &either));
	return rc;
}

TSS2_RC tpm_policy_begin(struct tpm *t, const struct tpm_primary *key, ESYS_TR *session)
{
	static const TPMT_SYM_DEF plain = {.algorithm = TPM2_ALG_NULL};
	TSS2_RC rc;

	TPM_CALL(rc, Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
					   TPM2_SE_POLICY, &plain, TPM2_ALG_SHA256, session));
	if (rc != TSS2_RC_SUCCESS) {
		*session = ESYS_TR_NONE;
		return rc;
	}
	rc = satisfy_a(t, *session);
	return rc == TSS2_RC_SUCCESS && key->high ? satisfy_b(t, *session) : rc;
}
