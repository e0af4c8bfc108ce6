#include <stdlib.h>
#include <sys/random.h>

#include "base/list.h"
#include "base/map.h"

#define BUCKETS_FIRST 16

struct entry {
	struct entry *next; /* in its bucket */
	struct list link;   /* in map.all, in the order of their coming */
	uint64_t hash;
	void *value;
	size_t n;
	char key[];
};

struct map {
	struct entry **buckets;
	size_t bucket_count; /* a power of two */
	struct list all;
	size_t count, max;
	uint64_t k0, k1; /* of SipHash */
};

/* --- SipHash-2-4 (Aumasson, Bernstein 2012) --- */

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

static uint64_t little_endian(const char *p, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return word;
}

static uint64_t siphash(uint64_t k0, uint64_t k1, struct slice s)
{
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	size_t whole = s.n & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, little_endian(s.p + i, 8));
	sip_word(v, (uint64_t)s.n << 56 | little_endian(s.p + whole, s.n - whole));
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_bytes(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

/* --- the map --- */

struct map *map_new(size_t max)
{
	struct map *m = calloc(1, sizeof(*m));
	uint64_t keys[2];

	if (m == NULL)
		return NULL;
	m->max = max;
	list_init(&m->all);
	m->bucket_count = BUCKETS_FIRST;
	m->buckets = calloc(m->bucket_count, sizeof(*m->buckets));
	if (m->buckets == NULL || getrandom(keys, sizeof(keys), 0) != sizeof(keys)) {
		free(m->buckets);
		free(m);
		return NULL;
	}
	m->k0 = keys[0];
	m->k1 = keys[1];
	return m;
}

void map_free(struct map **m)
{
	struct list *link;

	if (*m == NULL)
		return;
	while ((link = list_shift(&(*m)->all)) != NULL)
		free(LIST_ITEM(link, struct entry, link));
	free((*m)->buckets);
	free(*m);
	*m = NULL;
}

/* The place that points at the entry, or at the NULL where it would hang. */
static struct entry **place_of(const struct map *m, struct slice key, uint64_t hash)
{
	struct entry **at = &m->buckets[hash & (m->bucket_count - 1)];

	while (*at && ((*at)->hash != hash || !slice_eq(slice_over((*at)->key, (*at)->n), key)))
		at = &(*at)->next;
	return at;
}

void *map_get(const struct map *m, struct slice key)
{
	struct entry *e = *place_of(m, key, siphash(m->k0, m->k1, key));

	return e ? e->value : NULL;
}

/* Twice the buckets. Without memory the old ones serve on, only slower. */
static void grow(struct map *m)
{
	size_t count = m->bucket_count * 2;
	struct entry **buckets = calloc(count, sizeof(*buckets));

	if (buckets == NULL)
		return;
	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct entry *e = m->buckets[i], *next; e; e = next) {
			struct entry **to = &buckets[e->hash & (count - 1)];

			next = e->next;
			e->next = *to;
			*to = e;
		}
	free(m->buckets);
	m->buckets = buckets;
	m->bucket_count = count;
}

enum err map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = siphash(m->k0, m->k1, key);
	struct entry **at = place_of(m, key, hash), *e;

	if (*at) {
		(*at)->value = value;
		return OK;
	}
	if (m->count >= m->max)
		return ERR_TOO_BIG;
	if ((e = malloc(sizeof(*e) + key.n)) == NULL)
		return ERR_NO_MEMORY;
	*e = (struct entry){.hash = hash, .value = value, .n = key.n};
	if (key.n)
		memcpy(e->key, key.p, key.n);
	*at = e;
	list_append(&m->all, &e->link);
	if (++m->count > m->bucket_count)
		grow(m);
	return OK;
}

void *map_remove(struct map *m, struct slice key)
{
	struct entry **at = place_of(m, key, siphash(m->k0, m->k1, key)), *e = *at;
	void *value;

	if (e == NULL)
		return NULL;
	value = e->value;
	*at = e->next;
	list_remove(&e->link);
	free(e);
	m->count--;
	return value;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

/* *at is the entry to come next: removing the current one does not touch it. The head of the list means the end. */
void *map_each(const struct map *m, size_t *at, struct slice *key)
{
	const struct list *link = *at ? (const struct list *)*at : m->all.next;
	struct entry *e;

	if (link == &m->all) {
		*at = (size_t)link;
		return NULL;
	}
	e = LIST_ITEM(link, struct entry, link);
	*at = (size_t)link->next;
	if (key)
		*key = slice_over(e->key, e->n);
	return e->value;
}
