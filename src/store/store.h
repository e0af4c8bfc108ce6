/*
 * store.h: what Berth remembers.
 *
 * Questions and changes are put in terms of the nouns (model/model.h); the SQL follows
 * from their rows. Everything is asynchronous: the callback runs later, once, on the loop
 * that asked. A change is answered when it is on disk, not before; the changes of one call
 * all happen or none does. Which database keeps it is the driver's secret (store/driver.h).
 *
 * Keys (FIELD_KEY) are sealed on their way in and revealed on their way out; a record that
 * does not reveal (another master key) is ERR_CORRUPT.
 */
#ifndef BERTH_STORE_STORE_H
#define BERTH_STORE_STORE_H

#include "crypto/seal.h"
#include "io/loop.h"
#include "model/model.h"

struct store;     /* one, shared by all loops */
struct store_ask; /* a question or change under way */

struct store_conf {
	const char        *url;      /* "sqlite:PATH"; the word before the colon names the driver */
	const struct seal *seal;     /* lent as long as the store lives */
	int                readers;  /* threads that read */
	int                waiting_max; /* questions, and changes, that may wait for a thread; 0: the usual number */
};

/* Opens, creates or migrates (in a transaction). ERR_UNSUPPORTED: the store was written by a newer
 * Berth; ERR_CORRUPT: the master key is not the one it was written with, or the store is damaged; ERR_CONFLICT:
 * another process has it open; ERR_INVALID: no such database; ERR_IO. `why` gets a
 * sentence, in the arena. Blocks: at start only. */
MUST_USE enum err store_open(const struct store_conf *, struct arena *, struct store **, const char **why);

/* Waits for what is queued, then closes. The answers of that come when their loops turn; until then they can be
 * cancelled as ever. */
void store_close(struct store **);

/* --- asking --- */

/* A condition on a column of the noun. The value is as JSON spells it: a string's text, "true", a number. NE is
 * the opposite of EQ, so null differs from every value; what a column cannot hold it does not equal. An enum is
 * read without regard to case. Defaults are the caller's to think of: compared is what is stored. */
struct store_where {
	enum { WHERE_EQ, WHERE_NE, WHERE_AND, WHERE_OR } op;
	const struct field       *field; /* EQ, NE: not a FIELD_KEY, _CERT, _JSON or _LIST */
	struct slice              value; /* absent: null */
	const struct store_where *left, *right;
};

/* The records whose first `keys` key columns equal those of `like`, in key order. */
struct store_want {
	const struct noun        *noun;
	int                       by;      /* 0: the primary key; else an index of the noun (from 1) */
	const void               *like;    /* a record with those columns set; lent until done */
	int                       keys;    /* how many of them count */
	struct slice              after;   /* only those behind this value (spelled as in JSON) of the next key column;
					    * absent: from the start */
	struct slice              until;   /* ... and only up to this value of it, itself included; absent: to the end */
	int                       limit;   /* 0: one record is all that can be there, or is wanted */
	const struct store_where *where;   /* NULL: all */
	bool                      backwards; /* from the end of the key order */
	bool                      count_only; /* only `count`, all of them, is filled */
	const char *const        *only; /* names of columns, ended by NULL; lent until done. The others, but for the key, are not read and
					 * stay empty. NULL: all */

	/* The answer, in the arena given. */
	void  *records; /* an array of the noun's struct */
	size_t count;
	bool   more;    /* the limit cut it off */
};

/* OK also when nothing was found (count 0). ERR_THROTTLED: too much is waiting. ERR_INVALID: a condition on what is
 * no plain column, or an `after` that does not read. ERR_TOO_BIG: the answer does not fit the arena, or there are too
 * many conditions. ERR_TIMEOUT: it took too long to find. ERR_CORRUPT, ERR_IO. */
typedef void store_done(void *cookie, enum err e);

/* Answer all wants from one consistent view. `wants` and the arena live until done() or the cancel;
 * the answers are put there just before done(). NULL: it could not start (out of memory). */
struct store_ask *store_read(struct store *, struct loop *, struct arena *, struct store_want *wants, size_t count, store_done *, void *cookie);

/* --- changing --- */

enum store_how {
	STORE_INSERT, /* ERR_EXISTS when the key is taken */
	STORE_UPDATE, /* every column; ERR_PRECONDITION when the row is not there (with that etag) */
	STORE_PUT,    /* insert or update */
	STORE_DELETE, /* ERR_NOT_FOUND, or ERR_PRECONDITION when if_etag was given */
	STORE_DELETE_ALL, /* every row whose first `keys` key columns equal the record's; none is fine */
};

struct store_change {
	enum store_how     how;
	const struct noun *noun;
	const void        *record;  /* lent until done; slices and all */
	struct slice       if_etag; /* UPDATE, DELETE: only when the stored etag is this; absent: whatever it is */
	int                keys;    /* DELETE_ALL */
};

/* `failed` is the index of the change that could not be made when e is ERR_EXISTS, ERR_PRECONDITION or
 * ERR_NOT_FOUND; nothing was changed then. ERR_EXISTS comes of a PUT or UPDATE too, when another record has
 * what a unique index wants for one alone. ERR_IO: the disk is full, or worse; ERR_THROTTLED. */
typedef void store_changed(void *cookie, enum err e, size_t failed);

/* All or none, on disk before done(). NULL: out of memory. A cancelled change may still happen. */
struct store_ask *store_write(struct store *, struct loop *, struct arena *, const struct store_change *changes, size_t count,
			      store_changed *, void *cookie);

/* done() stays silent, and nothing of the caller's is touched any more: what was asked was copied when
 * it was asked. Sets *ask to NULL; NULL is welcome. */
void store_cancel(struct store_ask **);

/* Keep at most `per_id` attempts of each registration ID and `in_all` altogether; called now and then. */
struct store_ask *store_trim_attempts(struct store *, struct loop *, struct arena *, int per_id, int in_all, store_changed *, void *cookie);

/* --- looking in from outside --- */

struct store_counts {
	int      reads_waiting, writes_waiting;
	uint64_t reads, writes, commits;  /* writes / commits: how well they share */
	uint64_t commit_us_sum;
};

void store_counts(const struct store *, struct store_counts *);

/* A consistent copy of the whole store into a new file, while it runs. Blocks the calling thread. */
MUST_USE enum err store_backup(struct store *, const char *path, struct arena *, const char **why);

#endif
