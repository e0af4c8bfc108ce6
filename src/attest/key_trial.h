/*
 * key_trial.h: the inside of the symmetric key attestation.
 *
 * One trial is one token held against one enrollment or several. token_checks.c looks at everything but the
 * signature, key_trial.c asks whether a key made it, key_mistakes.c guesses what went wrong when none did, and
 * symmetric_key.c puts them together.
 */
#ifndef BERTH_ATTEST_KEY_TRIAL_H
#define BERTH_ATTEST_KEY_TRIAL_H

#include "attest/attest.h"

struct trial {
	const struct evidence *evidence;
	struct arena *arena;
	struct verdict *verdict;
	struct token token;
	struct slice id[2]; /* registration ID: as received; lower case, where that differs */
	size_t ids;
};

/* Everything but the signature. Read the verdict when OK: its error_code is 0 when nothing was wrong. */
MUST_USE enum err trial_examine(struct trial *, const struct evidence *, struct arena *, struct verdict *);

/* Fill the verdict with a 401002. ERR_NO_MEMORY when the arena has been too small
 * for a text or for the way to it. */
MUST_USE enum err trial_refuse(struct trial *, const char *check, const char *seen, const char *expected, const char *sentence);

/* A stored key as bytes; absent: it is missing or (by our own fault) not base64. */
struct slice trial_key_bytes(struct trial *, struct slice stored);

/* Did the key that this group key gives to the device sign? */
bool trial_derived_signed(struct trial *, struct slice group_key, struct slice id);

/* Did this stored key, or for a group a key derived from it, sign? `spelling` gets the number of the ID's spelling. */
bool trial_key_signed(struct trial *, bool group, struct slice stored, size_t *spelling);

/* The derived key in base64, as a hub keeps it (hub-api.md 5.1); absent: there is no key to derive from. */
struct slice trial_derived_text(struct trial *, struct slice stored, struct slice id);

/* The sentence about the mistake that made this signature; NULL: none of those we know. */
const char *trial_mistake(struct trial *, const struct enrollment *, bool group);

#endif
