/*
 * lookup.h: the addresses of a host name, asked for off the loop.
 *
 * What the machine's resolver says, name servers and hosts file alike; an address as a name is its own answer.
 */
#ifndef BERTH_IO_LOOKUP_H
#define BERTH_IO_LOOKUP_H

#include <netinet/in.h>

#include "io/loop.h"

#define LOOKUP_ADDRESSES 16    /* of one host; further ones are ignored */
#define LOOKUP_HOST_MAX  253   /* characters of a host name, RFC 1035 section 2.3.4 */
#define LOOKUPS_WAITING  16384 /* for a thread of the resolver's; more are refused */

struct resolver; /* the threads that ask */
struct lookup;   /* one question */

/* ERR_NO_MEMORY, ERR_IO: no threads. */
MUST_USE enum err resolver_new(struct resolver **);

/* Waits for the name servers that are being asked right now. All lookups must have ended or been cancelled;
 * their loop may be freed after this, not before. */
void resolver_free(struct resolver **);

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t size;
};

struct lookup_answer {
	enum err e;                       /* OK: at least one address. ERR_NOT_FOUND, ERR_UNREACHABLE: nobody could say; ERR_THROTTLED */
	const char *why;                  /* half a sentence when e is not OK: "nobody knows that name" */
	const struct endpoint *addresses; /* the best first, as the machine sorts them */
	size_t count;
};

/* `answer` lives only while done() runs. */
typedef void lookup_done(void *cookie, const struct lookup_answer *answer);

/* done() runs exactly once, later, from the loop. NULL: out of memory. */
struct lookup *lookup_start(struct resolver *, struct loop *, const char *host, int port, lookup_done *, void *cookie);

/* Drop the question: done() stays silent. Sets *l to NULL; NULL is welcome. */
void lookup_cancel(struct lookup **l);

#endif
