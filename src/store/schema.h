/*
 * schema.h: the tables in the database, and their history.
 *
 * A fresh store gets its tables from the nouns, at the current version. An older one is led
 * up by steps, one transaction each, that carry the version with them. The table `meta`
 * (name, value) keeps the version and a sealed word that tells a wrong master key.
 */
#ifndef BERTH_STORE_SCHEMA_H
#define BERTH_STORE_SCHEMA_H

#include "store/sql.h"

/* One step from `version` - 1 to `version`. In the SQL {int}, {text} and {blob} stand for the
 * driver's names of types, and {small} for what it puts behind a table of short rows. */
struct migration {
	int version;
	const char *const *sql; /* ended by NULL */
};

struct schema {
	int version;
	const struct migration *steps; /* in order, the last one to `version` */
	size_t count;
};

/* What this Berth knows. Whoever changes the rows of a noun adds a step here. */
#define SCHEMA_VERSION 8
extern const struct schema schema_current;

/* Create or migrate, and try the master key. Blocks. Errors as of store_open. */
MUST_USE enum err schema_ready(struct db *, const struct schema *, const struct seal *, const struct table *tables, size_t count,
			       struct arena *, const char **why);

/* The SQL that makes a table and its indexes, each behind the other; NULL: the arena is full. */
const char *const *schema_create(const struct table *, const struct store_driver *, struct arena *);

/* store_open with another history of tables, for tests. */
MUST_USE enum err store_open_schema(const struct store_conf *, const struct schema *, struct arena *, struct store **, const char **why);

#endif
