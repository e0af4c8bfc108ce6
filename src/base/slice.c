#include "base/slice.h"

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool slice_eq_fold(struct slice a, struct slice b)
{
	return a.n == b.n && slice_starts_fold(a, b);
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_eq(slice_to(s, prefix.n), prefix);
}

bool slice_starts_fold(struct slice s, struct slice prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (fold(s.p[i]) != fold(prefix.p[i]))
			return false;
	return true;
}

bool slice_ends_fold(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n && slice_starts_fold(slice_from(s, s.n - suffix.n), suffix);
}

ptrdiff_t slice_find(struct slice s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

ptrdiff_t slice_search(struct slice s, struct slice needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at ? at - s.p : -1;
}

struct slice slice_from(struct slice s, size_t from)
{
	if (from > s.n)
		from = s.n;
	return (struct slice){s.p ? s.p + from : NULL, s.n - from};
}

struct slice slice_to(struct slice s, size_t to)
{
	return (struct slice){s.p, to < s.n ? to : s.n};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
	while (s.n && is_blank(s.p[0]))
		s = slice_from(s, 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool slice_next(struct slice *rest, char sep, struct slice *piece)
{
	ptrdiff_t at;

	if (slice_absent(*rest))
		return false;
	at = slice_find(*rest, sep);
	if (at < 0) {
		*piece = *rest;
		*rest = NO_SLICE;
	} else {
		*piece = slice_to(*rest, (size_t)at);
		*rest = slice_from(*rest, (size_t)at + 1);
	}
	return true;
}

bool slice_to_u64(struct slice s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}
