#include <ini.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/slice.h"
#include "daemon/settings.h"

enum setting_type { TEXT, NUMBER };

struct row {
	const char *name; /* as in C; the flag has '-' for '_' */
	enum setting_type type;
	const char *standard;
	int64_t low, high;
	const char *value, *help;
	size_t offset;
};

static const struct row rows[] = {
#define S(name, type, standard, low, high, value, help) {#name, type, standard, low, high, value, help, offsetof(struct settings, name)},
	SETTINGS(S)
#undef S
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct reading {
	struct arena *arena;
	struct settings *to;
	const char *config;
	const char *why;
	const char *given[ROWS]; /* the text that counts, from the strongest source so far */
};

/* Whether `text` spells the row's name, with '-' or '_' between its words. */
static bool row_is(const struct row *row, const char *text)
{
	const char *a = row->name, *b = text;

	while (*a && (*a == *b || (*a == '_' && *b == '-'))) {
		a++;
		b++;
	}
	return *a == 0 && *b == 0;
}

static const char *flag_name(struct arena *arena, const struct row *row)
{
	char *name = arena_printf(arena, "--%s", row->name);

	for (char *p = name; p && *p; p++)
		if (*p == '_')
			*p = '-';
	return name;
}

static ptrdiff_t row_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (row_is(&rows[i], name))
			return (ptrdiff_t)i;
	return -1;
}

/* One value into its member. */
static enum err take(struct reading *r, const struct row *row, const char *text)
{
	char *end;
	long long n;

	if (row->type == TEXT) {
		*(const char **)((char *)r->to + row->offset) = text && *text ? text : NULL;
		return OK;
	}
	n = strtoll(text, &end, 10);
	if (*text == 0 || *end || n < row->low || n > row->high) {
		r->why = arena_printf(r->arena, "%s wants a number from %lld to %lld, not \"%s\".", flag_name(r->arena, row),
				      (long long)row->low, (long long)row->high, text);
		return ERR_INVALID;
	}
	*(int64_t *)((char *)r->to + row->offset) = n;
	return OK;
}

static enum err read_flags(struct reading *r, int argc, char **argv, bool *help)
{
	for (int i = 0; i < argc; i++) {
		const char *flag = argv[i], *equals;
		ptrdiff_t at;
		char *name;

		if (strcmp(flag, "--help") == 0 || strcmp(flag, "-h") == 0) {
			*help = true;
			return OK;
		}
		if (strncmp(flag, "--", 2) != 0) {
			r->why = arena_printf(r->arena, "\"%s\" is not a flag; see --help.", flag);
			return ERR_INVALID;
		}
		equals = strchr(flag, '=');
		name = arena_str(r->arena, slice_over(flag + 2, equals ? (size_t)(equals - flag - 2) : strlen(flag) - 2));
		at = row_find(name);
		if (at < 0 && strcmp(name, "config") != 0) {
			r->why = arena_printf(r->arena, "There is no flag --%s; see --help.", name);
			return ERR_INVALID;
		}
		if (equals == NULL && i + 1 == argc) {
			r->why = arena_printf(r->arena, "--%s wants a value.", name);
			return ERR_INVALID;
		}
		const char *value = equals ? equals + 1 : argv[++i];
		if (at < 0)
			r->config = value;
		else
			r->given[at] = value;
	}
	return OK;
}

static const char *variable_of(struct arena *arena, const struct row *row)
{
	char *name = arena_printf(arena, "BERTH_%s", row->name);

	for (char *p = name; p && *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return name ? getenv(name) : NULL;
}

static void read_environment(struct reading *r)
{
	for (size_t i = 0; i < ROWS; i++)
		if (r->given[i] == NULL)
			r->given[i] = variable_of(r->arena, &rows[i]);
	if (r->config == NULL)
		r->config = getenv("BERTH_CONFIG");
}

static int ini_line(void *cookie, const char *section, const char *name, const char *value)
{
	struct reading *r = cookie;
	ptrdiff_t at = row_find(name);

	if (at < 0 || (*section && strcmp(section, "berth") != 0)) {
		r->why = arena_printf(r->arena, "%s has a setting \"%s\"%s%s that Berth does not know.", r->config, name,
				      *section ? " in section " : "", section);
		return 0;
	}
	if (r->given[at] == NULL)
		r->given[at] = arena_str(r->arena, slice_str(value));
	return 1;
}

static enum err read_file(struct reading *r)
{
	int line;

	if (r->config == NULL)
		return OK;
	line = ini_parse(r->config, ini_line, r);
	if (line == 0)
		return OK;
	if (line < 0)
		r->why = arena_printf(r->arena, "The settings file %s cannot be read.", r->config);
	else if (r->why == NULL)
		r->why = arena_printf(r->arena, "%s: line %d is not \"name = value\".", r->config, line);
	return ERR_INVALID;
}

static const char *standard_data_folder(struct arena *arena)
{
	const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/var/lib/berth";
	if (xdg && *xdg)
		return arena_printf(arena, "%s/berth", xdg);
	return arena_printf(arena, "%s/.local/share/berth", home ? home : ".");
}

enum err settings_read(int argc, char **argv, struct arena *arena, struct settings *to, bool *help, const char **why)
{
	struct reading r = {.arena = arena, .to = to};
	enum err e;

	memset(to, 0, sizeof(*to));
	*help = false;
	if ((e = read_flags(&r, argc, argv, help)) != OK || *help)
		goto out;
	read_environment(&r);
	if ((e = read_file(&r)) != OK)
		goto out;
	for (size_t i = 0; i < ROWS; i++) {
		const char *text = r.given[i] ? r.given[i] : rows[i].standard;

		if (row_is(&rows[i], "https-port"))
			to->https_port_given = r.given[i] != NULL;
		if (text && (e = take(&r, &rows[i], text)) != OK)
			goto out;
	}
	if (to->data == NULL)
		to->data = standard_data_folder(arena);
	if ((to->tls_certificate == NULL) != (to->tls_key == NULL)) {
		r.why = "--tls-certificate and --tls-key belong together.";
		e = ERR_INVALID;
	}
out:
	*why = r.why;
	return e;
}

void settings_print_help(FILE *out)
{
	struct arena *arena = arena_new(65536);

	for (size_t i = 0; arena && i < ROWS; i++) {
		const struct row *row = &rows[i];
		char left[64];

		snprintf(left, sizeof(left), "%s %s", flag_name(arena, row), row->value);
		fprintf(out, "  %-36s %s", left, row->help);
		if (row->standard)
			fprintf(out, " [%s]", row->standard);
		fputc('\n', out);
	}
	fprintf(out, "  %-36s %s\n", "--config FILE", "INI file with the same names, without the dashes in front");
	fprintf(out, "\nEach can be given as BERTH_<NAME> in the environment too; a flag wins over it, and it wins over the file.\n");
	arena_free(&arena);
}

const char *settings_each_flag(size_t *at)
{
	static _Thread_local char flag[64];

	if (*at >= ROWS)
		return NULL;
	snprintf(flag, sizeof(flag), "--%s", rows[(*at)++].name);
	for (char *p = flag; *p; p++)
		if (*p == '_')
			*p = '-';
	return flag;
}
