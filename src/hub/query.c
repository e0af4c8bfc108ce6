/*
 * query.c: answering a query page by page (hub-api.md 4.7).
 *
 * A page ends when it is full, when enough rows were looked at, or when enough time has gone by; it may then be
 * short, even empty, and says where the next one starts. Rows that are put together (COUNT, GROUP BY) come in one page.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "hub/query.h"
#include "hub/twin.h"

#define QUERY_PAGE_DEFAULT 100
#define QUERY_PAGE_BYTES   (4u << 20) /* a page that has grown beyond this ends */
#define QUERY_SCAN_ROWS    20000      /* looked at for one page */
#define QUERY_SCAN_MS      2000
#define QUERY_GATHER_MS    20000 /* for putting rows together, which has no pages */
#define QUERY_GROUPS_MAX   1000
#define QUERY_SCRATCH_MAX  (4u << 20)
#define QUERY_SCRATCH_KEEP (64u << 10) /* scratch memory used beyond this is given back between rows */

struct run {
	struct scan scan;
	struct query query;
	int64_t left; /* rows that TOP still allows; INT_NONE: no limit */
	int page_max, rows;
	struct buf document;
	struct arena *scratch;

	/* Rows put together: */
	struct map *groups; /* of struct query_group, by its value's text */
	struct query_group *group[QUERY_GROUPS_MAX];
	size_t group_count;
	struct store_want count; /* for counting all devices, which the store does itself */
	struct store_ask *store_ask;
	struct hub_no no;
};

static void run_fini(struct hub_ask *ask)
{
	struct run *run = ask->state;

	scan_stop(&run->scan);
	store_cancel(&run->store_ask);
	map_free(&run->groups);
	arena_free(&run->scratch);
	buf_fini(&run->document);
}

static bool gathers(const struct query *q)
{
	return q->counts || q->group;
}

/* --- continuation: how many rows TOP still allows, and the last device that was looked at --- */

static struct slice continuation_make(const struct run *run, struct arena *arena)
{
	struct slice text;

	if (run->left == INT_NONE)
		text = arena_format(arena, "|%.*s", SLICE_ARG(run->scan.after));
	else
		text = arena_format(arena, "%" PRId64 "|%.*s", run->left, SLICE_ARG(run->scan.after));
	return slice_absent(text) ? text : base64_encode(arena, text);
}

static struct hub_no continuation_read(struct run *run, struct slice given, struct arena *arena)
{
	struct slice rest = base64_decode(arena, given), left = NO_SLICE;
	uint64_t n = 0;

	if (!slice_next(&rest, '|', &left) || !device_id_is_good(rest) || (left.n && (!slice_to_u64(left, &n) || n > INT64_MAX)))
		return hub_no_invalid(arena, "x-ms-continuation is not one that this hub has given.");
	run->scan.after = rest;
	if (left.n && run->query.top != INT_NONE)
		run->left = (int64_t)n;
	return HUB_FINE;
}

/* --- rows put together --- */

/* The group of this value; NULL: there is no room for another one, and run->no says why. */
static struct query_group *group_of(struct run *run, struct slice value)
{
	struct hub_ask *ask = run->scan.ask;
	struct query_group *group = map_get(run->groups, value);

	if (group)
		return group;
	if (run->group_count == QUERY_GROUPS_MAX) {
		run->no = hub_no_invalid(ask->arena, "GROUP BY makes more than %d groups.", QUERY_GROUPS_MAX);
		return NULL;
	}
	group = arena_alloc(ask->arena, sizeof(*group));
	run->no = hub_no_memory();
	if (group == NULL)
		return NULL;
	group->value = arena_copy(ask->arena, value);
	if (map_put(run->groups, value, group) != OK)
		return NULL;
	run->no = HUB_FINE;
	run->group[run->group_count++] = group;
	return group;
}

static bool gather_row(struct run *run, const struct query_row *row)
{
	struct query_group *group = group_of(run, run->query.group ? query_follow(run->query.group, row) : NO_SLICE);

	if (group)
		group->count++;
	return group != NULL;
}

/* COUNT() without GROUP BY has its one row even when nothing was counted. */
static void write_groups(struct run *run)
{
	struct hub_ask *ask = run->scan.ask;

	if (run->query.group == NULL && run->group_count == 0)
		(void)group_of(run, NO_SLICE);
	for (size_t i = 0; i < run->group_count && (run->left == INT_NONE || (int64_t)i < run->left); i++)
		query_project(&run->query, NULL, run->group[i], &ask->out);
}

/* --- rows --- */

static bool refresh_scratch(struct run *run)
{
	if (run->scratch && arena_used(run->scratch) > QUERY_SCRATCH_KEEP)
		arena_free(&run->scratch);
	if (run->scratch == NULL && (run->scratch = arena_new(QUERY_SCRATCH_MAX)) == NULL)
		run->no = hub_no_memory();
	return run->scratch != NULL;
}

/* True: go on. */
static bool show_row(struct run *run, const struct query_row *row)
{
	struct hub_ask *ask = run->scan.ask;

	if (run->query.all)
		json_raw(&ask->out, NULL, row->document);
	else
		query_project(&run->query, row, NULL, &ask->out);
	run->rows++;
	if (run->left != INT_NONE)
		run->left--;
	return run->rows < run->page_max && run->left != 0 && ask->body.n < QUERY_PAGE_BYTES;
}

static bool query_row(struct scan *s, const struct device *d)
{
	struct run *run = LIST_ITEM(s, struct run, scan);
	struct query_row row;
	struct json_out out;

	if (!refresh_scratch(run))
		return false;
	buf_clear(&run->document);
	json_out_init(&out, &run->document);
	twin_write(d, &out, run->scratch);
	row = (struct query_row){buf_slice(&run->document), run->scratch};
	if (buf_failed(&run->document) || arena_failed(run->scratch)) {
		run->no = hub_no_memory();
		return false;
	}
	if (!query_matches(&run->query, &row))
		return true;
	return gathers(&run->query) ? gather_row(run, &row) : show_row(run, &row);
}

/* --- the answer --- */

static void answer(struct run *run, bool more)
{
	struct hub_ask *ask = run->scan.ask;

	if (gathers(&run->query))
		write_groups(run);
	else if (more && run->left != 0)
		ask->answer.continuation = continuation_make(run, ask->arena);
	if (run->no.e != OK) {
		ask_refuse(ask, run->no);
		return;
	}
	json_close(&ask->out, ']');
	ask_answer(ask);
}

static void scanned(struct scan *s, enum scan_end how, enum err e)
{
	struct run *run = LIST_ITEM(s, struct run, scan);

	if (how == SCAN_FAILED)
		run->no = hub_no_store(e);
	else if (how == SCAN_LIMITED && gathers(&run->query))
		run->no = (struct hub_no){ERR_TIMEOUT, "GatewayTimeout", "The hub has too many devices to count them in time."};
	answer(run, how == SCAN_ENOUGH || how == SCAN_LIMITED);
}

static void counted(void *cookie, enum err e)
{
	struct run *run = cookie;
	struct query_group *group;

	run->store_ask = NULL;
	if (e != OK)
		run->no = hub_no_store(e);
	else if ((group = group_of(run, NO_SLICE)) != NULL)
		group->count = (int64_t)run->count.count;
	answer(run, false);
}

/* --- the start --- */

static const char *item_type(const struct query *q)
{
	if (!q->all)
		return "Raw";
	return q->source == QUERY_JOBS ? "DeviceJob" : "Twin";
}

/* {"query":".."}: the text, and then what it asks. */
static struct hub_no read_body(struct run *run, struct slice body, struct arena *arena)
{
	const char *why = NULL;
	struct slice text;
	json_t *json = NULL;
	enum err e;

	if (json_read(body, arena, &json, &why) != OK)
		return hub_no_invalid(arena, "%s", why ? why : "The JSON is malformed.");
	text = arena_copy(arena, slice_str(json_string_value(json_get_fold(json, "query"))));
	json_decref(json);
	if (slice_absent(text))
		return hub_no_invalid(arena, "The body must be {\"query\":\"SELECT ...\"}.");
	if (text.n > HUB_QUERY_MAX)
		return hub_no_invalid(arena, "The query is longer than %d characters.", HUB_QUERY_MAX);
	if ((e = query_read(text, arena, &run->query, &why)) == ERR_MALFORMED)
		return hub_no_invalid(arena, "%s", why);
	return e == OK ? HUB_FINE : hub_no_memory();
}

static void start(struct run *run)
{
	struct hub_ask *ask = run->scan.ask;
	const struct query *q = &run->query;
	bool all_rows = q->where == NULL && q->group == NULL;

	if (q->source != QUERY_DEVICES || run->left == 0) { /* there are neither modules nor jobs */
		answer(run, false);
		return;
	}
	if (!gathers(q) || !all_rows) {
		if (all_rows)
			run->scan.page_rows = run->left != INT_NONE && run->left < run->page_max ? (int)run->left : run->page_max;
		run->scan.rows_max = gathers(q) ? 0 : QUERY_SCAN_ROWS;
		run->scan.ms_max = gathers(q) ? QUERY_GATHER_MS : QUERY_SCAN_MS;
		scan_start(&run->scan);
		return;
	}
	run->count = (struct store_want){.noun = &noun_device, .like = device_like(ask, NO_SLICE), .keys = 1, .count_only = true};
	if (run->count.like)
		run->store_ask = store_read(ask->hubs->store, ask->hubs->loop, ask->arena, &run->count, 1, counted, run);
	if (run->store_ask == NULL)
		ask_refuse(ask, hub_no_memory());
}

struct hub_ask *hub_query(struct hubs *hubs, struct slice hub, struct slice body, struct slice continuation, int max_items, hub_done *done,
			  void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct run), run_fini, done, cookie);
	struct run *run;
	struct hub_no no;

	if (ask == NULL)
		return NULL;
	run = ask->state;
	run->scan = (struct scan){.ask = ask, .row = query_row, .done = scanned};
	run->page_max = max_items < 1 ? QUERY_PAGE_DEFAULT : max_items > HUB_PAGE_MAX ? HUB_PAGE_MAX : max_items;
	buf_init(&run->document, HUB_BODY_MAX);
	no = read_body(run, body, ask->arena);
	run->left = run->query.top;
	if (no.e == OK && !slice_absent(continuation))
		no = continuation_read(run, continuation, ask->arena);
	if (no.e == OK && (run->groups = map_new(QUERY_GROUPS_MAX)) == NULL)
		no = hub_no_memory();
	if (no.e != OK) {
		ask_refuse(ask, no);
		return ask;
	}
	ask->answer.item_type = item_type(&run->query);
	json_open(&ask->out, NULL, '[');
	start(run);
	return ask;
}
