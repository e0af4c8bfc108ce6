/*
 * allocation_preview.c: which of the registered devices would move, if hubs, weights or the policy were others.
 *
 * The answer comes line by line and is told as it comes: there may be millions. Only its last line says that it was all.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"

#define PATH "/berth/allocation/whatif?api-version=2021-10-01"

struct preview {
	struct command *c;
	bool tables, on_terminal;
	bool progress_shown; /* a line of it stands on the terminal */
	bool begun;          /* a line came */
	bool bad;            /* something came that is none of this server's lines */
	json_t *summary;
	const char *error; /* in place of the summary */
};

/* --- the question --- */

static bool put_weight(struct command *c, json_t *into, const char *member, const char *option, struct slice text)
{
	uint64_t weight;

	if (!slice_to_u64(text, &weight) || weight < 1 || weight > 1000) {
		misused(c, "--%s: a weight is a number from 1 to 1000, not \"%.*s\"", option, SLICE_ARG(text));
		return false;
	}
	return json_object_set_new(into, member, json_integer((json_int_t)weight)) == 0;
}

/* NAME or NAME:WEIGHT */
static bool put_added(struct command *c, json_t *list, const char *value)
{
	struct slice rest = slice_str(value), name;
	json_t *hub = json_object();
	bool good;

	(void)slice_next(&rest, ':', &name);
	good = name.n > 0 && json_object_set_new(hub, "name", json_stringn(name.p, name.n)) == 0;
	if (name.n == 0)
		misused(c, "--add-hub takes NAME or NAME:WEIGHT, not \"%s\"", value);
	if (good && !slice_absent(rest))
		good = put_weight(c, hub, "allocationWeight", "add-hub", rest);
	return json_array_append_new(list, hub) == 0 && good;
}

/* NAME=WEIGHT */
static bool put_weighed(struct command *c, json_t *weights, const char *value)
{
	struct slice rest = slice_str(value), name;

	(void)slice_next(&rest, '=', &name);
	if (name.n == 0 || slice_absent(rest)) {
		misused(c, "--weight takes NAME=WEIGHT, not \"%s\"", value);
		return false;
	}
	return put_weight(c, weights, arena_str(c->arena, name), "weight", rest);
}

/* These may be given several times. */
static bool put_hubs(struct command *c, json_t *hubs)
{
	json_t *add = json_array(), *remove = json_array(), *weights = json_object();
	bool good = json_object_set_new(hubs, "add", add) == 0 && json_object_set_new(hubs, "remove", remove) == 0 &&
		    json_object_set_new(hubs, "weights", weights) == 0;

	for (size_t i = 0; i < c->given_count && good; i++) {
		const char *name = c->given[i].name, *value = c->given[i].value;

		if (strcmp(name, "add-hub") == 0)
			good = put_added(c, add, value);
		else if (strcmp(name, "remove-hub") == 0)
			good = json_array_append_new(remove, json_string(value)) == 0;
		else if (strcmp(name, "weight") == 0)
			good = put_weighed(c, weights, value);
	}
	return good;
}

/* NULL: complained. */
static char *question_of(struct command *c)
{
	json_t *question = json_object(), *hubs = json_object();
	char *text = NULL;

	if (json_object_set_new(question, "iotHubs", hubs) == 0 && put_hubs(c, hubs) &&
	    (!given(c, "allocation-policy") || document_put(question, "allocationPolicy", json_string(given(c, "allocation-policy")))) &&
	    document_put(question, "list", json_boolean(given(c, "list") != NULL)))
		text = json_dumps(question, JSON_COMPACT);
	json_decref(question);
	return text;
}

/* --- line by line --- */

static void clear_progress(struct preview *p)
{
	if (p->progress_shown)
		fprintf(stderr, "\r%40s\r", "");
	p->progress_shown = false;
}

static void show_progress(struct preview *p, const json_t *progress)
{
	if (!p->on_terminal)
		return;
	fprintf(stderr, "\r%lld devices looked at ", (long long)json_integer_value(json_object_get(progress, "done")));
	fflush(stderr);
	p->progress_shown = true;
}

static void show_device(struct preview *p, const json_t *device, struct slice line)
{
	clear_progress(p);
	if (p->tables)
		printf("%-32s %s -> %s\n", json_path(device, "registrationId"), json_path(device, "from"), json_path(device, "to"));
	else
		printf("%.*s\n", SLICE_ARG(line));
}

static void take_line(void *cookie, struct slice text)
{
	struct preview *p = cookie;
	json_t *line = NULL, *progress;
	const char *error;

	p->begun = true;
	if (json_read(text, p->c->arena, &line, NULL) != OK) {
		p->bad = true;
		return;
	}
	error = json_path(line, "error.message");
	progress = json_object_get(line, "progress");
	if (progress)
		show_progress(p, progress);
	else if (error)
		p->error = arena_str(p->c->arena, slice_str(error));
	else if (json_object_get(line, "summary"))
		p->summary = json_incref(json_object_get(line, "summary"));
	else if (json_path(line, "registrationId") && json_path(line, "from") && json_path(line, "to"))
		show_device(p, line, text);
	json_decref(line);
}

/* --- the summary --- */

static long long number_of(const json_t *summary, const char *member)
{
	return (long long)json_integer_value(json_object_get(summary, member));
}

static void show_list(struct preview *p, const char *member, const struct column *columns)
{
	json_t *list = json_object_get(p->summary, member);
	char *text = json_array_size(list) ? json_dumps(list, JSON_COMPACT) : NULL;

	if (text == NULL)
		return;
	show(p->c, slice_str(text), columns);
	printf("\n");
	free(text);
}

static void show_reasons(const json_t *summary)
{
	const json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(summary, "reasons"), i, reason)
		printf("%8lld  %s\n", number_of(reason, "devices"), json_path(reason, "sentence"));
}

static void show_words(struct preview *p)
{
	static const struct column moves[] = {{"From", "from"}, {"To", "to"}, {"Devices", "devices"}, {NULL, NULL}};
	static const struct column hubs[] = {{"Hub", "name"}, {"Now", "now"}, {"Then", "then"}, {NULL, NULL}};
	long long undecided = number_of(p->summary, "undecided"), refused = number_of(p->summary, "refused");

	if (given(p->c, "list") && number_of(p->summary, "move"))
		printf("\n");
	show_list(p, "moves", moves);
	show_list(p, "hubs", hubs);
	printf("%lld of %lld devices would move at their next registration.\n", number_of(p->summary, "move"),
	       number_of(p->summary, "devices"));
	if (undecided || refused)
		printf("Of %lld that cannot be told, and of %lld that would be turned away:\n", undecided, refused);
	show_reasons(p->summary);
}

/* A summary alone is a document; behind the lines of devices it is one of them. */
static void show_summary(struct preview *p)
{
	bool listed = given(p->c, "list") != NULL;

	if (p->tables) {
		show_words(p);
		return;
	}
	if (listed)
		printf("{\"summary\":");
	json_dumpf(p->summary, stdout, listed ? JSON_COMPACT : JSON_INDENT(2));
	printf(listed ? "}\n" : "\n");
}

static int finish(struct preview *p, const struct answer *a)
{
	int status = CLI_FINE;

	clear_progress(p);
	if (!p->begun && !answer_is_good(a))
		status = client_complain(p->c, a);
	else if (p->error)
		status = failed("%s", p->error);
	else if (a->e != OK)
		status = failed("the answer was cut off, so nothing is known of the devices that are left: %s",
				a->why ? a->why : "no server");
	else if (p->bad || p->summary == NULL)
		status = failed("the server's answer cannot be read: it is too long, or of another version");
	else
		show_summary(p);
	json_decref(p->summary);
	return status;
}

static int preview(struct command *c)
{
	const char *form = given_or(c, "output", "json"), *host;
	struct preview p = {.c = c, .tables = shows_tables(c), .on_terminal = isatty(STDERR_FILENO)};
	struct answer a;
	char *question;

	if (strcmp(form, "json") != 0 && strcmp(form, "table") != 0)
		return misused(c, "--output is json or table, not \"%s\"", form);
	if ((question = question_of(c)) == NULL)
		return CLI_USAGE;
	if ((host = service_host(c)) == NULL) {
		free(question);
		return CLI_FAILED;
	}
	a = client_post_lines(c, host, PATH, slice_str(question), take_line, &p);
	free(question);
	return finish(&p, &a);
}

static const struct option options[] = {
	SERVICE_OPTION,
	{"allocation-policy", "POLICY", "if the service's policy were this: hashed, geoLatency or static", OPTION_VALUE},
	{"add-hub", "NAME[:WEIGHT]", "if this hub were linked, too; may be given several times", OPTION_VALUE},
	{"remove-hub", "NAME", "if this hub were not linked; may be given several times", OPTION_VALUE},
	{"weight", "NAME=WEIGHT", "if this hub had this weight; may be given several times", OPTION_VALUE},
	{"list", NULL, "name each device that would move", OPTION_SWITCH},
	OPTIONS_END,
};

const struct verb allocation_preview_verbs[] = {
	{"allocation", "preview", "", "how many registered devices would move at their next registration, and where to; nothing is changed",
	 options, NULL, preview},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
