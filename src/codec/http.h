/*
 * http.h: HTTP/1.1 as bytes, the server's side (RFC 9112), and of a client's what asking for an upgrade takes.
 *
 * Strict where laxness lets two readers disagree about where a message ends:
 * bare LF, a blank before the colon, two lengths, a length beside chunked, folded
 * lines, and a sign before a number are all ERR_MALFORMED. No sockets, no clock.
 */
#ifndef BERTH_CODEC_HTTP_H
#define BERTH_CODEC_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#define HTTP_HEAD_MAX 16384   /* request line and headers together */
#define HTTP_HEADERS_MAX 64
#define HTTP_TARGET_MAX 4096

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

struct http_header {
	struct slice name, value; /* the value without blanks around it */
};

struct http_head {
	int                status;        /* of an answer */
	enum http_method   method;        /* of a request, as the rest up to `authority` */
	struct slice       method_text;
	struct slice       target;        /* as received */
	struct slice       path, query;   /* of it; the query without '?', absent when there is none; still escaped */
	struct slice       authority;     /* Host, or the authority of an absolute-form target; perhaps with a port */
	int                minor;         /* HTTP/1.minor: 0 or 1 */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t             header_count;
	bool               chunked;
	bool               has_length;
	uint64_t           length;        /* Content-Length, when has_length */
	bool               keep_alive;    /* what the client asked for, RFC 9112 section 9.3 */
	bool               expect_continue; /* never for HTTP/1.0 */
	bool               upgrade;       /* Connection lists "upgrade" */
};

/* Read a head from the start of `in`. OK: *used bytes were the head (its slices point
 * into `in`). ERR_AGAIN: not all of it is here yet. ERR_TOO_BIG: HTTP_HEAD_MAX,
 * HTTP_HEADERS_MAX or HTTP_TARGET_MAX. ERR_UNSUPPORTED: a transfer coding other than
 * chunked, or a version that is not 1.x. ERR_MALFORMED: the rest, and a 1.1 request
 * without exactly one Host (RFC 9112 section 3.2). `why` gets a constant sentence. */
MUST_USE enum err http_read_head(struct slice in, struct http_head *out, size_t *used, const char **why);

/* The head of an answer in the same way (section 4): status, version and headers, for what follows an answer without a body,
 * as that to an upgrade is. */
MUST_USE enum err http_read_answer_head(struct slice in, struct http_head *out, size_t *used, const char **why);

/* The first header of that name (case does not count); absent when there is none. */
struct slice http_header(const struct http_head *h, const char *name);

/* Whether a header of that name, of which there may be several, has the word in its comma-separated list; case does not count. */
bool http_header_lists(const struct http_head *h, const char *name, struct slice word);

/* Whether the word stands, with a weight above 0, in a header such as Accept or Accept-Encoding. A star is not taken for it. */
bool http_accepts(const struct http_head *h, const char *name, struct slice word);

/* Chunked body, read piece by piece (RFC 9112 section 7.1). */
struct http_chunks {
	int      state;
	uint64_t left;
	size_t   line;    /* length of the size or trailer line so far, bounded */
};

/* At the first byte of a body. */
void http_chunks_init(struct http_chunks *c);

/* Eat from `in`: decoded bytes are appended to `body` (its ceiling is the limit).
 * OK: the body is complete; ERR_AGAIN: more is needed; ERR_TOO_BIG, ERR_MALFORMED.
 * *used is how many bytes were taken, in every case. */
MUST_USE enum err http_read_chunks(struct http_chunks *c, struct slice in, struct buf *body, size_t *used);

/* "Accepted" for 202; never empty, also for numbers nobody has registered (device-api.md 9.4:
 * the C SDK needs a reason phrase). */
const char *http_reason(int status);

/* One pair of a query string ("a=1&b"): start with the query in *rest. Still escaped. */
bool http_next_pair(struct slice *rest, struct slice *name, struct slice *value);

/* The value of a query parameter, case of the name not counting; absent when none. */
struct slice http_query(struct slice query, const char *name);

#endif
