#include <netinet/in.h>
#include <stdlib.h>

#include "listen/peers.h"

#define PREFIX6_BYTES 8

struct peer {
	int count;
	unsigned char key[1 + PREFIX6_BYTES]; /* family, then the address or its prefix */
	size_t key_size;
};

static struct slice peer_key(const struct peer *p)
{
	return slice_over(p->key, p->key_size);
}

static void set_key(struct peer *p, const struct sockaddr *from)
{
	p->key[0] = (unsigned char)from->sa_family;
	if (from->sa_family == AF_INET6) {
		memcpy(p->key + 1, &((const struct sockaddr_in6 *)from)->sin6_addr, PREFIX6_BYTES);
		p->key_size = 1 + PREFIX6_BYTES;
	} else {
		memcpy(p->key + 1, &((const struct sockaddr_in *)from)->sin_addr, sizeof(struct in_addr));
		p->key_size = 1 + sizeof(struct in_addr);
	}
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

enum err peer_enter(struct map *peers, const struct sockaddr *from, int max, struct peer **out)
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
