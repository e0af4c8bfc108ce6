/*
 * service_list.c: enrollments, groups and registration records for somebody who looks through them: by the beginning of their IDs, by what
 * they are, forwards and backwards, page by page. Ours; the original's query language has neither a beginning nor an order.
 */
#include "api/service.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* Behind every character that an ID may have (device-api.md 4), and before the next letter. */
#define LAST_CHARACTER "\x7f"

/* A parameter of the request that must equal a member. */
struct filter {
	const char *name, *field;
};

static const struct filter enrollment_filters[] = {
	{"status", "provisioning_status"}, {"attestation", "attestation"}, {"policy", "allocation_policy"}, {NULL, NULL}};
static const struct filter registration_filters[] = {{"status", "status"}, {"hub", "assigned_hub"}, {NULL, NULL}};

struct list_of {
	const struct noun *noun;
	const struct filter *filters;
	/* The page; how many there are in all, as far as an index tells; and how many of those do not count. */
	struct store_want want[3];
	size_t wants;
	const char *covered; /* the filter that the index is for; NULL: none */
	bool flipped;        /* read against the order that was asked for: the page that ends before an ID */
};

/* --- from the request --- */

static struct store_where *compared(struct api_call *call, const struct field *field, struct slice value)
{
	struct store_where *w = arena_alloc(call->arena, sizeof(*w));

	if (w)
		*w = (struct store_where){.op = WHERE_EQ, .field = field, .value = value};
	return w;
}

static struct store_where *joined(struct api_call *call, int op, const struct store_where *left, const struct store_where *right)
{
	struct store_where *w = left && right ? arena_alloc(call->arena, sizeof(*w)) : NULL;

	if (w)
		*w = (struct store_where){.op = op, .left = left, .right = right};
	return w;
}

/* What was left out counts as the first choice (service-api.md 4.4). */
static struct store_where *equals(struct api_call *call, const struct field *field, struct slice value)
{
	struct store_where *w = compared(call, field, value);

	if (!(field->rules & FIELD_DEFAULT) || !slice_eq_fold(value, slice_str(field->choices[0])))
		return w;
	return joined(call, WHERE_OR, w, joined(call, WHERE_OR, compared(call, field, NO_SLICE), compared(call, field, SLICE(""))));
}

/* False: it has been refused. */
static bool take_filters(struct api_call *call, struct list_of *l, const struct store_where **where)
{
	*where = NULL;
	for (const struct filter *f = l->filters; f->name; f++) {
		const struct field *field = noun_field(l->noun, f->field);
		struct slice value = api_param(call, f->name);
		const struct store_where *one;

		if (value.n == 0 || (l->covered && strcmp(f->name, l->covered) == 0))
			continue;
		one = equals(call, field, value);
		*where = *where ? joined(call, WHERE_AND, *where, one) : one;
		if (*where == NULL) {
			api_refuse_store(call, ERR_NO_MEMORY);
			return false;
		}
	}
	return true;
}

/* Just before the first ID that begins so. */
static struct slice before_prefix(struct api_call *call, struct slice prefix)
{
	struct slice all_but_last = slice_to(prefix, prefix.n - 1);

	return arena_format(call->arena, "%.*s%c" LAST_CHARACTER, SLICE_ARG(all_but_last), prefix.p[prefix.n - 1] - 1);
}

static bool is_id_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n <= ID_MAX;
}

/* The page's bounds, from where it goes on and from the beginning that is looked for. */
static bool take_bounds(struct api_call *call, struct list_of *l, struct store_want *want)
{
	struct slice prefix = arena_fold(call->arena, api_param(call, "prefix")), after = arena_fold(call->arena, api_param(call, "after"));
	struct slice before = arena_fold(call->arena, api_param(call, "before"));
	struct slice order = api_param(call, "order"), limit = api_param(call, "limit");
	bool down = slice_eq_fold(order, SLICE("desc"));
	uint64_t n = LIST_DEFAULT;

	if ((order.n && !down && !slice_eq_fold(order, SLICE("asc"))) || !is_id_text(prefix) || !is_id_text(after) || !is_id_text(before) ||
	    (after.n && before.n) || (limit.n && (!slice_to_u64(limit, &n) || n == 0 || n > LIST_MAX))) {
		api_refuse(call, 400, 400004, NULL,
			   "prefix is the beginning of an ID, after or before an ID; order is asc or desc; limit is 1 to %d.", LIST_MAX);
		return false;
	}
	l->flipped = before.n > 0;
	want->backwards = down != l->flipped;
	if (l->flipped)
		after = before;
	want->limit = (int)n;
	want->after = after.n ? after : NO_SLICE;
	if (prefix.n && want->backwards) {
		want->until = prefix;
		if (after.n == 0)
			want->after = arena_format(call->arena, "%.*s" LAST_CHARACTER, SLICE_ARG(prefix));
	} else if (prefix.n) {
		want->until = arena_format(call->arena, "%.*s" LAST_CHARACTER, SLICE_ARG(prefix));
		if (after.n == 0)
			want->after = before_prefix(call, prefix);
	}
	return true;
}

/* All that begin so, wherever the page is. */
static void count_from(struct api_call *call, struct store_want *want)
{
	struct slice prefix = arena_fold(call->arena, api_param(call, "prefix"));

	if (prefix.n == 0)
		return;
	want->after = before_prefix(call, prefix);
	want->until = arena_format(call->arena, "%.*s" LAST_CHARACTER, SLICE_ARG(prefix));
}

/* --- the answer --- */

static void list_read(struct api_call *call, enum err e)
{
	struct list_of *l = call->state;
	const char *records = l->want[0].records;

	if (e == ERR_TIMEOUT) {
		api_refuse(call, 503, 503001, NULL, "Too few match: looking through all of them took too long. Narrow it down by prefix.");
		return;
	}
	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '{');
	json_open(&call->out, "items", '[');
	for (size_t i = 0, n = l->want[0].count; i < n; i++)
		noun_write(l->noun, records + (l->flipped ? n - 1 - i : i) * l->noun->size, VIEW_PLAIN, &call->out, NULL, call->arena);
	json_close(&call->out, ']');
	/* Behind the page that ends before an ID there is at least that one. */
	json_bool(&call->out, "more", l->want[0].more || l->flipped);
	if (l->wants > 1)
		json_int(&call->out, "total", (int64_t)(l->want[1].count - l->want[2].count));
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

/* A walk along an index in whose key a filter has a part; or, with 0 and NULL, along the primary key. */
struct walk {
	const struct noun *noun;
	const struct filter *filters;
	int by;
	const char *filter;
};

static struct store_want want_walk(struct api_call *call, const struct walk *w, struct slice value)
{
	void *like = noun_new(w->noun, call->arena);
	struct store_want want = {.noun = w->noun, .by = w->by, .like = like, .keys = w->by ? 2 : 1};

	if (like == NULL)
		return want;
	*(struct slice *)field_of(noun_field(w->noun, "scope"), like) = call->service->scope;
	if (w->by)
		*(struct slice *)field_of(noun_field(w->noun, w->noun->indexes[w->by - 1].columns[1]), like) = value;
	return want;
}

static void want_count(struct api_call *call, struct list_of *l, const struct walk *w, struct slice value)
{
	struct store_want *want = &l->want[l->wants++];

	*want = want_walk(call, w, value);
	want->count_only = true;
	count_from(call, want);
}

static const struct walk disabled = {&noun_individual, enrollment_filters, INDIVIDUAL_BY_DISABLED, "status"};

/* How many there are in all, wherever the page is. What is enabled is what is not disabled; other filters would have to look at each. */
static void want_total(struct api_call *call, struct list_of *l, const struct walk *w, struct slice value, const struct store_where *where)
{
	bool only_enabled = w->noun == &noun_individual && w->by == 0 && slice_eq_fold(api_param(call, "status"), SLICE("enabled")) &&
			    api_param(call, "attestation").n == 0 && api_param(call, "policy").n == 0;

	if (where && !only_enabled)
		return;
	want_count(call, l, w, value);
	if (only_enabled)
		want_count(call, l, &disabled, SLICE("disabled"));
}

static void list(struct api_call *call, const struct walk *w)
{
	struct list_of *l = arena_alloc(call->arena, sizeof(*l));
	struct slice value = w->filter ? arena_fold(call->arena, api_param(call, w->filter)) : NO_SLICE;

	if (l == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = l;
	l->noun = w->noun;
	l->filters = w->filters;
	l->covered = w->filter;
	/* Kinds of attestation are stored as they are spelled. */
	if (w->filter && strcmp(w->filter, "attestation") == 0)
		value = api_param(call, w->filter);
	l->want[l->wants++] = want_walk(call, w, value);
	if (!take_filters(call, l, &l->want[0].where) || !take_bounds(call, l, &l->want[0]))
		return;
	want_total(call, l, w, value, l->want[0].where);
	if (arena_failed(call->arena))
		api_refuse_store(call, ERR_NO_MEMORY);
	else
		api_read(call, l->want, l->wants, list_read);
}

void service_list_enrollments(struct api_call *call)
{
	static const struct walk groups = {&noun_group, enrollment_filters, 0, NULL};
	static const struct walk all = {&noun_individual, enrollment_filters, 0, NULL};
	static const struct walk by_attestation = {&noun_individual, enrollment_filters, INDIVIDUAL_BY_ATTESTATION, "attestation"};

	if (slice_eq_fold(call->segment[1], SLICE("enrollmentgroups")))
		list(call, &groups);
	else if (slice_eq_fold(api_param(call, "status"), SLICE("disabled")))
		list(call, &disabled);
	else
		list(call, api_param(call, "attestation").n ? &by_attestation : &all);
}

void service_list_registrations(struct api_call *call)
{
	static const struct walk all = {&noun_registration, registration_filters, 0, NULL};
	static const struct walk of_group = {&noun_registration, registration_filters, REGISTRATION_BY_GROUP, "group"};
	static const struct walk in_trouble = {&noun_registration, registration_filters, REGISTRATION_BY_TROUBLE, "status"};
	struct slice status = api_param(call, "status");

	if (api_param(call, "group").n)
		list(call, &of_group);
	else if (slice_eq_fold(status, SLICE("failed")) || slice_eq_fold(status, SLICE("disabled")))
		list(call, &in_trouble);
	else
		list(call, &all);
}
