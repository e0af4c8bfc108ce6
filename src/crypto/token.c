#include <assert.h>
#include <stdio.h>

#include "base/text.h"
#include "crypto/digest.h"

#include "crypto/token.h"

#define SCHEME         "SharedAccessSignature "
#define SIGNATURE_TEXT 44                     /* base64 of 32 bytes */
#define SE_TEXT        24                     /* room for any se that we print */
#define SE_MAX         UINT64_C(253402300799) /* the last second of the year 9999 */

/* A token's fields as they stand in its text. */
enum { SR, SIG, SE, SKN, FIELDS };

static const struct slice field_names[FIELDS] = {[SR] = SLICE("sr"), [SIG] = SLICE("sig"), [SE] = SLICE("se"), [SKN] = SLICE("skn")};

/* "name=value": into its place among `fields`. Names that we do not know are let by. */
static enum err take_field(struct slice pair, struct slice fields[FIELDS], const char **why)
{
	ptrdiff_t equals = slice_find(pair, '=');
	struct slice name;

	if (equals < 0) {
		*why = "A part of the token has no '='.";
		return ERR_MALFORMED;
	}
	name = slice_to(pair, (size_t)equals);
	for (int i = 0; i < FIELDS; i++) {
		if (!slice_eq(name, field_names[i]))
			continue;
		if (!slice_absent(fields[i])) {
			/* Two readers could take different ones. */
			*why = "A field of the token stands there twice.";
			return ERR_MALFORMED;
		}
		fields[i] = slice_from(pair, (size_t)equals + 1);
	}
	return OK;
}

static enum err split(struct slice text, struct slice fields[FIELDS], const char **why)
{
	struct slice rest = text, pair;
	enum err e;

	/* RFC 9110 section 11.1: the case of a scheme does not count. */
	if (slice_starts_fold(text, SLICE(SCHEME)))
		rest = slice_from(text, sizeof(SCHEME) - 1);
	while (slice_next(&rest, '&', &pair)) {
		if ((e = take_field(pair, fields, why)) != OK)
			return e;
	}
	if (fields[SR].n == 0 || fields[SIG].n == 0 || fields[SE].n == 0) {
		*why = "The token lacks sr, sig or se.";
		return ERR_MALFORMED;
	}
	return OK;
}

/* Undo the escapes, and say which of the two things went wrong. */
static enum err unescape(struct slice text, struct arena *a, struct slice *out, const char **why)
{
	*out = percent_decode(a, text);
	if (!slice_absent(*out))
		return OK;
	if (arena_failed(a))
		return ERR_TOO_BIG;
	*why = "A field of the token has a broken percent escape.";
	return ERR_MALFORMED;
}

/* device-api.md 7.1: escaped in either case or not at all; a form decoder on the way may
 * have made a blank of '+'. */
static enum err read_signature(struct slice sig, struct arena *a, unsigned char out[32], const char **why)
{
	char text[SIGNATURE_TEXT];
	struct slice raw;
	enum err e;

	if ((e = unescape(sig, a, &raw, why)) != OK)
		return e;
	*why = "The token's signature is not base64 of 32 bytes.";
	if (raw.n != SIGNATURE_TEXT)
		return ERR_MALFORMED;
	for (size_t i = 0; i < raw.n; i++)
		text[i] = raw.p[i] == ' ' ? '+' : raw.p[i];
	raw = base64_decode(a, slice_over(text, sizeof(text)));
	if (slice_absent(raw))
		return arena_failed(a) ? ERR_TOO_BIG : ERR_MALFORMED;
	if (raw.n != 32)
		return ERR_MALFORMED;
	memcpy(out, raw.p, 32);
	return OK;
}

static enum err read_expiry(struct slice se, instant *out, const char **why)
{
	uint64_t seconds;

	if (!slice_to_u64(se, &seconds) || seconds > SE_MAX) {
		*why = "The token's se is not a number of seconds since 1970.";
		return ERR_MALFORMED;
	}
	*out = (instant)seconds * INSTANT_SECOND;
	return OK;
}

enum err token_read(struct slice text, struct arena *a, struct token *out, const char **why)
{
	struct slice fields[FIELDS] = {0};
	enum err e;

	*out = (struct token){0};
	*why = "The token needs more memory than its request has.";
	if (text.n > TOKEN_MAX) {
		*why = "The token is longer than 4096 bytes.";
		return ERR_MALFORMED;
	}
	if ((e = split(text, fields, why)) != OK)
		return e;
	out->sr = fields[SR];
	out->se = fields[SE];
	if ((e = unescape(fields[SR], a, &out->resource, why)) != OK)
		return e;
	if (!slice_absent(fields[SKN]) && (e = unescape(fields[SKN], a, &out->key_name, why)) != OK)
		return e;
	if ((e = read_expiry(fields[SE], &out->expires, why)) != OK)
		return e;
	if ((e = read_signature(fields[SIG], a, out->signature, why)) != OK)
		return e;
	*why = NULL;
	return OK;
}

/* The signature is over sr, a line feed, and se, as they travel. */
static bool sign(struct slice sr, struct slice se, const struct token_signer *signer, unsigned char out[32])
{
	char text[TOKEN_MAX];

	if (sr.n >= sizeof(text) || se.n > sizeof(text) - sr.n - 1)
		return false;
	memcpy(text, sr.p, sr.n);
	text[sr.n] = '\n';
	memcpy(text + sr.n + 1, se.p, se.n);
	return signer->sign(signer->cookie, slice_over(text, sr.n + 1 + se.n), out);
}

static bool sign_with_key(void *cookie, struct slice text, unsigned char mac[32])
{
	hmac_sha256(*(const struct slice *)cookie, text, mac);
	return true;
}

bool token_signed_by(const struct token *t, struct slice key)
{
	const struct token_signer signer = {sign_with_key, &key};
	unsigned char expected[32];

	assert(!slice_absent(t->sr) && !slice_absent(t->se));
	return sign(t->sr, t->se, &signer, expected) && same_secret(slice_over(expected, 32), slice_over(t->signature, 32));
}

bool token_expired(const struct token *t, instant now)
{
	return now > t->expires + TOKEN_SKEW_SECONDS * INSTANT_SECOND;
}

struct slice token_make_signed(struct arena *a, struct slice resource, const struct token_signer *signer, struct slice key_name,
			       instant expires)
{
	char se[SE_TEXT];
	unsigned char signature[32];
	struct slice sr = percent_encode(a, resource), sig, skn;

	snprintf(se, sizeof(se), "%lld", (long long)(expires > 0 ? expires / INSTANT_SECOND : 0));
	if (slice_absent(sr) || !sign(sr, slice_str(se), signer, signature))
		return NO_SLICE;
	sig = percent_encode(a, base64_encode(a, slice_over(signature, 32)));
	skn = slice_absent(key_name) ? NO_SLICE : percent_encode(a, key_name);
	if (arena_failed(a))
		return NO_SLICE;
	return arena_format(a, SCHEME "sr=%.*s&sig=%.*s&se=%s%s%.*s", SLICE_ARG(sr), SLICE_ARG(sig), se,
			    slice_absent(skn) ? "" : "&skn=", SLICE_ARG(skn));
}

struct slice token_make(struct arena *a, struct slice resource, struct slice key, struct slice key_name, instant expires)
{
	const struct token_signer signer = {sign_with_key, &key};

	return token_make_signed(a, resource, &signer, key_name, expires);
}

void device_key(struct slice group_key, struct slice registration_id, unsigned char out[32])
{
	hmac_sha256(group_key, registration_id, out);
}
