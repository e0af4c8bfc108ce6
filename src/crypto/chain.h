/*
 * chain.h: certificates as a peer presented them, and whether they lead from its leaf to one that is trusted.
 *
 * Trust is always a single certificate, which need not be a root: that of an enrollment. The path is OpenSSL's to build and
 * to judge (RFC 5280 section 6); here it is only set up. Decoding is what certificates cost, so a chain decodes each of them
 * once, and only when it is asked for.
 */
#ifndef BERTH_CRYPTO_CHAIN_H
#define BERTH_CRYPTO_CHAIN_H

#include "crypto/certificate.h"
#include "crypto/revocation.h"

#define CHAIN_CERTIFICATES_MAX 16    /* that a peer may send */
#define CHAIN_BYTES_MAX        32768 /* of all of them; the handshake has a lower limit of its own */
#define CHAIN_DEPTH_MAX        10    /* intermediates between leaf and anchor */
#define CHAIN_ANCHORS_MAX      16    /* that one chain is held against: each costs signatures */
#define CHAIN_RSA_BITS_MAX     8192  /* of a key in the path: larger ones cost us more than they are worth */
#define CHAIN_EXPONENT_MAX     64    /* bits of the public exponent of such a key: for a short key OpenSSL takes one as long as the key */

struct chain;

/* `ders`, leaf first, are copied. ERR_TOO_BIG: more than one of the limits; ERR_INVALID: none at all; ERR_NO_MEMORY. */
MUST_USE enum err chain_new(const struct slice *ders, size_t count, struct chain **out);
void chain_free(struct chain **);

size_t chain_count(const struct chain *);
struct slice chain_der(const struct chain *, size_t at);

/* What stands in certificate `at`; NULL: it does not read, or the arena is full. */
const struct certificate_info *chain_info(struct chain *, size_t at, struct arena *);

/* The mark (certificate.h) of whom certificate `at` names as its issuer; absent: it does not read. In the arena. */
struct slice chain_issuer_mark(struct chain *, size_t at, struct arena *);

/* Whether certificate `at` is its own issuer by name, as a root is. */
bool chain_self_issued(struct chain *, size_t at);

/* How far the peer's own certificates reach, each issued by the next one found among them: the last one's place. */
size_t chain_top(struct chain *);

/* What came of a path. */
struct chain_path {
	bool leads;         /* to the anchor, and all of it is good */
	int depth;          /* leads: how many certificates above the leaf the anchor is, 0: it is the leaf */
	const char *word;   /* else one for what is wrong: "signature", "expired", "purpose" ..; constant */
	const char *reason; /* ... and OpenSSL's own words; constant */
	int culprit;        /* ... and the place in the chain of the certificate at which it broke; -1: the anchor */
	const char *list;   /* ... and the name of the revocation list that says so; it lives as long as the lists; NULL: none does */
};

/* What the leaf is to be good for. Devices are clients; servers are judged by tests alone, whose public cases are about them. An endorsement
 * certificate tells of a TPM's key that decrypts (TCG EK Credential Profile 3.2): its extended key usage, where there is any, must be
 * that. */
enum chain_purpose { CHAIN_CLIENT, CHAIN_SERVER, CHAIN_ENDORSEMENT };

/* Judge the path from the leaf to `anchor` (DER) at the time `now`. The anchor itself may have expired: it is
 * trusted because the operator says so (device-api.md 8). Asked again for the same second, the answer is remembered.
 * ERR_MALFORMED: the anchor or the leaf does not read; ERR_TOO_BIG: it is one anchor too many. */
MUST_USE enum err chain_judge(struct chain *, struct slice anchor, enum chain_purpose, instant now, struct chain_path *out);

/* The same, and none of the path's certificates may be on one of the lists ("revoked"), nor may a strict list of one of its issuers
 * be out of date ("revocation-unknown"). A certificate for whose issuer there is no list passes. Not remembered. For CHAIN_ENDORSEMENT
 * `now` is the time of the lists alone, and that certificates have ended no fault: at which time they are judged is chain_judge's to
 * be told. */
MUST_USE enum err chain_judge_revoked(struct chain *, struct slice anchor, const struct revocations *, enum chain_purpose, instant now,
				      struct chain_path *out);

#endif
