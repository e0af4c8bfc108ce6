/*
 * doors.h: the doors of one loop: a listener for each protocol that devices and operators speak.
 *
 * All loops have the same doors on the same ports. The admin door is not among them: there is one, and it
 * does not drain.
 */
#ifndef BERTH_DAEMON_DOORS_H
#define BERTH_DAEMON_DOORS_H

#include "api/api.h"
#include "daemon/folder.h"
#include "daemon/settings.h"
#include "listen/listen.h"

enum door_name { DOOR_HTTPS, DOOR_MQTTS, DOOR_AMQPS, DOORS };

struct doors {
	struct listener *at[DOORS];
	/* of a drain */
	size_t busy;
	void (*idle)(void *cookie);
	void *cookie;
};

struct doors_conf {
	struct loop *loop;
	struct api *api;
	const struct settings *settings;
	const struct folder *folder; /* for the certificates */
	struct listen_limits limits;
	const struct networks *proxies; /* whose connections begin with a PROXY header */
	const struct doors *beside;     /* the doors of the first loop, whose ports these share; NULL: these are the first */
	struct arena *arena;            /* for `why` */
};

/* On failure nothing stays open, and `why` has a sentence. */
MUST_USE enum err doors_open(struct doors *, const struct doors_conf *, const char **why);

/* Connections are aborted. Doors that are closed, or zeroed, are welcome. */
void doors_close(struct doors *);

/* "https", the port it got. */
const char *door_protocol(enum door_name);
int doors_port(const struct doors *, enum door_name);

/* As listener_drain, for all of them: idle() runs when the last is idle. A second call sets a new deadline. */
void doors_drain(struct doors *, int deadline_ms, void (*idle)(void *cookie), void *cookie);

/* Fresh certificates for each; all or none. `tls` becomes NULLs when they are handed over. */
MUST_USE enum err doors_load_tls(const struct folder *, struct tls *tls[static DOORS], struct arena *, const char **why);
void doors_set(struct doors *, struct tls *tls[static DOORS], const struct listen_limits *, const struct networks *proxies);

#endif
