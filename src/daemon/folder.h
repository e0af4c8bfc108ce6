/*
 * folder.h: the data folder: what a server needs to find again after a restart.
 *
 *	berth.db        the store (unless --store says otherwise)
 *	master.key      seals the secrets in it; lose it and they are lost
 *	admin.token     the administrator's bearer token
 *	ca.pem ca.key   the private CA, made at first start; give ca.pem to devices
 *	server.pem .key the server's certificate under it
 *	server.json     where the running server can be reached, for the CLI
 *	lock            held while a server runs
 *
 * Everything but ca.pem is readable by its owner only.
 */
#ifndef BERTH_DAEMON_FOLDER_H
#define BERTH_DAEMON_FOLDER_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/seal.h"
#include "daemon/settings.h"

struct folder {
	const char *path;
	int lock; /* descriptor; -1: not held */
	struct seal *seal;
	const char *admin_token;
	const char *certificate_file, *key_file; /* the server's */
	const char *ca_file;                     /* what devices must trust; NULL: the operator brought certificates */
	bool made;                               /* this was the first start */
};

/* Make what is missing, take the lock. ERR_CONFLICT: another server runs on it. `why` gets a sentence, in the
 * arena, that lives as long as the folder does. */
MUST_USE enum err folder_open(const struct settings *, struct arena *, instant now, struct folder *, const char **why);
void folder_close(struct folder *);

/* Say in server.json where the server is. */
struct announcement {
	int https_port, mqtts_port, amqps_port;
};
MUST_USE enum err folder_announce(const struct folder *, const struct settings *, const struct announcement *, struct arena *);

/* Read a small file whole; absent when it cannot be read or is larger than `max`. */
struct slice file_read(struct arena *, const char *path, size_t max);

/* Write a file so that it is either whole and on disk, or not there. */
MUST_USE enum err file_write(const char *path, struct slice text, unsigned mode);

#endif
