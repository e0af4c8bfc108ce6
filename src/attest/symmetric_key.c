/*
 * symmetric_key.c: a device shows that it knows a key, by a token it signed (device-api.md 7).
 */
#include "attest/key_trial.h"
#include "attest/words.h"

#define NAMES_MAX       5  /* groups listed in a sentence */
#define HINT_GROUPS_MAX 10 /* groups for which mistakes are tried: a refusal stays cheap, about 40 MACs each */

/* What a signature was expected to be made with. */
#define UNKNOWN_KEY "a signature by an unknown key"
#define OWN_KEY     "a signature by a key of the enrollment"
#define DERIVED_KEY "a signature by a key derived from the group's"

static enum err accept(struct trial *t, const struct enrollment *e, bool group, size_t spelling)
{
	struct verdict *v = t->verdict;

	*v = (struct verdict){.hub_authentication = "sas", .primary_key = e->primary_key, .secondary_key = e->secondary_key};
	if (!group)
		return OK;
	v->primary_key = trial_derived_text(t, e->primary_key, t->id[spelling]);
	v->secondary_key = trial_derived_text(t, e->secondary_key, t->id[spelling]);
	return arena_failed(t->arena) ? ERR_NO_MEMORY : OK;
}

/* Whether the enrollment's keys vouch for the token: device-api.md 7.1, primary before secondary. */
static bool enrollment_signed(struct trial *t, const struct enrollment *e, bool group, size_t *spelling)
{
	return trial_key_signed(t, group, e->primary_key, spelling) || trial_key_signed(t, group, e->secondary_key, spelling);
}

static enum err refuse_signature(struct trial *t, const struct enrollment *e, bool group)
{
	const char *sentence = trial_mistake(t, e, group);

	if (sentence == NULL && group)
		sentence =
			arena_printf(t->arena, "The signature was made with neither of the keys that enrollment group %.*s gives to %.*s.",
				     SLICE_ARG(e->name), SLICE_ARG(t->id[0]));
	if (sentence == NULL && !group)
		sentence =
			arena_printf(t->arena, "The signature was made with neither the primary nor the secondary key of enrollment %.*s.",
				     SLICE_ARG(e->name));
	return trial_refuse(t, "token-signature", UNKNOWN_KEY, group ? DERIVED_KEY : OWN_KEY, sentence);
}

static enum err judge(const struct enrollment *e, bool group, const struct evidence *evidence, struct arena *arena, struct verdict *v)
{
	struct trial t;
	size_t spelling = 0;
	enum err err;

	if ((err = trial_examine(&t, evidence, arena, v)) != OK || v->error_code != 0)
		return err;
	if (enrollment_signed(&t, e, group, &spelling))
		return accept(&t, e, group, spelling);
	return arena_failed(arena) ? ERR_NO_MEMORY : refuse_signature(&t, e, group);
}

const struct attest_kind attest_symmetric_key = {.name = "symmetricKey", .judge = judge};

/* --- which group --- */

/* "presses, mills and 3 more" */
static const char *list_names(struct arena *arena, const struct enrollment *groups, size_t count)
{
	size_t shown = count > NAMES_MAX ? NAMES_MAX : count;
	const char *list = arena_printf(arena, "%.*s", SLICE_ARG(groups[0].name));

	for (size_t i = 1; i < shown && list != NULL; i++)
		list = arena_printf(arena, "%s, %.*s", list, SLICE_ARG(groups[i].name));
	if (shown < count && list != NULL)
		list = arena_printf(arena, "%s and %zu more", list, count - shown);
	return list;
}

static enum err refuse_stranger(struct trial *t)
{
	const char *sentence =
		arena_printf(t->arena, "There is no enrollment for %.*s, and no symmetric key group that could have given it a key.",
			     SLICE_ARG(t->evidence->registration_id));

	*t->verdict = (struct verdict){
		.error_code = 404201,
		.message = "Enrollment not found.",
		.check = "enrollment-found",
		.seen = "none",
		.expected = "an enrollment or a symmetric key group",
		.sentence = sentence,
	};
	return sentence ? OK : ERR_NO_MEMORY;
}

static enum err refuse_all(struct trial *t, const struct enrollment *groups, size_t count)
{
	const char *sentence = NULL, *names;

	if (count == 0)
		return refuse_stranger(t);
	for (size_t i = 0; i < count && i < HINT_GROUPS_MAX && sentence == NULL; i++)
		sentence = trial_mistake(t, &groups[i], true);
	if (sentence == NULL && (names = list_names(t->arena, groups, count)) != NULL)
		sentence = arena_printf(t->arena,
					"%.*s has no enrollment of its own, and no symmetric key group gave it the key that signed (%s).",
					SLICE_ARG(t->evidence->registration_id), names);
	return trial_refuse(t, "token-signature", UNKNOWN_KEY, DERIVED_KEY, sentence);
}

static bool group_signed(struct trial *t, const struct enrollment *group, size_t *spelling)
{
	return slice_eq_fold(group->attestation, slice_str(attest_symmetric_key.name)) && enrollment_signed(t, group, true, spelling);
}

static int find_group(struct trial *t, const struct enrollment *groups, size_t count, int preferred)
{
	size_t spelling;

	if (preferred >= 0 && (size_t)preferred < count && group_signed(t, &groups[preferred], &spelling))
		return preferred;
	for (size_t i = 0; i < count; i++)
		if ((int)i != preferred && group_signed(t, &groups[i], &spelling))
			return (int)i;
	return -1;
}

int attest_group_of(const struct enrollment *groups, size_t count, int preferred, const struct evidence *evidence, struct arena *arena,
		    struct verdict *v)
{
	struct trial t;
	enum err e;
	int found = -1;

	e = trial_examine(&t, evidence, arena, v);
	if (e == OK && v->error_code == 0 && (found = find_group(&t, groups, count, preferred)) < 0)
		e = arena_failed(arena) ? ERR_NO_MEMORY : refuse_all(&t, groups, count);
	if (e != OK)
		words_out_of_memory(v, "There was no memory left to judge the token.");
	return found;
}
