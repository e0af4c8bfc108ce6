/*
 * json_in.c: a JSON document becomes a record, by the rows of its noun.
 *
 * Members are found in jansson's tree, but FIELD_JSON ones in the text itself, for they pass through as they
 * came. Names are taken in any case (hub-api.md 4.1; some SDKs differ in one letter). No sentence quotes a value:
 * it might be a key.
 */
#include "crypto/certificate.h"
#include "model/model.h"

#define SEGMENT_MAX 64 /* of a path in the rows, longer than any of them */

struct reader {
	struct slice text;
	const json_t *root;
	struct arena *arena;
	const struct field *field; /* being read */
	const char **why;
};

/* `what` goes behind the member's path: "must be a string". */
static enum err refuse(struct reader *r, const char *what)
{
	const char *sentence = what ? arena_printf(r->arena, "%s %s.", r->field->json, what) : NULL;

	*r->why = sentence ? sentence : "A member is not valid.";
	return ERR_INVALID;
}

/* Take the first segment from *path into `segment`; false when none is left. */
static bool next_segment(struct slice *path, char segment[SEGMENT_MAX])
{
	struct slice piece;

	if (!slice_next(path, '.', &piece) || piece.n >= SEGMENT_MAX)
		return false;
	memcpy(segment, piece.p, piece.n);
	segment[piece.n] = '\0';
	return true;
}

/* The value at the field's path; NULL when it, or an object around it, is missing or null. */
static enum err find_value(struct reader *r, json_t **out)
{
	struct slice path = slice_str(r->field->json);
	const json_t *object = r->root;
	char segment[SEGMENT_MAX];

	size_t start = 0; /* of the segment in the path */

	*out = NULL;
	while (next_segment(&path, segment)) {
		if (!json_is_object(object)) {
			*r->why = arena_printf(r->arena, "%.*s must be an object.", (int)start - 1, r->field->json);
			return ERR_INVALID;
		}
		*out = json_get_fold(object, segment);
		if (*out == NULL || json_is_null(*out))
			return OK;
		object = *out;
		start += strlen(segment) + 1;
	}
	return OK;
}

/* The same place in the text. find_value has seen that the objects around it are objects. */
static struct slice find_text(const struct reader *r)
{
	struct slice path = slice_str(r->field->json);
	struct slice text = r->text;
	char segment[SEGMENT_MAX];

	while (!slice_absent(text) && next_segment(&path, segment))
		text = json_member(text, segment, true);
	return text;
}

static enum err keep(struct reader *r, struct slice value, struct slice *out)
{
	*out = arena_copy(r->arena, value);
	return slice_absent(*out) ? ERR_TOO_BIG : OK;
}

static struct slice string_of(const json_t *value)
{
	return slice_over(json_string_value(value), json_string_length(value));
}

static enum err read_text(struct reader *r, const json_t *value, struct slice *out)
{
	if (!json_is_string(value))
		return refuse(r, "must be a string");
	return keep(r, string_of(value), out);
}

static enum err read_choice(struct reader *r, const json_t *value, struct slice *out)
{
	const char *const *choice;
	const char *all = "";

	if (!json_is_string(value))
		return refuse(r, "must be a string");
	for (choice = r->field->choices; *choice != NULL; choice++) {
		if (slice_eq_fold(string_of(value), slice_str(*choice))) {
			*out = slice_str(*choice);
			return OK;
		}
	}
	for (choice = r->field->choices; *choice != NULL && all != NULL; choice++)
		all = arena_printf(r->arena, "%s%s%s", all, *all ? ", " : "", *choice);
	return refuse(r, arena_printf(r->arena, "must be one of %s", all ? all : "its choices"));
}

static enum err read_flag(struct reader *r, const json_t *value, enum flag *out)
{
	if (!json_is_boolean(value))
		return refuse(r, "must be true or false");
	*out = json_is_true(value) ? FLAG_YES : FLAG_NO;
	return OK;
}

static enum err read_int(struct reader *r, const json_t *value, int64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) == INT_NONE)
		return refuse(r, "must be an integer");
	*out = json_integer_value(value);
	return OK;
}

static enum err read_time(struct reader *r, const json_t *value, instant *out)
{
	if (!json_is_string(value) || instant_parse(string_of(value), out) != OK)
		return refuse(r, "must be a time like 2026-01-05T10:20:30Z");
	return OK;
}

static enum err read_list(struct reader *r, const json_t *value, struct slices *out)
{
	size_t n = json_array_size(value);

	if (!json_is_array(value))
		return refuse(r, "must be an array of strings");
	out->given = true;
	if ((out->at = arena_array(r->arena, n, sizeof(*out->at))) == NULL)
		return ERR_TOO_BIG;
	for (out->n = 0; out->n < n; out->n++) {
		const json_t *element = json_array_get(value, out->n);
		enum err e;

		if (!json_is_string(element))
			return refuse(r, "must be an array of strings");
		if ((e = keep(r, string_of(element), &out->at[out->n])) != OK)
			return e;
	}
	return OK;
}

static enum err read_json(struct reader *r, struct slice *out)
{
	struct slice text = find_text(r);

	/* Two members that differ in case only, one of them null: there the tree and the text may disagree. */
	if (slice_absent(text) || slice_eq(text, SLICE("null")))
		return OK;
	return keep(r, text, out);
}

/* service-api.md 5.3. A certificate that could not be described later is refused now. */
static enum err read_certificate(struct reader *r, const json_t *value, struct slice *out)
{
	const json_t *given, *info;
	struct certificate_info described;
	const char *why = NULL;
	enum err e;

	if (!json_is_object(value))
		return refuse(r, "must be an object with the member certificate");
	given = json_get_fold(value, "certificate");
	info = json_get_fold(value, "info");
	if (given == NULL || json_is_null(given)) {
		/* What a client read and sends back: the stored certificate stays. */
		*out = info == NULL || json_is_null(info) ? NO_SLICE : SLICE("");
		return OK;
	}
	if (!json_is_string(given))
		return refuse(r, "must hold its certificate as a string");
	e = certificate_read(string_of(given), r->arena, out, &why);
	if (e == OK)
		e = certificate_describe(*out, r->arena, &described);
	if (e == ERR_NO_MEMORY)
		return e;
	return e == OK ? OK : refuse(r, arena_printf(r->arena, "holds no readable certificate: %s", why ? why : err_text(e)));
}

static enum err read_value(struct reader *r, const json_t *value, void *member)
{
	switch (r->field->type) {
	case FIELD_TEXT:
	case FIELD_KEY: return read_text(r, value, member);
	case FIELD_ENUM: return read_choice(r, value, member);
	case FIELD_FLAG: return read_flag(r, value, member);
	case FIELD_INT: return read_int(r, value, member);
	case FIELD_TIME: return read_time(r, value, member);
	case FIELD_JSON: return read_json(r, member);
	case FIELD_LIST: return read_list(r, value, member);
	case FIELD_CERT: return read_certificate(r, value, member);
	}
	return ERR_INTERNAL;
}

static enum err read_field(struct reader *r, void *record)
{
	const struct field *f = r->field;
	json_t *value;
	enum err e;

	if (f->json == NULL || (f->rules & FIELD_FIXED))
		return OK;
	if ((e = find_value(r, &value)) != OK)
		return e;
	if (value != NULL && !json_is_null(value))
		return read_value(r, value, field_of(f, record));
	if (f->rules & FIELD_REQUIRED)
		return refuse(r, "is missing");
	if (value != NULL && (f->rules & FIELD_KEEP_NULL))
		*(struct slice *)field_of(f, record) = SLICE("");
	return OK;
}

enum err noun_read(const struct noun *noun, struct slice text, struct arena *arena, void *record, const char **why)
{
	json_t *root = NULL;
	const char *unused;
	struct reader r = {.text = text, .arena = arena, .why = why ? why : &unused};
	enum err e;

	noun_clear(noun, record);
	if ((e = json_read(text, arena, &root, r.why)) != OK)
		return e;
	r.root = root;
	if (!json_is_object(root)) {
		*r.why = "The document must be a JSON object.";
		e = ERR_MALFORMED;
	}
	for (size_t i = 0; i < noun->count && e == OK; i++) {
		r.field = &noun->fields[i];
		e = read_field(&r, record);
	}
	json_decref(root);
	return e;
}
