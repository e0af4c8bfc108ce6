/*
 * amqp_tpm.c: the mechanism TPM of SASL (device-api.md 14.4).
 *
 *	init       0 scope 0 registration 0 endorsement key
 *	challenge  0                                        response  0 storage root key
 *	challenge  80 first half of a wrapped key           response  0
 *	challenge  c1 second half                           response  0 token, signed with that key
 *
 * The keys are shown to the provisioning with every question from then on, because the register message does not carry them.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "protocol/amqp_own.h"

#define LOGIN_MEMORY  16384
#define CONTROL_PLAIN '\x00' /* the whole of it, no segment */
#define CONTROL_ROOT  '\x10' /* the same, and it is the storage root key */
#define CONTROL_FIRST '\x80'
#define CONTROL_REST  '\xc1' /* the last one, number 1: Java takes exactly two */

/* Texts in the arena; the keys are base64. */
struct tpm_login {
	struct arena *arena;
	enum { WAITS_FOR_ROOT, WAITS_FOR_CHALLENGE, WAITS_FOR_MORE, WAITS_FOR_TOKEN, DONE } at;
	struct slice scope, registration_id;
	struct slice endorsement_key, storage_root_key;
	struct slice rest; /* of the wrapped key, still to be sent */
};

void amqp_tpm_free(struct tpm_login **tpm)
{
	if (*tpm)
		arena_free(&(*tpm)->arena);
	free(*tpm);
	*tpm = NULL;
}

struct slice amqp_tpm_endorsement_key(const struct connection *c)
{
	return c->tpm ? c->tpm->endorsement_key : NO_SLICE;
}

struct slice amqp_tpm_storage_root_key(const struct connection *c)
{
	return c->tpm ? c->tpm->storage_root_key : NO_SLICE;
}

/* --- challenges --- */

static void send_part(struct connection *c, char control, struct slice part)
{
	char bytes[1 + TPM_BLOB_MAX];

	bytes[0] = control;
	memcpy(bytes + 1, part.p, part.n);
	amqp_login_challenge(c->amqp, slice_over(bytes, 1 + part.n));
}

/* The wrapped key in an answer; absent: there is none. */
static struct slice blob_in(struct arena *arena, const struct device_answer *answer)
{
	struct slice text = answer->status == 401 ? json_member(answer->body, "authenticationKey", false) : NO_SLICE;
	struct slice blob = text.n > 2 ? base64_decode(arena, slice_to(slice_from(text, 1), text.n - 2)) : NO_SLICE;

	return blob.n <= TPM_BLOB_MAX ? blob : NO_SLICE;
}

static void challenged(void *cookie, const struct device_answer *answer)
{
	struct connection *c = cookie;
	struct tpm_login *tpm = c->tpm;
	struct slice blob = blob_in(tpm->arena, answer);
	size_t half = (blob.n + 1) / 2;

	c->login_ask = NULL;
	if (blob.n == 0) {
		amqp_login_deny(c, "the keys of the TPM are not accepted");
	} else {
		tpm->at = WAITS_FOR_MORE;
		tpm->rest = slice_from(blob, half);
		send_part(c, CONTROL_FIRST, slice_to(blob, half));
	}
	amqps_go_on(c);
}

/* --- responses --- */

static const char *take_root(struct connection *c, struct slice key)
{
	struct tpm_login *tpm = c->tpm;

	if (key.n == 0 || key.n > TPM_PUBLIC_MAX)
		return "the storage root key has an odd size";
	tpm->storage_root_key = base64_encode(tpm->arena, key);
	tpm->at = WAITS_FOR_CHALLENGE;
	return amqp_login_ask(c, challenged) ? NULL : "out of memory";
}

static const char *give_rest(struct connection *c)
{
	c->tpm->at = WAITS_FOR_TOKEN;
	send_part(c, CONTROL_REST, c->tpm->rest);
	return NULL;
}

static const char *take_token(struct connection *c, struct slice token)
{
	struct tpm_login *tpm = c->tpm;

	tpm->at = DONE;
	if (token.n == 0)
		return "the token is missing";
	if (!amqp_identify(c, tpm->scope, tpm->registration_id, token))
		return "scope, registration ID and token are too long";
	return amqp_login_ask(c, amqp_login_judged) ? NULL : "out of memory";
}

static const char *take_response(struct connection *c, struct slice response)
{
	struct slice content = slice_from(response, 1);

	if (response.n == 0 || (response.p[0] != CONTROL_PLAIN && response.p[0] != CONTROL_ROOT))
		return "a response of TPM comes in one piece";
	switch (c->tpm->at) {
	case WAITS_FOR_ROOT: return take_root(c, content);
	case WAITS_FOR_MORE: return give_rest(c);
	case WAITS_FOR_TOKEN: return take_token(c, content);
	default: return "a response that nobody has asked for";
	}
}

void amqp_tpm_response(struct connection *c, struct slice response)
{
	const char *why = take_response(c, response);

	if (why)
		amqp_login_deny(c, why);
}

/* --- the beginning --- */

/* NULL: done. */
static const char *take_names(struct tpm_login *tpm, struct slice response)
{
	struct slice rest = response, control, scope, registration_id;

	if (!slice_next(&rest, '\0', &control) || control.n > 0 || !slice_next(&rest, '\0', &scope) ||
	    !slice_next(&rest, '\0', &registration_id) || slice_absent(rest))
		return "the response is not one of TPM";
	if (scope.n == 0 || registration_id.n == 0)
		return "the scope or the registration ID is missing";
	if (rest.n == 0 || rest.n > TPM_PUBLIC_MAX)
		return "the endorsement key has an odd size";
	tpm->scope = arena_copy(tpm->arena, scope);
	tpm->registration_id = arena_copy(tpm->arena, registration_id);
	tpm->endorsement_key = base64_encode(tpm->arena, rest);
	return arena_failed(tpm->arena) ? "out of memory" : NULL;
}

static struct tpm_login *tpm_login_new(void)
{
	struct tpm_login *tpm = calloc(1, sizeof(*tpm));

	if (tpm && (tpm->arena = arena_new(LOGIN_MEMORY)) == NULL)
		amqp_tpm_free(&tpm);
	return tpm;
}

void amqp_tpm_begin(struct connection *c, struct slice response)
{
	const char *why;

	if ((c->tpm = tpm_login_new()) == NULL)
		why = "out of memory";
	else if ((why = take_names(c->tpm, response)) == NULL && !amqp_identify(c, c->tpm->scope, c->tpm->registration_id, NO_SLICE))
		why = "scope and registration ID are too long";
	if (why) {
		amqp_login_deny(c, why);
		return;
	}
	c->login_by = loop_now_ms(c->loop) + AMQPS_TPM_LOGIN_MS;
	send_part(c, CONTROL_PLAIN, SLICE(""));
}
