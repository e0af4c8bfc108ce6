/*
 * service_query.c: lists of enrollments and registration records, page by page (service-api.md 6.4).
 *
 * The text is "SELECT * [FROM word] [WHERE condition]", where a condition compares top-level members with literals by
 * = and !=, joined by AND and OR, with parentheses. The path decides what is listed; FROM is decoration.
 */
#include <ctype.h>

#include "base/text.h"
#include "api/service.h"

#define CONDITION_DEPTH 20

/* --- reading the text --- */

struct reader {
	struct slice rest;
	const struct noun *noun;
	struct arena *arena;
	const char *why;
	int depth;
};

static void skip_blanks(struct reader *r)
{
	while (r->rest.n && isspace((unsigned char)r->rest.p[0]))
		r->rest = slice_from(r->rest, 1);
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+';
}

/* The next word, number, quoted text or sign; absent at the end. */
static struct slice next_token(struct reader *r)
{
	struct slice s;
	size_t n = 0;

	skip_blanks(r);
	s = r->rest;
	if (s.n == 0)
		return NO_SLICE;
	if (s.p[0] == '\'' || s.p[0] == '"') {
		for (n = 1; n < s.n && s.p[n] != s.p[0]; n++)
			;
		n = n < s.n ? n + 1 : 0;
	} else if (is_word_char(s.p[0])) {
		while (n < s.n && is_word_char(s.p[n]))
			n++;
	} else {
		n = s.n > 1 && s.p[1] == '=' && (s.p[0] == '!' || s.p[0] == '=') ? 2 : 1;
		if (s.n > 1 && s.p[0] == '<' && s.p[1] == '>')
			n = 2;
	}
	r->rest = slice_from(s, n);
	return slice_to(s, n);
}

static bool take_word(struct reader *r, const char *word)
{
	struct reader before = *r;

	if (slice_eq_fold(next_token(r), slice_str(word)))
		return true;
	*r = before;
	return false;
}

static const struct store_where *read_either(struct reader *r);

static struct store_where *where_new(struct reader *r, int op)
{
	struct store_where *w = arena_alloc(r->arena, sizeof(*w));

	if (w)
		w->op = op;
	else
		r->why = "the query is too large";
	return w;
}

static const struct store_where *joined(struct reader *r, int op, const struct store_where *left, const struct store_where *right)
{
	struct store_where *w = where_new(r, op);

	if (w) {
		w->left = left;
		w->right = right;
	}
	return w;
}

static const struct store_where *compared(struct reader *r, int op, const struct field *field, struct slice value)
{
	struct store_where *w = where_new(r, op);

	if (w) {
		w->field = field;
		w->value = value;
	}
	return w;
}

/* A member that was left out is shown as its default (service-api.md 4.4), so it must be found as that too. */
static const struct store_where *compared_with_default(struct reader *r, int op, const struct field *field, struct slice value)
{
	const struct store_where *direct = compared(r, op, field, value);

	if (!(field->rules & FIELD_DEFAULT) || !slice_eq_fold(value, slice_str(field->choices[0])))
		return direct;
	direct = joined(r, op == WHERE_EQ ? WHERE_OR : WHERE_AND, direct, compared(r, op, field, NO_SLICE));
	return joined(r, op == WHERE_EQ ? WHERE_OR : WHERE_AND, direct, compared(r, op, field, SLICE("")));
}

static bool is_scalar(const struct field *f)
{
	return f->type == FIELD_TEXT || f->type == FIELD_ENUM || f->type == FIELD_FLAG || f->type == FIELD_INT;
}

/* member = literal */
static const struct store_where *read_comparison(struct reader *r)
{
	struct slice name = next_token(r), sign, literal;
	const struct field *field = name.n ? noun_field_json(r->noun, arena_str(r->arena, name)) : NULL;
	int op;

	if (field == NULL || !is_scalar(field) || (field->rules & FIELD_UNSTORED)) {
		r->why = arena_printf(r->arena, "\"%.*s\" is not a member that can be compared", SLICE_ARG(name));
		return NULL;
	}
	sign = next_token(r);
	if (slice_eq(sign, SLICE("=")) || slice_eq(sign, SLICE("==")))
		op = WHERE_EQ;
	else if (slice_eq(sign, SLICE("!=")) || slice_eq(sign, SLICE("<>")))
		op = WHERE_NE;
	else {
		r->why = "a comparison is made with = or !=";
		return NULL;
	}
	literal = next_token(r);
	if (literal.n == 0) {
		r->why = "a comparison needs a value: 'text', a number, true, false or null";
		return NULL;
	}
	if (slice_eq_fold(literal, SLICE("null")))
		return compared(r, op, field, NO_SLICE);
	if (literal.p[0] == '\'' || literal.p[0] == '"')
		literal = slice_over(literal.p + 1, literal.n - 2);
	return compared_with_default(r, op, field, literal);
}

static const struct store_where *read_unit(struct reader *r)
{
	const struct store_where *w;

	if (!take_word(r, "("))
		return read_comparison(r);
	if (++r->depth > CONDITION_DEPTH) {
		r->why = "the condition is nested too deeply";
		return NULL;
	}
	w = read_either(r);
	r->depth--;
	if (w && !take_word(r, ")")) {
		r->why = "a parenthesis is not closed";
		return NULL;
	}
	return w;
}

static const struct store_where *read_both(struct reader *r)
{
	const struct store_where *left = read_unit(r);

	while (left && take_word(r, "AND")) {
		const struct store_where *right = read_unit(r);

		left = right ? joined(r, WHERE_AND, left, right) : NULL;
	}
	return left;
}

static const struct store_where *read_either(struct reader *r)
{
	const struct store_where *left = read_both(r);

	while (left && take_word(r, "OR")) {
		const struct store_where *right = read_both(r);

		left = right ? joined(r, WHERE_OR, left, right) : NULL;
	}
	return left;
}

/* NULL in *why: fine, also without a condition. */
static const struct store_where *read_query(struct slice text, const struct noun *noun, struct arena *arena, const char **why)
{
	struct reader r = {.rest = text, .noun = noun, .arena = arena};
	const struct store_where *where = NULL;

	if (!take_word(&r, "SELECT") || !take_word(&r, "*"))
		r.why = "a query begins with SELECT *";
	else if (take_word(&r, "FROM") && next_token(&r).n == 0)
		r.why = "FROM needs a name";
	else if (take_word(&r, "WHERE"))
		where = read_either(&r);
	skip_blanks(&r);
	if (r.why == NULL && r.rest.n)
		r.why = arena_printf(arena, "\"%.*s\" is not understood", SLICE_ARG(slice_to(r.rest, 40)));
	*why = r.why;
	return where;
}

/* --- pages --- */

struct page {
	const struct noun *noun;
	const struct entry_kind *kind; /* NULL: registration records */
	const char *item_type;
	struct enrollment like, group_like;
	struct registration_record *record_like;
	struct store_want want[2];
};

static int page_size(const struct api_call *call)
{
	uint64_t n;

	if (!slice_to_u64(api_header(call, "x-ms-max-item-count"), &n) || n == 0)
		return PAGE_DEFAULT;
	return n > PAGE_MAX ? PAGE_MAX : (int)n;
}

/* Set size, start and condition from the request. False: it has been refused. */
static bool page_from_request(struct api_call *call, struct page *page, struct store_want *want)
{
	struct slice body = call->q->body, token = api_header(call, "x-ms-continuation"), text = NO_SLICE;
	const char *why = NULL;
	json_t *json = NULL;

	want->limit = page_size(call);
	if (token.n) {
		want->after = base64_decode(call->arena, token);
		if (want->after.n == 0) {
			api_refuse(call, 400, 400004, NULL, "x-ms-continuation is not a token of this server.");
			return false;
		}
	}
	if (slice_trim(body).n && json_read(body, call->arena, &json, &why) != OK) {
		api_refuse(call, 400, 400004, NULL, "%s", why);
		return false;
	}
	if (json)
		text = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "query"))));
	json_decref(json);
	if (text.n > QUERY_TEXT_MAX) {
		api_refuse(call, 400, 400004, NULL, "The query is longer than %d characters.", QUERY_TEXT_MAX);
		return false;
	}
	if (text.n)
		want->where = read_query(text, page->noun, call->arena, &why);
	if (text.n && why) {
		api_refuse(call, 400, 400004, NULL, "The query is not understood: %s.", why);
		return false;
	}
	return true;
}

static struct slice id_of(const struct page *page, const void *record)
{
	return page->kind ? ((const struct enrollment *)record)->id : ((const struct registration_record *)record)->id;
}

static void page_read(struct api_call *call, enum err e)
{
	struct page *page = call->state;
	struct store_want *want = &page->want[0];
	const char *records = want->records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (page->kind == NULL && page->want[1].count == 0) {
		api_refuse(call, 404, group_kind.missing, NULL, "%s", group_kind.missing_text);
		return;
	}
	json_open(&call->out, NULL, '[');
	for (size_t i = 0; i < want->count; i++)
		noun_write(page->noun, records + i * page->noun->size, VIEW_PLAIN, &call->out, NULL, call->arena);
	json_close(&call->out, ']');
	api_add_header(call, "x-ms-item-type", slice_str(page->item_type));
	if (want->more)
		api_add_header(call, "x-ms-continuation",
			       base64_encode(call->arena, id_of(page, records + (want->count - 1) * page->noun->size)));
	api_answer_out(call, 200);
}

static struct page *page_begin(struct api_call *call)
{
	struct page *page = arena_alloc(call->arena, sizeof(*page));

	if (page == NULL || (page->record_like = noun_new(&noun_registration, call->arena)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	page->like.scope = page->group_like.scope = page->record_like->scope = call->service->scope;
	call->state = page;
	return page;
}

void service_query_enrollments(struct api_call *call)
{
	struct page *page = page_begin(call);

	if (page == NULL)
		return;
	page->kind = kind_of_path(call);
	page->noun = page->kind->noun;
	page->item_type = page->kind->item_type;
	page->want[0] = (struct store_want){.noun = page->noun, .like = &page->like, .keys = 1};
	if (page_from_request(call, page, &page->want[0]))
		api_read(call, page->want, 1, page_read);
}

/* The devices that registered through a group (service-api.md 6.6). */
void service_query_registrations(struct api_call *call)
{
	struct page *page = page_begin(call);

	if (page == NULL)
		return;
	page->noun = &noun_registration;
	page->item_type = "DeviceRegistration";
	page->group_like.id = page->record_like->group_id = arena_fold(call->arena, call->segment[1]);
	page->want[0] = (struct store_want){.noun = page->noun, .by = REGISTRATION_BY_GROUP, .like = page->record_like, .keys = 2};
	page->want[1] = (struct store_want){.noun = &noun_group, .like = &page->group_like, .keys = 2};
	if (page_from_request(call, page, &page->want[0]))
		api_read(call, page->want, 2, page_read);
}
