/*
 * revocation.h: lists of certificates that were withdrawn before their end (RFC 5280 section 5).
 *
 * A list is complete and speaks for one issuer: lists of changes (delta) and lists on behalf of others (indirect) are refused when they
 * are read, so that nobody takes half of the truth for all of it. Whether a certificate is on one is asked of a chain
 * (chain_judge_revoked).
 */
#ifndef BERTH_CRYPTO_REVOCATION_H
#define BERTH_CRYPTO_REVOCATION_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define REVOCATION_LIST_MAX (2 * 1024 * 1024) /* bytes of DER: some 50,000 certificates */

struct revocation_info {
	struct slice issuer;              /* "CN=Line 7 CA" */
	instant this_update, next_update; /* next_update 0: none is announced */
	int64_t entries;
};

/* One list as PEM or DER, into DER in the arena. ERR_INVALID, ERR_TOO_BIG, ERR_NO_MEMORY with a constant sentence in `why`. */
MUST_USE enum err revocation_read(struct slice given, struct arena *, struct slice *der, const char **why);

/* What it says of itself. ERR_MALFORMED: not a list; ERR_UNSUPPORTED: of a kind that is refused; ERR_NO_MEMORY. */
MUST_USE enum err revocation_describe(struct slice der, struct arena *, struct revocation_info *, const char **why);

/* Whether the certificate's owner has issued it: by name, key usage and signature. */
bool revocation_signed_by(struct slice der, struct slice certificate);

/* --- ready for use: decoded once, for as many chains as come --- */

#define REVOCATIONS_MAX 64 /* lists together */

struct revocations;

MUST_USE enum err revocations_new(struct revocations **);
void revocations_free(struct revocations **);

/* `name`, by which the operator knows it, is copied. `strict`: certificates of its issuer are refused once the list is older than it says
 * it may be. ERR_MALFORMED, ERR_NO_MEMORY; ERR_TOO_BIG: REVOCATIONS_MAX. */
MUST_USE enum err revocations_add(struct revocations *, struct slice der, struct slice name, bool strict);

#endif
