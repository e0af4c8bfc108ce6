/*
 * listen_own.h: inside the doors: listener.c opens and closes them, guest.c has each connection that comes in.
 */
#ifndef BERTH_LISTEN_LISTEN_OWN_H
#define BERTH_LISTEN_LISTEN_OWN_H

#include <stdatomic.h>

#include "listen/listen.h"
#include "listen/peers.h"

struct door {
	struct listener *listener;
	int fd;
	struct watch *watch;
};

struct listener {
	struct loop *loop;
	const struct protocol *protocol;
	void *house;
	struct tls *tls;
	struct listen_limits limits;
	struct networks proxies;
	struct door doors[LISTEN_ADDRESSES];
	size_t door_count;
	int port;
	struct list guests; /* struct guest */
	struct map *peers;
	struct timer *pause; /* of accepting */
	atomic_ulong accepted, refused, header_refused, handshake_failed, open;

	/* the end */
	bool draining, cut_off, told, freed;
	struct timer *deadline;
	struct task tell;
	void (*idle)(void *cookie);
	void *idle_cookie;
};

/* One connection, from accept to the last of its goodbye. It is kept while its stream, its protocol or a call of
 * ours needs it. */
struct guest {
	struct list link;
	struct listener *listener;
	struct stream *stream; /* ours during the handshake */
	struct connection *connection;
	struct protocol_env env;
	struct peer *peer;
	struct timer *last_word;
	int needed_by;
	bool closed; /* the protocol has said so */
};

/* Let a connection in: the handshake begins. Takes over the descriptor, and one place of the peer's; `proxied`: whose place it
 * takes is known when the proxy has said for whom it connects. */
void guest_let_in(struct listener *, int fd, struct peer *, bool proxied);

void guest_drain(struct guest *);
void guest_abort(struct guest *);

/* A guest is no longer in the list: the listener may be idle now, or, freed before, go for good. */
void listener_guest_left(struct listener *);

#endif
