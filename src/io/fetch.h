/*
 * fetch.h: ask one HTTPS server one question, get one answer.
 *
 * Name lookup, connection reuse, TLS and deadlines all live in fetch.c (libcurl's
 * multi interface on our loop); the link to hubs, the demo and the CLI see only this.
 * Retrying is the asker's business: only it knows what may be asked twice.
 */
#ifndef BERTH_IO_FETCH_H
#define BERTH_IO_FETCH_H

#include "io/credential.h"
#include "io/loop.h"

struct fetcher; /* one per loop: the pool of connections */
struct fetch;   /* one exchange */

struct fetcher_conf {
	const char *ca_files[2]; /* PEM: trusted beside the system's roots; NULL: none */
	int connections_per_host;
	const char *user_agent;
};

/* ERR_NO_MEMORY, or as trust_get says of `ca_file`. It copies what it needs of the settings. */
MUST_USE enum err fetcher_new(struct loop *, const struct fetcher_conf *, struct fetcher **);
void fetcher_free(struct fetcher **); /* pending exchanges are dropped, silently */

/* Some of the body. It lives only while this runs, which must not end the exchange. */
typedef void fetch_piece(void *cookie, struct slice bytes);

struct fetch_ask {
	const char *method, *url;
	const char *const *headers;          /* "Name: value", ended by NULL; may be NULL */
	struct slice body;                   /* lent until done() runs; not copied */
	const char *connect_to;              /* "address:port" in place of what the URL's host resolves to; NULL: resolve */
	size_t answer_max;                   /* a longer answer arrives as ERR_TOO_BIG */
	int connect_ms, deadline_ms;         /* to connect; for the whole exchange */
	fetch_piece *piece;                  /* the body of a good answer (2xx) goes there as it comes, however long it is, and the deadline
					      * is for each piece of it; NULL: all of it is kept until done() */
	bool fresh;                          /* on a connection of its own, closed afterwards */
	const struct credential *credential; /* shown when the server asks for a certificate; makes it fresh. NULL: none */
};

struct fetch_answer {
	enum err e;      /* OK: an HTTP answer came, whatever its status */
	const char *why; /* a sentence when e is not OK ("connection refused", "certificate has expired") */
	int status;
	struct slice body;
	int retry_after;                                                      /* seconds, from the header of that name; -1: none */
	const char *(*header)(const struct fetch_answer *, const char *name); /* NULL: not there */
	void *own;
};

/* `answer` lives only while done() runs; copy what you keep. */
typedef void fetch_done(void *cookie, const struct fetch_answer *answer);

/* done() runs exactly once, later, from the loop. NULL: it could not start (out of memory). */
struct fetch *fetch_start(struct fetcher *, const struct fetch_ask *, fetch_done *, void *cookie);

/* Drop the exchange: done() stays silent. Sets *f to NULL; NULL is welcome. */
void fetch_cancel(struct fetch **f);

#endif
