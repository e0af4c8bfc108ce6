/*
 * query.h: the query language for twins (hub-api.md 4.7): reading it, and judging one device by it. Pure.
 *
 *	SELECT [TOP n] * | item {, item}      item: path [AS name] | COUNT() [AS name]
 *	FROM devices | devices.modules | devices.jobs
 *	[WHERE condition] [GROUP BY path]
 *
 * A path names a member of the twin document. Names of the document's own members compare without case, those inside
 * tags and properties.desired/reported with it; [[name]] takes any name. Only values that are there and are primitive
 * compare: anything else makes the comparison false, but for `undefined`, which equals a path that leads nowhere.
 */
#ifndef BERTH_HUB_QUERY_H
#define BERTH_HUB_QUERY_H

#include "hub/hub_own.h"

#define QUERY_PATH_MAX    24 /* names in one path */
#define QUERY_ITEMS_MAX   64 /* columns, and literals in one list */
#define QUERY_NESTING_MAX 32 /* NOT and parentheses */

enum value_type { VALUE_UNDEFINED, VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_STRING, VALUE_OBJECT, VALUE_ARRAY };

struct query_value {
	enum value_type type;
	bool truth;
	double number;
	struct slice text; /* of a string, its escapes undone */
};

struct query_path {
	struct slice name[QUERY_PATH_MAX]; /* as the document spells them, JSON escapes included */
	size_t count;
};

struct query_operand {
	bool is_path;
	struct query_path *path;
	struct query_value value;
};

enum query_op {
	QUERY_AND,
	QUERY_OR,
	QUERY_NOT,
	QUERY_EQ,
	QUERY_NE,
	QUERY_LT,
	QUERY_LE,
	QUERY_GT,
	QUERY_GE,
	QUERY_IN,
	QUERY_NIN,
	QUERY_CALL,  /* of `function` */
	QUERY_TRUTH, /* an operand by itself: whether it is true */
};

struct query_condition {
	enum query_op op;
	struct query_condition *left, *right; /* AND, OR; NOT has only left */
	struct query_operand a, b;
	const struct query_value *list; /* IN, NIN */
	size_t list_count;
	bool (*function)(const struct query_value *, const struct query_value *);
};

struct query_column {
	struct slice name;
	bool counts; /* COUNT() */
	struct query_path *path;
};

enum query_source { QUERY_DEVICES, QUERY_MODULES, QUERY_JOBS };

struct query {
	enum query_source source;
	bool all;    /* SELECT * */
	int64_t top; /* INT_NONE: no limit */
	struct query_column *column;
	size_t columns;
	struct query_condition *where; /* NULL: every device */
	struct query_path *group;      /* NULL: no GROUP BY */
	bool counts;                   /* there is a COUNT() */
};

/* Read a query. ERR_MALFORMED: `why` says what was expected, and at which character. ERR_TOO_BIG: the arena. */
MUST_USE enum err query_read(struct slice text, struct arena *, struct query *out, const char **why);

/* One device, as the document that queries look at. */
struct query_row {
	struct slice document;
	struct arena *scratch; /* for what must be unescaped */
};

/* Whether WHERE lets the row through. */
bool query_matches(const struct query *, struct query_row *);

/* The JSON text a path leads to; absent: nowhere. */
struct slice query_follow(const struct query_path *, const struct query_row *);

/* Rows put together. */
struct query_group {
	struct slice value; /* of GROUP BY's path; absent: it leads nowhere, or there is no GROUP BY */
	int64_t count;
};

/* One object: of a row, or of a group (then `row` may be NULL). Members whose path leads nowhere are left out. */
void query_project(const struct query *, const struct query_row *, const struct query_group *, struct json_out *);

/* The functions by name, without regard to case. */
struct query_function {
	const char *name;
	int arguments;
	bool (*holds)(const struct query_value *, const struct query_value *);
};
const struct query_function *query_function_find(struct slice name);

#endif
