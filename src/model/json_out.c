/*
 * json_out.c: a record becomes a JSON document, by the rows of its noun.
 */
#include <assert.h>

#include "crypto/certificate.h"
#include "model/model.h"

#define SEGMENT_MAX 64
#define FIELDS_MAX  64 /* rows of one noun: a bit each */

struct writer {
	const struct noun *noun;
	const char *record;
	unsigned views;
	struct json_out *out;
	struct arena *arena;
	uint64_t written; /* which rows are done: an object may gather rows that stand apart */
};

static const void *member_of(const struct writer *w, const struct field *f)
{
	return w->record + f->offset;
}

static bool is_present(const struct field *f, const void *member)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_JSON:
	case FIELD_KEY: return !slice_absent(*(const struct slice *)member);
	case FIELD_CERT: return ((const struct slice *)member)->n > 0;
	case FIELD_FLAG: return *(const enum flag *)member != FLAG_NONE;
	case FIELD_INT: return *(const int64_t *)member != INT_NONE;
	case FIELD_TIME: return *(const instant *)member != 0;
	case FIELD_LIST: return ((const struct slices *)member)->given || ((const struct slices *)member)->n > 0;
	}
	return false;
}

static bool is_shown(const struct writer *w, size_t i)
{
	const struct field *f = &w->noun->fields[i];

	if (f->json == NULL || (w->written & (UINT64_C(1) << i)))
		return false;
	if (f->type == FIELD_KEY && !(w->views & VIEW_SECRETS))
		return false;
	return (f->rules & (FIELD_SHOW_NULL | FIELD_SHOW_ZERO | FIELD_DEFAULT)) || is_present(f, member_of(w, f));
}

/* service-api.md 5.4: all eight, or the .NET client fails. */
void certificate_write_described(struct json_out *out, const char *name, const struct certificate_info *info)
{
	char at[INSTANT_TEXT];

	json_open(out, name, '{');
	json_text(out, "subjectName", info->subject);
	json_text(out, "sha1Thumbprint", info->sha1);
	json_text(out, "sha256Thumbprint", info->sha256);
	json_text(out, "issuerName", info->issuer);
	json_str(out, "notBeforeUtc", instant_print(info->not_before, INSTANT_SECONDS, at));
	json_str(out, "notAfterUtc", instant_print(info->not_after, INSTANT_SECONDS, at));
	json_text(out, "serialNumber", info->serial);
	json_int(out, "version", info->version);
	json_close(out, '}');
}

bool certificate_write_info(struct json_out *out, const char *name, struct slice der, struct arena *arena)
{
	struct certificate_info info;

	if (certificate_describe(der, arena, &info) != OK)
		return false;
	certificate_write_described(out, name, &info);
	return true;
}

static void write_certificate(struct writer *w, const char *name, struct slice der)
{
	json_open(w->out, name, '{');
	/* It was described once, when it was read: so the arena is full, and the document can't be whole. */
	if (!certificate_write_info(w->out, "info", der, w->arena))
		w->out->to->failed = true;
	json_close(w->out, '}');
}

static void write_list(struct json_out *out, const char *name, const struct slices *list)
{
	json_open(out, name, '[');
	for (size_t i = 0; i < list->n; i++)
		json_text(out, NULL, list->at[i]);
	json_close(out, ']');
}

/* A present, empty TEXT or ENUM of a FIELD_KEEP_NULL row is the null that was given. */
static void write_text(struct json_out *out, const char *name, const struct field *f, struct slice value)
{
	if (value.n == 0 && (f->rules & FIELD_KEEP_NULL))
		json_none(out, name);
	else
		json_text(out, name, value);
}

static void write_absent(struct json_out *out, const char *name, const struct field *f)
{
	char at[INSTANT_TEXT];

	if (f->type == FIELD_ENUM && (f->rules & FIELD_DEFAULT))
		json_str(out, name, f->choices[0]);
	else if (f->type == FIELD_TIME && (f->rules & FIELD_SHOW_ZERO))
		json_str(out, name, instant_print(0, INSTANT_ISO7, at));
	else if (f->type == FIELD_INT && (f->rules & FIELD_SHOW_ZERO))
		json_int(out, name, 0);
	else if (f->type == FIELD_FLAG && (f->rules & FIELD_SHOW_ZERO))
		json_bool(out, name, false);
	else
		json_none(out, name);
}

static void write_value(struct writer *w, const char *name, const struct field *f)
{
	const void *member = member_of(w, f);
	char at[INSTANT_TEXT];

	if (!is_present(f, member)) {
		write_absent(w->out, name, f);
		return;
	}
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_KEY: write_text(w->out, name, f, *(const struct slice *)member); break;
	case FIELD_FLAG: json_bool(w->out, name, *(const enum flag *)member == FLAG_YES); break;
	case FIELD_INT: json_int(w->out, name, *(const int64_t *)member); break;
	case FIELD_TIME: json_str(w->out, name, instant_print(*(const instant *)member, INSTANT_ISO7, at)); break;
	case FIELD_JSON: json_raw(w->out, name, *(const struct slice *)member); break;
	case FIELD_LIST: write_list(w->out, name, member); break;
	case FIELD_CERT: write_certificate(w, name, *(const struct slice *)member); break;
	}
}

/* Write the rows whose path begins with `prefix` ("" or "a.b."). A row that lies deeper opens the object it lies
 * in, which then takes all its rows at once. As deep as the longest path of the tables. */
static void write_members(struct writer *w, struct slice prefix)
{
	for (size_t i = 0; i < w->noun->count; i++) {
		const struct field *f = &w->noun->fields[i];
		struct slice rest;
		ptrdiff_t dot;
		char segment[SEGMENT_MAX];

		if (!is_shown(w, i) || !slice_starts(slice_str(f->json), prefix))
			continue;
		rest = slice_from(slice_str(f->json), prefix.n);
		if ((dot = slice_find(rest, '.')) < 0) {
			write_value(w, rest.p, f);
			w->written |= UINT64_C(1) << i;
			continue;
		}
		assert(dot < SEGMENT_MAX);
		memcpy(segment, rest.p, (size_t)dot);
		segment[dot] = '\0';
		json_open(w->out, segment, '{');
		write_members(w, slice_over(f->json, prefix.n + (size_t)dot + 1));
		json_close(w->out, '}');
	}
}

void noun_write_open(const struct noun *noun, const void *record, unsigned views, struct json_out *out, const char *name, struct arena *arena)
{
	struct writer w = {.noun = noun, .record = record, .views = views, .out = out, .arena = arena};

	assert(noun->count <= FIELDS_MAX);
	json_open(out, name, '{');
	write_members(&w, SLICE(""));
}

void noun_write(const struct noun *noun, const void *record, unsigned views, struct json_out *out, const char *name, struct arena *arena)
{
	noun_write_open(noun, record, views, out, name, arena);
	json_close(out, '}');
}
