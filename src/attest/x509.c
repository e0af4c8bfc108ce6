/*
 * x509.c: a device shows in the TLS handshake that it has the key of a certificate (device-api.md 8, service-api.md 9.2).
 *
 * That it has the key, TLS has proven before any of this runs. What is asked here is who vouches for the certificate.
 */
#include "base/text.h"
#include "crypto/digest.h"

#include "attest/bearer.h"
#include "attest/words.h"

/* --- what the hub will know the device by (hub-api.md 5.1) --- */

static struct slice thumbprint(struct arena *arena, struct slice der)
{
	unsigned char digest[SHA256_SIZE];

	if (der.n == 0)
		return NO_SLICE;
	sha256(der, digest);
	return hex_upper(arena, slice_over(digest, sizeof(digest)));
}

/* `other`: the certificate that the device may change to; absent: none is known. */
static enum err accept(struct bearer *b, struct slice signer, struct slice other)
{
	struct slice leaf = chain_der(b->evidence->chain, 0);

	*b->verdict = (struct verdict){
		.hub_authentication = "selfSigned",
		.primary_thumbprint = b->leaf->sha256,
		.secondary_thumbprint = thumbprint(b->arena, other),
		.leaf = arena_copy(b->arena, leaf),
		.leaf_info = b->leaf,
		.signer = arena_copy(b->arena, signer),
	};
	return arena_failed(b->arena) ? ERR_NO_MEMORY : OK;
}

/* --- the device's own certificate --- */

static enum err refuse_other_leaf(struct bearer *b, const struct enrollment *e)
{
	struct slice one = thumbprint(b->arena, e->client_primary), two = thumbprint(b->arena, e->client_secondary);
	const char *expected = arena_printf(b->arena, "SHA-256 thumbprint %.*s%s%.*s", SLICE_ARG(one), two.n ? " or " : "", SLICE_ARG(two));

	return bearer_refuse(
		b, "Invalid certificate", "certificate-match",
		arena_printf(b->arena, "SHA-256 thumbprint %.*s", SLICE_ARG(b->leaf->sha256)), expected,
		arena_printf(b->arena,
			     "The device presented %s, which is neither the primary nor the secondary certificate of enrollment "
			     "%.*s. To roll certificates, put the new one into secondary first.",
			     bearer_name(b->arena, b->leaf), SLICE_ARG(e->name)));
}

static enum err judge_leaf(struct bearer *b, const struct enrollment *e)
{
	struct slice leaf = chain_der(b->evidence->chain, 0);

	if (slice_eq(leaf, e->client_primary))
		return accept(b, NO_SLICE, e->client_secondary);
	if (slice_eq(leaf, e->client_secondary))
		return accept(b, NO_SLICE, e->client_primary);
	return refuse_other_leaf(b, e);
}

/* --- certificates above it --- */

/* The enrollment's nearest anchor that the chain leads to: depth, or -1 with the first path that broke. */
static enum err try_enrollment(struct bearer *b, const struct enrollment *e, struct anchor *anchor, struct chain_path *path)
{
	struct anchor anchors[ANCHORS_OF_ENROLLMENT];
	size_t n = bearer_anchors(e, b->evidence, anchors);
	struct chain_path p;
	enum err err = OK;

	for (size_t i = 0; i < n; i++) {
		if ((err = bearer_path(b, &anchors[i], &p)) != OK)
			return err;
		if (anchor->der.n == 0 || (p.leads && (!path->leads || p.depth < path->depth))) {
			*anchor = anchors[i];
			*path = p;
		}
	}
	return err;
}

static enum err judge_anchors(struct bearer *b, const struct enrollment *e, bool group)
{
	struct anchor anchor = {0};
	struct chain_path path = {0};
	enum err err = try_enrollment(b, e, &anchor, &path);

	if (err != OK)
		return err;
	if (path.leads)
		return accept(b, anchor.der, NO_SLICE);
	return anchor.der.n ? bearer_refuse_path(b, &anchor, &path) : bearer_refuse_authorities(b, e, group);
}

static enum err judge(const struct enrollment *e, bool group, const struct evidence *evidence, struct arena *arena, struct verdict *v)
{
	struct bearer b;
	enum err err = bearer_examine(&b, evidence, arena, v);

	if (err != OK || v->error_code != 0)
		return err;
	return e->client_primary.n || e->client_secondary.n ? judge_leaf(&b, e) : judge_anchors(&b, e, group);
}

const struct attest_kind attest_x509 = {.name = "x509", .judge = judge};

enum err attest_x509_revoked(const struct enrollment *e, const struct evidence *evidence, struct slice signer,
			     const struct revocations *lists, struct arena *arena, struct verdict *v)
{
	struct bearer b = {.evidence = evidence, .arena = arena, .verdict = v};
	struct anchor anchor = {.der = signer, .of = e};
	struct chain_path path;
	enum err err = chain_judge_revoked(evidence->chain, signer, lists, CHAIN_CLIENT, evidence->now, &path);

	if (err != OK || path.leads)
		return err;
	return bearer_refuse_path(&b, &anchor, &path);
}

/* --- which group --- */

static enum err find_nearest(struct bearer *b, const struct enrollment *groups, size_t count, int *found, struct anchor *anchor,
			     struct chain_path *path)
{
	enum err e = OK;

	*found = -1;
	for (size_t i = 0; i < count && e == OK; i++) {
		struct anchor a = {0};
		struct chain_path p = {0};

		if ((e = try_enrollment(b, &groups[i], &a, &p)) != OK || a.der.n == 0)
			continue;
		if (p.leads && (*found < 0 || p.depth < path->depth))
			*found = (int)i;
		else if (p.leads || *found >= 0 || anchor->der.n)
			continue;
		*anchor = a;
		*path = p;
	}
	return e;
}

static enum err look_for_group(struct bearer *b, const struct enrollment *groups, size_t count, int *found)
{
	struct anchor anchor = {0};
	struct chain_path path = {0};
	enum err e = find_nearest(b, groups, count, found, &anchor, &path);

	if (e != OK || *found >= 0)
		return e;
	if (anchor.der.n)
		return bearer_refuse_path(b, &anchor, &path);
	return count ? bearer_refuse_authorities(b, &groups[0], true) : bearer_refuse_stranger(b);
}

int attest_x509_group_of(const struct enrollment *groups, size_t count, const struct evidence *evidence, struct arena *arena,
			 struct verdict *v)
{
	struct bearer b;
	int found = -1;
	enum err e = bearer_examine(&b, evidence, arena, v);

	if (e == OK && v->error_code == 0)
		e = look_for_group(&b, groups, count, &found);
	if (e == OK)
		return found;
	words_out_of_memory(v, "There was no memory left to judge the certificates.");
	return -1;
}
