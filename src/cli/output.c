/*
 * output.c: documents for people (tables) and for programs (JSON).
 */
#include <unistd.h>

#include "cli/command.h"

#define WIDTH_MAX 72 /* of a column */

bool shows_tables(const struct command *c)
{
	const char *form = given(c, "output");

	return form ? strcmp(form, "table") == 0 : isatty(STDOUT_FILENO);
}

static const char *cell(struct command *c, const json_t *item, const char *path)
{
	char part[64];
	size_t n;
	const json_t *v = item;

	for (; v && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		v = json_object_get(v, part);
	}
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		return arena_printf(c->arena, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	if (json_is_array(v))
		return arena_printf(c->arena, "%zu", json_array_size(v));
	return "";
}

/* Columns on the screen, not bytes: continuation bytes of UTF-8 do not count. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void print_cell(const char *text, size_t width, bool last)
{
	size_t n = width_of(text);

	fputs(text, stdout);
	for (; !last && n < width + 2; n++)
		fputc(' ', stdout);
}

static void print_table(struct command *c, const json_t *list, const struct column *columns)
{
	size_t widths[32] = {0}, count = 0, i;
	json_t *item;

	for (; columns[count].title; count++)
		widths[count] = width_of(columns[count].title);
	json_array_foreach(list, i, item) for (size_t k = 0; k < count; k++)
	{
		size_t w = width_of(cell(c, item, columns[k].path));

		widths[k] = w > widths[k] ? (w < WIDTH_MAX ? w : WIDTH_MAX) : widths[k];
	}
	for (size_t k = 0; k < count; k++)
		print_cell(columns[k].title, widths[k], k + 1 == count);
	fputc('\n', stdout);
	json_array_foreach(list, i, item)
	{
		for (size_t k = 0; k < count; k++)
			print_cell(cell(c, item, columns[k].path), widths[k], k + 1 == count);
		fputc('\n', stdout);
	}
}

int show(struct command *c, struct slice text, const struct column *columns)
{
	const char *form = given(c, "output");
	json_t *json = NULL, *list;

	if (form && strcmp(form, "json") != 0 && strcmp(form, "table") != 0)
		return misused(c, "--output is json or table, not \"%s\"", form);
	if (json_read(text, c->arena, &json, NULL) != OK)
		return failed("the server's answer is not JSON");
	if (shows_tables(c) && columns) {
		list = json_is_array(json) ? json_incref(json) : json_pack("[O]", json);
		print_table(c, list, columns);
		json_decref(list);
	} else {
		json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
		fputc('\n', stdout);
	}
	json_decref(json);
	return CLI_FINE;
}

void columns_of(const struct noun *noun, struct column *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < noun->count && n + 1 < max; i++) {
		const struct field *f = &noun->fields[i];

		if (f->json && (f->rules & FIELD_COLUMN) && f->type != FIELD_KEY)
			out[n++] = (struct column){f->json, f->json};
	}
	out[n] = (struct column){NULL, NULL};
}
