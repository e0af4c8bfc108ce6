/*
 * query_lex.c: cutting a query into words, names, strings, numbers and signs.
 */
#include <stdlib.h>

#include "hub/query_lex.h"

#define NUMBER_MAX 63 /* characters */

static char peek(const struct query_lexer *x, size_t ahead)
{
	return x->at + ahead < x->text.n ? x->text.p[x->at + ahead] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* There is no arithmetic in the language, so a hyphen may stand inside a name. */
static bool continues_word(char c)
{
	return begins_word(c) || is_digit(c) || c == '-';
}

static void take(struct query_lexer *x, size_t n, enum token_type type, struct query_token *out)
{
	out->type = type;
	out->text = slice_over(x->text.p + x->at, n);
	x->at += n;
}

static void lex_word(struct query_lexer *x, struct query_token *out)
{
	size_t n = 1;

	while (continues_word(peek(x, n)))
		n++;
	take(x, n, TOKEN_WORD, out);
}

static void lex_number(struct query_lexer *x, struct query_token *out)
{
	bool hex = peek(x, 0) == '0' && (peek(x, 1) == 'x' || peek(x, 1) == 'X');
	char text[NUMBER_MAX + 1];
	size_t n = 1;
	char *end;

	while (is_digit(peek(x, n)) || peek(x, n) == '.' || begins_word(peek(x, n)) ||
	       (!hex && (peek(x, n) == '+' || peek(x, n) == '-') && (peek(x, n - 1) | 0x20) == 'e'))
		n++;
	take(x, n, TOKEN_NUMBER, out);
	if (n > NUMBER_MAX) {
		out->type = TOKEN_BAD;
		return;
	}
	memcpy(text, out->text.p, n);
	text[n] = '\0';
	out->number = hex ? (double)strtoull(text, &end, 16) : strtod(text, &end);
	if (*end != '\0')
		out->type = TOKEN_BAD;
}

/* Code points of \uXXXX as UTF-8; surrogates are left to those who know what they pair with. */
static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	out[0] = (char)(0xE0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3F));
	out[2] = (char)(0x80 | (c & 0x3F));
	return 3;
}

/* Undo the escape whose letter is at x->at; *n bytes are appended to `to`. */
static bool lex_escape(struct query_lexer *x, char *to, size_t *n)
{
	static const char letters[] = "ntrbf", meaning[] = "\n\t\r\b\f";
	const char *found;
	char digits[5] = "", *end;
	char c = peek(x, 0);

	if (c == '\0')
		return false;
	x->at++;
	if (c != 'u') {
		found = strchr(letters, c);
		to[(*n)++] = found ? meaning[found - letters] : c;
		return true;
	}
	for (int i = 0; i < 4; i++)
		if ((digits[i] = peek(x, 0)) != '\0')
			x->at++;
	*n += put_utf8(to + *n, (unsigned)strtoul(digits, &end, 16));
	return end == digits + 4;
}

/* Where the string that begins here ends; the end of the text when it does not. */
static size_t string_length(const struct query_lexer *x)
{
	size_t n = 1;

	while (peek(x, n) != '\0' && peek(x, n) != peek(x, 0))
		n += peek(x, n) == '\\' ? 2 : 1;
	return n;
}

static void lex_string(struct query_lexer *x, struct query_token *out)
{
	char quote = peek(x, 0), c;
	char *to = arena_alloc(x->arena, string_length(x)); /* an escape is longer than what it stands for */
	size_t n = 0;

	out->type = TOKEN_BAD;
	if (to == NULL)
		return;
	for (x->at++; (c = peek(x, 0)) != '\0';) {
		x->at++;
		if (c == quote) {
			out->type = TOKEN_STRING;
			out->text = slice_over(to, n);
			return;
		}
		if (c != '\\')
			to[n++] = c;
		else if (!lex_escape(x, to, &n))
			return;
	}
}

/* [[any name]] */
static void lex_name(struct query_lexer *x, struct query_token *out)
{
	struct slice rest = slice_from(x->text, x->at + 2);
	ptrdiff_t end = slice_search(rest, SLICE("]]"));

	if (end < 0) {
		take(x, 2, TOKEN_BAD, out);
		return;
	}
	take(x, (size_t)end + 4, TOKEN_NAME, out);
	out->text = slice_to(rest, (size_t)end);
}

static void lex_sign(struct query_lexer *x, struct query_token *out)
{
	static const char *const two[] = {"!=", "<>", "<=", ">="};

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (peek(x, 0) == two[i][0] && peek(x, 1) == two[i][1]) {
			take(x, 2, TOKEN_SIGN, out);
			return;
		}
	take(x, 1, peek(x, 0) != '\0' && strchr("*,.()[]=<>", peek(x, 0)) ? TOKEN_SIGN : TOKEN_BAD, out);
}

void query_lex(struct query_lexer *x, struct query_token *out)
{
	char c;

	while ((c = peek(x, 0)) == ' ' || c == '\t' || c == '\r' || c == '\n')
		x->at++;
	*out = (struct query_token){.at = x->at, .text = SLICE("")};
	if (x->at == x->text.n)
		out->type = TOKEN_END;
	else if (begins_word(c))
		lex_word(x, out);
	else if (is_digit(c) || (c == '-' && is_digit(peek(x, 1))))
		lex_number(x, out);
	else if (c == '\'' || c == '"')
		lex_string(x, out);
	else if (c == '[' && peek(x, 1) == '[')
		lex_name(x, out);
	else
		lex_sign(x, out);
}
