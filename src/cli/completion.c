/*
 * completion.c: completion scripts for bash and zsh, made from the rows.
 */
#include "cli/command.h"

/* The words that can follow `noun`: its verbs, or nothing. */
static void print_verbs_of(const char *noun)
{
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			if (strcmp(v->noun, noun) == 0 && *v->name)
				printf("%.*s ", (int)strcspn(v->name, " "), v->name);
}

/* A verb of two words, of which this is the first one. */
static bool is_first_of_two(const struct verb *v, const char *noun, const char *first, size_t n)
{
	return strcmp(v->noun, noun) == 0 && strncmp(v->name, first, n) == 0 && v->name[n] == ' ';
}

/* What may follow the first word of `verb`, for the case statement of the script; once for all verbs that share it. */
static void print_seconds_of(const struct verb *verb)
{
	size_t n = strcspn(verb->name, " ");
	bool first = true;

	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++) {
			if (!is_first_of_two(v, verb->noun, verb->name, n))
				continue;
			if (first && v != verb)
				return; /* it was printed with that one */
			if (first)
				printf("    '%s %.*s') words=\"", v->noun, (int)n, v->name);
			printf("%s ", v->name + n + 1);
			first = false;
		}
	if (!first)
		printf("\";;\n");
}

static bool seen_before(size_t table, const struct verb *verb)
{
	for (size_t t = 0; t <= table; t++)
		for (const struct verb *v = verb_tables[t]; v->noun && v != verb; v++)
			if (strcmp(v->noun, verb->noun) == 0)
				return true;
	return false;
}

static void print_nouns(void)
{
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			if (!seen_before(t, v))
				printf("%s ", v->noun);
}

static void print_options_of(const struct verb *v)
{
	const struct option *const tables[] = {v->options, common_options};

	for (size_t t = 0; t < 2; t++)
		for (const struct option *o = tables[t]; o && o->name; o++)
			printf("--%s ", o->name);
	for (size_t i = 0; v->fields && i < v->fields->count; i++) {
		const struct field *f = &v->fields->fields[i];

		if (f->json == NULL || f->help == NULL || (f->rules & FIELD_FIXED))
			continue;
		printf("--");
		for (const char *p = f->name; *p; p++)
			putchar(*p == '_' ? '-' : *p);
		putchar(' ');
	}
}

/* Its options, once its words are there. */
static void print_case(const struct verb *v)
{
	bool two = strchr(v->name, ' ') != NULL;
	int words = two ? 3 : *v->name ? 2 : 1;

	printf("    '%s %s%s%s) [ \"$COMP_CWORD\" -gt %d ] && words=\"", v->noun, v->name, words == 2 ? " '" : "'", two ? "" : "*", words);
	print_options_of(v);
	printf("\";;\n");
}

/* One function that both shells run: words by place, options by verb. */
static void print_function(const struct cli_env *env)
{
	size_t at = 0;
	const char *flag;

	printf("_berth() {\n"
	       "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" noun=\"${COMP_WORDS[1]}\" verb=\"${COMP_WORDS[2]}\" third=\"${COMP_WORDS[3]}\" "
	       "words=\n"
	       "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"serve version help ");
	print_nouns();
	printf("\"\n  else case \"$noun $verb $third\" in\n    'serve '*) words=\"--config --help ");
	while ((flag = env->serve_flag(&at)) != NULL)
		printf("%s ", flag);
	printf("\";;\n");
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			print_case(v);
	printf("  esac\n  if [ \"$COMP_CWORD\" -eq 2 ] && [ -z \"$words\" ]; then case \"$noun\" in\n");
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			if (*v->name && !seen_before(t, v)) {
				printf("    '%s') words=\"", v->noun);
				print_verbs_of(v->noun);
				printf("\";;\n");
			}
	printf("  esac; fi\n  if [ \"$COMP_CWORD\" -eq 3 ] && [ -z \"$words\" ]; then case \"$noun $verb\" in\n");
	for (size_t t = 0; verb_tables[t]; t++)
		for (const struct verb *v = verb_tables[t]; v->noun; v++)
			print_seconds_of(v);
	printf("  esac; fi; fi\n"
	       "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "  if [ -z \"$words\" ]; then COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
	       "}\ncomplete -F _berth berth\n");
}

static int print(struct command *c)
{
	const char *shell = c->operand[0];

	if (strcmp(shell, "zsh") == 0)
		printf("#compdef berth\nautoload -U +X bashcompinit && bashcompinit\n");
	else if (strcmp(shell, "bash") != 0)
		return misused(c, "completion is there for bash and zsh, not for \"%s\"", shell);
	print_function(c->env);
	return CLI_FINE;
}

const struct verb completion_verbs[] = {
	{"completion", "", "SHELL", "print a completion script: source <(berth completion bash)", NULL, NULL, print},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
