/*
 * twin_patch.c: a twin, then a patch for it, with a line feed between them; both are bodies as a client sends them.
 *
 * Whatever is let in keeps every section within its limits, is JSON when it is written out, and stays as it is when
 * it is put in the place of itself.
 */
#include "hub/twin.h"
#include "fuzz.h"

#define ROOM (64 * 1024 * 1024)

static bool apply(struct device *d, struct slice body, enum twin_how how, struct arena *arena)
{
	struct twin_parts parts;
	struct hub_no no = twin_parts_read(body, true, arena, &parts);

	if (no.e == OK)
		no = twin_apply(d, &parts, how, INSTANT_SECOND, arena);
	need(no.e == OK || (no.code && no.sentence));
	twin_parts_free(&parts);
	return no.e == OK;
}

static void within(struct slice section, size_t max, struct arena *arena)
{
	json_t *json = NULL;

	if (slice_absent(section))
		return;
	need(json_read(section, arena, &json, NULL) == OK && json_is_object(json));
	need(twin_size(json) <= max);
	json_decref(json);
}

/* The document, and that it can be sent back: what it shows are the same sections again. */
static void there_and_back(const struct device *d, struct arena *arena)
{
	struct device again = *d;
	struct json_out out;
	struct buf text;

	buf_init(&text, ROOM);
	json_out_init(&out, &text);
	twin_write(d, &out, arena);
	need(!buf_failed(&text));
	need(apply(&again, buf_slice(&text), TWIN_REPLACE, arena));
	need(slice_absent(d->twin_tags) || slice_eq(again.twin_tags, d->twin_tags));
	need(slice_absent(d->desired) || slice_eq(again.desired, d->desired));
	need(slice_absent(d->reported) || slice_eq(again.reported, d->reported));
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_over(data, size), body;
	struct arena *arena = arena_new(ROOM);
	struct device d;

	need(arena != NULL);
	noun_clear(&noun_device, &d);
	d.device_id = SLICE("pump-17");
	d.etag = SLICE("MTAwMDAwMDE=");
	twin_start(&d);
	for (enum twin_how how = TWIN_FRESH; slice_next(&rest, '\n', &body); how = TWIN_MERGE)
		(void)apply(&d, body, how, arena);
	within(d.twin_tags, TWIN_TAGS_MAX, arena);
	within(d.desired, TWIN_DESIRED_MAX, arena);
	within(d.reported, TWIN_REPORTED_MAX, arena);
	if (!arena_failed(arena))
		there_and_back(&d, arena);
	arena_free(&arena);
	return 0;
}
