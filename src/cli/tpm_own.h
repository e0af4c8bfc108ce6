/*
 * tpm_own.h: the TPM seen from inside: tpm.c opens it, tpm_primary.c finds its keys, tpm_activate.c takes others in, tpm_words.c
 * tells what went wrong.
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
	bool with_policy; /* it is used under PolicySecret of the endorsement hierarchy, not by an empty password */
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
