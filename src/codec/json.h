/*
 * json.h: JSON in and out.
 *
 * Reading is jansson's, strict: duplicate keys, bad UTF-8, NUL and depth beyond
 * JSON_DEPTH are refused. What must pass through unchanged (a twin, a payload) is
 * kept as the text it arrived in: json_member finds that text again. Writing goes
 * straight into a buffer; jansson's writer is not used.
 */
#ifndef BERTH_CODEC_JSON_H
#define BERTH_CODEC_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define JSON_DEPTH 32

/* Parse a whole text. On ERR_MALFORMED `why` (if not NULL) is a sentence with line
 * and column, in the arena. The caller owns *out: json_decref. */
MUST_USE enum err json_read(struct slice text, struct arena *a, json_t **out, const char **why);

/* The text of a member of the object `text`, which json_read has accepted; absent
 * when there is none. Names compare without case when `fold`. Not recursive:
 * "a.b" is asked in two steps. */
struct slice json_member(struct slice text, const char *name, bool fold);

/* One after the other over the members of an object, or the elements of an array
 * (`name` is then absent), as text: start with *at = 0, false at the end. The name
 * is raw, its escapes not undone. */
bool json_each(struct slice text, size_t *at, struct slice *name, struct slice *value);

/* The text without blanks between its tokens, member order kept. */
struct slice json_compact(struct arena *a, struct slice text);

/* A member of a jansson object by a name whose case does not count; NULL: none. */
json_t *json_get_fold(const json_t *object, const char *name);

/* --- writing --- */

#define JSON_OUT_DEPTH 64

struct json_out {
	struct buf *to;
	int         depth;
	bool        comma[JSON_OUT_DEPTH]; /* the next thing at this depth needs one */
};

/* Whatever does not fit, or nests deeper than JSON_OUT_DEPTH, fails the buffer: ask it at the end. */
void json_out_init(struct json_out *j, struct buf *to);

/* `name` NULL: an element of an array, or the whole document. */
void json_open(struct json_out *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json_out *j, char bracket);                  /* '}' or ']' */

/* Escaped; UTF-8 is taken on trust. Absent or NULL is written as "". */
void json_text(struct json_out *j, const char *name, struct slice value);
void json_str(struct json_out *j, const char *name, const char *value);

void json_int(struct json_out *j, const char *name, int64_t value);

/* The shortest that reads back as the same number; it must be finite. */
void json_double(struct json_out *j, const char *name, double value);

void json_bool(struct json_out *j, const char *name, bool value);

/* null */
void json_none(struct json_out *j, const char *name);

/* `text` is JSON already and goes out as it is. */
void json_raw(struct json_out *j, const char *name, struct slice text);

/* A string with its quotes and escapes, nothing else. A byte that is no UTF-8 becomes U+FFFD: what is quoted may have been
 * cut, or come from an escaped path. */
void json_quote(struct buf *to, struct slice value);

#endif
