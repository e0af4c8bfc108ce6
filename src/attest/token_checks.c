/*
 * token_checks.c: the token from the outside in: is there one, does it read, is it for this device, is it still
 * good. So the operator hears of the first thing that is wrong, which is nearly always the one to mend.
 */
#include "attest/key_trial.h"
#include "attest/words.h"

#define SEEN_MAX          160                             /* bytes of what a device sent that are repeated to the operator */
#define LIFETIME_MISTAKEN (INSTANT_SECOND * 86400 * 3650) /* `se` before 1980: a life time instead of a time */

/* What a peer sent, fit for a log: clipped, and nothing but printable ASCII. */
static const char *legible(struct arena *arena, struct slice s)
{
	char *text = arena_printf(arena, "%.*s%s", (int)slice_to(s, SEEN_MAX).n, s.p ? s.p : "", s.n > SEEN_MAX ? "..." : "");

	for (char *c = text; c != NULL && *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return text;
}

enum err trial_refuse(struct trial *t, const char *check, const char *seen, const char *expected, const char *sentence)
{
	*t->verdict = (struct verdict){
		.error_code = 401002,
		.message = "Unauthorized",
		.check = check,
		.seen = seen,
		.expected = expected,
		.sentence = sentence,
	};
	/* Where room was short a mistake may have gone unrecognized: better no verdict than half a one. */
	return seen && expected && sentence && !arena_failed(t->arena) ? OK : ERR_NO_MEMORY;
}

static enum err check_presence(struct trial *t)
{
	if (slice_trim(t->evidence->token).n > 0)
		return OK;
	return trial_refuse(t, "token-missing", "no token", "a SharedAccessSignature token",
			    "The device presented no token, and without one it can't show that it knows a symmetric key.");
}

static enum err check_form(struct trial *t)
{
	const char *why = NULL;
	enum err e = token_read(t->evidence->token, t->arena, &t->token, &why);

	if (e == OK || e == ERR_NO_MEMORY)
		return e;
	return trial_refuse(t, "token-form", "a token that does not read", "SharedAccessSignature sr=..&sig=..&se=..&skn=registration",
			    arena_printf(t->arena, "The token does not read: %s", why ? why : err_text(e)));
}

static enum err check_resource(struct trial *t)
{
	const struct evidence *ev = t->evidence;
	struct slice expected = arena_format(t->arena, "%.*s/registrations/%.*s", SLICE_ARG(ev->scope), SLICE_ARG(ev->registration_id));
	const char *seen;

	if (slice_absent(expected))
		return ERR_NO_MEMORY;
	if (slice_eq_fold(t->token.resource, expected))
		return OK;
	seen = legible(t->arena, t->token.resource);
	return trial_refuse(t, "token-resource", seen, expected.p,
			    arena_printf(t->arena, "The token is for %s, but the device registers as %.*s in ID scope %.*s.",
					 seen ? seen : "another resource", SLICE_ARG(ev->registration_id), SLICE_ARG(ev->scope)));
}

/* Absent from Python's tokens, empty in Java's. */
static enum err check_key_name(struct trial *t)
{
	const char *seen;

	if (t->token.key_name.n == 0 || slice_eq(t->token.key_name, SLICE("registration")))
		return OK;
	seen = legible(t->arena, t->token.key_name);
	return trial_refuse(t, "token-key-name", seen, "registration",
			    arena_printf(t->arena,
					 "The token names the key %s (skn), but a device's token names the key registration or none.",
					 seen ? seen : "otherwise"));
}

static enum err check_expiry(struct trial *t)
{
	instant now = t->evidence->now, end = t->token.expires;
	char ended[INSTANT_TEXT], clock[INSTANT_TEXT];
	const char *ago, *seen;

	if (!token_expired(&t->token, now))
		return OK;
	instant_print(end, INSTANT_SECONDS, ended);
	ago = words_duration(t->arena, now - end);
	seen = arena_str(t->arena, slice_str(ended));
	return trial_refuse(
		t, "token-expiry", seen,
		arena_printf(t->arena, "later than %s, less %d seconds", instant_print(now, INSTANT_SECONDS, clock), TOKEN_SKEW_SECONDS),
		arena_printf(t->arena, "The token expired at %s, %s ago by this server's clock.%s", ended, ago ? ago : "long",
			     end < LIFETIME_MISTAKEN ? " Its se is in the seventies: se is a point in time, in seconds since 1970, "
						       "and not a life time."
						     : ""));
}

static enum err (*const checks[])(struct trial *) = {check_presence, check_form, check_resource, check_key_name, check_expiry};

enum err trial_examine(struct trial *t, const struct evidence *evidence, struct arena *arena, struct verdict *verdict)
{
	enum err e = OK;

	*verdict = (struct verdict){0};
	*t = (struct trial){.evidence = evidence, .arena = arena, .verdict = verdict};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && e == OK && verdict->error_code == 0; i++)
		e = checks[i](t);
	if (e != OK || verdict->error_code != 0)
		return e;
	t->id[t->ids++] = evidence->registration_id;
	t->id[t->ids] = arena_fold(arena, evidence->registration_id);
	if (slice_absent(t->id[t->ids]))
		return ERR_NO_MEMORY;
	if (!slice_eq(t->id[0], t->id[1]))
		t->ids++;
	return OK;
}
