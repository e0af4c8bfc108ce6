/*
 * lookup_signers.c: who may have signed the chain that a device presents?
 *
 * Every certificate in it names its issuer. Groups and CA certificates that are called so are found by index, in one read, however many
 * there are. A second read finds the groups that refer to those CA certificates. Where nobody vouches for the device, a third one
 * fetches what the operator may have had in mind, for the explanation alone.
 */
#include "provision/registration.h"

#define HINT_GROUPS 20 /* looked at for an explanation */

/* Room for that many wants. False: refused. */
static bool begin(struct registration *r, size_t wants)
{
	r->wants = arena_array(r->arena, wants, sizeof(*r->wants));
	if (r->wants == NULL)
		registration_refuse_store(r, ERR_NO_MEMORY);
	return r->wants != NULL;
}

/* Groups by one of their indexes; `value` belongs into the index's second column. */
static struct store_want want_groups(struct registration *r, int by, struct slice value)
{
	struct enrollment *like = noun_new(&noun_group, r->arena);

	if (like) {
		like->scope = r->scope;
		switch (by) {
		case GROUP_BY_PRIMARY_MARK: like->signing_primary_mark = value; break;
		case GROUP_BY_SECONDARY_MARK: like->signing_secondary_mark = value; break;
		case GROUP_BY_CA_PRIMARY: like->ca_primary_id = value; break;
		case GROUP_BY_CA_SECONDARY: like->ca_secondary_id = value; break;
		default: like->attestation = value; break;
		}
	}
	return (struct store_want){.noun = &noun_group, .by = by, .like = like, .keys = 2, .limit = CHAIN_ANCHORS_MAX};
}

/* CA certificates: by mark or by ID, whichever is present; neither: all of the service. */
static struct store_want want_authorities(struct registration *r, struct slice mark, struct slice id)
{
	struct ca_certificate *like = noun_new(&noun_ca_certificate, r->arena);
	bool all = slice_absent(mark) && slice_absent(id);

	if (like) {
		like->scope = r->scope;
		like->id = id;
		like->subject_mark = mark;
	}
	return (struct store_want){.noun = &noun_ca_certificate,
				   .by = slice_absent(mark) ? 0 : CA_BY_MARK,
				   .like = like,
				   .keys = all ? 1 : 2,
				   .limit = CA_CERTIFICATES_MAX};
}

/* --- taking what was read --- */

static bool has_group(const struct signers *s, const struct enrollment *group)
{
	for (size_t i = 0; i < s->group_count; i++)
		if (slice_eq(s->groups[i].id, group->id))
			return true;
	return false;
}

static bool has_authority(const struct signers *s, const struct ca_certificate *ca)
{
	for (size_t i = 0; i < s->authority_count; i++)
		if (slice_eq(s->authorities[i].id, ca->id))
			return true;
	return false;
}

/* Those known so far and those of the next `count` wants, each once. False: refused. */
static bool take_groups(struct registration *r, const struct store_want *wants, size_t count)
{
	struct signers *s = &r->signers;
	size_t most = s->group_count;
	struct enrollment *all;

	for (size_t i = 0; i < count; i++)
		most += wants[i].count;
	if ((all = arena_array(r->arena, most, sizeof(*all))) == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	if (s->group_count)
		memcpy(all, s->groups, s->group_count * sizeof(*all));
	s->groups = all;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < wants[i].count; k++) {
			const struct enrollment *group = (const struct enrollment *)wants[i].records + k;

			if (!has_group(s, group))
				all[s->group_count++] = *group;
		}
	return true;
}

static bool take_authorities(struct registration *r, const struct store_want *wants, size_t count)
{
	struct signers *s = &r->signers;
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += wants[i].count;
	s->authority_count = 0;
	if ((s->authorities = arena_array(r->arena, most, sizeof(*s->authorities))) == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < wants[i].count; k++) {
			const struct ca_certificate *ca = (const struct ca_certificate *)wants[i].records + k;

			if (!has_authority(s, ca))
				s->authorities[s->authority_count++] = *ca;
		}
	return true;
}

/* --- CA certificates that an individual enrollment names --- */

bool signers_wants_authorities(const struct registration *r)
{
	const struct enrollment *e = r->enrollment;

	return !r->by_group && !r->signers.authorities_read && (e->ca_primary_id.n > 0 || e->ca_secondary_id.n > 0);
}

bool signers_read_authorities(struct registration *r)
{
	const struct slice ids[] = {r->enrollment->ca_primary_id, r->enrollment->ca_secondary_id};
	size_t n = 0;

	if (!begin(r, 2))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (ids[i].n > 0)
			r->wants[n++] = want_authorities(r, NO_SLICE, ids[i]);
	r->signers.marks = n;
	return registration_read(r, r->arena, n);
}

bool signers_take_authorities(struct registration *r)
{
	r->signers.authorities_read = true;
	return take_authorities(r, r->wants, r->signers.marks);
}

/* --- whom the operator trusts about TPMs --- */

bool signers_wants_roots(const struct registration *r)
{
	bool required = slice_eq_fold(r->service->endorsement_certificates, SLICE("required"));

	return !r->signers.roots_read && attest_wants_roots(r->enrollment, required);
}

bool signers_read_roots(struct registration *r)
{
	struct endorsement_root *like = noun_new(&noun_endorsement_root, r->arena);

	if (r->revoked.lists)
		return revoked_read_bodies(r);
	if (!begin(r, 2))
		return false;
	if (like)
		like->scope = r->scope;
	r->wants[0] = (struct store_want){.noun = &noun_endorsement_root, .like = like, .keys = 1, .limit = ENDORSEMENT_ROOTS_MAX};
	r->wants[1] = lists_want(r->scope, SLICE(ENDORSEMENT_LISTS), r->arena);
	return registration_read(r, r->arena, 2);
}

enum lookup signers_take_roots(struct registration *r)
{
	if (r->revoked.arena) {
		r->signers.roots_read = true;
		return revoked_take_bodies(r) ? LOOKUP_FOUND : LOOKUP_REFUSED;
	}
	r->signers.roots = r->wants[0].records;
	r->signers.root_count = r->wants[0].count;
	r->revoked.lists = r->wants[1].records;
	r->revoked.count = r->wants[1].count;
	if (revoked_wants_bodies(r))
		return LOOKUP_GO_ON;
	r->signers.roots_read = true;
	return LOOKUP_FOUND;
}

/* --- groups --- */

bool signers_decide(const struct registration *r)
{
	return r->chain && !r->taken_up && slice_trim(r->q.token).n == 0;
}

/* The marks of all issuers that the chain names, each once. */
static size_t issuer_marks(struct registration *r, struct slice marks[CHAIN_CERTIFICATES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < chain_count(r->chain); i++) {
		struct slice mark = chain_issuer_mark(r->chain, i, r->arena);
		bool known = slice_absent(mark);

		for (size_t k = 0; k < n; k++)
			known |= slice_eq(marks[k], mark);
		if (!known)
			marks[n++] = mark;
	}
	return n;
}

static bool read_marks(struct registration *r)
{
	struct slice marks[CHAIN_CERTIFICATES_MAX];
	size_t n = issuer_marks(r, marks);

	if (!begin(r, 3 * n))
		return false;
	r->signers.marks = n;
	for (size_t i = 0; i < n; i++) {
		r->wants[i] = want_groups(r, GROUP_BY_PRIMARY_MARK, marks[i]);
		r->wants[n + i] = want_groups(r, GROUP_BY_SECONDARY_MARK, marks[i]);
		r->wants[2 * n + i] = want_authorities(r, marks[i], NO_SLICE);
	}
	return registration_read(r, r->arena, 3 * n);
}

static bool read_references(struct registration *r)
{
	size_t n = r->signers.authority_count;

	if (!begin(r, 2 * n))
		return false;
	for (size_t i = 0; i < n; i++) {
		r->wants[i] = want_groups(r, GROUP_BY_CA_PRIMARY, r->signers.authorities[i].id);
		r->wants[n + i] = want_groups(r, GROUP_BY_CA_SECONDARY, r->signers.authorities[i].id);
	}
	return registration_read(r, r->arena, 2 * n);
}

static bool read_hints(struct registration *r)
{
	if (!begin(r, 2))
		return false;
	r->wants[0] = want_groups(r, GROUP_BY_ATTESTATION, SLICE("x509"));
	r->wants[0].limit = HINT_GROUPS;
	r->wants[1] = want_authorities(r, NO_SLICE, NO_SLICE);
	return registration_read(r, r->arena, 2);
}

bool signers_read(struct registration *r)
{
	switch (r->signers.stage) {
	case SIGNERS_MARKS: return read_marks(r);
	case SIGNERS_REFERENCES: return read_references(r);
	case SIGNERS_HINTS: break;
	}
	return read_hints(r);
}

static enum lookup go_on(struct registration *r, int stage)
{
	r->signers.stage = stage;
	return LOOKUP_GO_ON;
}

/* Those found may vouch for the device; if not, the reason is in the verdict. */
static enum lookup choose(struct registration *r)
{
	const struct evidence evidence = lookup_evidence(r);
	int found = attest_x509_group_of(r->signers.groups, r->signers.group_count, &evidence, r->arena, &r->verdict);

	if (found < 0)
		return go_on(r, SIGNERS_HINTS);
	r->enrollment = &r->signers.groups[found];
	r->by_group = true;
	return LOOKUP_FOUND;
}

static enum lookup match_marks(struct registration *r)
{
	size_t n = r->signers.marks;

	if (!take_groups(r, r->wants, 2 * n) || !take_authorities(r, r->wants + 2 * n, n))
		return LOOKUP_REFUSED;
	return r->signers.authority_count ? go_on(r, SIGNERS_REFERENCES) : choose(r);
}

static enum lookup refuse(struct registration *r)
{
	const struct verdict why = r->verdict;
	struct evidence evidence;

	r->signers.group_count = 0;
	if (!take_groups(r, r->wants, 1) || !take_authorities(r, r->wants + 1, 1))
		return LOOKUP_REFUSED;
	evidence = lookup_evidence(r);
	attest_explain(r->signers.groups, r->signers.group_count, &evidence, r->arena, &r->explanation);
	registration_refuse(r, &why);
	return LOOKUP_REFUSED;
}

enum lookup signers_match(struct registration *r)
{
	switch (r->signers.stage) {
	case SIGNERS_MARKS: return match_marks(r);
	case SIGNERS_REFERENCES: return take_groups(r, r->wants, 2 * r->signers.authority_count) ? choose(r) : LOOKUP_REFUSED;
	case SIGNERS_HINTS: break;
	}
	return refuse(r);
}
