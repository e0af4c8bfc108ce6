/*
 * key_mistakes.c: what may have gone wrong when a signature is nobody's.
 *
 * Nearly every failing signature of an honest device comes from one of a few slips with base64, derivation or
 * escapes. Each is tried, and the one that fits is told to the operator; the device still hears "Unauthorized".
 */
#include "base/text.h"

#include "attest/key_trial.h"

static bool signed_with_text(struct trial *t, struct slice stored)
{
	return token_signed_by(&t->token, stored);
}

static bool signed_with_bytes(struct trial *t, struct slice stored)
{
	struct slice key = trial_key_bytes(t, stored);

	return !slice_absent(key) && token_signed_by(&t->token, key);
}

static bool signed_with_derived(struct trial *t, struct slice stored)
{
	struct slice key = trial_key_bytes(t, stored);

	return !slice_absent(key) && trial_derived_signed(t, key, t->id[0]);
}

static bool derived_from_text(struct trial *t, struct slice stored)
{
	return trial_derived_signed(t, stored, t->id[0]);
}

static bool signed_with_derived_text(struct trial *t, struct slice stored)
{
	struct slice text = trial_derived_text(t, stored, t->id[0]);

	return text.n && token_signed_by(&t->token, text);
}

/* Any of the ways to write the resource, other than the one sent, as the signed text. */
static bool signed_otherwise(struct trial *t, struct slice stored, bool group)
{
	const struct slice sent = t->token.sr;
	const struct slice others[] = {t->token.resource, percent_encode(t->arena, t->token.resource), arena_fold(t->arena, sent)};
	size_t spelling;
	bool good = false;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && !good; i++) {
		t->token.sr = others[i];
		good = !slice_absent(others[i]) && trial_key_signed(t, group, stored, &spelling);
	}
	t->token.sr = sent;
	return good;
}

static bool signed_otherwise_alone(struct trial *t, struct slice stored)
{
	return signed_otherwise(t, stored, false);
}

static bool signed_otherwise_group(struct trial *t, struct slice stored)
{
	return signed_otherwise(t, stored, true);
}

/* `told` is about "the primary key of enrollment press-07", which stands where the %s is. */
struct mistake {
	bool group;
	bool (*made)(struct trial *, struct slice stored);
	const char *told;
};

static const struct mistake mistakes[] = {
	{false, signed_with_text, "The token was signed with the base64 text of %s: decode the key from base64 before signing."},
	{false, signed_with_derived,
	 "The token was signed with a key derived from %s, as devices of a group do: the key of an individual enrollment signs as it is."},
	{false, signed_otherwise_alone,
	 "The token was signed with %s, but over another spelling of sr than the one sent: sign the text exactly as it stands in the "
	 "token."},
	{true, signed_with_bytes,
	 "The token was signed with %s itself: derive the device's own key from it first (HMAC-SHA256 over the registration ID)."},
	{true, signed_with_text,
	 "The token was signed with the base64 text of %s: derive the device's own key from the decoded key first (HMAC-SHA256 over the "
	 "registration ID)."},
	{true, derived_from_text,
	 "The device's key was derived from the base64 text of %s: decode the group's key from base64 before deriving."},
	{true, signed_with_derived_text,
	 "The token was signed with the base64 text of the key derived from %s: decode the derived key from base64 before signing."},
	{true, signed_otherwise_group,
	 "The token was signed with the key derived from %s, but over another spelling of sr than the one sent: sign the text exactly as "
	 "it "
	 "stands in the token."},
};

static const char *tell_mistake(struct trial *t, const struct mistake *m, const struct enrollment *e, const char *which)
{
	const char *whose = arena_printf(t->arena, "the %s key of enrollment%s %.*s", which, m->group ? " group" : "", SLICE_ARG(e->name));
	const char *hole = strstr(m->told, "%s");

	return whose ? arena_printf(t->arena, "%.*s%s%s", (int)(hole - m->told), m->told, whose, hole + 2) : NULL;
}

const char *trial_mistake(struct trial *t, const struct enrollment *e, bool group)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const struct mistake *m = &mistakes[i];

		if (m->group != group)
			continue;
		if (e->primary_key.n && m->made(t, e->primary_key))
			return tell_mistake(t, m, e, "primary");
		if (e->secondary_key.n && m->made(t, e->secondary_key))
			return tell_mistake(t, m, e, "secondary");
	}
	return NULL;
}
