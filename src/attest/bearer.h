/*
 * bearer.h: the inside of the X.509 attestation: who bears these certificates?
 *
 * x509.c decides: which enrollment's certificates vouch for the chain. x509_checks.c looks at the leaf before that, and at the
 * path to one certificate. x509_words.c tells the operator what was wrong with it.
 */
#ifndef BERTH_ATTEST_BEARER_H
#define BERTH_ATTEST_BEARER_H

#include "attest/attest.h"

struct bearer {
	const struct evidence *evidence;
	struct arena *arena;
	struct verdict *verdict;
	const struct certificate_info *leaf;
};

/* A certificate of an enrollment that is trusted for its devices. */
struct anchor {
	struct slice der;
	const struct enrollment *of;
	struct slice ca; /* name of the CA certificate that it is; absent: a signing certificate */
};

#define ANCHORS_OF_ENROLLMENT 2

/* --- x509_checks.c --- */

/* Presence, form, common name and validity of the leaf: device-api.md 8. Read the verdict when OK. */
MUST_USE enum err bearer_examine(struct bearer *, const struct evidence *, struct arena *, struct verdict *);

/* The anchors of an enrollment: signing certificates, or those CA certificates of the evidence that it names and that are
 * verified. How many. */
size_t bearer_anchors(const struct enrollment *, const struct evidence *, struct anchor out[ANCHORS_OF_ENROLLMENT]);

/* The CA certificate of that name; NULL: the evidence has none. */
const struct ca_certificate *bearer_authority(const struct evidence *, struct slice name);

/* Does the chain lead to the anchor, from below it? */
MUST_USE enum err bearer_path(struct bearer *, const struct anchor *, struct chain_path *out);

/* --- x509_words.c --- */

/* Fill the verdict with a 401002; ERR_NO_MEMORY: a text is NULL. */
MUST_USE enum err bearer_refuse(struct bearer *, const char *message, const char *check, const char *seen, const char *expected,
				const char *sentence);

/* The path to this anchor broke. */
MUST_USE enum err bearer_refuse_path(struct bearer *, const struct anchor *, const struct chain_path *);

/* Nobody at hand has signed anything in this chain. */
MUST_USE enum err bearer_refuse_stranger(struct bearer *);

/* An individual enrollment, or group, whose CA certificates are missing or not verified. */
MUST_USE enum err bearer_refuse_authorities(struct bearer *, const struct enrollment *, bool group);

/* "CN=press-07 (thumbprint 41AF..)": a certificate by its name, or what else there is to tell it by. */
const char *bearer_name(struct arena *, const struct certificate_info *);

#endif
