/*
 * sqlite_connection.h: one connection to a SQLite file, and running units on it.
 *
 * A connection belongs to one thread at a time. The writer's runs units in batches, one
 * transaction for all; a unit that cannot be is undone alone.
 */
#ifndef BERTH_STORE_SQLITE_CONNECTION_H
#define BERTH_STORE_SQLITE_CONNECTION_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/map.h"
#include "store/driver.h"

struct connection {
	sqlite3 *db;
	struct map *prepared;  /* SQL text -> sqlite3_stmt */
	int read_ms_max;       /* a read that takes longer is broken off */
	int64_t read_deadline; /* monotonic milliseconds; 0: none */
	int64_t silent_until;  /* the same trouble is not logged again before */
	int wal_pages;         /* writer: as of the last commit */
	int wal_tried;         /* ... and when emptying it was tried last */
	int64_t commit_us;     /* writer: of the last batch */
};

/* ERR_CORRUPT, ERR_IO, ERR_NO_MEMORY, with a sentence. */
MUST_USE enum err connection_open(struct connection *, const char *path, bool writer, struct arena *, const char **why);
void connection_close(struct connection *);

/* One unit that reads, all its statements in one snapshot. */
void connection_read(struct connection *, struct unit *);

/* Units that write, in one transaction. True: it was committed. */
bool connection_write(struct connection *, struct unit **units, int count);

/* Between batches: bring the write-ahead log home when it has grown. */
void connection_tidy(struct connection *);

/* What SQLite's answer means to us. */
enum err sqlite_meaning(int rc);

#endif
