/*
 * hub_query.c: any text as a query, put to one twin.
 *
 * A query that is refused says why. One that is accepted judges the twin without harm, and what it selects is an
 * object of JSON whenever the query is text at all.
 */
#include "hub/query.h"
#include "fuzz.h"

#define ROOM (16 * 1024 * 1024)

static const char twin[] =
	"{\"deviceId\":\"pump-17\",\"status\":\"enabled\",\"version\":5,\"tags\":{\"site\":\"north\",\"hot\":true,\"note\":null,"
	"\"quote\":\"a \\\"b\\\" \\\\\",\"list\":[1,[2]],\"a b\":1,\"deep\":{\"er\":1.5e3}},\"properties\":{\"desired\":{\"rate\":5,"
	"\"$version\":2},\"reported\":{}},\"capabilities\":{\"iotEdge\":false}}";

/* A query comes as a string of JSON, and one with a NUL in it is refused before it gets here (codec/json.h). */
static bool is_text(struct slice s)
{
	json_t *string = json_stringn(s.p, s.n);

	json_decref(string);
	return string != NULL && (s.n == 0 || memchr(s.p, 0, s.n) == NULL);
}

static void select_from(const struct query *q, struct query_row *row)
{
	const struct query_group group = {SLICE("1"), 7};
	bool together = q->counts || q->group;
	json_t *object = NULL;
	struct json_out out;
	struct buf text;

	(void)query_matches(q, row);
	buf_init(&text, ROOM);
	json_out_init(&out, &text);
	query_project(q, row, together ? &group : NULL, &out);
	need(!buf_failed(&text));
	need(json_read(buf_slice(&text), row->scratch, &object, NULL) == OK && json_is_object(object));
	json_decref(object);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_over(data, size);
	struct query_row row = {.document = SLICE(twin)};
	struct query q;
	const char *why = NULL;
	enum err e;

	if (size > HUB_QUERY_MAX || !is_text(text))
		return 0;
	need((row.scratch = arena_new(ROOM)) != NULL);
	e = query_read(text, row.scratch, &q, &why);
	need((e == OK) == (why == NULL));
	if (e == OK)
		select_from(&q, &row);
	arena_free(&row.scratch);
	return 0;
}
