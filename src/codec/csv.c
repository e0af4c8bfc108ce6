#include "codec/csv.h"

/* What separates is what the first line has most of; a comma when it has none. */
static char separator_of(struct slice text)
{
	static const char candidates[] = {',', ';', '\t'};
	size_t counts[sizeof(candidates)] = {0}, best = 0;

	for (size_t i = 0; i < text.n && text.p[i] != '\n'; i++)
		for (size_t k = 0; k < sizeof(candidates); k++)
			counts[k] += text.p[i] == candidates[k];
	for (size_t k = 1; k < sizeof(candidates); k++)
		if (counts[k] > counts[best])
			best = k;
	return candidates[best];
}

void csv_init(struct csv *c, struct slice text)
{
	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		text = slice_from(text, 3);
	*c = (struct csv){.rest = text, .separator = separator_of(text), .next_line = 1};
}

static void eat(struct csv *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->next_line += c->rest.p[i] == '\n';
	c->rest = slice_from(c->rest, n);
}

/* How much ends a line here; 0: nothing does. */
static size_t line_end(struct slice rest)
{
	if (slice_starts(rest, SLICE("\r\n")))
		return 2;
	return rest.n && rest.p[0] == '\n';
}

/* A field in quotes, in which a quote is written twice. */
static enum err quoted(struct csv *c, struct arena *arena, struct slice *out)
{
	char *text = arena_alloc(arena, c->rest.n);
	size_t n = 0, i = 1;

	if (text == NULL)
		return ERR_NO_MEMORY;
	for (; i < c->rest.n; i++) {
		if (c->rest.p[i] != '"')
			text[n++] = c->rest.p[i];
		else if (i + 1 < c->rest.n && c->rest.p[i + 1] == '"')
			text[n++] = c->rest.p[i++];
		else
			break;
	}
	if (i == c->rest.n)
		return ERR_MALFORMED;
	eat(c, i + 1);
	*out = slice_over(text, n);
	return c->rest.n == 0 || c->rest.p[0] == c->separator || line_end(c->rest) ? OK : ERR_MALFORMED;
}

static enum err plain(struct csv *c, struct arena *arena, struct slice *out)
{
	size_t n = 0;

	while (n < c->rest.n && c->rest.p[n] != c->separator && line_end(slice_from(c->rest, n)) == 0)
		n++;
	*out = arena_copy(arena, slice_to(c->rest, n));
	eat(c, n);
	return slice_absent(*out) ? ERR_NO_MEMORY : OK;
}

enum err csv_next(struct csv *c, struct arena *arena, struct slice fields[CSV_FIELDS_MAX], size_t *count)
{
	enum err e;

	*count = 0;
	while (line_end(c->rest))
		eat(c, line_end(c->rest));
	if (c->rest.n == 0)
		return ERR_NOT_FOUND;
	c->line = c->next_line;
	for (;;) {
		if (*count == CSV_FIELDS_MAX)
			return ERR_TOO_BIG;
		e = c->rest.n && c->rest.p[0] == '"' ? quoted(c, arena, &fields[*count]) : plain(c, arena, &fields[*count]);
		if (e != OK)
			return e;
		(*count)++;
		if (c->rest.n == 0 || c->rest.p[0] != c->separator)
			break;
		eat(c, 1);
	}
	eat(c, line_end(c->rest));
	return OK;
}
