/*
 * sql.h: SQL from the rows of a noun.
 *
 * A table is what the store knows of a noun: which of its fields are columns, which of
 * those the keys, and the statements that are always the same. Statements that depend on
 * the question are put together piece by piece, each value becoming the next parameter,
 * so that no value ever stands in the text.
 */
#ifndef BERTH_STORE_SQL_H
#define BERTH_STORE_SQL_H

#include "store/driver.h"

#define KEYS_MAX    4 /* key columns of a noun, and columns of an index */
#define COLUMNS_MAX 64
#define PARAMS_MAX  128 /* of one statement */

struct table {
	const struct noun *noun;
	const struct field *columns[COLUMNS_MAX]; /* what is stored, in the order of the rows */
	int column_count;
	int keys[KEYS_MAX]; /* the primary key: places in columns[] */
	int key_count;
	bool small; /* a row is short enough to live in the tree of its key */

	/* Parameters: all columns in order ... */
	struct slice insert, put;
	/* ... the columns that are no keys, then the keys, then the etag if it is asked for ... */
	struct slice update, update_if;
	/* ... the keys, then the etag. */
	struct slice delete, delete_if;
	struct slice columns_text; /* "a, b, c" */
	struct slice find;         /* by the whole primary key */
};

/* Work out everything above; texts go to the arena. The noun is ours and asserted to fit. */
MUST_USE enum err table_init(struct table *, const struct noun *, struct arena *);

/* The table as one sees it who reads only these columns and the key: no statements but the columns. */
MUST_USE enum err table_narrow(const struct table *, const char *const *only, struct arena *, struct table *out);

bool column_is_key(const struct table *, int column);

/* What a field's column holds. */
enum value_type column_type(const struct field *);

/* --- piece by piece --- */

struct sql {
	struct buf text;
	struct arena *arena; /* of the parameters and the finished text */
	struct value params[PARAMS_MAX];
	size_t count;
	bool failed; /* too many parameters; an overlong text says so itself */
};

void sql_init(struct sql *, struct arena *);
void sql_fini(struct sql *);
void sql_add(struct sql *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Write the next parameter and remember its value, which is not copied. */
void sql_param(struct sql *, struct value);

/* "column = $n", or "column IS NULL". */
void sql_equals(struct sql *, const char *column, struct value);

/* Text and parameters to the arena. ERR_TOO_BIG, ERR_NO_MEMORY. */
MUST_USE enum err sql_finish(struct sql *, struct statement *);

#endif
