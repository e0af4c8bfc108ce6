#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "listen/door.h"
#include "listen/listen_own.h"

#define ACCEPT_BATCH    64  /* connections taken before other things get their turn */
#define ACCEPT_PAUSE_MS 100 /* when the process is out of descriptors */
#define PEERS_MAX       1000000
#define FREE_PORT_TRIES 16 /* for a port that is free at all addresses */

/* --- the end --- */

/* Whether nothing is left to wait for. Once cut off, only connections count, and no goodbyes. */
static bool is_idle(const struct listener *l)
{
	for (const struct list *link = l->guests.next; link != &l->guests; link = link->next) {
		const struct guest *g = LIST_ITEM(link, struct guest, link);

		if (!l->cut_off || g->stream || g->connection)
			return false;
	}
	return true;
}

static void tell_when_idle(struct listener *l)
{
	if (!l->draining || l->told || !is_idle(l))
		return;
	l->told = true;
	loop_post(l->loop, &l->tell);
}

static void on_tell(struct task *t)
{
	struct listener *l = LIST_ITEM(t, struct listener, tell);

	if (!is_idle(l)) { /* it only looked so, in the middle of aborting all */
		l->told = false;
		return;
	}
	timer_cancel(&l->deadline);
	l->idle(l->idle_cookie); /* may free the listener */
}

/* A freed listener stays for the books of the goodbyes that are under way. */
static void listener_destroy(struct listener *l)
{
	if (!list_empty(&l->guests))
		return;
	map_free(&l->peers);
	free(l);
}

void listener_guest_left(struct listener *l)
{
	if (l->freed)
		listener_destroy(l);
	else
		tell_when_idle(l);
}

/* --- accepting --- */

static void watch_doors(struct listener *l, int events)
{
	for (size_t i = 0; i < l->door_count; i++)
		if (l->doors[i].watch)
			watch_change(l->doors[i].watch, events);
}

static void on_pause_over(void *cookie)
{
	struct listener *l = cookie;

	l->pause = NULL;
	watch_doors(l, WATCH_READ);
}

/* Out of descriptors: the connection stays in the kernel's queue, and its door stays ready. Look away for a while, or
 * the loop would spin. */
static void pause_accepting(struct listener *l, int error)
{
	log_warn(NULL, "cannot accept", "protocol", l->protocol->name, "why", strerror(error), NULL);
	if (l->pause == NULL && (l->pause = loop_after(l->loop, ACCEPT_PAUSE_MS, on_pause_over, l)) != NULL)
		watch_doors(l, 0);
}

static void greet(struct listener *l, int fd, const struct sockaddr *at)
{
	struct peer *peer = NULL;
	struct address from;
	bool known = address_of_socket(at, &from), proxied = known && networks_have(&l->proxies, &from);

	if (!known || atomic_load(&l->open) >= (unsigned long)l->limits.connections_max ||
	    (!proxied && peer_enter(l->peers, &from, l->limits.per_peer_max, &peer) != OK)) {
		atomic_fetch_add(&l->refused, 1);
		close(fd);
		return;
	}
	guest_let_in(l, fd, peer, proxied);
}

/* Take up to `most` connections. */
static void accept_some(struct door *door, int most)
{
	while (most-- > 0) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		int fd = accept4(door->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			greet(door->listener, fd, (struct sockaddr *)&from);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(door->listener, errno);
			return;
		} else if (errno == EAGAIN)
			return;
		/* The rest is about a connection that broke while it was queued: take the next. */
	}
}

static void on_door(void *cookie, int events)
{
	(void)events;
	accept_some(cookie, ACCEPT_BATCH);
}

/* --- open --- */

static void doors_close(struct listener *l)
{
	for (size_t i = 0; i < l->door_count; i++) {
		watch_stop(&l->doors[i].watch);
		close(l->doors[i].fd);
	}
	l->door_count = 0;
	timer_cancel(&l->pause);
}

static enum err add_door(struct listener *l, const char *address, bool alone, char *why)
{
	struct door *door = &l->doors[l->door_count];
	enum err e = door_open(address, &l->port, alone, &door->fd, why, LISTEN_WHY_MAX);

	if (e != OK)
		return e;
	door->listener = l;
	l->door_count++; /* from here on doors_close closes it */
	if ((door->watch = loop_watch(l->loop, door->fd, WATCH_READ, on_door, door)) != NULL)
		return OK;
	snprintf(why, LISTEN_WHY_MAX, "out of memory");
	return ERR_NO_MEMORY;
}

static enum err add_doors(struct listener *l, const struct listener_conf *conf, char *why)
{
	enum err e = OK;

	l->port = conf->beside ? conf->beside->port : conf->port;
	for (size_t i = 0; conf->addresses[i] && e == OK; i++) {
		if (i == LISTEN_ADDRESSES) {
			snprintf(why, LISTEN_WHY_MAX, "more than %d addresses to listen on", LISTEN_ADDRESSES);
			e = ERR_INVALID;
		} else {
			e = add_door(l, conf->addresses[i], conf->beside == NULL, why);
		}
	}
	if (e == OK && l->door_count == 0) {
		snprintf(why, LISTEN_WHY_MAX, "no address to listen on");
		e = ERR_INVALID;
	}
	if (e != OK)
		doors_close(l);
	return e;
}

/* A port that was free at the first address may be taken at the second. */
static enum err find_doors(struct listener *l, const struct listener_conf *conf, char *why)
{
	int tries = conf->port == 0 && conf->beside == NULL ? FREE_PORT_TRIES : 1;
	enum err e;

	do {
		e = add_doors(l, conf, why);
	} while (e == ERR_CONFLICT && --tries > 0);
	return e;
}

enum err listener_open(const struct listener_conf *conf, struct listener **out, char why[LISTEN_WHY_MAX])
{
	struct listener *l = calloc(1, sizeof(*l));
	enum err e = ERR_NO_MEMORY;

	if (l == NULL)
		goto fail;
	l->loop = conf->loop;
	l->protocol = conf->protocol;
	l->house = conf->house;
	l->limits = conf->limits;
	if (conf->proxies)
		l->proxies = *conf->proxies;
	l->tell.run = on_tell;
	list_init(&l->guests);
	if ((l->peers = map_new(PEERS_MAX)) == NULL)
		goto fail_listener;
	if ((e = find_doors(l, conf, why)) != OK)
		goto fail_peers;
	l->tls = conf->tls;
	*out = l;
	return OK;

fail_peers:
	map_free(&l->peers);
fail_listener:
	free(l);
fail:
	if (e == ERR_NO_MEMORY)
		snprintf(why, LISTEN_WHY_MAX, "out of memory");
	return e;
}

int listener_port(const struct listener *l)
{
	return l->port;
}

void listener_set_tls(struct listener *l, struct tls **tls)
{
	tls_free(&l->tls);
	l->tls = *tls;
	*tls = NULL;
}

void listener_set_limits(struct listener *l, const struct listen_limits *limits)
{
	l->limits = *limits;
}

void listener_set_proxies(struct listener *l, const struct networks *proxies)
{
	l->proxies = *proxies;
}

/* --- close --- */

/* Call `what` for each guest; it may let go of that guest, or of any other. */
static void for_each_guest(struct listener *l, void (*what)(struct guest *))
{
	struct list turn;
	struct list *link;

	list_init(&turn);
	list_move_all(&turn, &l->guests);
	while ((link = list_shift(&turn)) != NULL) {
		list_append(&l->guests, link);
		what(LIST_ITEM(link, struct guest, link));
	}
}

static void on_deadline(void *cookie)
{
	struct listener *l = cookie;

	l->deadline = NULL;
	l->cut_off = true;
	for_each_guest(l, guest_abort);
	tell_when_idle(l);
}

void listener_drain(struct listener *l, int deadline_ms, void (*idle)(void *cookie), void *cookie)
{
	bool first = !l->draining;

	l->idle = idle;
	l->idle_cookie = cookie;
	timer_cancel(&l->deadline);
	l->deadline = loop_after(l->loop, deadline_ms, on_deadline, l);
	if (first) {
		/* Closing a door resets the connections that wait behind it: take them first. */
		for (size_t i = 0; i < l->door_count; i++)
			accept_some(&l->doors[i], LISTEN_BACKLOG);
		doors_close(l);
		for_each_guest(l, guest_drain);
		l->draining = true;
	}
	tell_when_idle(l);
}

void listener_free(struct listener **l)
{
	struct listener *it = *l;

	*l = NULL;
	if (it == NULL)
		return;
	doors_close(it);
	timer_cancel(&it->deadline);
	it->draining = false; /* nobody is to be told any more */
	for_each_guest(it, guest_abort);
	loop_unpost(it->loop, &it->tell);
	tls_free(&it->tls);
	it->freed = true;
	listener_destroy(it);
}

void listener_count(const struct listener *l, struct listener_counts *out)
{
	out->accepted = atomic_load(&l->accepted);
	out->refused = atomic_load(&l->refused);
	out->header_refused = atomic_load(&l->header_refused);
	out->handshake_failed = atomic_load(&l->handshake_failed);
	out->open = atomic_load(&l->open);
}
