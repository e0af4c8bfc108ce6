/*
 * house.h: the rooms, wired together: one set of them per loop, one store for all.
 */
#ifndef BERTH_DAEMON_HOUSE_H
#define BERTH_DAEMON_HOUSE_H

#include "daemon/doors.h"
#include "daemon/folder.h"
#include "daemon/settings.h"

struct house;

/* Open the store, make the loops and what lives on them, and listen. `why` gets a sentence in the arena, which lives as
 * long as the house. The settings and the folder are lent. */
MUST_USE enum err house_open(const struct settings *, const struct folder *, struct arena *, struct house **, const char **why);

/* The port that a door got. */
int house_port(const struct house *, enum door_name);

/* The password of the operator that this start has made because there was none (FIRST_OPERATOR); empty: there were some. */
const char *house_first_password(const struct house *);

/* Run: the calling thread is the first loop's, the others get threads. Returns after house_drain has come to its end. */
void house_run(struct house *);

/* Take no new connections, let running requests end, at most `drain_seconds`, then make house_run return. From the first loop's
 * thread; a second call ends at once. */
void house_drain(struct house *);

/* New certificates, log level, limits, proxies and places for what comes from now on. From the first loop's thread. */
MUST_USE enum err house_reload(struct house *, const struct settings *, const char **why);

struct loop *house_first_loop(struct house *);

void house_close(struct house **);

#endif
