/*
 * driver.h: what a database must be able to do for us.
 *
 * A driver runs units. A unit is a short list of statements that all hold or none does: it
 * reads, from one consistent snapshot, or it writes, and is then on disk before it is done.
 * What the statements mean, the driver does not know.
 *
 * The SQL is the part that SQLite and PostgreSQL read alike: parameters are $1, $2 ... and
 * first appear in that order; INSERT .. ON CONFLICT; no sequences, no row numbers of the
 * database's own, no locks by name. Only the names of types differ; a driver tells its own.
 */
#ifndef BERTH_STORE_DRIVER_H
#define BERTH_STORE_DRIVER_H

#include "io/work.h"
#include "store/store.h"

/* --- values and rows --- */

enum value_type { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB, VALUE_TYPES };

struct value {
	enum value_type type;
	int64_t number;    /* INT */
	struct slice text; /* TEXT, BLOB: present, though maybe empty */
};

struct row {
	struct row *next;
	struct value cells[];
};

/* --- units --- */

struct statement {
	struct slice sql;   /* with a NUL behind */
	bool rare;          /* hardly asked a second time: not worth keeping prepared */
	bool expects_row;   /* writing: it must change at least one row ... */
	enum err otherwise; /* ... or this is the unit's result */
	const struct value *params;
	size_t param_count;

	struct row *rows; /* the answer, in the unit's arena */
	size_t row_count;
};

struct unit {
	bool writes;
	struct statement *statements;
	size_t count;
	struct arena *arena; /* the unit's own: nobody else touches it until done() */
	struct loop *loop;

	/* Called by the driver on the thread that read, when all rows are there; the store still
	 * lives then. What it returns is the unit's result. May be NULL. */
	enum err (*rows_read)(struct unit *);
	/* Later, once, on `loop`; perhaps after the driver was closed. */
	void (*done)(struct unit *);

	enum err result;
	size_t failed;    /* the statement that gave the result */
	struct work work; /* for drivers that have threads */
};

/* --- drivers --- */

/* Each driver begins its own struct with this. */
struct db {
	const struct store_driver *driver;
};

struct db_conf {
	const char *place; /* what stands behind the colon of the URL */
	int readers;       /* as in struct store_conf */
	int waiting_max;   /* units of each kind that may wait */
};

struct store_driver {
	const char *name;               /* the word before the colon of the URL */
	const char *types[VALUE_TYPES]; /* names of column types; text must sort by bytes */
	const char *small_rows;         /* put behind CREATE TABLE (..) when rows are short */

	/* Blocks. ERR_CONFLICT: another process has it; ERR_CORRUPT: it is none of ours, or damaged;
	 * ERR_IO. `why` gets a sentence in the arena, which lives as long as the db. */
	enum err (*open)(const struct db_conf *, struct arena *, struct db **, const char **why);

	/* Run a unit at once, in the calling thread; only before the first start. Without done(). */
	void (*run)(struct db *, struct unit *);

	/* ERR_THROTTLED: too much waits; done() stays silent then. */
	enum err (*start)(struct db *, struct unit *);

	/* True: it has not begun and done() stays silent. False: done() still comes. */
	bool (*take_back)(struct db *, struct unit *);

	void (*counts)(const struct db *, struct store_counts *);

	/* As store_backup. NULL: this database has its own tools for that. */
	enum err (*backup)(struct db *, const char *path, struct arena *, const char **why);

	/* Runs what waits, then closes. The done() of those comes when their loops turn. */
	void (*close)(struct db **);
};

#define DRIVER(d) extern const struct store_driver store_##d;
#include "store/drivers.def"
#undef DRIVER

#endif
