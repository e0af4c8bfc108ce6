#include "codec/http.h"

/* tchar, RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

/* The line up to CRLF, taken from *rest. False: a bare LF, or a CR that is not before an LF. */
static bool next_line(struct slice *rest, struct slice *line)
{
	ptrdiff_t cr = slice_find(*rest, '\r');

	if (cr < 0 || (size_t)cr + 1 >= rest->n || rest->p[cr + 1] != '\n')
		return false;
	*line = slice_to(*rest, (size_t)cr);
	*rest = slice_from(*rest, (size_t)cr + 2);
	return slice_find(*line, '\n') < 0;
}

/* --- the request line, RFC 9112 section 3 --- */

static enum http_method method_of(struct slice text)
{
	static const struct {
		struct slice name;
		enum http_method method;
	} methods[] = {
		{SLICE("GET"), HTTP_GET},     {SLICE("HEAD"), HTTP_HEAD},     {SLICE("POST"), HTTP_POST},       {SLICE("PUT"), HTTP_PUT},
		{SLICE("PATCH"), HTTP_PATCH}, {SLICE("DELETE"), HTTP_DELETE}, {SLICE("OPTIONS"), HTTP_OPTIONS},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (slice_eq(text, methods[i].name))
			return methods[i].method;
	return HTTP_OTHER;
}

static enum err refuse(enum err e, const char *sentence, const char **why)
{
	*why = sentence;
	return e;
}

/* A name or an address, and perhaps a port: nothing that another reader would take for a user, a path or a second host. */
static bool is_host(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || strchr("/@,?#\\", s.p[i]))
			return false;
	return true;
}

/* Origin form, or the absolute form that Java sends (device-api.md 13); "*" only for OPTIONS. */
static enum err read_target(struct http_head *h, const char **why)
{
	struct slice rest = h->target;
	ptrdiff_t at;

	if (rest.n > HTTP_TARGET_MAX)
		return refuse(ERR_TOO_BIG, "The request target is too long.", why);
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)rest.p[i] <= ' ' || (unsigned char)rest.p[i] >= 0x7f)
			return refuse(ERR_MALFORMED, "The request target has a character that must be escaped.", why);
	if (slice_starts_fold(rest, SLICE("https://")) || slice_starts_fold(rest, SLICE("http://"))) {
		rest = slice_from(rest, (size_t)slice_search(rest, SLICE("//")) + 2);
		at = slice_find(rest, '/');
		h->authority = at < 0 ? rest : slice_to(rest, (size_t)at);
		rest = at < 0 ? SLICE("/") : slice_from(rest, (size_t)at);
		if (h->authority.n == 0 || !is_host(h->authority))
			return refuse(ERR_MALFORMED, "The request target names no host.", why);
	}
	if (rest.n == 0 || (rest.p[0] != '/' && !(h->method == HTTP_OPTIONS && slice_eq(rest, SLICE("*")))))
		return refuse(ERR_MALFORMED, "The request target must begin with a slash.", why);
	at = slice_find(rest, '?');
	h->path = at < 0 ? rest : slice_to(rest, (size_t)at);
	h->query = at < 0 ? NO_SLICE : slice_from(rest, (size_t)at + 1);
	return OK;
}

static enum err read_version(struct slice version, struct http_head *h, const char **why)
{
	if (version.n != 8 || !slice_starts(version, SLICE("HTTP/")) || version.p[6] != '.')
		return refuse(ERR_MALFORMED, "There is no version where one belongs.", why);
	if (version.p[5] != '1' || (version.p[7] != '0' && version.p[7] != '1'))
		return refuse(ERR_UNSUPPORTED, "Only HTTP/1.0 and HTTP/1.1 are spoken here.", why);
	h->minor = version.p[7] - '0';
	return OK;
}

static enum err read_request_line(struct slice line, struct http_head *h, const char **why)
{
	enum err e;
	ptrdiff_t at = slice_find(line, ' ');

	if (at <= 0 || !is_token(slice_to(line, (size_t)at)))
		return refuse(ERR_MALFORMED, "The request line does not begin with a method.", why);
	h->method_text = slice_to(line, (size_t)at);
	h->method = method_of(h->method_text);
	line = slice_from(line, (size_t)at + 1);
	if ((at = slice_find(line, ' ')) <= 0)
		return refuse(ERR_MALFORMED, "The request line has no version.", why);
	h->target = slice_to(line, (size_t)at);
	if ((e = read_version(slice_from(line, (size_t)at + 1), h, why)) != OK)
		return e;
	return read_target(h, why);
}

/* --- the status line, RFC 9112 section 4 --- */

static enum err read_status_line(struct slice line, struct http_head *h, const char **why)
{
	struct slice version, number;
	uint64_t status;

	if (!slice_next(&line, ' ', &version) || !slice_next(&line, ' ', &number) || number.n != 3 || !slice_to_u64(number, &status) ||
	    status < 100)
		return refuse(ERR_MALFORMED, "The answer does not begin with a version and a status.", why);
	h->status = (int)status;
	return read_version(version, h, why);
}

/* --- header fields, RFC 9112 section 5 --- */

static enum err read_field(struct slice line, struct http_head *h, const char **why)
{
	ptrdiff_t colon = slice_find(line, ':');
	struct slice name, value;

	if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		return refuse(ERR_MALFORMED, "A header line is folded.", why);
	name = slice_to(line, colon > 0 ? (size_t)colon : 0);
	if (!is_token(name)) /* also a blank before the colon, which two readers could see differently */
		return refuse(ERR_MALFORMED, "A header line does not begin with a name and a colon.", why);
	value = slice_trim(slice_from(line, (size_t)colon + 1));
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return refuse(ERR_MALFORMED, "A header value has a control character.", why);
	if (h->header_count == HTTP_HEADERS_MAX)
		return refuse(ERR_TOO_BIG, "There are too many header lines.", why);
	h->headers[h->header_count++] = (struct http_header){name, value};
	return OK;
}

/* Whether a comma-separated list has the word. */
static bool lists(struct slice value, struct slice word)
{
	struct slice piece;

	while (slice_next(&value, ',', &piece))
		if (slice_eq_fold(slice_trim(piece), word))
			return true;
	return false;
}

static enum err read_length(struct http_head *h, struct slice value, const char **why)
{
	uint64_t n;

	if (h->has_length)
		return refuse(ERR_MALFORMED, "Content-Length is given twice.", why);
	if (value.n > 18 || !slice_to_u64(value, &n))
		return refuse(ERR_MALFORMED, "Content-Length is not a number.", why);
	h->has_length = true;
	h->length = n;
	return OK;
}

static enum err read_coding(struct http_head *h, struct slice value, const char **why)
{
	if (h->chunked)
		return refuse(ERR_MALFORMED, "Transfer-Encoding is given twice.", why);
	if (!slice_eq_fold(value, SLICE("chunked")))
		return refuse(ERR_UNSUPPORTED, "The only transfer coding understood is chunked.", why);
	h->chunked = true;
	return OK;
}

static enum err read_host(struct http_head *h, struct slice value, int *hosts, const char **why)
{
	if (++*hosts > 1)
		return refuse(ERR_MALFORMED, "Host is given twice.", why);
	if (!is_host(value))
		return refuse(ERR_MALFORMED, "Host is not a host name.", why);
	if (h->authority.n == 0) /* an absolute target wins, RFC 9112 section 3.2.2 */
		h->authority = value;
	return OK;
}

/* What the fields mean for where the message ends and what becomes of the connection. */
static enum err judge_fields(struct http_head *h, const char **why)
{
	int hosts = 0;
	bool close = false, keep = false;

	for (size_t i = 0; i < h->header_count; i++) {
		struct slice name = h->headers[i].name, value = h->headers[i].value;
		enum err e = OK;

		if (slice_eq_fold(name, SLICE("content-length")))
			e = read_length(h, value, why);
		else if (slice_eq_fold(name, SLICE("transfer-encoding")))
			e = read_coding(h, value, why);
		else if (slice_eq_fold(name, SLICE("host")))
			e = read_host(h, value, &hosts, why);
		if (e != OK)
			return e;
		if (slice_eq_fold(name, SLICE("connection"))) {
			close |= lists(value, SLICE("close"));
			keep |= lists(value, SLICE("keep-alive"));
			h->upgrade |= lists(value, SLICE("upgrade"));
		}
		if (slice_eq_fold(name, SLICE("expect")))
			h->expect_continue = h->minor == 1 && slice_eq_fold(value, SLICE("100-continue")); /* RFC 9110 section 10.1.1 */
	}
	if (h->chunked && h->has_length)
		return refuse(ERR_MALFORMED, "Content-Length stands beside Transfer-Encoding.", why);
	if (h->chunked && h->minor == 0)
		return refuse(ERR_MALFORMED, "HTTP/1.0 has no transfer codings.", why);
	if (h->minor == 1 && hosts != 1)
		return refuse(ERR_MALFORMED, "A request needs one Host.", why);
	h->keep_alive = h->minor == 1 ? !close : keep && !close;
	return OK;
}

typedef enum err read_first_line(struct slice line, struct http_head *h, const char **why);

static enum err read_lines(struct slice in, struct http_head *out, read_first_line *first, size_t *used, const char **why)
{
	struct slice within = slice_to(in, HTTP_HEAD_MAX), rest, line;
	ptrdiff_t end = slice_search(within, SLICE("\r\n\r\n"));
	enum err e;

	*why = NULL;
	*out = (struct http_head){0};
	if (end < 0) {
		if (in.n >= HTTP_HEAD_MAX)
			return refuse(ERR_TOO_BIG, "The first line and the headers are too long.", why);
		/* A bare LF will never become a head: say so now, rather than wait for the deadline. */
		for (size_t i = 0; i < in.n; i++)
			if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
				return refuse(ERR_MALFORMED, "A line does not end with CR LF.", why);
		return ERR_AGAIN;
	}
	rest = slice_to(in, (size_t)end + 2);
	if (!next_line(&rest, &line))
		return refuse(ERR_MALFORMED, "A line does not end with CR LF.", why);
	if ((e = first(line, out, why)) != OK)
		return e;
	while (rest.n) {
		if (!next_line(&rest, &line))
			return refuse(ERR_MALFORMED, "A line does not end with CR LF.", why);
		if ((e = read_field(line, out, why)) != OK)
			return e;
	}
	*used = (size_t)end + 4;
	return OK;
}

enum err http_read_head(struct slice in, struct http_head *out, size_t *used, const char **why)
{
	size_t n;
	enum err e = read_lines(in, out, read_request_line, &n, why);

	if (e != OK || (e = judge_fields(out, why)) != OK)
		return e;
	*used = n;
	return OK;
}

enum err http_read_answer_head(struct slice in, struct http_head *out, size_t *used, const char **why)
{
	return read_lines(in, out, read_status_line, used, why);
}

struct slice http_header(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->header_count; i++)
		if (slice_eq_fold(h->headers[i].name, slice_str(name)))
			return h->headers[i].value;
	return NO_SLICE;
}

bool http_header_lists(const struct http_head *h, const char *name, struct slice word)
{
	for (size_t i = 0; i < h->header_count; i++)
		if (slice_eq_fold(h->headers[i].name, slice_str(name)) && lists(h->headers[i].value, word))
			return true;
	return false;
}

/* --- chunks, RFC 9112 section 7.1 --- */

#define CHUNK_LINE_MAX 256 /* size and extensions */
#define TRAILERS_MAX   4096
#define CHUNK_SIZE_MAX (1u << 30)

enum { SIZE_START, SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER, TRAILER_LF, END_LF, DONE };

void http_chunks_init(struct http_chunks *c)
{
	*c = (struct http_chunks){.state = SIZE_START};
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a size line. */
static enum err size_byte(struct http_chunks *c, char byte)
{
	int digit = hex_digit(byte);

	if (++c->line > CHUNK_LINE_MAX)
		return ERR_MALFORMED;
	if (c->state != EXTENSION && digit >= 0) {
		c->left = c->left * 16 + (uint64_t)digit;
		c->state = SIZE;
		return c->left > CHUNK_SIZE_MAX ? ERR_TOO_BIG : OK;
	}
	if (c->state == SIZE_START || byte == '\n')
		return ERR_MALFORMED;
	if (byte == '\r')
		c->state = SIZE_LF;
	else if (c->state == EXTENSION || byte == ';')
		c->state = EXTENSION;
	else
		return ERR_MALFORMED;
	return OK;
}

/* One byte of the lines behind the last chunk. Trailers are read over: nothing here needs one. */
static enum err trailer_byte(struct http_chunks *c, char byte)
{
	if (++c->line > TRAILERS_MAX || (byte == '\n' && c->state != TRAILER_LF && c->state != END_LF))
		return ERR_MALFORMED;
	switch (c->state) {
	case TRAILER_START: c->state = byte == '\r' ? END_LF : TRAILER; return OK;
	case TRAILER:
		if (byte == '\r')
			c->state = TRAILER_LF;
		return OK;
	case TRAILER_LF: c->state = TRAILER_START; return byte == '\n' ? OK : ERR_MALFORMED;
	default: c->state = DONE; return byte == '\n' ? OK : ERR_MALFORMED;
	}
}

static enum err chunk_byte(struct http_chunks *c, char byte)
{
	switch (c->state) {
	case SIZE_START:
	case SIZE:
	case EXTENSION: return size_byte(c, byte);
	case SIZE_LF:
		c->line = 0;
		c->state = c->left ? DATA : TRAILER_START;
		return byte == '\n' ? OK : ERR_MALFORMED;
	case DATA_CR: c->state = DATA_LF; return byte == '\r' ? OK : ERR_MALFORMED;
	case DATA_LF: c->state = SIZE_START; return byte == '\n' ? OK : ERR_MALFORMED;
	default: return trailer_byte(c, byte);
	}
}

enum err http_read_chunks(struct http_chunks *c, struct slice in, struct buf *body, size_t *used)
{
	size_t at = 0;
	enum err e = OK;

	while (at < in.n && c->state != DONE && e == OK) {
		if (c->state == DATA) {
			size_t n = in.n - at < c->left ? in.n - at : (size_t)c->left;

			buf_add(body, slice_over(in.p + at, n));
			at += n;
			c->left -= n;
			if (buf_failed(body))
				e = ERR_TOO_BIG;
			if (c->left == 0)
				c->state = DATA_CR;
			continue;
		}
		e = chunk_byte(c, in.p[at++]);
	}
	*used = at;
	if (e != OK)
		return e;
	return c->state == DONE ? OK : ERR_AGAIN;
}

/* --- words --- */

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{100, "Continue"},
		{101, "Switching Protocols"},
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return status < 400 ? "OK" : "Error";
}

bool http_next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice pair;
	ptrdiff_t equals;

	if (!slice_next(rest, '&', &pair))
		return false;
	equals = slice_find(pair, '=');
	*name = equals < 0 ? pair : slice_to(pair, (size_t)equals);
	*value = equals < 0 ? slice_from(pair, pair.n) : slice_from(pair, (size_t)equals + 1);
	return true;
}

struct slice http_query(struct slice query, const char *name)
{
	struct slice key, value;

	while (http_next_pair(&query, &key, &value))
		if (slice_eq_fold(key, slice_str(name)))
			return value;
	return NO_SLICE;
}
