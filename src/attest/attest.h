/*
 * attest.h: is it who it says it is?
 *
 * Pure: no I/O, no clock. What the device presented comes in as evidence, the enrollment as it
 * is stored; out goes a verdict. A refusal carries two voices: a code and a message for the device
 * (device-api.md 18), and for the operator which check failed, what was seen, what was expected.
 */
#ifndef BERTH_ATTEST_ATTEST_H
#define BERTH_ATTEST_ATTEST_H

#include "crypto/chain.h"
#include "crypto/token.h"
#include "crypto/tpm.h"
#include "model/model.h"

/* Whom the operator trusts about TPMs, as far as it matters for an enrollment. */
struct endorsement_trust {
	bool                           required; /* an enrollment needs a certificate */
	const struct endorsement_root *roots;
	size_t                         root_count;
	const struct revocation_list  *lists;     /* what is known of lists of certificates that were withdrawn */
	size_t                         list_count;
	const struct revocations      *withdrawn; /* ... and what they list; NULL only if there is nothing of any of them yet */
	instant                        now;       /* when the lists are to be current */
};

/* What a device shows of itself, whatever the protocol. */
struct evidence {
	struct slice        scope, registration_id; /* as the request names them */
	struct slice        token;                  /* SharedAccessSignature ...; absent: none */
	struct chain       *chain;                  /* client certificates; NULL: none. It remembers what was found out about it */
	const struct ca_certificate *authorities;   /* the CA certificates that the enrollments at hand name, as far as there are any */
	size_t              authority_count;
	struct slice        endorsement_key;        /* of its TPM, and the storage root key: base64 of TPM2B_PUBLIC; absent: none */
	struct slice        storage_root_key;
	instant             challenge_used;         /* when it last used a challenge of its TPM; 0: never */
	instant             challenge_used_before;  /* ... and the time before that */
	bool                goes_on;                /* it asks about what it has begun, for which the challenge that began it is good */
	struct endorsement_trust endorsement;       /* what the service says of certificates of TPMs */
	struct slice        secret;                 /* ATTEST_SECRET_SIZE bytes that only our servers know: challenges come of it */
	instant             now;
};

struct verdict {
	int         error_code;  /* 0: attested; else device-api.md 18 */
	const char *message;     /* for the device: no more than the protocol demands */
	/* For the operator; in the arena or constant. */
	const char *check;       /* a word: "token-signature", "token-expiry", "enrollment-enabled" */
	const char *seen, *expected, *sentence;
	/* What the hub identity of an attested device holds (hub-api.md 5.1). */
	const char  *hub_authentication; /* "sas", "selfSigned" */
	struct slice primary_key, secondary_key;              /* base64 */
	struct slice primary_thumbprint, secondary_thumbprint; /* hex */
	/* X.509, DER: what the device presented, and the certificate of the enrollment that vouches for it (absent: its own). */
	struct slice leaf, signer;
	const struct certificate_info *leaf_info; /* what stands in the leaf; in the arena */
	/* TPM: what the device is to answer (ERR_AGAIN), and once it has, the root key for which its hub key is wrapped; base64. */
	struct slice challenge, storage_root_key;
	bool uses_challenge; /* ... with a challenge that it has not used yet: once it is let in that is to be remembered */
};

#define ATTEST_SECRET_SIZE 32

struct attest_kind {
	const char *name; /* as an enrollment record spells it: "symmetricKey" */

	/* Judge the evidence against one enrollment; `group` tells whether it is one. OK: read the verdict,
	 * whatever it says. ERR_AGAIN asks for another round (TPM), with the challenge in the verdict, which else reads
	 * like a refusal. Others: we failed, not the device. */
	enum err (*judge)(const struct enrollment *, bool group, const struct evidence *, struct arena *, struct verdict *);
};

/* NULL: no such kind is built. */
const struct attest_kind *attest_find(struct slice name);

/* Judge by the enrollment's own kind, and then whether it is enabled: a disabled enrollment refuses only a
 * device that has proven itself (verdict.check "enrollment-enabled"). */
MUST_USE enum err attest_judge(const struct enrollment *, bool group, const struct evidence *, struct arena *, struct verdict *);

/* Which of the symmetric key groups made the key behind the token: the index, or -1; `preferred` (an index or -1)
 * is tried first. On -1 the verdict says why, in the words of all of them; else it is empty, and attest_judge with that
 * group says the rest. */
int attest_group_of(const struct enrollment *groups, size_t count, int preferred, const struct evidence *, struct arena *, struct verdict *);

/* Which of the X.509 groups vouches for the chain: the one whose certificate is nearest to the leaf (service-api.md 9.2), whether it
 * is enabled or not; the index, or -1. On -1 the verdict says why, as far as these groups show it. */
int attest_x509_group_of(const struct enrollment *groups, size_t count, const struct evidence *, struct arena *, struct verdict *);

/* Has a certificate on the way from the leaf to `signer`, which has just vouched for it, been withdrawn? Then the verdict becomes a
 * refusal; else it stays as it is. `lists` are those of the enrollment. */
MUST_USE enum err attest_x509_revoked(const struct enrollment *, const struct evidence *, struct slice signer, const struct revocations *lists,
				      struct arena *, struct verdict *);

/* --- lists of certificates that were withdrawn, of devices and of TPMs alike --- */

/* Whether a revocation list (DER) was signed by who may: the list's own issuer certificate, or one of the signers (DER; those that are
 * absent don't count). */
bool attest_list_is_signed(struct slice der, const struct revocation_list *, const struct slice *signers, size_t count);

/* A strict list of which there is nothing yet, so that nobody can be let in; NULL: there is none such. */
const struct revocation_list *attest_list_missing(const struct revocation_list *lists, size_t count);

/* Why there is nothing of it, without a full stop. In the arena or constant; NULL: the arena is full. */
const char *attest_list_trouble(const struct revocation_list *, struct arena *);

/* Whether there is anything to be read of these lists. */
bool attest_lists_say_something(const struct revocation_list *lists, size_t count);

/* --- TPM: keys are derived from the secret, so that nothing is kept between two rounds, and any server knows them --- */

#define TPM_CHALLENGE_SECONDS 300 /* a challenge is good for that long at least, and for twice as long at most */

#define ENDORSEMENT_CERTIFICATES_MAX 5 /* in an enrollment: that of the key, and those between it and a root */

/* What is wrong with an endorsement certificate, for the operator; check NULL: nothing. In the arena or constant. */
struct endorsement_fault {
	const char *check, *seen, *expected, *sentence;
};

/* Whether a manufacturer vouches for the endorsement key of the enrollment: its certificate must be about that key, and lead to one of the
 * roots. `at` is the time that counts: when the enrollment was written, for a TPM outlives its certificate. Neither it nor one of those
 * between may have been withdrawn since. Without a certificate it is well unless one is required. ERR_NO_MEMORY; ERR_INTERNAL: what the
 * lists say was not brought along. */
MUST_USE enum err attest_endorsement(const struct enrollment *, const struct endorsement_trust *, instant at, struct arena *,
				     struct endorsement_fault *out);

/* Whether roots have to be looked up to judge devices of that enrollment. */
bool attest_wants_roots(const struct enrollment *, bool required);

/* The key in the challenges that are given out now to a device that last used one at `used`. ERR_MALFORMED: the endorsement key of the enrollment does not read. */
MUST_USE enum err attest_tpm_challenge_key(const struct enrollment *, struct slice secret, instant now, instant used, struct arena *,
					   unsigned char key[TPM_KEY_SIZE]);

/* A key (base64) of this enrollment's device, wrapped for its TPM, in base64. Absent: a key does not read, or no memory. */
struct slice attest_tpm_wrap(const struct enrollment *, struct slice storage_root_key, struct slice key, struct arena *);

/* A challenge that nobody can meet, for a device that has no enrollment: AMQP brings the reason only to who has logged in
 * (device-api.md 14.3). Absent: its keys do not read, or no memory. */
struct slice attest_tpm_decoy(const struct evidence *, struct arena *);

/* A refused chain, explained: each certificate, and which of these groups and CA certificates came nearest. Only for the operator's
 * eyes. Without memory for it there is less of it. */
struct explanation {
	struct slice  presented; /* JSON: an array of X509CertificateInfo, leaf first */
	struct slices nearest;   /* sentences */
};
void attest_explain(const struct enrollment *groups, size_t count, const struct evidence *, struct arena *, struct explanation *);

#endif
