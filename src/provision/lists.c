#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "provision/lists.h"

static bool is_of_tpms(struct slice owner)
{
	return slice_eq(owner, SLICE(ENDORSEMENT_LISTS));
}

size_t lists_max(struct slice owner)
{
	return is_of_tpms(owner) ? ENDORSEMENT_LISTS_MAX : REVOCATION_LISTS_MAX;
}

/* --- reading --- */

struct store_want lists_want(struct slice scope, struct slice owner, struct arena *arena)
{
	struct revocation_list *like = noun_new(&noun_revocation_list, arena);

	if (like) {
		like->scope = scope;
		like->group_id = owner;
	}
	return (struct store_want){.noun = &noun_revocation_list, .like = like, .keys = 2, .limit = (int)lists_max(owner)};
}

struct store_want lists_want_bodies(struct slice scope, struct slice owner, struct arena *arena)
{
	struct revocation_body *like = noun_new(&noun_revocation_body, arena);

	if (like) {
		like->scope = scope;
		like->group_id = owner;
	}
	return (struct store_want){.noun = &noun_revocation_body, .like = like, .keys = 2, .limit = (int)lists_max(owner)};
}

/* --- what is kept --- */

struct lists_cache {
	struct map *by_owner; /* "scope/owner" -> struct kept */
	struct list used;     /* the one that was used longest ago comes first */
	size_t bytes;
};

struct kept {
	struct list link; /* in cache->used */
	char *key;        /* "scope/owner" */
	char *versions;   /* of the lists, joined */
	struct revocations *lists;
	size_t bytes;
};

static void kept_free(struct lists_cache *cache, struct kept *kept)
{
	if (kept->key)
		map_remove(cache->by_owner, slice_str(kept->key));
	cache->bytes -= kept->bytes;
	list_remove(&kept->link);
	revocations_free(&kept->lists);
	free(kept->versions);
	free(kept->key);
	free(kept);
}

enum err lists_cache_new(struct lists_cache **out)
{
	struct lists_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		list_init(&cache->used);
		cache->by_owner = map_new(LISTS_KEPT / 64);
	}
	*out = cache;
	if (cache && cache->by_owner)
		return OK;
	lists_cache_free(out);
	return ERR_NO_MEMORY;
}

void lists_cache_free(struct lists_cache **it)
{
	struct lists_cache *cache = *it;

	*it = NULL;
	if (cache == NULL)
		return;
	while (!list_empty(&cache->used))
		kept_free(cache, LIST_ITEM(cache->used.next, struct kept, link));
	map_free(&cache->by_owner);
	free(cache);
}

static struct slice key_of(const struct lists_known *known, struct arena *arena)
{
	return arena_format(arena, "%.*s/%.*s", SLICE_ARG(known->scope), SLICE_ARG(known->owner));
}

/* Whether a list is strict changes without its version. */
static struct slice versions_of(const struct lists_known *known, struct arena *arena)
{
	struct slice all = SLICE("");

	for (size_t i = 0; i < known->count; i++) {
		const struct revocation_list *list = &known->lists[i];

		all = arena_format(arena, "%.*s %s%.*s", SLICE_ARG(all), list->strict == FLAG_YES ? "strict:" : "",
				   SLICE_ARG(list->version));
	}
	return all;
}

const struct revocations *lists_at_hand(struct lists_cache *cache, const struct lists_known *known, struct arena *arena)
{
	struct kept *kept = map_get(cache->by_owner, key_of(known, arena));

	if (kept == NULL || !slice_eq(slice_str(kept->versions), versions_of(known, arena)))
		return NULL;
	list_remove(&kept->link);
	list_append(&cache->used, &kept->link);
	return kept->lists;
}

static const struct revocation_list *list_of(const struct lists_known *known, struct slice id)
{
	for (size_t i = 0; i < known->count; i++)
		if (slice_eq(known->lists[i].id, id))
			return &known->lists[i];
	return NULL;
}

/* A body whose list has gone meanwhile counts no more. */
static enum err decode_all(const struct lists_known *known, const struct revocation_body *bodies, size_t count, struct kept *kept)
{
	enum err e = revocations_new(&kept->lists);

	for (size_t i = 0; i < count && e == OK; i++) {
		const struct revocation_list *list = list_of(known, bodies[i].id);

		if (list)
			e = revocations_add(kept->lists, bodies[i].list, list->name, list->strict == FLAG_YES);
		kept->bytes += bodies[i].list.n;
	}
	return e;
}

const struct revocations *lists_keep(struct lists_cache *cache, const struct lists_known *known, const struct revocation_body *bodies,
				     size_t count, struct arena *arena)
{
	struct slice key = key_of(known, arena), versions = versions_of(known, arena);
	struct kept *kept, *former;

	if (arena_failed(arena))
		return NULL;
	if ((former = map_get(cache->by_owner, key)) != NULL)
		kept_free(cache, former);
	if ((kept = calloc(1, sizeof(*kept))) == NULL)
		return NULL;
	list_init(&kept->link);
	kept->key = strndup(key.p, key.n);
	kept->versions = strndup(versions.p, versions.n);
	if (kept->key == NULL || kept->versions == NULL || decode_all(known, bodies, count, kept) != OK ||
	    map_put(cache->by_owner, key, kept) != OK) {
		cache->bytes += kept->bytes;
		kept_free(cache, kept);
		return NULL;
	}
	cache->bytes += kept->bytes;
	list_append(&cache->used, &kept->link);
	while (cache->bytes > LISTS_KEPT && cache->used.next != &kept->link)
		kept_free(cache, LIST_ITEM(cache->used.next, struct kept, link));
	return kept->lists;
}

/* --- who may sign --- */

static size_t want_roots(struct slice scope, struct arena *arena, struct store_want *out)
{
	struct endorsement_root *root = noun_new(&noun_endorsement_root, arena);

	if (root)
		root->scope = scope;
	*out = (struct store_want){.noun = &noun_endorsement_root, .like = root, .keys = 1, .limit = ENDORSEMENT_ROOTS_MAX};
	return 1;
}

size_t lists_want_signers(struct slice scope, struct slice owner, struct arena *arena, struct store_want out[LIST_SIGNERS_WANTS])
{
	struct enrollment *group;
	struct ca_certificate *ca;

	if (is_of_tpms(owner))
		return want_roots(scope, arena, out);
	group = noun_new(&noun_group, arena);
	ca = noun_new(&noun_ca_certificate, arena);
	if (group && ca) {
		group->scope = ca->scope = scope;
		group->id = owner;
	}
	out[0] = (struct store_want){.noun = &noun_group, .like = group, .keys = 2};
	out[1] = (struct store_want){.noun = &noun_ca_certificate, .like = ca, .keys = 1, .limit = CA_CERTIFICATES_MAX};
	return 2;
}

static size_t take_roots(const struct store_want *want, struct slice out[ENDORSEMENT_ROOTS_MAX])
{
	const struct endorsement_root *roots = want->records;

	for (size_t i = 0; i < want->count; i++)
		out[i] = roots[i].certificate;
	return want->count;
}

static size_t take_group(const struct store_want *wants, struct slice out[2 + CA_CERTIFICATES_MAX])
{
	const struct enrollment *group = wants[0].records;
	const struct ca_certificate *authorities = wants[1].records;

	out[0] = group->signing_primary;
	out[1] = group->signing_secondary;
	for (size_t i = 0; i < wants[1].count; i++)
		out[2 + i] = authorities[i].certificate;
	return 2 + wants[1].count;
}

bool lists_are_signed(struct slice der, const struct revocation_list *list, const struct store_want *signers)
{
	struct slice all[ENDORSEMENT_ROOTS_MAX > 2 + CA_CERTIFICATES_MAX ? ENDORSEMENT_ROOTS_MAX : 2 + CA_CERTIFICATES_MAX];
	size_t n = is_of_tpms(list->group_id) ? take_roots(&signers[0], all) : take_group(signers, all);

	return attest_list_is_signed(der, list, all, n);
}

const char *lists_signers_words(struct slice owner)
{
	return is_of_tpms(owner) ? "by none of the service's endorsement roots"
				 : "by none of the group's signing certificates or the service's CA certificates";
}
