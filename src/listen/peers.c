#include <stdlib.h>

#include "listen/peers.h"

#define PREFIX6_BYTES  8
#define ADDRESS4_BYTES 4

struct peer {
	int count;
	unsigned char key[1 + PREFIX6_BYTES]; /* whether it is IPv6, then the address or its prefix */
	size_t key_size;
};

static struct slice peer_key(const struct peer *p)
{
	return slice_over(p->key, p->key_size);
}

static void set_key(struct peer *p, const struct address *from)
{
	size_t size = from->six ? PREFIX6_BYTES : ADDRESS4_BYTES;

	p->key[0] = from->six;
	memcpy(p->key + 1, from->at, size);
	p->key_size = 1 + size;
}

static enum err add(struct map *peers, const struct peer *like, struct peer **out)
{
	struct peer *p = malloc(sizeof(*p));
	enum err e;

	if (p == NULL)
		return ERR_NO_MEMORY;
	*p = *like;
	if ((e = map_put(peers, peer_key(p), p)) != OK) {
		free(p);
		return e;
	}
	*out = p;
	return OK;
}

enum err peer_enter(struct map *peers, const struct address *from, int max, struct peer **out)
{
	struct peer like = {0};
	struct peer *p;
	enum err e;

	*out = NULL;
	if (max == 0)
		return OK;
	set_key(&like, from);
	p = map_get(peers, peer_key(&like));
	if (p && p->count >= max)
		return ERR_THROTTLED;
	if (p == NULL && (e = add(peers, &like, &p)) != OK)
		return e;
	p->count++;
	*out = p;
	return OK;
}

void peer_leave(struct map *peers, struct peer **p)
{
	struct peer *it = *p;

	*p = NULL;
	if (it == NULL || --it->count > 0)
		return;
	map_remove(peers, peer_key(it));
	free(it);
}
