/* HTTP/1.1 heads and chunks: what is read, and every form that two readers could see differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http.h"

#define GET  "GET /a HTTP/1.1\r\n"
#define HOST "Host: x.test\r\n"

static struct http_head head;
static size_t used;
static const char *why;

/* From a place of its own size, so that the sanitizer sees a step too far. */
static enum err read_slice(struct slice in)
{
	static char *place;
	enum err e;

	free(place); /* the head points into the last one */
	place = malloc(in.n + 1);
	memcpy(place, in.p, in.n);
	place = realloc(place, in.n ? in.n : 1);
	used = 0;
	e = http_read_head(slice_over(place, in.n), &head, &used, &why);
	if (e == OK || e == ERR_AGAIN)
		assert_null(why);
	else
		assert_non_null(why);
	if (e != OK)
		assert_int_equal(used, 0);
	return e;
}

static enum err read_text(const char *text)
{
	return read_slice(slice_str(text));
}

static void is(struct slice s, const char *expected)
{
	if (!slice_eq(s, slice_str(expected)))
		fail_msg("\"%.*s\" should be \"%s\"", SLICE_ARG(s), expected);
}

static void a_request_is_read(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("PUT /x/y%2Fz?api-version=1&q HTTP/1.1\r\nhOST: x.test:8443\r\nA:\t b \t\r\nContent-Length: 12\r\n\r\nbody"), OK);
	assert_int_equal(head.method, HTTP_PUT);
	is(head.method_text, "PUT");
	is(head.target, "/x/y%2Fz?api-version=1&q");
	is(head.path, "/x/y%2Fz");
	is(head.query, "api-version=1&q");
	is(head.authority, "x.test:8443");
	is(http_header(&head, "a"), "b");
	assert_true(slice_absent(http_header(&head, "b")));
	assert_int_equal(head.header_count, 3);
	assert_int_equal(head.minor, 1);
	assert_true(head.has_length && head.length == 12);
	assert_false(head.chunked || head.expect_continue || head.upgrade);
	assert_true(head.keep_alive);
	assert_int_equal(used,
			 strlen("PUT /x/y%2Fz?api-version=1&q HTTP/1.1\r\nhOST: x.test:8443\r\nA:\t b \t\r\nContent-Length: 12\r\n\r\n"));
}

static void methods_are_told_apart_by_their_case(void **state)
{
	static const struct {
		const char *line;
		enum http_method method;
	} cases[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_GET},       {"HEAD / HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD},
		{"POST / HTTP/1.1\r\n" HOST "\r\n", HTTP_POST},     {"PATCH / HTTP/1.1\r\n" HOST "\r\n", HTTP_PATCH},
		{"DELETE / HTTP/1.1\r\n" HOST "\r\n", HTTP_DELETE}, {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP_OPTIONS},
		{"get / HTTP/1.1\r\n" HOST "\r\n", HTTP_OTHER},     {"M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", HTTP_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].line), OK);
		assert_int_equal(head.method, cases[i].method);
	}
}

static void refused(enum err e, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum err got = read_text(texts[i]);

		if (got != e)
			fail_msg("%s (%s) for %s", err_text(got), why ? why : "", texts[i]);
	}
}

#define REFUSED(e, ...) refused(e, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void two_readers_cannot_disagree_about_the_length(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, GET HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
		GET HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", GET HOST "Content-Length: 3, 3\r\n\r\n",
		GET HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
		GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", GET HOST "Content-Length: +3\r\n\r\n",
		GET HOST "Content-Length: -3\r\n\r\n", GET HOST "Content-Length: 0x3\r\n\r\n", GET HOST "Content-Length: 3 3\r\n\r\n",
		GET HOST "Content-Length:\r\n\r\n", GET HOST "Content-Length: 3.0\r\n\r\n",
		GET HOST "Content-Length: 18446744073709551619\r\n\r\n", GET HOST "Content-Length: 9999999999999999999\r\n\r\n",
		"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
	REFUSED(ERR_UNSUPPORTED, GET HOST "Transfer-Encoding: gzip\r\n\r\n", GET HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
		GET HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", GET HOST "Transfer-Encoding: chunked;q=1\r\n\r\n",
		GET HOST "Transfer-Encoding: identity\r\n\r\n", GET HOST "Transfer-Encoding: xchunked\r\n\r\n",
		GET HOST "Transfer-Encoding:\r\n\r\n");
	assert_int_equal(read_text(GET HOST "Transfer-Encoding: CHUNKED\r\n\r\n"), OK);
	assert_true(head.chunked && !head.has_length);
	assert_int_equal(read_text(GET HOST "Content-Length: 999999999999999999\r\n\r\n"), OK);
	assert_true(head.length == 999999999999999999);
}

static void every_line_ends_with_cr_lf(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, "GET /a HTTP/1.1\nHost: x.test\n\n", "GET /a HTTP/1.1\nHost: x.test\r\n\r\n", GET "Host: x.test\n\r\n",
		GET "Host: x.test\nA: b\r\n\r\n", GET "Host: x.test\r\n\n", "\n" GET HOST "\r\n", "\r\n" GET HOST "\r\n", "\r\n\r\n",
		GET "Host: x.test\rA: b\r\n\r\n", GET HOST "A: b\r\r\n\r\n", "GET /a HTTP/1.1\r" HOST "\r\n");
	/* Said at once, though the head is not whole. */
	REFUSED(ERR_MALFORMED, "GET /a HTTP/1.1\n", "\n", GET "Host: x.test\n");
}

static void a_header_is_a_name_a_colon_and_a_value(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, GET "Host : x.test\r\n\r\n", GET HOST "Content-Length : 3\r\n\r\n",
		GET HOST "Transfer-Encoding\t: chunked\r\n\r\n", GET HOST " folded: b\r\n\r\n", GET HOST "A: b\r\n c\r\n\r\n",
		GET HOST "A: b\r\n\tc\r\n\r\n", GET " " HOST "\r\n", GET HOST "no colon\r\n\r\n", GET HOST ": no name\r\n\r\n",
		GET HOST "A b: c\r\n\r\n", GET HOST "A(b): c\r\n\r\n", GET HOST "A\xc3\xa9: c\r\n\r\n", GET HOST "A: b\x01\r\n\r\n",
		GET HOST "A: b\x7f\r\n\r\n",
		GET HOST "Transfer-Encoding: \x0b"
			 "chunked\r\n\r\n");
	assert_int_equal(read_slice(SLICE(GET HOST "A: b\0c\r\n\r\n")), ERR_MALFORMED);
	assert_int_equal(read_slice(SLICE(GET HOST "A\0: b\r\n\r\n")), ERR_MALFORMED);
	assert_int_equal(read_text(GET HOST "A:\r\nB: caf\xc3\xa9\tau lait: 1\r\n\r\n"), OK);
	is(http_header(&head, "A"), "");
	is(http_header(&head, "B"), "caf\xc3\xa9\tau lait: 1");
}

/* RFC 9112 section 3.2 */
static void a_request_names_one_host(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, GET "\r\n", GET "A: b\r\n\r\n", GET HOST HOST "\r\n", GET HOST "Host: y.test\r\n\r\n",
		"GET https://x.test/ HTTP/1.1\r\n\r\n", "GET /a HTTP/1.0\r\n" HOST HOST "\r\n", GET "Host: x y\r\n\r\n",
		GET "Host: x\ty\r\n\r\n", GET "Host: x/y\r\n\r\n", GET "Host: u@x\r\n\r\n", GET "Host: x, y\r\n\r\n",
		GET "Host: x?y\r\n\r\n", GET "Host: x#y\r\n\r\n", GET "Host: x\xc3\xa9\r\n\r\n");
	assert_int_equal(read_text("GET /a HTTP/1.0\r\n\r\n"), OK);
	assert_int_equal(head.authority.n, 0);
	assert_int_equal(read_text(GET "Host: [2001:db8::1]:8443\r\n\r\n"), OK);
	is(head.authority, "[2001:db8::1]:8443");
}

/* device-api.md 13: the Java client; RFC 9112 section 3.2.2 */
static void the_absolute_form_names_the_host_itself(void **state)
{
	(void)state;
	assert_int_equal(read_text("GET HTTPS://y.test:8443/a/b?c=/d HTTP/1.1\r\n" HOST "\r\n"), OK);
	is(head.authority, "y.test:8443");
	is(head.path, "/a/b");
	is(head.query, "c=/d");
	is(head.target, "HTTPS://y.test:8443/a/b?c=/d");
	assert_int_equal(read_text("GET http://y.test HTTP/1.1\r\n" HOST "\r\n"), OK);
	is(head.authority, "y.test");
	is(head.path, "/");
	assert_true(slice_absent(head.query));
	REFUSED(ERR_MALFORMED, "GET https:///a HTTP/1.1\r\n" HOST "\r\n", "GET https:// HTTP/1.1\r\n" HOST "\r\n",
		"GET ftp://y.test/ HTTP/1.1\r\n" HOST "\r\n", "GET https:/a HTTP/1.1\r\n" HOST "\r\n");
}

static void the_host_of_a_target_keeps_to_the_rules_of_host(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, "GET https://u@y.test/a HTTP/1.1\r\n" HOST "\r\n", "GET https://u:p@y.test HTTP/1.1\r\n" HOST "\r\n",
		"GET https://y.test?a=/b HTTP/1.1\r\n" HOST "\r\n", "GET https://y.test#/b HTTP/1.1\r\n" HOST "\r\n",
		"GET https://y,z/ HTTP/1.1\r\n" HOST "\r\n");
}

static void a_target_is_a_path(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, "GET a HTTP/1.1\r\n" HOST "\r\n", "GET * HTTP/1.1\r\n" HOST "\r\n",
		"CONNECT x.test:443 HTTP/1.1\r\n" HOST "\r\n", "GET ?a HTTP/1.1\r\n" HOST "\r\n", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
		"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", "GET /\t HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(read_slice(SLICE("GET /\0 HTTP/1.1\r\n" HOST "\r\n")), ERR_MALFORMED);
	assert_int_equal(read_text("GET /? HTTP/1.1\r\n" HOST "\r\n"), OK);
	assert_false(slice_absent(head.query));
	assert_int_equal(head.query.n, 0);
	assert_int_equal(read_text("GET /a?b?c HTTP/1.1\r\n" HOST "\r\n"), OK);
	is(head.query, "b?c");
}

static void the_request_line_has_three_words_and_single_blanks(void **state)
{
	(void)state;
	REFUSED(ERR_MALFORMED, "GET /a\r\n" HOST "\r\n", "GET\r\n" HOST "\r\n", " GET /a HTTP/1.1\r\n" HOST "\r\n",
		"GET  /a HTTP/1.1\r\n" HOST "\r\n", "GET /a  HTTP/1.1\r\n" HOST "\r\n", "GET /a HTTP/1.1 \r\n" HOST "\r\n",
		"GET /a b HTTP/1.1\r\n" HOST "\r\n", "G(T /a HTTP/1.1\r\n" HOST "\r\n", "GET\t/a\tHTTP/1.1\r\n" HOST "\r\n",
		"GET /a http/1.1\r\n" HOST "\r\n", "GET /a HTTP/11\r\n" HOST "\r\n", "GET /a HTTP/1,1\r\n" HOST "\r\n",
		"GET /a HTTP/1.10\r\n" HOST "\r\n");
	REFUSED(ERR_UNSUPPORTED, "GET /a HTTP/2.0\r\n" HOST "\r\n", "GET /a HTTP/0.9\r\n" HOST "\r\n", "GET /a HTTP/1.2\r\n" HOST "\r\n",
		"PRI * HTTP/2.0\r\n\r\n");
}

/* RFC 9112 section 9.3 */
static void connections_are_kept_as_the_version_says(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
		{GET HOST "\r\n", true},
		{GET HOST "Connection: close\r\n\r\n", false},
		{GET HOST "Connection: foo, CLOSE\r\n\r\n", false},
		{GET HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
		{GET HOST "Connection: closed\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].text), OK);
		assert_int_equal(head.keep_alive, cases[i].keep);
	}
	assert_int_equal(read_text(GET HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"), OK);
	assert_true(head.upgrade && head.keep_alive);
}

/* RFC 9110 section 5.6.1 */
static void a_list_may_be_spread_over_headers(void **state)
{
	(void)state;
	assert_int_equal(read_text(GET HOST "Upgrade: h2c\r\nupgrade: TLS/1.0 ,\tWebSocket\r\n\r\n"), OK);
	assert_true(http_header_lists(&head, "Upgrade", SLICE("websocket")));
	assert_true(http_header_lists(&head, "Upgrade", SLICE("H2C")));
	assert_false(http_header_lists(&head, "Upgrade", SLICE("web")));
	assert_false(http_header_lists(&head, "Connection", SLICE("h2c")));
}

/* RFC 9110 section 10.1.1 */
static void an_expectation_counts_from_version_1_1_on(void **state)
{
	(void)state;
	assert_int_equal(read_text(GET HOST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"), OK);
	assert_true(head.expect_continue);
	assert_int_equal(read_text(GET HOST "Expect: something\r\n\r\n"), OK);
	assert_false(head.expect_continue);
	assert_int_equal(read_text("POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), OK);
	assert_false(head.expect_continue);
}

/* A head of exactly `size` bytes, the last header filling it up. */
static struct slice head_of(char *to, size_t size)
{
	static const char start[] = GET HOST "Fill: ";

	memset(to, 'x', size);
	memcpy(to, start, sizeof(start) - 1);
	memcpy(to + size - 4, "\r\n\r\n", 4);
	return slice_over(to, size);
}

static void heads_have_a_size_and_a_number_of_lines(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	size_t at;

	(void)state;
	assert_int_equal(read_slice(head_of(text, HTTP_HEAD_MAX)), OK);
	assert_int_equal(used, HTTP_HEAD_MAX);
	assert_int_equal(read_slice(head_of(text, HTTP_HEAD_MAX + 1)), ERR_TOO_BIG);
	assert_int_equal(read_slice(slice_to(head_of(text, HTTP_HEAD_MAX + 1), HTTP_HEAD_MAX - 1)), ERR_AGAIN);
	assert_int_equal(read_slice(slice_to(head_of(text, HTTP_HEAD_MAX + 1), HTTP_HEAD_MAX)), ERR_TOO_BIG);
	for (int extra = 0; extra < 2; extra++) {
		at = (size_t)sprintf(text, GET HOST);
		for (int i = 1; i < HTTP_HEADERS_MAX + extra; i++)
			at += (size_t)sprintf(text + at, "A: b\r\n");
		strcpy(text + at, "\r\n");
		assert_int_equal(read_text(text), extra ? ERR_TOO_BIG : OK);
	}
	for (int extra = 0; extra < 2; extra++) {
		sprintf(text, "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_MAX - 1 + extra, 0);
		assert_int_equal(read_text(text), extra ? ERR_TOO_BIG : OK);
	}
}

/* Byte by byte a head is "not yet" until its last byte, and then the same as all at once. */
static void a_head_that_comes_byte_by_byte_is_the_same(void **state)
{
	static const char text[] = "PUT https://x.test/y?z HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nab";
	struct slice whole = SLICE(text);

	(void)state;
	for (size_t n = 0; n < whole.n - 2; n++)
		assert_int_equal(read_slice(slice_to(whole, n)), ERR_AGAIN);
	for (size_t n = whole.n - 2; n <= whole.n; n++) {
		assert_int_equal(read_slice(slice_to(whole, n)), OK);
		assert_int_equal(used, whole.n - 2);
		is(head.query, "z");
		assert_true(head.expect_continue && head.length == 2);
	}
}

/* --- chunks --- */

/* Feed in pieces of `step` bytes; what was decoded is left in `body`. *used is how many were taken altogether. */
static enum err chunks(struct slice in, size_t step, struct buf *body)
{
	struct http_chunks c;
	enum err e = ERR_AGAIN;
	size_t took;

	http_chunks_init(&c);
	buf_clear(body);
	for (used = 0; e == ERR_AGAIN && used < in.n; used += took) {
		struct slice piece = slice_to(slice_from(in, used), step);

		e = http_read_chunks(&c, piece, body, &took);
		assert_true(took <= piece.n && (e != ERR_AGAIN || took == piece.n));
	}
	return e;
}

static void chunks_are_the_same_in_pieces_of_any_size(void **state)
{
	static const char text[] =
		"4\r\nWiki\r\n0006;ext=1;q=\"a;b\"\r\npedia \r\nA\r\nin\r\nchunks\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET /next";
	size_t length = sizeof(text) - 1 - strlen("GET /next");
	struct buf body;

	(void)state;
	buf_init(&body, 100);
	for (size_t step = 1; step < sizeof(text); step++) {
		assert_int_equal(chunks(SLICE(text), step, &body), OK);
		assert_int_equal(used, length);
		is(buf_slice(&body), "Wikipedia in\r\nchunks");
	}
	for (size_t n = 0; n < length; n++)
		assert_int_equal(chunks(slice_to(SLICE(text), n), 7, &body), ERR_AGAIN);
	assert_int_equal(chunks(SLICE("0\r\n\r\n"), 1, &body), OK);
	assert_int_equal(body.n, 0);
	buf_fini(&body);
}

static void chunks_that_could_be_read_in_two_ways_are_refused(void **state)
{
	static const char *const wrong[] = {
		"\r\n",
		"x\r\n",
		"+3\r\nabc\r\n",
		"-3\r\n",
		" 3\r\nabc\r\n",
		"3 \r\nabc\r\n",
		"0x3\r\nabc",
		"3\nabc\r\n",
		"3\rabc",
		"3;a\nabc\r\n",
		"3;a\rb\r\nabc\r\n",
		"3\r\nabcd\r\n",
		"3\r\nabc\n",
		"3\r\nabc\rx",
		"3\r\nabc0\r\n\r\n",
		";a\r\n",
		"0\r\n\n",
		"0\r\nA: b\n\r\n",
		"0\r\nA: b\r\r",
		"0\r\n\rx",
		"0\n\r\n",
		"3\r\nabc\r\n\r\n",
		"3\r\nabc\r\n0\r\nA\rB\r\n",
	};
	struct buf body;

	(void)state;
	buf_init(&body, 100);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (size_t step = 1; step < 30; step += 28) {
			enum err e = chunks(slice_str(wrong[i]), step, &body);

			if (e != ERR_MALFORMED)
				fail_msg("%s for %s", err_text(e), wrong[i]);
		}
	buf_fini(&body);
}

static void a_huge_chunk_is_too_big_and_never_wraps_around(void **state)
{
	static const char *const huge[] = {"40000001\r\n", "FFFFFFFFFFFFFFFF\r\n", "10000000000000003\r\nabc\r\n0\r\n\r\n",
					   "fffffffffffffffffffffffffffff\r\n"};
	struct buf body;

	(void)state;
	buf_init(&body, 100);
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		assert_int_equal(chunks(slice_str(huge[i]), 1, &body), ERR_TOO_BIG);
		assert_int_equal(chunks(slice_str(huge[i]), 100, &body), ERR_TOO_BIG);
	}
	assert_int_equal(chunks(SLICE("40000000\r\n"), 1, &body), ERR_AGAIN);
	buf_fini(&body);
}

static void a_body_at_its_limit_fits_and_one_byte_more_does_not(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, 6);
	for (size_t step = 1; step < 30; step++) {
		assert_int_equal(chunks(SLICE("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"), step, &body), OK);
		assert_int_equal(chunks(SLICE("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"), step, &body), ERR_TOO_BIG);
	}
	buf_fini(&body);
}

static void extensions_and_trailers_are_bounded(void **state)
{
	char text[8192];
	struct buf body;

	(void)state;
	buf_init(&body, 100);
	for (int n = 100; n <= 400; n += 300) {
		sprintf(text, "3;%0*d\r\nabc\r\n0\r\n\r\n", n, 0);
		assert_int_equal(chunks(slice_str(text), 64, &body), n < 256 ? OK : ERR_MALFORMED);
	}
	sprintf(text, "%0400d", 0);
	assert_int_equal(chunks(slice_str(text), 64, &body), ERR_MALFORMED);
	for (int n = 3000; n <= 6000; n += 3000) {
		sprintf(text, "0\r\nA: %0*d\r\n\r\n", n, 0);
		assert_int_equal(chunks(slice_str(text), 64, &body), n < 4096 ? OK : ERR_MALFORMED);
	}
	buf_fini(&body);
}

/* --- words --- */

/* device-api.md 9.4 */
static void every_status_has_a_reason(void **state)
{
	(void)state;
	assert_string_equal(http_reason(202), "Accepted");
	assert_string_equal(http_reason(431), "Request Header Fields Too Large");
	for (int status = 100; status < 1000; status++)
		assert_true(strlen(http_reason(status)) > 0);
}

static enum err read_answer(const char *text)
{
	used = 0;
	return http_read_answer_head(slice_str(text), &head, &used, &why);
}

static void the_head_of_an_answer_is_read(void **state)
{
	(void)state;
	assert_int_equal(
		read_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n\x82"), OK);
	assert_int_equal(head.status, 101);
	assert_int_equal(head.header_count, 2);
	assert_true(http_header_lists(&head, "connection", SLICE("upgrade")));
	assert_int_equal(used, 89);
	assert_int_equal(read_answer("HTTP/1.0 404 \r\n\r\n"), OK);
	assert_int_equal(head.status, 404);
	assert_int_equal(head.minor, 0);
	assert_int_equal(read_answer("HTTP/1.1 204\r\n\r\n"), OK); /* many leave the reason out, and its blank */
	assert_int_equal(read_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"), ERR_AGAIN);
}

static void an_answer_begins_with_a_version_and_a_status(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1\r\n\r\n",        "HTTP/1.1 \r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",     "HTTP/1.1 2000\r\n\r\n",
		"HTTP/1.1 099 x\r\n\r\n",  "HTTP/1.1 +10 x\r\n\r\n",
		"HTTP/1.1  200 x\r\n\r\n", "http/1.1 200 x\r\n\r\n",
		"200 OK\r\n\r\n",          "\r\n\r\n",
		"HTTP/1.1 200 OK\n\r\n",   "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_answer(texts[i]), ERR_MALFORMED);
		assert_non_null(why);
		assert_int_equal(used, 0);
	}
	assert_int_equal(read_answer("HTTP/2.0 200 OK\r\n\r\n"), ERR_UNSUPPORTED);
}

static void a_query_is_pairs(void **state)
{
	struct slice rest = SLICE("a=1&b&=x&c=d=e&"), name, value;

	(void)state;
	assert_true(http_next_pair(&rest, &name, &value));
	is(name, "a");
	is(value, "1");
	assert_true(http_next_pair(&rest, &name, &value));
	is(name, "b");
	assert_false(slice_absent(value));
	assert_true(http_next_pair(&rest, &name, &value) && name.n == 0);
	assert_true(http_next_pair(&rest, &name, &value));
	is(value, "d=e");
	assert_true(http_next_pair(&rest, &name, &value) && name.n == 0);
	assert_false(http_next_pair(&rest, &name, &value));
	is(http_query(SLICE("x=1&API-Version=2021-10-01&api-version=2"), "api-version"), "2021-10-01");
	assert_true(slice_absent(http_query(SLICE("x=1"), "y")));
	assert_true(slice_absent(http_query(NO_SLICE, "y")));
	assert_false(slice_absent(http_query(SLICE("y"), "y")));
}

static bool takes(const char *header, const char *name, const char *word)
{
	char text[512];

	snprintf(text, sizeof(text), GET HOST "%s\r\n\r\n", header);
	assert_int_equal(read_text(text), OK);
	return http_accepts(&head, name, slice_str(word));
}

/* RFC 9110 section 12.5 */
static void what_a_client_takes_is_named_and_has_a_weight(void **state)
{
	(void)state;
	assert_true(takes("Accept-Encoding: gzip", "accept-encoding", "gzip"));
	assert_true(takes("accept-encoding: deflate,GZIP ; q=0.001, br", "accept-encoding", "gzip"));
	assert_true(takes("Accept: text/html,application/xhtml+xml,*/*;q=0.8", "accept", "text/html"));
	assert_true(takes("Accept: a\r\nAccept: text/html;charset=utf-8", "accept", "text/html"));
	assert_true(takes("Accept-Encoding: gzip;q=1.0", "accept-encoding", "gzip"));
	assert_false(takes("Accept-Encoding: gzip;q=0", "accept-encoding", "gzip"));
	assert_false(takes("Accept-Encoding: gzip; Q=0.000", "accept-encoding", "gzip"));
	assert_false(takes("Accept-Encoding: x-gzip, gzipped", "accept-encoding", "gzip"));
	assert_false(takes("Accept-Encoding: *", "accept-encoding", "gzip"));
	assert_false(takes("Accept: */*", "accept", "text/html"));
	assert_false(takes("Accept-Encoding: ", "accept-encoding", "gzip"));
	assert_false(takes("X: gzip", "accept-encoding", "gzip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(methods_are_told_apart_by_their_case),
		cmocka_unit_test(two_readers_cannot_disagree_about_the_length),
		cmocka_unit_test(every_line_ends_with_cr_lf),
		cmocka_unit_test(a_header_is_a_name_a_colon_and_a_value),
		cmocka_unit_test(a_request_names_one_host),
		cmocka_unit_test(the_absolute_form_names_the_host_itself),
		cmocka_unit_test(the_host_of_a_target_keeps_to_the_rules_of_host),
		cmocka_unit_test(a_target_is_a_path),
		cmocka_unit_test(the_request_line_has_three_words_and_single_blanks),
		cmocka_unit_test(connections_are_kept_as_the_version_says),
		cmocka_unit_test(a_list_may_be_spread_over_headers),
		cmocka_unit_test(an_expectation_counts_from_version_1_1_on),
		cmocka_unit_test(heads_have_a_size_and_a_number_of_lines),
		cmocka_unit_test(a_head_that_comes_byte_by_byte_is_the_same),
		cmocka_unit_test(chunks_are_the_same_in_pieces_of_any_size),
		cmocka_unit_test(chunks_that_could_be_read_in_two_ways_are_refused),
		cmocka_unit_test(a_huge_chunk_is_too_big_and_never_wraps_around),
		cmocka_unit_test(a_body_at_its_limit_fits_and_one_byte_more_does_not),
		cmocka_unit_test(extensions_and_trailers_are_bounded),
		cmocka_unit_test(every_status_has_a_reason),
		cmocka_unit_test(the_head_of_an_answer_is_read),
		cmocka_unit_test(an_answer_begins_with_a_version_and_a_status),
		cmocka_unit_test(a_query_is_pairs),
		cmocka_unit_test(what_a_client_takes_is_named_and_has_a_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
