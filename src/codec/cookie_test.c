/* Cookies: ours among others, once or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/cookie.h"

static struct http_head head;

static struct slice find(const char *headers)
{
	static char text[4096];
	const char *why;
	size_t used;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x.test\r\n%s\r\n", headers);
	assert_int_equal(http_read_head(slice_str(text), &head, &used, &why), OK);
	return cookie_find(&head, SLICE("__Host-berth"));
}

static void is(const char *headers, const char *expected)
{
	struct slice found = find(headers);

	if (!slice_eq(found, slice_str(expected)) || slice_absent(found) != (expected == NULL))
		fail_msg("\"%.*s\" should be \"%s\" in %s", SLICE_ARG(found), expected ? expected : "(absent)", headers);
}

static void ours_is_found_among_others(void **state)
{
	(void)state;
	is("Cookie: __Host-berth=abc\r\n", "abc");
	is("cookie: a=b; __Host-berth=abc; c=d\r\n", "abc");
	is("Cookie: a=b;__Host-berth=abc;\r\n", "abc");
	is("Cookie: a=b\r\nCookie: __Host-berth=abc\r\n", "abc");
	is("Cookie: __Host-berth=\r\n", "");
	is("Cookie: __Host-berth=a=b\r\n", "a=b");
	is("Cookie: __Host-berth=\"abc\"\r\n", "\"abc\"");
	is("Cookie: odd; =; ;;\"; {\"x\":[1]}; __Host-berth=abc\r\n", "abc");
}

static void nothing_but_the_name_itself_is_taken_for_it(void **state)
{
	(void)state;
	is("", NULL);
	is("Cookie: \r\n", NULL);
	is("Cookie: __host-berth=abc\r\n", NULL);
	is("Cookie: x__Host-berth=abc\r\n", NULL);
	is("Cookie: __Host-berth2=abc\r\n", NULL);
	is("Cookie: __Host-berth =abc\r\n", NULL);
	is("Cookie: __Host-berth\r\n", NULL);
	is("Cookie: a=__Host-berth=abc\r\n", NULL);
	is("X-Cookie: __Host-berth=abc\r\n", NULL);
}

static void two_of_the_name_are_none(void **state)
{
	(void)state;
	is("Cookie: __Host-berth=abc; __Host-berth=def\r\n", NULL);
	is("Cookie: __Host-berth=abc; __Host-berth=abc\r\n", NULL);
	is("Cookie: __Host-berth=abc\r\nCookie: __Host-berth=def\r\n", NULL);
	is("Cookie: __Host-berth=abc; __Host-berth=\r\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_is_found_among_others),
		cmocka_unit_test(nothing_but_the_name_itself_is_taken_for_it),
		cmocka_unit_test(two_of_the_name_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
