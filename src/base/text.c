#include "base/text.h"

/* --- base64 --- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct slice base64_encode(struct arena *a, struct slice bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t n = (bytes.n + 2) / 3 * 4, at = 0;
	char *out = arena_alloc(a, n + 1);

	if (out == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

		out[at++] = base64_digits[v >> 18];
		out[at++] = base64_digits[v >> 12 & 63];
		out[at++] = left > 1 ? base64_digits[v >> 6 & 63] : '=';
		out[at++] = left > 2 ? base64_digits[v & 63] : '=';
	}
	return slice_over(out, n);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, `pad` of them '=', to 3 - pad bytes. The bits that no byte takes must be zero. */
static bool base64_group(const char *in, int pad, char *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int d = i < 4 - pad ? base64_value(in[i]) : 0;

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
	}
	if (v & ((1u << (8 * pad)) - 1))
		return false;
	for (int i = 0; i < 3 - pad; i++)
		out[i] = (char)(v >> (16 - 8 * i));
	return true;
}

struct slice base64_decode(struct arena *a, struct slice text)
{
	char *out;
	size_t at = 0;
	int pad = 0;

	if (slice_absent(text) || text.n % 4)
		return NO_SLICE;
	while (pad < 2 && text.n && text.p[text.n - 1 - (size_t)pad] == '=')
		pad++;
	if ((out = arena_alloc(a, text.n / 4 * 3 + 1)) == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < text.n; i += 4, at += 3)
		if (!base64_group(text.p + i, i + 4 == text.n ? pad : 0, out + at))
			return NO_SLICE;
	return slice_over(out, at - (size_t)pad);
}

struct slice base64_decode_lines(struct arena *a, struct slice text)
{
	char *dense = arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (dense == NULL || slice_absent(text))
		return NO_SLICE;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
			dense[n++] = text.p[i];
	return base64_decode(a, slice_over(dense, n));
}

/* --- hexadecimal --- */

static struct slice hex(struct arena *a, struct slice bytes, const char *digits)
{
	char *out = arena_alloc(a, bytes.n * 2 + 1);

	for (size_t i = 0; out && i < bytes.n; i++) {
		out[2 * i] = digits[(unsigned char)bytes.p[i] >> 4];
		out[2 * i + 1] = digits[(unsigned char)bytes.p[i] & 15];
	}
	return out ? slice_over(out, bytes.n * 2) : NO_SLICE;
}

struct slice hex_lower(struct arena *a, struct slice bytes)
{
	return hex(a, bytes, "0123456789abcdef");
}

struct slice hex_upper(struct arena *a, struct slice bytes)
{
	return hex(a, bytes, "0123456789ABCDEF");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Two digits at `p`; -1 when they are not. */
static int hex_byte(const char *p)
{
	int high = hex_value(p[0]), low = hex_value(p[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

struct slice hex_decode(struct arena *a, struct slice text)
{
	char *out;

	if (slice_absent(text) || text.n % 2 || (out = arena_alloc(a, text.n / 2 + 1)) == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < text.n; i += 2) {
		int byte = hex_byte(text.p + i);

		if (byte < 0)
			return NO_SLICE;
		out[i / 2] = (char)byte;
	}
	return slice_over(out, text.n / 2);
}

/* --- percent escapes --- */

struct slice percent_decode(struct arena *a, struct slice text)
{
	char *out;
	size_t n = 0;

	if (slice_absent(text) || (out = arena_alloc(a, text.n + 1)) == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < text.n; i++) {
		int byte;

		if (text.p[i] != '%') {
			out[n++] = text.p[i];
			continue;
		}
		if (text.n - i < 3 || (byte = hex_byte(text.p + i + 1)) < 0)
			return NO_SLICE;
		out[n++] = (char)byte;
		i += 2;
	}
	return slice_over(out, n);
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

struct slice percent_encode(struct arena *a, struct slice text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out;
	size_t n = 0;

	if (slice_absent(text) || (out = arena_array(a, text.n + 1, 3)) == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (is_unreserved(text.p[i])) {
			out[n++] = text.p[i];
		} else {
			out[n++] = '%';
			out[n++] = digits[c >> 4];
			out[n++] = digits[c & 15];
		}
	}
	return slice_over(out, n);
}
