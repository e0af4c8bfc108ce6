/*
 * cli.c: from argv to a verb's function; help from the same rows.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "cli/command.h"

const struct verb *const verb_tables[] = {
	demo_verbs,   service_verbs,    hub_verbs,          linked_hub_verbs, policy_verbs,   certificate_verbs, revocation_list_verbs,
	import_verbs, enrollment_verbs, registration_verbs, device_verbs,     tpm_verbs,      operator_verbs,    completion_verbs,
	allocation_preview_verbs, allocation_rule_verbs, allocation_explain_verbs, endorsement_root_verbs, NULL};

const struct option common_options[] = {
	{"server", "URL", "the server [BERTH_SERVER, else that of the data folder]", OPTION_VALUE},
	{"token", "TOKEN", "bearer token of the administrator [BERTH_TOKEN, else admin.token in the data folder]", OPTION_VALUE},
	{"ca", "FILE", "PEM: trust these roots too [BERTH_CA, else ca.pem in the data folder]", OPTION_VALUE},
	{"data", "DIR", "data folder of a server on this machine [BERTH_DATA]", OPTION_VALUE},
	{"subscription", "ID", "subscription to file resources under [" SUBSCRIPTION "]", OPTION_VALUE},
	{"output", "FORM", "json or table [table on a terminal, else json]", OPTION_VALUE},
	{"help", NULL, "this text", OPTION_SWITCH},
	{NULL, NULL, NULL, OPTION_VALUE},
};

/* --- complaints --- */

int failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("berth: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return CLI_FAILED;
}

int misused(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("berth: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (c->verb)
		fprintf(stderr, "\nusage: %s %s%s%s %s [options]; see --help\n", c->env->program, c->verb->noun, *c->verb->name ? " " : "",
			c->verb->name, c->verb->operands);
	else
		fprintf(stderr, "; see %s --help\n", c->env->program);
	return CLI_USAGE;
}

/* --- what was given --- */

const char *given(const struct command *c, const char *name)
{
	for (size_t i = c->given_count; i > 0; i--)
		if (strcmp(c->given[i - 1].name, name) == 0)
			return c->given[i - 1].value;
	return NULL;
}

const char *given_or(const struct command *c, const char *name, const char *otherwise)
{
	const char *value = given(c, name);

	return value ? value : otherwise;
}

int64_t given_number(const struct command *c, const char *name, int64_t otherwise, int64_t low, int64_t high, bool *good)
{
	const char *value = given(c, name);
	char *end;
	long long n;

	if (value == NULL)
		return otherwise;
	n = strtoll(value, &end, 10);
	if (*value && *end == 0 && n >= low && n <= high)
		return n;
	misused(c, "--%s wants a number from %lld to %lld, not \"%s\"", name, (long long)low, (long long)high, value);
	*good = false;
	return otherwise;
}

/* "primary_key" is the option --primary-key. */
static bool field_is_option(const struct field *f, const char *name)
{
	const char *a = f->name;

	if (f->json == NULL || (f->rules & FIELD_FIXED))
		return false;
	for (; *a && *name; a++, name++)
		if (*a != *name && !(*a == '_' && *name == '-'))
			return false;
	return *a == *name;
}

static bool option_find(const struct verb *verb, const char *name, enum option_kind *kind)
{
	const struct option *const tables[] = {verb->options, common_options};

	for (size_t t = 0; t < 2; t++)
		for (const struct option *o = tables[t]; o && o->name; o++)
			if (strcmp(o->name, name) == 0) {
				*kind = o->kind;
				return true;
			}
	*kind = OPTION_VALUE;
	for (size_t i = 0; verb->fields && i < verb->fields->count; i++)
		if (field_is_option(&verb->fields->fields[i], name))
			return true;
	return false;
}

static int read_option(struct command *c, int argc, char **argv, int *at)
{
	const char *equals = strchr(argv[*at], '=');
	const char *name = argv[*at] + 2, *value = equals ? equals + 1 : NULL;
	enum option_kind kind;

	if (equals)
		name = arena_str(c->arena, slice_over(name, (size_t)(equals - name)));
	if (!option_find(c->verb, name, &kind))
		return misused(c, "there is no option --%s here", name);
	if (c->given_count == OPTIONS_MAX)
		return misused(c, "too many options");
	if (kind == OPTION_SWITCH) {
		value = "";
	} else if (value == NULL) {
		if (*at + 1 == argc)
			return misused(c, "--%s wants a value", name);
		value = argv[++*at];
	}
	c->given[c->given_count++] = (struct given){name, value};
	return CLI_FINE;
}

static int operands_wanted(const char *operands)
{
	int n = *operands != 0;

	for (; *operands; operands++)
		n += *operands == ' ';
	return n;
}

static int read_arguments(struct command *c, int argc, char **argv)
{
	int status;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0) {
			c->given[c->given_count++] = (struct given){"help", ""};
		} else if (strncmp(argv[i], "--", 2) == 0) {
			if ((status = read_option(c, argc, argv, &i)) != CLI_FINE)
				return status;
		} else if (c->operands == OPERANDS_MAX || c->operands == operands_wanted(c->verb->operands)) {
			return misused(c, "\"%s\" is one word too many", argv[i]);
		} else {
			c->operand[c->operands++] = argv[i];
		}
	}
	return CLI_FINE;
}

/* --- help --- */

static void print_option(const char *name, const char *value, const char *help)
{
	int width = printf("  --%s%s%s", name, value ? " " : "", value ? value : "");

	printf("%*s %s\n", width < 36 ? 36 - width : 0, "", help);
}

static void print_field_options(const struct noun *noun)
{
	for (size_t i = 0; i < noun->count; i++) {
		const struct field *f = &noun->fields[i];
		char name[64];

		if (f->json == NULL || f->help == NULL || (f->rules & FIELD_FIXED))
			continue;
		snprintf(name, sizeof(name), "%s", f->name);
		for (char *p = name; *p; p++)
			if (*p == '_')
				*p = '-';
		print_option(name,
			     f->type == FIELD_FLAG   ? "true|false"
			     : f->type == FIELD_JSON ? "JSON|@FILE"
			     : f->type == FIELD_CERT ? "FILE"
			     : f->type == FIELD_LIST ? "A,B,.."
			     : f->type == FIELD_INT  ? "N"
						     : "TEXT",
			     f->help);
	}
}

static int print_verb_help(const struct command *c)
{
	const struct verb *v = c->verb;

	printf("usage: %s %s%s%s %s [options]\n\n%s\n\noptions:\n", c->env->program, v->noun, *v->name ? " " : "", v->name, v->operands,
	       v->help);
	for (const struct option *o = v->options; o && o->name; o++)
		print_option(o->name, o->value, o->help);
	if (v->fields)
		print_field_options(v->fields);
	for (const struct option *o = common_options; o->name; o++)
		print_option(o->name, o->value, o->help);
	return CLI_FINE;
}

static void print_row(FILE *out, const struct verb *v)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s %s", v->noun, *v->name ? " " : "", v->name, v->operands);
	fprintf(out, "  %-38s %s\n", left, v->help);
}

void cli_print_help(FILE *out, const struct cli_env *env)
{
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			print_row(out, v);
	fprintf(out, "\nEvery verb has --help. Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n");
	(void)env;
}

/* --- finding the verb --- */

static bool noun_exists(const char *noun)
{
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			if (strcmp(v->noun, noun) == 0)
				return true;
	return false;
}

/* A verb's name may be two words ("connection-string show") or none ("demo"); *words is how many were taken. */
static const struct verb *verb_find(int argc, char **argv, int *words)
{
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++) {
			char two[128];

			if (strcmp(v->noun, argv[0]) != 0)
				continue;
			snprintf(two, sizeof(two), "%s %s", argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
			*words = *v->name == 0 ? 1 : strchr(v->name, ' ') ? 3 : 2;
			if (*v->name == 0 || (argc > 1 && strcmp(v->name, argv[1]) == 0) || strcmp(v->name, two) == 0)
				return v;
		}
	return NULL;
}

static int unknown_verb(struct command *c, int argc, char **argv)
{
	bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

	if (!noun_exists(argv[0]))
		return misused(c, "there is no verb \"%s\"", argv[0]);
	if (!help)
		fprintf(stderr, argc > 1 ? "berth: %s has no verb \"%s\". It has:\n" : "berth: %s wants a verb. It has:\n", argv[0],
			argv[1]);
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			if (strcmp(v->noun, argv[0]) == 0)
				print_row(help ? stdout : stderr, v);
	return help ? CLI_FINE : CLI_USAGE;
}

int cli_run(int argc, char **argv, const struct cli_env *env)
{
	struct command c = {.env = env};
	int words, status;

	if ((c.arena = arena_new(CLI_ARENA_MAX)) == NULL)
		return failed("out of memory");
	if ((c.verb = verb_find(argc, argv, &words)) == NULL) {
		status = unknown_verb(&c, argc, argv);
		goto out;
	}
	if ((status = read_arguments(&c, argc - words, argv + words)) != CLI_FINE)
		goto out;
	if (given(&c, "help"))
		status = print_verb_help(&c);
	else if (c.operands < operands_wanted(c.verb->operands) && c.verb->operands[0] != '[')
		status = misused(&c, "%s is missing", c.verb->operands);
	else
		status = c.verb->run(&c);
	client_close(&c);
out:
	arena_free(&c.arena);
	return status;
}
