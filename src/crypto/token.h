/*
 * token.h: SharedAccessSignature tokens (device-api.md 7.1, service-api.md 3.3, hub-api.md 3.3).
 *
 * The signature covers `sr` and `se` exactly as they were received; they are never
 * decoded and encoded again before the comparison.
 */
#ifndef BERTH_CRYPTO_TOKEN_H
#define BERTH_CRYPTO_TOKEN_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define TOKEN_MAX          4096 /* bytes of a whole token */
#define TOKEN_SKEW_SECONDS 300  /* how long after `se` a token is still good */

struct token {
	struct slice sr, se;   /* verbatim */
	struct slice resource; /* sr, percent-decoded */
	struct slice key_name; /* skn, percent-decoded; absent when not there */
	instant expires;
	unsigned char signature[32];
};

/* "SharedAccessSignature sr=..&sig=..&se=..[&skn=..]" in any order; the word before the
 * blank may be missing. ERR_MALFORMED with a sentence in `why` that never quotes the
 * signature. Slices point into `text` or the arena. */
MUST_USE enum err token_read(struct slice text, struct arena *a, struct token *out, const char **why);

/* Whether `key` (raw bytes, decoded from base64) made this signature. Constant time. */
bool token_signed_by(const struct token *t, struct slice key);

/* Whether `now` is past the expiry and its allowance. */
bool token_expired(const struct token *t, instant now);

/* Make one, fields in the order sr, sig, se, skn; `resource` is percent-encoded, an absent
 * key name is left out. Absent: the arena is full, or the resource too long for a token. */
struct slice token_make(struct arena *a, struct slice resource, struct slice key, struct slice key_name, instant expires);

/* The same where the key is not ours to hold: `sign` makes the HMAC-SHA256 of a text with it. Absent: also when `sign` says no. */
struct token_signer {
	bool (*sign)(void *cookie, struct slice text, unsigned char mac[32]);
	void *cookie;
};
struct slice token_make_signed(struct arena *a, struct slice resource, const struct token_signer *signer, struct slice key_name,
			       instant expires);

/* The key of a device under a group key: HMAC-SHA256(group key, registration id), raw 32
 * bytes (device-api.md 7.2). */
void device_key(struct slice group_key, struct slice registration_id, unsigned char out[32]);

#endif
