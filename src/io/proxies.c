/*
 * proxies.c: each proxy adds, at the end, the address of whoever asked it. So the list is gone through from its end: as long as the one who
 * speaks is trusted, what it says counts.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/proxies.h"

struct proxies {
	pthread_rwlock_t lock;
	struct networks trusted;
};

/* Who stands in a header, from the client to the last proxy but one. */
struct hops {
	struct {
		bool known; /* an address, rather than "unknown" or a name made up */
		struct address address;
	} at[FORWARDED_HOPS];
	size_t count;
	bool present, too_many;
};

struct proxies *proxies_new(void)
{
	struct proxies *p = calloc(1, sizeof(*p));

	if (p && pthread_rwlock_init(&p->lock, NULL) != 0) {
		free(p);
		p = NULL;
	}
	return p;
}

void proxies_free(struct proxies **p)
{
	if (*p)
		pthread_rwlock_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

void proxies_trust(struct proxies *p, const struct networks *networks)
{
	pthread_rwlock_wrlock(&p->lock);
	p->trusted = *networks;
	pthread_rwlock_unlock(&p->lock);
}

/* --- what they say --- */

static void add_hop(struct hops *hops, struct slice text)
{
	if (hops->count == FORWARDED_HOPS) {
		hops->too_many = true;
		return;
	}
	hops->at[hops->count].known = address_read(text, &hops->at[hops->count].address);
	hops->count++;
}

static void add_x_forwarded_for(struct hops *hops, struct slice value)
{
	struct slice piece;

	while (slice_next(&value, ',', &piece))
		add_hop(hops, piece);
}

/* Up to the separator that stands outside quotes (RFC 7239 section 4). */
static struct slice next_part(struct slice *rest, char separator)
{
	bool quoted = false;
	size_t i = 0;
	struct slice part;

	for (; i < rest->n && (quoted || rest->p[i] != separator); i++) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		else if (rest->p[i] == '\\' && quoted)
			i++;
	}
	if (i > rest->n)
		i = rest->n;
	part = slice_to(*rest, i);
	*rest = i < rest->n ? slice_from(*rest, i + 1) : NO_SLICE;
	return part;
}

/* The address behind "for="; an element without one is a hop of which nothing is known. */
static struct slice for_of(struct slice element)
{
	while (element.n > 0) {
		struct slice pair = slice_trim(next_part(&element, ';'));

		if (!slice_starts_fold(pair, SLICE("for=")))
			continue;
		pair = slice_trim(slice_from(pair, 4));
		if (pair.n >= 2 && pair.p[0] == '"' && pair.p[pair.n - 1] == '"')
			pair = slice_over(pair.p + 1, pair.n - 2);
		return pair;
	}
	return SLICE("");
}

static void add_forwarded(struct hops *hops, struct slice value)
{
	while (value.n > 0)
		add_hop(hops, for_of(next_part(&value, ',')));
}

/* A header that stands several times is one long list (RFC 9110 section 5.3). */
static void gather(const struct http_head *head, const char *name, void (*add)(struct hops *, struct slice), struct hops *hops)
{
	*hops = (struct hops){0};
	for (size_t i = 0; i < head->header_count; i++) {
		if (!slice_eq_fold(head->headers[i].name, slice_str(name)))
			continue;
		hops->present = true;
		add(hops, head->headers[i].value);
	}
}

/* Where the words of the trusted end; `from` is who speaks to us. */
static void follow(const struct proxies *p, const struct hops *hops, struct address *from)
{
	if (hops->too_many)
		return;
	for (size_t i = hops->count; i > 0 && networks_have(&p->trusted, from) && hops->at[i - 1].known; i--)
		*from = hops->at[i - 1].address;
}

/* False: what they say does not count. */
static bool find_client(const struct proxies *p, const struct address *peer, const struct http_head *head, struct address *out)
{
	struct hops x_forwarded_for, forwarded;
	struct address other = *peer;

	*out = *peer;
	gather(head, "X-Forwarded-For", add_x_forwarded_for, &x_forwarded_for);
	gather(head, "Forwarded", add_forwarded, &forwarded);
	if (!x_forwarded_for.present && !forwarded.present)
		return false;
	follow(p, &x_forwarded_for, out);
	follow(p, &forwarded, &other);
	if (x_forwarded_for.present && forwarded.present)
		return out->six == other.six && memcmp(out->at, other.at, sizeof(out->at)) == 0;
	if (forwarded.present)
		*out = other;
	return true;
}

const char *proxies_client(struct proxies *p, const char *peer, const struct http_head *head, char room[ADDRESS_TEXT])
{
	struct address from, client;
	bool believed;

	if (p == NULL || !address_read(slice_str(peer), &from))
		return peer;
	pthread_rwlock_rdlock(&p->lock);
	believed = networks_have(&p->trusted, &from) && find_client(p, &from, head, &client);
	pthread_rwlock_unlock(&p->lock);
	if (!believed || (client.six == from.six && memcmp(client.at, from.at, sizeof(from.at)) == 0))
		return peer;
	return address_write(&client, room);
}
