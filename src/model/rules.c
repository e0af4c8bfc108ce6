/*
 * rules.c: what a name, an ID, a key and a tag may look like, wherever they come from.
 */
#include "base/text.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "model/model.h"

#define KEY_MIN_BYTES 16 /* service-api.md 5.3, hub-api.md 4.3 */
#define KEY_MAX_BYTES 64
#define KEY_MAX_TEXT  88 /* base64 of KEY_MAX_BYTES */
#define NAME_MIN      3  /* service-api.md 11.2 */
#define NAME_MAX      50
#define ETAG_MAX      256 /* longer than any tag we make; a longer If-Match can't be one */
#define OPERATOR_MAX  64
#define PASSWORD_MIN  12 /* characters */
#define PASSWORD_MAX  128
#define SCRATCH_MAX   4096 /* for decoding one key or tag; wiped when it is freed */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits, and the characters of `others`. */
static bool made_of(struct slice s, const char *others)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr(others, s.p[i]) == NULL))
			return false;
	return true;
}

bool id_is_good(struct slice id)
{
	char last;

	if (id.n < 1 || id.n > ID_MAX || !made_of(id, "-._:"))
		return false;
	last = id.p[id.n - 1];
	return is_alnum(last) || last == '-';
}

bool device_id_is_good(struct slice id)
{
	return id.n >= 1 && id.n <= ID_MAX && made_of(id, "-:.+%_#*?!(),=@;$'");
}

bool name_is_good(struct slice name)
{
	bool only_digits = true;

	if (name.n < NAME_MIN || name.n > NAME_MAX || !made_of(name, "-"))
		return false;
	for (size_t i = 0; i < name.n; i++)
		only_digits &= is_digit(name.p[i]);
	return !only_digits && name.p[0] != '-' && name.p[name.n - 1] != '-';
}

bool operator_name_is_good(struct slice name)
{
	return name.n >= 1 && name.n <= OPERATOR_MAX && is_alnum(name.p[0]) && made_of(name, "-._@+");
}

bool password_is_good(struct slice password)
{
	size_t characters = 0, length;

	for (; password.n; characters++, password = slice_from(password, length))
		if (characters > PASSWORD_MAX || (length = utf8_length(password)) == 0)
			return false;
	return characters >= PASSWORD_MIN && characters <= PASSWORD_MAX;
}

bool key_is_good(struct slice base64)
{
	struct arena *scratch;
	struct slice bytes;

	if (base64.n == 0 || base64.n > KEY_MAX_TEXT)
		return false;
	if ((scratch = arena_new(SCRATCH_MAX)) == NULL)
		return false;
	bytes = base64_decode(scratch, base64);
	arena_free(&scratch);
	return !slice_absent(bytes) && bytes.n >= KEY_MIN_BYTES && bytes.n <= KEY_MAX_BYTES;
}

/* --- entity tags --- */

/* The GUID-like shape is what clients know. Two writes in one second differ in the random groups. */
struct slice etag_make(struct arena *arena, instant now)
{
	unsigned char r[10];
	struct slice quoted;

	random_bytes(r, sizeof(r));
	quoted = arena_format(arena, "\"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%08x0000\"", r[0], r[1], r[2], r[3], r[4], r[5], r[6],
			      r[7], r[8], r[9], (unsigned)(now / INSTANT_SECOND));
	return slice_absent(quoted) ? NO_SLICE : base64_encode(arena, quoted);
}

static bool is_quoted(struct slice s)
{
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
}

static struct slice unquote(struct slice s)
{
	return is_quoted(s) ? slice_over(s.p + 1, s.n - 2) : s;
}

/* W/"x" and "x" and x are the same tag. */
static struct slice etag_bare(struct slice tag)
{
	tag = slice_trim(tag);
	if (slice_starts(tag, SLICE("W/")))
		tag = slice_from(tag, 2);
	return unquote(tag);
}

/* RULE of service-api.md 4.6: base64 of a quoted text counts as the text inside. */
static struct slice etag_inside(struct arena *scratch, struct slice bare)
{
	struct slice decoded = base64_decode(scratch, bare);

	return is_quoted(decoded) ? unquote(decoded) : bare;
}

bool etag_is_any(struct slice given)
{
	return slice_eq(etag_bare(given), SLICE("*"));
}

bool etag_matches(struct slice given, struct slice stored)
{
	struct arena *scratch;
	bool same;

	if (slice_absent(given) || etag_is_any(given))
		return true;
	if (slice_absent(stored) || given.n > ETAG_MAX || stored.n > ETAG_MAX)
		return false;
	if ((scratch = arena_new(SCRATCH_MAX)) == NULL)
		return false;
	same = slice_eq(etag_inside(scratch, etag_bare(given)), etag_inside(scratch, etag_bare(stored)));
	arena_free(&scratch);
	return same;
}
