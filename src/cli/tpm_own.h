/*
 * tpm_own.h: the TPM seen from inside: tpm.c opens it, tpm_primary.c finds its keys, tpm_policy.c knows under which policy they are used,
 * tpm_activate.c takes others in, tpm_words.c tells what went wrong.
 */
#ifndef BERTH_CLI_TPM_OWN_H
#define BERTH_CLI_TPM_OWN_H

#include <tss2/tss2_esys.h>

#include "cli/tpm.h"

/* One of the two keys. */
struct tpm_primary {
	struct tpm_key key;
	ESYS_TR handle;   /* ESYS_TR_NONE: not there */
	bool made;        /* by us, and to be flushed */
	bool with_policy; /* it is used under its policy, not by an empty password */
	bool high;        /* its policy is B: it is of the high range, wherever it is kept */
};

struct tpm {
	struct arena *arena; /* lent */
	const char *tcti_name;
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	struct tpm_primary endorsement, storage;
	ESYS_TR signing; /* the key taken in; ESYS_TR_NONE: none */
};

/* Both keys, as the settings want them: t->endorsement and t->storage. Errors as of tpm_open. */
MUST_USE enum err tpm_find_primaries(struct tpm *, const struct tpm_conf *, const char **why);

/* Policies of endorsement keys, by SHA-256 (TCG EK Credential Profile B.6.2 to B.6.5): A is TPM2_PolicySecret of the endorsement hierarchy, C
 * TPM2_PolicyAuthorizeNV of the policy index 0x01c07f01, and B one or the other. Keys of the low range have A, those of the high range B. */
extern const TPM2B_DIGEST tpm_policy_a, tpm_policy_b, tpm_policy_c;

bool tpm_policy_same(const TPM2B_DIGEST *, const TPM2B_DIGEST *);

/* A session that may use that key: under A, and with it B if the key has that. A key of another policy is refused when it is used
 * (TPM2_RC_POLICY_FAIL). *session is to be flushed, also when this fails. */
TSS2_RC tpm_policy_begin(struct tpm *, const struct tpm_primary *, ESYS_TR *session);

/* The TPM forgets it. Sets *handle to ESYS_TR_NONE; that inside is welcome. */
void tpm_flush(struct tpm *, ESYS_TR *handle);

/* A command is about to be sent, or was answered: TPM_PATIENCE_SECONDS begin, or end. */
void tpm_watch(bool on);

/* One call of the library, under watch. */
#define TPM_CALL(rc, call)                                                                                                                 \
	do {                                                                                                                               \
		tpm_watch(true);                                                                                                           \
		(rc) = (call);                                                                                                             \
		tpm_watch(false);                                                                                                          \
	} while (0)

/* A return code without the number of the parameter, handle or session that it complains about. */
TSS2_RC tpm_plain_code(TSS2_RC rc);

/* What the code means, in `why`: "`doing` fails: ...", and what to do. */
enum err tpm_complain(const struct tpm *, TSS2_RC rc, const char *doing, const char **why);

/* The same when there is no connection. */
enum err tpm_complain_unreachable(const struct tpm *, TSS2_RC rc, const char **why);

#endif
