/*
 * attest.c: the kinds, and what comes after them: is the enrollment switched on?
 */
#include "attest/attest.h"

#define KIND(k) extern const struct attest_kind attest_##k;
#include "attest/kinds.def"
#undef KIND

static const struct attest_kind *const kinds[] = {
#define KIND(k) &attest_##k,
#include "attest/kinds.def"
#undef KIND
};

const struct attest_kind *attest_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_eq_fold(name, slice_str(kinds[i]->name)))
			return kinds[i];
	return NULL;
}

static enum err refuse_kind(const struct enrollment *e, struct arena *arena, struct verdict *v)
{
	*v = (struct verdict){
		.error_code = 401002,
		.message = "Unauthorized",
		.check = "attestation-kind",
		.seen = arena_str(arena, slice_absent(e->attestation) ? SLICE("none") : e->attestation),
		.expected = "symmetricKey, tpm or x509",
		.sentence = arena_printf(arena, "Enrollment %.*s attests by %.*s, which this build of Berth cannot judge yet.",
					 SLICE_ARG(e->name), SLICE_ARG(e->attestation)),
	};
	return v->seen && v->sentence ? OK : ERR_NO_MEMORY;
}

/* Says nothing of hub credentials any more: a refused device has none. */
static enum err refuse_disabled(const struct enrollment *e, bool group, struct arena *arena, struct verdict *v)
{
	*v = (struct verdict){
		.error_code = 401003,
		.message = "The enrollment is disabled.",
		.check = "enrollment-enabled",
		.seen = "disabled",
		.expected = "enabled",
		.sentence = arena_printf(arena, "The device has proven itself, but enrollment%s %.*s is disabled.", group ? " group" : "",
					 SLICE_ARG(e->name)),
	};
	return v->sentence ? OK : ERR_NO_MEMORY;
}

enum err attest_judge(const struct enrollment *e, bool group, const struct evidence *evidence, struct arena *arena, struct verdict *v)
{
	const struct attest_kind *kind;
	enum err err;

	*v = (struct verdict){0};
	if ((kind = attest_find(e->attestation)) == NULL)
		return refuse_kind(e, arena, v);
	if ((err = kind->judge(e, group, evidence, arena, v)) != OK || v->error_code != 0)
		return err;
	if (slice_eq_fold(e->provisioning_status, SLICE("disabled")))
		return refuse_disabled(e, group, arena, v);
	return OK;
}

/* --- lists of certificates that were withdrawn --- */

bool attest_list_is_signed(struct slice der, const struct revocation_list *list, const struct slice *signers, size_t count)
{
	if (list->issuer_certificate.n && revocation_signed_by(der, list->issuer_certificate))
		return true;
	for (size_t i = 0; i < count; i++)
		if (signers[i].n && revocation_signed_by(der, signers[i]))
			return true;
	return false;
}

const struct revocation_list *attest_list_missing(const struct revocation_list *lists, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lists[i].strict == FLAG_YES && lists[i].version.n == 0)
			return &lists[i];
	return NULL;
}

const char *attest_list_trouble(const struct revocation_list *list, struct arena *arena)
{
	struct slice trouble = list->trouble;

	if (trouble.n && trouble.p[trouble.n - 1] == '.')
		trouble.n--;
	return trouble.n ? arena_str(arena, trouble) : "it was not fetched yet";
}

bool attest_lists_say_something(const struct revocation_list *lists, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lists[i].version.n)
			return true;
	return false;
}
