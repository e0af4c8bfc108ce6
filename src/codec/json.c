#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "codec/json.h"

/* --- scanning text that is JSON already: memory-safe on any input, right on what json_read accepted --- */

struct scan {
	const char *p, *end;
};

/* An absent text is an empty one here: C has no pointer before nothing. */
static struct scan scan_over(struct slice text)
{
	const char *p = text.p ? text.p : "";

	return (struct scan){p, p + text.n};
}

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
		s->p++;
}

static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* A string, quotes included; absent when there is none. */
static struct slice scan_string(struct scan *s)
{
	const char *start;

	skip_blanks(s);
	start = s->p;
	if (s->p == s->end || *s->p++ != '"')
		return NO_SLICE;
	while (s->p < s->end && *s->p != '"')
		s->p += *s->p == '\\' && s->p + 1 < s->end ? 2 : 1;
	if (s->p >= s->end)
		return NO_SLICE;
	s->p++;
	return slice_over(start, (size_t)(s->p - start));
}

/* Any value: a string, or up to the comma or bracket that ends it, brackets inside counted. */
static struct slice scan_value(struct scan *s)
{
	const char *start;
	int depth = 0;

	skip_blanks(s);
	start = s->p;
	while (s->p < s->end) {
		char c = *s->p;

		if (c == '"') {
			if (slice_absent(scan_string(s)))
				return NO_SLICE;
			if (depth == 0)
				break;
			continue;
		}
		if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				break;
			if (--depth == 0) {
				s->p++;
				break;
			}
		} else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
			break;
		}
		s->p++;
	}
	return s->p > start && depth == 0 ? slice_over(start, (size_t)(s->p - start)) : NO_SLICE;
}

bool json_each(struct slice text, size_t *at, struct slice *name, struct slice *value)
{
	struct scan s = scan_over(text);
	struct slice key = NO_SLICE;
	bool object;

	skip_blanks(&s);
	if (s.p == s.end || (*s.p != '{' && *s.p != '['))
		return false;
	object = *s.p++ == '{';
	if (*at) {
		s.p = text.p + (*at < text.n ? *at : text.n);
		if (!take(&s, ','))
			return false;
	}
	if (object) {
		key = scan_string(&s);
		if (slice_absent(key) || !take(&s, ':'))
			return false;
		key = slice_over(key.p + 1, key.n - 2);
	}
	*value = scan_value(&s);
	if (slice_absent(*value))
		return false;
	if (name)
		*name = key;
	*at = (size_t)(s.p - text.p);
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX behind the u; -1: not four digits. */
static int code_unit(struct slice digits)
{
	int code = 0;

	for (size_t i = 0; i < 4; i++) {
		int d = i < digits.n ? hex_digit(digits.p[i]) : -1;

		if (d < 0)
			return -1;
		code = code << 4 | d;
	}
	return code;
}

/* The first character of a raw name with its escape undone, eaten; -1: none that a name of ours has. */
static int next_of_name(struct slice *raw)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	int c = (unsigned char)raw->p[0];
	const char *at;

	*raw = slice_from(*raw, 1);
	if (c != '\\' || raw->n == 0)
		return c;
	c = raw->p[0];
	*raw = slice_from(*raw, 1);
	if (c != 'u') {
		at = strchr(letters, c);
		return at && c ? meant[at - letters] : -1;
	}
	c = code_unit(*raw);
	*raw = slice_from(*raw, raw->n < 4 ? raw->n : 4);
	return c < 0x80 ? c : -1;
}

static int fold_case(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Whether a raw name, however it is escaped, is the one that json_read's value would have under `name`. */
static bool name_is(struct slice raw, const char *name, bool fold)
{
	for (; raw.n > 0 && *name; name++) {
		int c = next_of_name(&raw), wanted = (unsigned char)*name;

		if (c != wanted && !(fold && fold_case(c) == fold_case(wanted)))
			return false;
	}
	return raw.n == 0 && *name == 0;
}

/* As json_get_fold: the exact spelling first. */
struct slice json_member(struct slice text, const char *name, bool fold)
{
	struct slice key, value, alike = NO_SLICE;
	size_t at = 0;

	while (json_each(text, &at, &key, &value)) {
		if (slice_absent(key))
			continue;
		if (name_is(key, name, false))
			return value;
		if (fold && slice_absent(alike) && name_is(key, name, true))
			alike = value;
	}
	return alike;
}

struct slice json_compact(struct arena *a, struct slice text)
{
	struct scan s = scan_over(text);
	char *out = slice_absent(text) ? NULL : arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (out == NULL)
		return NO_SLICE;
	for (skip_blanks(&s); s.p < s.end; skip_blanks(&s)) {
		struct slice piece = *s.p == '"' ? scan_string(&s) : slice_over(s.p++, 1);

		if (slice_absent(piece))
			return NO_SLICE;
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
	}
	return slice_over(out, n);
}

/* --- reading --- */

/* Whether brackets nest deeper than JSON_DEPTH: looked at before the parser recurses. */
static bool too_deep(struct slice text)
{
	struct scan s = scan_over(text);
	int depth = 0;

	while (s.p < s.end) {
		if (*s.p == '"') {
			if (slice_absent(scan_string(&s)))
				return false; /* the parser will say what is wrong */
			continue;
		}
		if ((*s.p == '{' || *s.p == '[') && ++depth > JSON_DEPTH)
			return true;
		if (*s.p == '}' || *s.p == ']')
			depth--;
		s.p++;
	}
	return false;
}

enum err json_read(struct slice text, struct arena *a, json_t **out, const char **why)
{
	json_error_t error;

	*out = NULL;
	if (too_deep(text)) {
		if (why)
			*why = arena_printf(a, "The JSON is nested deeper than %d levels.", JSON_DEPTH);
		return ERR_MALFORMED;
	}
	*out = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (*out)
		return OK;
	if (json_error_code(&error) == json_error_out_of_memory)
		return ERR_NO_MEMORY;
	if (why)
		*why = text.n == 0 ? "There is no JSON in the body."
				   : arena_printf(a, "The JSON is malformed at line %d, column %d.", error.line, error.column);
	return ERR_MALFORMED;
}

json_t *json_get_fold(const json_t *object, const char *name)
{
	const char *key;
	json_t *value, *exact = json_object_get(object, name);

	if (exact)
		return exact;
	json_object_foreach((json_t *)object, key, value) if (slice_eq_fold(slice_str(key), slice_str(name))) return value;
	return NULL;
}

/* --- writing --- */

void json_out_init(struct json_out *j, struct buf *to)
{
	*j = (struct json_out){.to = to};
}

/* How much of the start goes out as it is. */
static size_t plain_length(struct slice s)
{
	size_t at = 0, n;

	while (at < s.n && (unsigned char)s.p[at] >= 0x20 && s.p[at] != '"' && s.p[at] != '\\' && (n = utf8_length(slice_from(s, at))) > 0)
		at += n;
	return at;
}

static void escape(struct buf *to, char c)
{
	if (c == '"' || c == '\\')
		buf_printf(to, "\\%c", c);
	else if (c == '\n')
		buf_add_str(to, "\\n");
	else
		buf_printf(to, "\\u%04x", (unsigned char)c < 0x20 ? c : 0xfffd);
}

void json_quote(struct buf *to, struct slice value)
{
	buf_add_char(to, '"');
	while (value.n > 0) {
		size_t n = plain_length(value);

		buf_add(to, slice_to(value, n));
		value = slice_from(value, n);
		if (value.n > 0) {
			escape(to, value.p[0]);
			value = slice_from(value, 1);
		}
	}
	buf_add_char(to, '"');
}

/* Comma and name before a value. */
static void lead(struct json_out *j, const char *name)
{
	if (j->comma[j->depth])
		buf_add_char(j->to, ',');
	j->comma[j->depth] = true;
	if (name) {
		json_quote(j->to, slice_str(name));
		buf_add_char(j->to, ':');
	}
}

void json_open(struct json_out *j, const char *name, char bracket)
{
	lead(j, name);
	buf_add_char(j->to, bracket);
	if (j->depth + 1 >= JSON_OUT_DEPTH) {
		j->to->failed = true;
		return;
	}
	j->comma[++j->depth] = false;
}

void json_close(struct json_out *j, char bracket)
{
	buf_add_char(j->to, bracket);
	if (j->depth)
		j->depth--;
}

void json_text(struct json_out *j, const char *name, struct slice value)
{
	lead(j, name);
	json_quote(j->to, value);
}

void json_str(struct json_out *j, const char *name, const char *value)
{
	json_text(j, name, slice_str(value));
}

void json_int(struct json_out *j, const char *name, int64_t value)
{
	lead(j, name);
	buf_printf(j->to, "%lld", (long long)value);
}

/* The shortest text that reads back to the same number, and is JSON in every locale. */
void json_double(struct json_out *j, const char *name, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	lead(j, name);
	buf_add_str(j->to, text);
}

void json_bool(struct json_out *j, const char *name, bool value)
{
	lead(j, name);
	buf_add_str(j->to, value ? "true" : "false");
}

void json_none(struct json_out *j, const char *name)
{
	lead(j, name);
	buf_add_str(j->to, "null");
}

void json_raw(struct json_out *j, const char *name, struct slice text)
{
	lead(j, name);
	buf_add(j->to, text);
}
