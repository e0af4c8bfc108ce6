/*
 * query_read.c: from a query's text to what it asks (hub-api.md 4.7), by recursive descent.
 *
 * Each function reads one rule of the grammar in query.h. The first thing that goes wrong is kept as the reader's
 * sentence, and everything after it fails without a further word.
 */
#include "hub/query.h"
#include "hub/query_lex.h"

struct reader {
	struct query_lexer lexer;
	struct query_token token; /* the one being looked at */
	struct arena *arena;
	const char *why;
	int nesting;
};

static bool failed(const struct reader *r)
{
	return r->why != NULL;
}

static void fail(struct reader *r, const char *expected)
{
	const struct query_token *t = &r->token;

	if (failed(r))
		return;
	if (t->type == TOKEN_END)
		r->why = arena_printf(r->arena, "The query ends at character %zu, where %s is expected.", t->at + 1, expected);
	else
		r->why = arena_printf(r->arena, "The query is malformed at character %zu: %s is expected.", t->at + 1, expected);
	if (r->why == NULL)
		r->why = "The query is too long.";
}

static void next(struct reader *r)
{
	query_lex(&r->lexer, &r->token);
}

static bool at_word(const struct reader *r, const char *word)
{
	return r->token.type == TOKEN_WORD && slice_eq_fold(r->token.text, slice_str(word));
}

static bool at_sign(const struct reader *r, const char *sign)
{
	return r->token.type == TOKEN_SIGN && slice_eq(r->token.text, slice_str(sign));
}

/* Whether the token is that word or sign, which is then behind us. */
static bool took_word(struct reader *r, const char *word)
{
	bool there = !failed(r) && at_word(r, word);

	if (there)
		next(r);
	return there;
}

static bool took_sign(struct reader *r, const char *sign)
{
	bool there = !failed(r) && at_sign(r, sign);

	if (there)
		next(r);
	return there;
}

static void need_word(struct reader *r, const char *word)
{
	if (!took_word(r, word))
		fail(r, word);
}

static void need_sign(struct reader *r, const char *sign)
{
	if (!took_sign(r, sign))
		fail(r, sign);
}

static void *make(struct reader *r, size_t size)
{
	void *p = arena_alloc(r->arena, size);

	if (p == NULL && !failed(r))
		r->why = "The query is too long.";
	return p;
}

/* --- paths --- */

/* The document's own names: what a path says in any case is spelled like this (twin.c). */
static const char *const own_names[] = {
	"deviceId",
	"etag",
	"deviceEtag",
	"status",
	"statusReason",
	"statusUpdateTime",
	"connectionState",
	"lastActivityTime",
	"cloudToDeviceMessageCount",
	"authenticationType",
	"x509Thumbprint",
	"x509Thumbprint.primaryThumbprint",
	"x509Thumbprint.secondaryThumbprint",
	"modelId",
	"version",
	"deviceScope",
	"parentScopes",
	"tags",
	"properties",
	"properties.desired",
	"properties.reported",
	"capabilities",
	"capabilities.iotEdge",
};

/* Spell the last name of the path like the document, if what is before it and the name are the document's own. */
static void spell(struct query_path *path)
{
	for (size_t i = 0; i < sizeof(own_names) / sizeof(own_names[0]); i++) {
		struct slice rest = slice_str(own_names[i]), piece = NO_SLICE;
		size_t at = 0;

		while (slice_next(&rest, '.', &piece) && at < path->count && slice_eq_fold(piece, path->name[at]))
			at++;
		if (at == path->count && slice_absent(rest) && slice_eq_fold(piece, path->name[at - 1])) {
			path->name[at - 1] = piece;
			return;
		}
	}
}

/* As JSON spells it between quotes: that is what the document is searched for. */
static struct slice escaped(struct reader *r, struct slice name)
{
	struct slice text;
	struct buf buf;

	buf_init(&buf, 6 * HUB_QUERY_MAX + 2);
	json_quote(&buf, name);
	text = buf_slice(&buf);
	text = arena_copy(r->arena, slice_over(text.p + 1, text.n - 2));
	buf_fini(&buf);
	if (slice_absent(text))
		fail(r, "a shorter name");
	return text;
}

static void read_name(struct reader *r, struct query_path *path)
{
	if (r->token.type != TOKEN_WORD && r->token.type != TOKEN_NAME) {
		fail(r, "a name");
	} else if (path->count == QUERY_PATH_MAX) {
		fail(r, "a path of fewer names");
	} else {
		path->name[path->count++] = r->token.type == TOKEN_WORD ? r->token.text : escaped(r, r->token.text);
		spell(path);
		next(r);
	}
}

static struct query_path *read_path(struct reader *r)
{
	struct query_path *path = make(r, sizeof(*path));

	if (path == NULL)
		return NULL;
	read_name(r, path);
	while (took_sign(r, "."))
		read_name(r, path);
	return path;
}

/* --- operands --- */

static const struct {
	const char *word;
	struct query_value value;
} constants[] = {
	{"true", {.type = VALUE_BOOL, .truth = true}},
	{"false", {.type = VALUE_BOOL}},
	{"null", {.type = VALUE_NULL}},
	{"undefined", {.type = VALUE_UNDEFINED}},
};

static bool took_literal(struct reader *r, struct query_value *out)
{
	const struct query_token *t = &r->token;

	if (t->type == TOKEN_STRING) {
		*out = (struct query_value){.type = VALUE_STRING, .text = t->text};
		next(r);
		return true;
	}
	if (t->type == TOKEN_NUMBER) {
		*out = (struct query_value){.type = VALUE_NUMBER, .number = t->number};
		next(r);
		return true;
	}
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (took_word(r, constants[i].word)) {
			*out = constants[i].value;
			return true;
		}
	return false;
}

static struct query_operand read_operand(struct reader *r)
{
	struct query_operand o = {0};

	if (failed(r) || took_literal(r, &o.value))
		return o;
	if (r->token.type != TOKEN_WORD && r->token.type != TOKEN_NAME) {
		fail(r, "a path or a value");
		return o;
	}
	o.is_path = true;
	o.path = read_path(r);
	return o;
}

static void read_list(struct reader *r, struct query_condition *c)
{
	struct query_value *list = make(r, QUERY_ITEMS_MAX * sizeof(*list));

	need_sign(r, "[");
	if (failed(r) || took_sign(r, "]"))
		return;
	do {
		if (c->list_count == QUERY_ITEMS_MAX)
			fail(r, "the end of the list (it is too long)");
		else if (!took_literal(r, &list[c->list_count++]))
			fail(r, "a value");
	} while (took_sign(r, ","));
	c->list = list;
	need_sign(r, "]");
}

/* --- conditions --- */

static struct query_condition *read_or(struct reader *r);

static const struct {
	const char *sign;
	enum query_op op;
} comparisons[] = {
	{"=", QUERY_EQ}, {"!=", QUERY_NE}, {"<>", QUERY_NE}, {"<", QUERY_LT}, {"<=", QUERY_LE}, {">", QUERY_GT}, {">=", QUERY_GE},
};

/* What follows the first operand. */
static void read_comparison(struct reader *r, struct query_condition *c)
{
	c->op = QUERY_TRUTH;
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (took_sign(r, comparisons[i].sign)) {
			c->op = comparisons[i].op;
			c->b = read_operand(r);
			return;
		}
	if (took_word(r, "IN")) {
		c->op = QUERY_IN;
		read_list(r, c);
	} else if (took_word(r, "NIN")) {
		c->op = QUERY_NIN;
		read_list(r, c);
	}
}

static void read_call(struct reader *r, struct query_condition *c, struct slice name)
{
	const struct query_function *f = query_function_find(name);

	if (f == NULL) {
		fail(r, "the name of a function before this");
		return;
	}
	c->op = QUERY_CALL;
	c->function = f->holds;
	need_sign(r, "(");
	c->a = read_operand(r);
	if (f->arguments == 2) {
		need_sign(r, ",");
		c->b = read_operand(r);
	}
	need_sign(r, ")");
}

/* A word with a parenthesis behind it is a function; the lexer is put back when it is none. */
static bool took_function(struct reader *r, struct query_condition *c)
{
	struct query_lexer lexer = r->lexer;
	struct query_token token = r->token;

	if (token.type != TOKEN_WORD)
		return false;
	next(r);
	if (at_sign(r, "(")) {
		read_call(r, c, token.text);
		return true;
	}
	r->lexer = lexer;
	r->token = token;
	return false;
}

static struct query_condition *read_test(struct reader *r)
{
	struct query_condition *c;

	if (took_sign(r, "(")) {
		c = read_or(r);
		need_sign(r, ")");
		return c;
	}
	if ((c = make(r, sizeof(*c))) == NULL || took_function(r, c))
		return c;
	c->a = read_operand(r);
	read_comparison(r, c);
	return c;
}

static struct query_condition *join(struct reader *r, enum query_op op, struct query_condition *left, struct query_condition *right)
{
	struct query_condition *c = make(r, sizeof(*c));

	if (c)
		*c = (struct query_condition){.op = op, .left = left, .right = right};
	return c;
}

static struct query_condition *read_not(struct reader *r)
{
	struct query_condition *c;

	if (failed(r))
		return NULL;
	if (++r->nesting > QUERY_NESTING_MAX) {
		fail(r, "a query with fewer parentheses");
		return NULL;
	}
	c = took_word(r, "NOT") ? join(r, QUERY_NOT, read_not(r), NULL) : read_test(r);
	r->nesting--;
	return c;
}

/* a AND b AND c: each node has one test on its left and the rest of the chain on its right, so that a long chain is
 * walked in a loop. */
static struct query_condition *read_chain(struct reader *r, const char *word, enum query_op op,
					  struct query_condition *(*read)(struct reader *))
{
	struct query_condition *first = read(r), **tail = &first;

	while (took_word(r, word)) {
		if ((*tail = join(r, op, *tail, read(r))) == NULL)
			return NULL;
		tail = &(*tail)->right;
	}
	return first;
}

static struct query_condition *read_and(struct reader *r)
{
	return read_chain(r, "AND", QUERY_AND, read_not);
}

static struct query_condition *read_or(struct reader *r)
{
	return read_chain(r, "OR", QUERY_OR, read_and);
}

/* --- what is selected --- */

/* COUNT() and COUNT(*). */
static bool took_count(struct reader *r)
{
	struct query_lexer lexer = r->lexer;
	struct query_token token = r->token;

	if (took_word(r, "COUNT") && took_sign(r, "(")) {
		(void)took_sign(r, "*");
		need_sign(r, ")");
		return true;
	}
	r->lexer = lexer;
	r->token = token;
	return false;
}

static bool name_is_taken(const struct query *q, struct slice name)
{
	for (size_t i = 0; i + 1 < q->columns; i++)
		if (slice_eq(q->column[i].name, name))
			return true;
	return false;
}

/* Without AS a path is called by its last name, and a count by its place. */
static struct slice column_name(struct reader *r, const struct query *q, const struct query_column *column)
{
	struct slice name;

	if (took_word(r, "AS")) {
		name = r->token.type == TOKEN_NAME ? escaped(r, r->token.text) : r->token.text;
		if (r->token.type != TOKEN_WORD && r->token.type != TOKEN_NAME)
			fail(r, "a name");
		next(r);
		return name;
	}
	if (column->counts)
		return arena_format(r->arena, "$%zu", q->columns);
	return column->path && column->path->count ? column->path->name[column->path->count - 1] : NO_SLICE;
}

static void read_column(struct reader *r, struct query *q)
{
	struct query_column *column = &q->column[q->columns];

	if (q->columns == QUERY_ITEMS_MAX) {
		fail(r, "FROM (there are too many columns)");
		return;
	}
	q->columns++;
	column->counts = took_count(r);
	q->counts |= column->counts;
	if (!column->counts)
		column->path = read_path(r);
	column->name = column_name(r, q, column);
	if (name_is_taken(q, column->name))
		fail(r, "another name for this column (by AS)");
}

static void read_select(struct reader *r, struct query *q)
{
	need_word(r, "SELECT");
	if (took_word(r, "TOP")) {
		if (r->token.type != TOKEN_NUMBER || r->token.number < 0 || r->token.number > 1e9)
			fail(r, "a number of rows");
		else
			q->top = (int64_t)r->token.number;
		next(r);
	}
	if ((q->all = took_sign(r, "*")))
		return;
	do
		read_column(r, q);
	while (took_sign(r, ","));
}

static void read_from(struct reader *r, struct query *q)
{
	need_word(r, "FROM");
	need_word(r, "devices");
	if (!took_sign(r, "."))
		return;
	if (took_word(r, "modules"))
		q->source = QUERY_MODULES;
	else if (took_word(r, "jobs"))
		q->source = QUERY_JOBS;
	else
		fail(r, "modules or jobs");
}

static bool same_path(const struct query_path *a, const struct query_path *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!slice_eq(a->name[i], b->name[i]))
			return false;
	return true;
}

/* Where rows are put together, a column is either what they have in common or how many they are. */
static void check_columns(struct reader *r, const struct query *q)
{
	if (!q->group && !q->counts)
		return;
	for (size_t i = 0; i < q->columns && !failed(r); i++)
		if (!q->column[i].counts && (!q->group || !same_path(q->column[i].path, q->group)))
			r->why = "Beside COUNT() only the path of GROUP BY can be selected.";
	if (q->all && !failed(r))
		r->why = "SELECT * does not go with GROUP BY.";
}

enum err query_read(struct slice text, struct arena *arena, struct query *out, const char **why)
{
	struct reader r = {.lexer = {.text = text, .arena = arena}, .arena = arena};

	*out = (struct query){.top = INT_NONE};
	if ((out->column = make(&r, QUERY_ITEMS_MAX * sizeof(*out->column))) == NULL)
		return ERR_TOO_BIG;
	next(&r);
	read_select(&r, out);
	read_from(&r, out);
	if (took_word(&r, "WHERE"))
		out->where = read_or(&r);
	if (took_word(&r, "GROUP")) {
		need_word(&r, "BY");
		out->group = failed(&r) ? NULL : read_path(&r);
	}
	if (!failed(&r) && r.token.type != TOKEN_END)
		fail(&r, out->where || out->group ? "the end, AND or OR" : "WHERE, GROUP BY or the end");
	if (!failed(&r))
		check_columns(&r, out);
	*why = r.why;
	return failed(&r) ? ERR_MALFORMED : OK;
}
