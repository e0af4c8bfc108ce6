/*
 * revoked.c: has what vouched for the device been withdrawn?
 *
 * A group may have revocation lists. What is known of them is read for each device, a few bytes; what they list is long and changes
 * seldom, so each loop keeps it decoded until the store has another version.
 */
#include <stdlib.h>

#include "provision/registration.h"

struct revoked_entry {
	struct list link; /* in cache->used */
	char *key;        /* "scope/group" */
	char *versions;   /* of the lists, joined */
	struct revocations *lists;
	size_t bytes;
};

/* --- what is kept --- */

static void entry_free(struct revoked_cache *cache, struct revoked_entry *entry)
{
	if (entry->key)
		map_remove(cache->by_group, slice_str(entry->key));
	cache->bytes -= entry->bytes;
	list_remove(&entry->link);
	revocations_free(&entry->lists);
	free(entry->versions);
	free(entry->key);
	free(entry);
}

enum err revoked_init(struct provision *p)
{
	list_init(&p->revoked.used);
	p->revoked.by_group = map_new(LISTS_KEPT / 64);
	return p->revoked.by_group ? OK : ERR_NO_MEMORY;
}

void revoked_free(struct provision *p)
{
	struct revoked_cache *cache = &p->revoked;

	while (cache->by_group && !list_empty(&cache->used))
		entry_free(cache, LIST_ITEM(cache->used.next, struct revoked_entry, link));
	map_free(&cache->by_group);
}

static struct slice key_of(const struct registration *r)
{
	return arena_format(r->arena, "%.*s/%.*s", SLICE_ARG(r->scope), SLICE_ARG(r->enrollment->id));
}

/* Whether a list is strict changes without its version. */
static struct slice versions_of(const struct registration *r)
{
	struct slice all = SLICE("");

	for (size_t i = 0; i < r->revoked.count; i++) {
		const struct revocation_list *list = &r->revoked.lists[i];

		all = arena_format(r->arena, "%.*s %s%.*s", SLICE_ARG(all), list->strict == FLAG_YES ? "strict:" : "",
				   SLICE_ARG(list->version));
	}
	return all;
}

static struct revoked_entry *at_hand(const struct registration *r)
{
	struct revoked_cache *cache = &r->p->revoked;
	struct revoked_entry *entry = map_get(cache->by_group, key_of(r));

	if (entry == NULL || !slice_eq(slice_str(entry->versions), versions_of(r)))
		return NULL;
	list_remove(&entry->link);
	list_append(&cache->used, &entry->link);
	return entry;
}

static bool is_strict(const struct registration *r, struct slice id)
{
	for (size_t i = 0; i < r->revoked.count; i++)
		if (slice_eq(r->revoked.lists[i].id, id))
			return r->revoked.lists[i].strict == FLAG_YES;
	return false;
}

static enum err decode_all(const struct registration *r, struct revoked_entry *entry)
{
	const struct revocation_body *bodies = r->wants[0].records;
	enum err e = revocations_new(&entry->lists);

	for (size_t i = 0; i < r->wants[0].count && e == OK; i++) {
		e = revocations_add(entry->lists, bodies[i].list, bodies[i].id, is_strict(r, bodies[i].id));
		entry->bytes += bodies[i].list.n;
	}
	return e;
}

/* Keep what was read, and forget what was used longest ago. NULL: no memory, or a list that does not read any more. */
static struct revoked_entry *keep(const struct registration *r)
{
	struct revoked_cache *cache = &r->p->revoked;
	struct slice key = key_of(r), versions = versions_of(r);
	struct revoked_entry *entry = calloc(1, sizeof(*entry)), *former = map_get(cache->by_group, key);

	if (former)
		entry_free(cache, former);
	if (entry == NULL)
		return NULL;
	list_init(&entry->link);
	entry->versions = strndup(versions.p, versions.n);
	if (entry->versions == NULL || decode_all(r, entry) != OK || map_put(cache->by_group, key, entry) != OK) {
		cache->bytes += entry->bytes;
		entry_free(cache, entry);
		return NULL;
	}
	entry->key = strndup(key.p, key.n);
	cache->bytes += entry->bytes;
	list_append(&cache->used, &entry->link);
	while (cache->bytes > LISTS_KEPT && cache->used.next != &entry->link)
		entry_free(cache, LIST_ITEM(cache->used.next, struct revoked_entry, link));
	return entry;
}

/* --- reading --- */

bool revoked_applies(const struct registration *r)
{
	return r->by_group && r->chain && r->enrollment->revocation_lists == FLAG_YES && r->verdict.signer.n > 0;
}

bool revoked_read(struct registration *r)
{
	struct revocation_list *list = noun_new(&noun_revocation_list, r->arena);
	struct revocation_body *body = noun_new(&noun_revocation_body, r->arena);
	bool bodies = r->revoked.lists != NULL;
	struct arena *arena = r->arena;

	r->wants = arena_array(r->arena, 1, sizeof(*r->wants));
	if (list == NULL || body == NULL || r->wants == NULL || (bodies && (r->revoked.arena = arena_new(LISTS_MEMORY)) == NULL)) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	list->scope = body->scope = r->scope;
	list->group_id = body->group_id = r->enrollment->id;
	r->wants[0] = (struct store_want){.noun = bodies ? &noun_revocation_body : &noun_revocation_list,
					  .like = bodies ? (const void *)body : list,
					  .keys = 2,
					  .limit = REVOCATION_LISTS_MAX};
	if (bodies)
		arena = r->revoked.arena;
	return registration_read(r, arena, 1);
}

/* --- judging --- */

static enum lookup refuse_without(struct registration *r, const struct revocation_list *list)
{
	const char *trouble = list->trouble.n ? arena_str(r->arena, list->trouble) : "it was not fetched yet";

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

static enum lookup judge(struct registration *r, const struct revoked_entry *entry)
{
	const struct evidence evidence = lookup_evidence(r);
	struct verdict verdict = r->verdict;
	enum err e =
		entry ? attest_x509_revoked(r->enrollment, &evidence, verdict.signer, entry->lists, r->arena, &verdict) : ERR_NO_MEMORY;

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
	struct revoked_entry *entry;
	enum lookup out;

	if (r->revoked.arena == NULL) {
		r->revoked.lists = r->wants[0].records;
		r->revoked.count = r->wants[0].count;
		if (r->revoked.count == 0)
			return LOOKUP_FOUND;
		for (size_t i = 0; i < r->revoked.count; i++)
			if (r->revoked.lists[i].strict == FLAG_YES && r->revoked.lists[i].version.n == 0)
				return refuse_without(r, &r->revoked.lists[i]);
		entry = at_hand(r);
		return entry ? judge(r, entry) : LOOKUP_GO_ON;
	}
	entry = keep(r);
	out = judge(r, entry);
	arena_free(&r->revoked.arena);
	return out;
}
