/*
 * document.c: options become members of a document, each at the JSON path of its field.
 */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "cli/command.h"

#define FILE_MAX (4 * 1024 * 1024)

static struct slice file_text(struct command *c, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = arena_alloc(c->arena, FILE_MAX);
	size_t n;

	if (f == NULL || text == NULL) {
		failed("%s cannot be read", path);
		return NO_SLICE;
	}
	n = fread(text, 1, FILE_MAX, f);
	if (f != stdin)
		fclose(f);
	return slice_over(text, n);
}

struct slice text_or_file(struct command *c, const char *value)
{
	return *value == '@' ? file_text(c, value + 1) : slice_str(value);
}

bool document_put(json_t *into, const char *path, json_t *value)
{
	char part[64];
	size_t n = strcspn(path, ".");
	json_t *next;

	snprintf(part, sizeof(part), "%.*s", (int)n, path);
	if (path[n] == 0)
		return json_object_set_new(into, part, value) == 0;
	next = json_object_get(into, part);
	if (!json_is_object(next)) {
		next = json_object();
		json_object_set_new(into, part, next);
	}
	return document_put(next, path + n + 1, value);
}

static json_t *list_value(struct command *c, const char *value)
{
	struct slice rest = slice_str(value), piece;
	json_t *list = json_array();

	while (slice_next(&rest, ',', &piece))
		if ((piece = slice_trim(piece)).n)
			json_array_append_new(list, json_string(arena_str(c->arena, piece)));
	return list;
}

static json_t *certificate_value(struct command *c, const char *path)
{
	struct slice text = file_text(c, path), der;
	const char *why = "";

	if (slice_absent(text))
		return NULL;
	if (certificate_read(text, c->arena, &der, &why) != OK) {
		failed("%s: %s", path, why);
		return NULL;
	}
	return json_pack("{s:s}", "certificate", arena_str(c->arena, base64_encode(c->arena, der)));
}

static json_t *number_value(const char *value)
{
	char *end;
	long long n = strtoll(value, &end, 10);

	return *value && *end == 0 ? json_integer(n) : NULL;
}

static json_t *text_value(struct command *c, const struct field *f, const char *value)
{
	struct slice text = f->rules & FIELD_FILE ? text_or_file(c, value) : slice_str(value);

	return slice_absent(text) ? NULL : json_stringn(text.p, text.n);
}

/* The option's text as its field's JSON; NULL: complained. An empty value takes the member away: null. */
static json_t *value_of(struct command *c, const struct field *f, const char *option, const char *value)
{
	json_t *json = NULL;
	const char *why = "";

	if (*value == 0)
		return json_null();
	switch (f->type) {
	case FIELD_FLAG:
		if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
			json = json_boolean(*value == 't');
		else
			misused(c, "--%s is true or false, not \"%s\"", option, value);
		return json;
	case FIELD_INT:
		if ((json = number_value(value)) == NULL)
			misused(c, "--%s wants a number, not \"%s\"", option, value);
		return json;
	case FIELD_JSON:
		if (json_read(text_or_file(c, value), c->arena, &json, &why) != OK)
			misused(c, "--%s: %s", option, why);
		return json;
	case FIELD_LIST: return list_value(c, value);
	case FIELD_CERT: return certificate_value(c, value);
	default: return text_value(c, f, value);
	}
}

bool document_set_field(struct command *c, const struct field *f, const char *text, json_t *into)
{
	json_t *value = value_of(c, f, f->json, text);

	return value && document_put(into, f->json, value);
}

void document_guess_attestation(json_t *document)
{
	json_t *attestation = json_object_get(document, "attestation");

	if (json_object_get(attestation, "type"))
		return;
	if (json_object_get(attestation, "x509"))
		document_put(document, "attestation.type", json_string("x509"));
	else if (json_object_get(attestation, "tpm"))
		document_put(document, "attestation.type", json_string("tpm"));
	else
		document_put(document, "attestation.type", json_string("symmetricKey"));
}

bool document_set(struct command *c, const struct noun *noun, json_t *into)
{
	for (size_t i = 0; i < c->given_count; i++) {
		char name[64];
		const struct field *f;
		json_t *value;

		snprintf(name, sizeof(name), "%s", c->given[i].name);
		for (char *p = name; *p; p++)
			if (*p == '-')
				*p = '_';
		f = noun_field(noun, name);
		if (f == NULL || f->json == NULL || (f->rules & FIELD_FIXED))
			continue;
		if ((value = value_of(c, f, c->given[i].name, c->given[i].value)) == NULL)
			return false;
		document_put(into, f->json, value);
	}
	return true;
}
