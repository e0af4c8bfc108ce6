/*
 * listen.h: the doors. Takes connections, does the handshake, counts who is inside, and hands
 * each connection to its protocol.
 *
 * One listener is one protocol on one loop: a socket of its own for each address, so the kernel
 * spreads connections over the loops (SO_REUSEPORT). All calls are made on the loop's thread, or
 * before it runs; listener_count from anywhere.
 *
 * Draining: what the kernel has queued is taken, then the doors close. Connections finish what
 * they are being asked; those that came at the last moment get LISTEN_LAST_WORD_MS to ask.
 */
#ifndef BERTH_LISTEN_LISTEN_H
#define BERTH_LISTEN_LISTEN_H

#include "io/networks.h"
#include "io/tls.h"
#include "protocol/protocol.h"

#define LISTEN_WHY_MAX      256
#define LISTEN_ADDRESSES    16
#define LISTEN_BACKLOG      4096
#define LISTEN_LAST_WORD_MS 1000

struct listener;

struct listen_limits {
	int connections_max; /* open at once on this listener; more are closed as they come */
	int per_peer_max;    /* of them from one address, or one /64 of IPv6; 0: no limit of its own. Behind a proxy it is the client's */
	int handshake_ms;    /* absolute */
	int linger_ms;       /* for the goodbye, after the protocol has closed */
};

struct listener_conf {
	struct loop *loop;
	const struct protocol *protocol;
	void *house;                  /* for the protocol's connections */
	const char *const *addresses; /* "127.0.0.1", "::1", "0.0.0.0"; ended by NULL, LISTEN_ADDRESSES at most */
	int port;                     /* 0: a free one, the same at all addresses */
	struct tls *tls;              /* the listener's from here on, if it opens; NULL: plain TCP */
	struct listen_limits limits;

	/* Whose connections begin with a PROXY header (codec/proxy_header.h): they count as their client's, and without one they are
	 * closed. Nobody else's is looked at for one. NULL: nobody's. Copied. */
	const struct networks *proxies;

	/* The listener on another loop whose addresses and port this one shares. NULL: the first one, which
	 * refuses an address where somebody else listens already. */
	const struct listener *beside;
};

/* Takes connections as soon as the loop runs. ERR_FORBIDDEN: the port may not be bound; ERR_CONFLICT: it is
 * taken; ERR_INVALID: not an address; ERR_IO: the rest. `why` gets a sentence. */
MUST_USE enum err listener_open(const struct listener_conf *, struct listener **out, char why[LISTEN_WHY_MAX]);

/* The doors close and all connections are aborted. Goodbyes under way go on until the loop is freed. */
void listener_free(struct listener **l);

int listener_port(const struct listener *l);

/* For connections from now on; those that are open keep what they have. *tls becomes NULL. */
void listener_set_tls(struct listener *l, struct tls **tls);
void listener_set_limits(struct listener *l, const struct listen_limits *limits);
void listener_set_proxies(struct listener *l, const struct networks *proxies);

/* idle() runs once, later, when the last connection has gone and its goodbye is said; after deadline_ms the rest is
 * aborted, and nobody's goodbye is waited for. A second call sets a new deadline. */
void listener_drain(struct listener *l, int deadline_ms, void (*idle)(void *cookie), void *cookie);

/* --- for the metrics --- */

struct listener_counts {
	unsigned long accepted;         /* and let in */
	unsigned long refused;          /* by a limit; behind a proxy that may be after they were let in */
	unsigned long header_refused;   /* of the accepted ones: a proxy's, with no header or a bad one */
	unsigned long handshake_failed; /* of the accepted ones, cut off at the deadline included */
	unsigned long open;             /* now */
};

void listener_count(const struct listener *l, struct listener_counts *out);

#endif
