/*
 * protocol.h: a way to talk to us. One file per protocol; it turns an exchange into a question
 * of the api and carries the answer home.
 */
#ifndef BERTH_PROTOCOL_PROTOCOL_H
#define BERTH_PROTOCOL_PROTOCOL_H

#include "io/stream.h"

struct connection; /* one, of whichever protocol; its layout is that protocol's */

/* What every connection is given. */
struct protocol_env {
	void *house; /* what the daemon wired for the protocols on this loop */
	/* A connection is gone: called once for each. With this call the env may go, too. */
	void (*closed)(void *cookie, struct connection *);
	void *cookie;
};

struct protocol {
	const char *name;
	int default_port;

	/* Take over a new connection: the stream is the protocol's from here on (*stream becomes NULL). NULL: out of
	 * memory, and the stream was closed. `env` lives as long as the connection. */
	struct connection *(*open)(struct loop *, struct stream **stream, const struct protocol_env *env);

	/* Finish what is being asked, take nothing new, then close. */
	void (*drain)(struct connection *);

	/* Close now. */
	void (*abort)(struct connection *);
};

/* By name; NULL: none. */
const struct protocol *protocol_find(const char *name);

#endif
