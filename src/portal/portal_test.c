/* Pages and files: which request gets what, in which form, and with which headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "portal/portal.h"

#define HTML "text/html; charset=utf-8"

static const struct asset files[] = {
	{"/index.html", HTML, "W/\"1\"", {{NULL, 0}, SLICE("small page"), SLICE("<!doctype html>a page")}},
	{"/assets/app-1a2b.js", "text/javascript", "W/\"2\"", {SLICE("br"), SLICE("gzip"), SLICE("let plain;")}},
	{"/assets/font-3c.woff2", "font/woff2", "W/\"3\"", {{NULL, 0}, {NULL, 0}, SLICE("wOF2")}},
	{"/berth.svg", "image/svg+xml", "W/\"4\"", {{NULL, 0}, {NULL, 0}, SLICE("<svg/>")}},
};
static const struct assets assets = {files, 4}, nothing = {NULL, 0};

static struct api_answer answer;

static bool ask_of(const struct assets *which, const char *line, const char *headers)
{
	static char text[2048];
	static struct http_head head;
	const char *why;
	size_t used;

	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: portal.berth.test\r\n%s\r\n", line, headers);
	assert_int_equal(http_read_head(slice_str(text), &head, &used, &why), OK);
	memset(&answer, 0, sizeof(answer));
	return portal_answer_from(which, &head, &answer);
}

static bool ask(const char *line, const char *headers)
{
	return ask_of(&assets, line, headers);
}

static const char *header(const char *name)
{
	for (size_t i = 0; answer.headers[i].name; i++)
		if (strcmp(answer.headers[i].name, name) == 0)
			return answer.headers[i].value.p;
	return NULL;
}

static void gives(const char *line, const char *headers, int status, const char *body)
{
	assert_true(ask(line, headers));
	assert_int_equal(answer.status, status);
	if (!slice_eq(answer.body, slice_str(body)))
		fail_msg("%s: \"%.*s\" should be \"%s\"", line, SLICE_ARG(answer.body), body);
}

#define BROWSER "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"

static void a_page_is_whatever_address_a_browser_wants_to_show(void **state)
{
	(void)state;
	gives("GET /", "", 200, "<!doctype html>a page");
	gives("GET /index.html", "", 200, "<!doctype html>a page");
	gives("GET /?x=1", BROWSER, 200, "<!doctype html>a page");
	gives("GET /services/dps1/enrollments?x=1", BROWSER, 200, "<!doctype html>a page");
	gives("GET /services/registrations/x", BROWSER, 200, "<!doctype html>a page");
	gives("GET /hubs/hub1/devices/a%2Fb", BROWSER, 200, "<!doctype html>a page");
	gives("GET /enrollments/x", BROWSER, 200, "<!doctype html>a page");
	gives("HEAD /live", BROWSER, 200, "<!doctype html>a page");
	assert_string_equal(answer.content_type, HTML);
	assert_string_equal(header("Cache-Control"), "no-cache");
	assert_string_equal(header("ETag"), "W/\"1\"");
}

static void what_a_program_asks_is_a_question_to_the_api(void **state)
{
	static const char *const lines[] = {"GET /services/dps1", "GET /0ne00AB12CD/registrations/x/operations/1", "GET /enrollments/x"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_false(ask(lines[i], ""));
		assert_false(ask(lines[i], "Accept: */*\r\n"));
		assert_false(ask(lines[i], "Accept: application/json\r\n"));
	}
	assert_false(ask("GET /berth/session", BROWSER));
	assert_false(ask("GET /BERTH/at/dps1/enrollments/x", BROWSER));
	assert_false(ask("GET /subscriptions/x", BROWSER));
	assert_false(ask("GET /providers/x", BROWSER));
	assert_false(ask("POST /", BROWSER));
	assert_false(ask("PUT /index.html", BROWSER));
	assert_false(ask("OPTIONS /", BROWSER));
}

/* An old page that asks for a file of its own time must not get a document in its place. */
static void a_file_that_is_not_there_any_more_is_no_page(void **state)
{
	(void)state;
	assert_false(ask("GET /assets/app-0000.js", "Accept: */*\r\n"));
	assert_false(ask("GET /assets/app-0000.js", BROWSER));
	assert_false(ask("GET /assets/", BROWSER));
	assert_false(ask("GET /assets/../index.html", BROWSER));
}

static void the_form_is_the_shortest_that_the_client_takes(void **state)
{
	(void)state;
	gives("GET /assets/app-1a2b.js", "Accept-Encoding: gzip, deflate, br\r\n", 200, "br");
	assert_string_equal(header("Content-Encoding"), "br");
	assert_string_equal(header("Vary"), "Accept-Encoding");
	gives("GET /assets/app-1a2b.js", "Accept-Encoding: gzip, br;q=0\r\n", 200, "gzip");
	assert_string_equal(header("Content-Encoding"), "gzip");
	gives("GET /assets/app-1a2b.js", "Accept-Encoding: identity\r\n", 200, "let plain;");
	assert_null(header("Content-Encoding"));
	assert_string_equal(header("Vary"), "Accept-Encoding");
	gives("GET /assets/app-1a2b.js", "", 200, "let plain;");
	gives("GET /", "Accept-Encoding: br, gzip\r\n", 200, "small page");
	gives("GET /assets/font-3c.woff2", "Accept-Encoding: br, gzip\r\n", 200, "wOF2");
	assert_null(header("Content-Encoding"));
	assert_null(header("Vary"));
}

static void names_that_change_with_their_content_are_kept_for_ever(void **state)
{
	(void)state;
	gives("GET /assets/app-1a2b.js", "", 200, "let plain;");
	assert_string_equal(header("Cache-Control"), "public, max-age=31536000, immutable");
	gives("GET /berth.svg", "", 200, "<svg/>");
	assert_string_equal(header("Cache-Control"), "no-cache");
	assert_string_equal(answer.content_type, "image/svg+xml");
}

/* RFC 9110 section 13.1.2 */
static void what_the_browser_has_is_not_sent_again(void **state)
{
	static const char *const known[] = {"W/\"1\"", "\"1\"", "\"0\", W/\"1\"", "\"0\",\"1\"", "*"}, *const unknown[] = {"W/\"2\"", "1",
															   "\"\"", ""};
	char headers[128];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", known[i]);
		assert_true(ask("GET /", headers));
		assert_int_equal(answer.status, 304);
		assert_true(slice_absent(answer.body));
		assert_string_equal(header("ETag"), "W/\"1\"");
		assert_non_null(header("Content-Security-Policy"));
		assert_null(header("Content-Encoding"));
	}
	for (size_t i = 0; i < 4; i++) {
		snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", unknown[i]);
		gives("GET /", headers, 200, "<!doctype html>a page");
	}
}

static void a_page_is_shut_in(void **state)
{
	static const char *const lines[] = {"GET /", "GET /assets/app-1a2b.js", "GET /live"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(ask(lines[i], BROWSER));
		assert_true(strstr(header("Content-Security-Policy"), "default-src 'none'; script-src 'self';") != NULL);
		assert_true(strstr(header("Content-Security-Policy"), "frame-ancestors 'none'") != NULL);
		assert_null(strstr(header("Content-Security-Policy"), "unsafe"));
		assert_string_equal(header("X-Frame-Options"), "DENY");
		assert_string_equal(header("Referrer-Policy"), "no-referrer");
		assert_non_null(header("Permissions-Policy"));
		assert_string_equal(header("Cross-Origin-Opener-Policy"), "same-origin");
		assert_string_equal(header("Cross-Origin-Resource-Policy"), "same-origin");
	}
}

static void without_pages_a_page_says_so(void **state)
{
	(void)state;
	assert_true(ask_of(&nothing, "GET /", ""));
	assert_int_equal(answer.status, 404);
	assert_true(slice_search(answer.body, SLICE("not built")) > 0);
	assert_string_equal(answer.content_type, HTML);
	assert_non_null(header("Content-Security-Policy"));
	assert_true(ask_of(&nothing, "GET /services/dps1", BROWSER));
	assert_false(ask_of(&nothing, "GET /berth/session", BROWSER));
	assert_false(ask_of(&nothing, "GET /services/dps1", ""));
}

/* What was built into this binary, if anything was. */
static void what_was_built_in_hangs_together(void **state)
{
	size_t pages = 0;

	(void)state;
	for (size_t i = 0; i < portal_assets.count; i++) {
		const struct asset *a = &portal_assets.at[i];

		assert_int_equal(a->path[0], '/');
		assert_false(slice_absent(a->form[ASSET_PLAIN]));
		assert_true(a->form[ASSET_GZIP].n <= a->form[ASSET_PLAIN].n);
		if (!slice_absent(a->form[ASSET_GZIP]))
			assert_memory_equal(a->form[ASSET_GZIP].p, "\x1f\x8b", 2);
		assert_true(slice_starts(slice_str(a->etag), SLICE("W/\"")));
		pages += strcmp(a->path, "/index.html") == 0;
	}
	assert_int_equal(pages, portal_assets.count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_whatever_address_a_browser_wants_to_show),
		cmocka_unit_test(what_a_program_asks_is_a_question_to_the_api),
		cmocka_unit_test(a_file_that_is_not_there_any_more_is_no_page),
		cmocka_unit_test(the_form_is_the_shortest_that_the_client_takes),
		cmocka_unit_test(names_that_change_with_their_content_are_kept_for_ever),
		cmocka_unit_test(what_the_browser_has_is_not_sent_again),
		cmocka_unit_test(a_page_is_shut_in),
		cmocka_unit_test(without_pages_a_page_says_so),
		cmocka_unit_test(what_was_built_in_hangs_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
