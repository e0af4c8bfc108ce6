/*
 * import.c: entries of the enrollment list from a file: JSON (an array, or one object a line) or a table, whose first line names the members.
 *
 * They go out in portions, each judged row by row by the server; what is wrong is told with its line, and the exit status says whether
 * anything was.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/csv.h"
#include "cli/command.h"

#define VERSION     "api-version=2021-10-01"
#define FILE_MAX    (128 * 1024 * 1024)
#define PORTION     500 /* entries in one request */
#define PORTION_MAX (900 * 1024)

struct import {
	struct command *c;
	const struct noun *noun;
	const char *host, *path;
	json_t *portion;
	size_t portion_bytes;
	size_t places[PORTION]; /* line, or number, of each entry in the portion */
	int64_t created, updated, skipped, failed;
};

/* --- sending --- */

static int64_t number(const json_t *report, const char *name)
{
	return json_integer_value(json_object_get(report, name));
}

static void tell_failures(const struct import *x, const json_t *report)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(report, "rows"), i, row)
	{
		const char *message = json_path(row, "message"), *id = json_path(row, "id");

		if (message && i < PORTION)
			fprintf(stderr, "%zu: %s%s%s\n", x->places[i], id ? id : "", id ? ": " : "", message);
	}
}

static bool send_portion(struct import *x)
{
	json_t *body, *report = NULL;
	char *text;
	struct answer a;

	if (json_array_size(x->portion) == 0)
		return true;
	body = json_pack("{s:O}", "entries", x->portion);
	text = json_dumps(body, JSON_COMPACT);
	a = client_ask(x->c, "POST", x->host, x->path, NULL, NULL, slice_str(text));
	free(text);
	json_decref(body);
	json_array_clear(x->portion);
	x->portion_bytes = 0;
	if (!answer_is_good(&a) || json_read(a.body, x->c->arena, &report, NULL) != OK) {
		client_complain(x->c, &a);
		return false;
	}
	x->created += number(report, "created");
	x->updated += number(report, "updated");
	x->skipped += number(report, "skipped");
	x->failed += number(report, "failed");
	tell_failures(x, report);
	json_decref(report);
	fprintf(stderr, "\r%lld entries", (long long)(x->created + x->updated + x->skipped + x->failed));
	return true;
}

/* Takes the entry. */
static bool add(struct import *x, json_t *entry, size_t place)
{
	char *text = json_dumps(entry, JSON_COMPACT);
	size_t bytes = strlen(text);

	free(text);
	if ((json_array_size(x->portion) == PORTION || x->portion_bytes + bytes > PORTION_MAX) && !send_portion(x)) {
		json_decref(entry);
		return false;
	}
	x->places[json_array_size(x->portion)] = place;
	x->portion_bytes += bytes;
	return json_array_append_new(x->portion, entry) == 0;
}

/* --- JSON --- */

static bool add_array(struct import *x, json_t *list)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry) if (!add(x, json_incref(entry), i + 1)) return false;
	return true;
}

static bool add_lines(struct import *x, struct slice text)
{
	struct slice line;
	const char *why = "";
	json_t *entry;

	for (size_t number = 1; slice_next(&text, '\n', &line); number++) {
		if ((line = slice_trim(line)).n == 0)
			continue;
		if (json_read(line, x->c->arena, &entry, &why) != OK)
			return failed("line %zu: %s", number, why) == CLI_FINE;
		if (!add(x, entry, number))
			return false;
	}
	return true;
}

static bool add_json(struct import *x, struct slice text)
{
	json_t *whole = NULL;
	const char *why = "";
	bool good;

	if (text.p[0] == '{')
		return add_lines(x, text);
	if (json_read(text, x->c->arena, &whole, &why) != OK)
		return failed("%s", why) == CLI_FINE;
	good = json_is_array(whole) ? add_array(x, whole) : failed("the file is no array of entries") == CLI_FINE;
	json_decref(whole);
	return good;
}

/* --- tables --- */

/* A column is named as the document has it (attestation.type), or as the option (attestation). */
static const struct field *column_field(const struct import *x, struct slice title)
{
	char *name = arena_str(x->c->arena, slice_trim(title));
	const struct field *f = noun_field_json(x->noun, name);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return f ? f : noun_field(x->noun, name);
}

static bool add_table(struct import *x, struct slice text)
{
	static const struct field *columns[CSV_FIELDS_MAX];
	struct slice fields[CSV_FIELDS_MAX];
	struct csv csv;
	size_t n, titles;
	enum err e;

	csv_init(&csv, text);
	if (csv_next(&csv, x->c->arena, fields, &titles) != OK)
		return failed("the first line names no columns") == CLI_FINE;
	for (size_t i = 0; i < titles; i++)
		if ((columns[i] = column_field(x, fields[i])) == NULL || columns[i]->json == NULL)
			return failed("the column \"%.*s\" is no member of an entry", SLICE_ARG(fields[i])) == CLI_FINE;
	while ((e = csv_next(&csv, x->c->arena, fields, &n)) == OK) {
		json_t *entry = json_object();

		for (size_t i = 0; i < n && i < titles; i++)
			if (fields[i].n && !document_set_field(x->c, columns[i], arena_str(x->c->arena, fields[i]), entry)) {
				json_decref(entry);
				return failed("line %zu cannot be read", csv.line) == CLI_FINE;
			}
		if (n > titles)
			fprintf(stderr, "%zu: it has more fields than the first line; the rest is left out\n", csv.line);
		document_guess_attestation(entry);
		if (!add(x, entry, csv.line))
			return false;
	}
	return e == ERR_NOT_FOUND || failed("line %zu: a quote is not closed, or it has too many fields", csv.next_line) == CLI_FINE;
}

/* --- the verb --- */

static struct slice whole_file(struct command *c, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct buf text;
	char *room;
	size_t n;

	if (f == NULL) {
		failed("%s cannot be read", path);
		return NO_SLICE;
	}
	buf_init(&text, FILE_MAX);
	while ((room = buf_room(&text, 65536)) != NULL && (n = fread(room, 1, 65536, f)) > 0)
		buf_claim(&text, n);
	if (f != stdin)
		fclose(f);
	struct slice copy = buf_failed(&text) ? NO_SLICE : arena_copy(c->arena, buf_slice(&text));
	if (slice_absent(copy))
		failed("%s is larger than 128 MiB; divide it", path);
	buf_fini(&text);
	return copy;
}

static int report(const struct import *x, bool finished)
{
	char *text = arena_printf(x->c->arena, "{\"created\":%lld,\"updated\":%lld,\"skipped\":%lld,\"failed\":%lld}",
				  (long long)x->created, (long long)x->updated, (long long)x->skipped, (long long)x->failed);
	static const struct column columns[] = {
		{"created", "created"}, {"updated", "updated"}, {"skipped", "skipped"}, {"failed", "failed"}, {NULL, NULL}};

	fputc('\n', stderr);
	show(x->c, slice_str(text), columns);
	return finished && x->failed == 0 ? CLI_FINE : CLI_FAILED;
}

static int import(struct command *c)
{
	bool group = strcmp(c->verb->noun, "enrollment-group") == 0, good;
	struct import x = {.c = c, .noun = group ? &noun_group : &noun_individual, .host = service_host(c)};
	struct slice text = x.host ? slice_trim(whole_file(c, c->operand[0])) : NO_SLICE;

	if (x.host == NULL || slice_absent(text))
		return CLI_FAILED;
	x.path = arena_printf(c->arena, "/berth/%s/import?" VERSION "&dryRun=%s&existing=%s", group ? "enrollmentGroups" : "enrollments",
			      given(c, "dry-run") ? "true" : "false", given_or(c, "existing", "update"));
	x.portion = json_array();
	good = text.n > 0 && (text.p[0] == '[' || text.p[0] == '{') ? add_json(&x, text) : add_table(&x, text);
	good = good && send_portion(&x);
	json_decref(x.portion);
	return report(&x, good);
}

static const struct option options[] = {
	SERVICE_OPTION,
	{"dry-run", NULL, "judge every row, and write nothing", OPTION_SWITCH},
	{"existing", "WHAT", "of an entry that is there already: update, skip or fail [update]", OPTION_VALUE},
	OPTIONS_END,
};

const struct verb import_verbs[] = {
	{"enrollment", "import", "FILE", "many from a file: JSON, or a table whose first line names the members", options, NULL, import},
	{"enrollment-group", "import", "FILE", "many from a file: JSON, or a table whose first line names the members", options, NULL,
	 import},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
