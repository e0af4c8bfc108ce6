/*
 * revoked.c: has what vouched for the device been withdrawn?
 *
 * Of a device with a certificate that is asked once the rest is good, by the lists of its group. Of a device with a TPM it is asked with the
 * rest, by the lists of the service, which are brought along with its endorsement roots (lookup_signers.c).
 */
#include "provision/registration.h"

static struct lists_known known(const struct registration *r)
{
	return (struct lists_known){.scope = r->scope,
				    .owner = r->by_group ? r->enrollment->id : SLICE(ENDORSEMENT_LISTS),
				    .lists = r->revoked.lists,
				    .count = r->revoked.count};
}

const struct revocations *revoked_at_hand(const struct registration *r)
{
	const struct lists_known those = known(r);

	return those.count ? lists_at_hand(r->p->lists_cache, &those, r->arena) : NULL;
}

/* --- what they list --- */

bool revoked_wants_bodies(const struct registration *r)
{
	return attest_lists_say_something(r->revoked.lists, r->revoked.count) && revoked_at_hand(r) == NULL;
}

bool revoked_read_bodies(struct registration *r)
{
	const struct lists_known those = known(r);

	r->wants = arena_array(r->arena, 1, sizeof(*r->wants));
	r->revoked.arena = arena_new(those.count * LIST_MEMORY);
	if (r->wants == NULL || r->revoked.arena == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	r->wants[0] = lists_want_bodies(those.scope, those.owner, r->arena);
	return registration_read(r, r->revoked.arena, 1);
}

bool revoked_take_bodies(struct registration *r)
{
	const struct lists_known those = known(r);
	bool kept = lists_keep(r->p->lists_cache, &those, r->wants[0].records, r->wants[0].count, r->arena) != NULL;

	arena_free(&r->revoked.arena);
	if (!kept)
		registration_refuse_store(r, ERR_NO_MEMORY);
	return kept;
}

/* --- of a device with a certificate --- */

bool revoked_applies(const struct registration *r)
{
	return r->by_group && r->chain && r->enrollment->revocation_lists == FLAG_YES && r->verdict.signer.n > 0;
}

bool revoked_read(struct registration *r)
{
	if (r->revoked.lists)
		return revoked_read_bodies(r);
	r->wants = arena_array(r->arena, 1, sizeof(*r->wants));
	if (r->wants == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	r->wants[0] = lists_want(r->scope, r->enrollment->id, r->arena);
	return registration_read(r, r->arena, 1);
}

static enum lookup refuse_without(struct registration *r, const struct revocation_list *list)
{
	const char *trouble = attest_list_trouble(list, r->arena);

	registration_refuse(
		r, &(struct verdict){
			   .error_code = CODE_UNAUTHORIZED,
			   .message = "Invalid certificate",
			   .check = "certificate-path-revocation-unknown",
			   .seen = trouble,
			   .expected = "a revocation list",
			   .sentence = arena_printf(r->arena,
						    "Whether the certificate was revoked is not known: the revocation list %.*s of group "
						    "%.*s is strict, and there is none: %s.",
						    SLICE_ARG(list->name), SLICE_ARG(r->enrollment->name), trouble)});
	return LOOKUP_REFUSED;
}

static enum lookup judge(struct registration *r)
{
	const struct evidence evidence = lookup_evidence(r);
	const struct revocations *lists = revoked_at_hand(r);
	struct verdict verdict = r->verdict;
	/* Without the lists nobody passes. */
	enum err e = lists ? attest_x509_revoked(r->enrollment, &evidence, verdict.signer, lists, r->arena, &verdict) : ERR_NO_MEMORY;

	if (e != OK) {
		registration_refuse_store(r, e);
		return LOOKUP_REFUSED;
	}
	if (verdict.error_code == 0)
		return LOOKUP_FOUND;
	registration_refuse(r, &verdict);
	return LOOKUP_REFUSED;
}

enum lookup revoked_judge(struct registration *r)
{
	const struct revocation_list *missing;

	if (r->revoked.arena)
		return revoked_take_bodies(r) ? judge(r) : LOOKUP_REFUSED;
	r->revoked.lists = r->wants[0].records;
	r->revoked.count = r->wants[0].count;
	if ((missing = attest_list_missing(r->revoked.lists, r->revoked.count)) != NULL)
		return refuse_without(r, missing);
	if (!attest_lists_say_something(r->revoked.lists, r->revoked.count))
		return LOOKUP_FOUND;
	return revoked_wants_bodies(r) ? LOOKUP_GO_ON : judge(r);
}
