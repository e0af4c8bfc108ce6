/*
 * lists.h: revocation lists: whose they are, who may have signed them, and what they list, ready for use.
 *
 * A list is of an enrollment group, and about certificates of its devices; or of a service, and about those of TPMs, with ENDORSEMENT_LISTS
 * (model/model.h) in the place of a group. What is known of a list is a few bytes; what it lists is long and changes seldom. So each loop
 * keeps that decoded until the store has another version, for whoever judges there: registrations, and the api when it enrolls.
 */
#ifndef BERTH_PROVISION_LISTS_H
#define BERTH_PROVISION_LISTS_H

#include "attest/attest.h"
#include "store/store.h"

#define LISTS_KEPT  (64 << 20) /* bytes of lists that one loop keeps decoded, but for those in use */
#define LIST_MEMORY (3 << 20)  /* for each list, while what it lists is read */

/* What is known of the lists of one owner. */
struct lists_known {
	struct slice scope, owner; /* folded: a group, or ENDORSEMENT_LISTS */
	const struct revocation_list *lists;
	size_t count;
};

/* How many lists it may have. */
size_t lists_max(struct slice owner);

/* The wants that bring what is known of them, and what they list. Without memory the arena tells. */
struct store_want lists_want(struct slice scope, struct slice owner, struct arena *);
struct store_want lists_want_bodies(struct slice scope, struct slice owner, struct arena *);

/* --- decoded --- */

struct lists_cache;

MUST_USE enum err lists_cache_new(struct lists_cache **);
void lists_cache_free(struct lists_cache **);

/* What these lists list, if it is at hand in these versions; else NULL. Good until others are kept or the loop turns. The arena is for
 * what must be worked out. */
const struct revocations *lists_at_hand(struct lists_cache *, const struct lists_known *, struct arena *);

/* Keep what was read, and forget what was used longest ago. NULL: no memory, or a list that does not read any more. */
const struct revocations *lists_keep(struct lists_cache *, const struct lists_known *, const struct revocation_body *bodies, size_t count,
				     struct arena *);

/* --- who may sign --- */

#define LIST_SIGNERS_WANTS 2

/* The wants that bring those who may sign the owner's lists; how many. For a group the first one is the group itself. */
size_t lists_want_signers(struct slice scope, struct slice owner, struct arena *, struct store_want out[LIST_SIGNERS_WANTS]);

/* Whether one of them (LIST_SIGNERS_WANTS), or the list's own issuer certificate, has signed it. */
bool lists_are_signed(struct slice der, const struct revocation_list *, const struct store_want *signers);

/* "by none of the group's signing certificates ...": who might have; constant. */
const char *lists_signers_words(struct slice owner);

#endif
