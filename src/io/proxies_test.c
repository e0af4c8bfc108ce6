/* Who is believed about where a request came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io/proxies.h"

#define ROOM  65536
#define PROXY "10.0.0.1:40000"

struct fixture {
	struct proxies *p;
	struct http_head head;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct arena *a = arena_new(ROOM);
	struct networks trusted;
	const char *why;

	f = (struct fixture){.p = proxies_new()};
	*state = &f;
	if (f.p == NULL || a == NULL || networks_read("10.0.0.0/8, 2001:db8:1::/48,192.0.2.9", "", &trusted, a, &why) != OK)
		return 1;
	proxies_trust(f.p, &trusted);
	arena_free(&a);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	proxies_free(&f->p);
	return 0;
}

static void add(struct fixture *f, const char *name, const char *value)
{
	f->head.headers[f->head.header_count++] = (struct http_header){slice_str(name), slice_str(value)};
}

static void client_is(struct fixture *f, const char *peer, const char *expected)
{
	char room[ADDRESS_TEXT];

	assert_string_equal(proxies_client(f->p, peer, &f->head, room), expected);
}

static void said(struct fixture *f, const char *name, const char *value, const char *expected)
{
	f->head.header_count = 0;
	add(f, name, value);
	client_is(f, PROXY, expected);
}

static void a_trusted_proxy_is_believed(void **state)
{
	struct fixture *f = *state;

	said(f, "X-Forwarded-For", "203.0.113.7", "203.0.113.7");
	said(f, "x-forwarded-for", "203.0.113.7:4711", "203.0.113.7");
	said(f, "X-Forwarded-For", "2001:db8:2::7", "2001:db8:2::7");
	said(f, "Forwarded", "for=203.0.113.7", "203.0.113.7");
	said(f, "Forwarded", "proto=https;For=\"[2001:db8:2::7]:4711\";by=10.0.0.1", "2001:db8:2::7");
	client_is(f, "[2001:db8:1::5]:999", "2001:db8:2::7");
}

static void others_are_not(void **state)
{
	struct fixture *f = *state;

	add(f, "X-Forwarded-For", "203.0.113.7");
	client_is(f, "198.51.100.1:5", "198.51.100.1:5");
	client_is(f, "[2001:db8:2::5]:5", "[2001:db8:2::5]:5");
	client_is(f, "192.0.2.8:5", "192.0.2.8:5");
	client_is(f, "192.0.2.9:5", "203.0.113.7");
}

static void without_a_word_it_is_the_peer(void **state)
{
	struct fixture *f = *state;
	char room[ADDRESS_TEXT];

	client_is(f, PROXY, PROXY);
	assert_string_equal(proxies_client(NULL, PROXY, &f->head, room), PROXY);
}

/* What the client itself has written stands in front of what the first trusted proxy has. */
static void only_what_the_trusted_have_added_counts(void **state)
{
	struct fixture *f = *state;

	said(f, "X-Forwarded-For", "198.51.100.99, 203.0.113.7", "203.0.113.7");
	said(f, "X-Forwarded-For", "198.51.100.99, 203.0.113.7, 10.0.0.2, 10.9.9.9", "203.0.113.7");
	said(f, "Forwarded", "for=198.51.100.99, for=203.0.113.7;proto=https, for=10.0.0.2", "203.0.113.7");
	said(f, "Forwarded", "for=\"a, for=198.51.100.99\", for=203.0.113.7", "203.0.113.7");
	said(f, "X-Forwarded-For", "10.0.0.3, 10.0.0.2", "10.0.0.3");
}

static void headers_that_repeat_are_one_list(void **state)
{
	struct fixture *f = *state;

	add(f, "X-Forwarded-For", "198.51.100.99");
	add(f, "Host", "global.berth.test");
	add(f, "X-Forwarded-For", "203.0.113.7");
	client_is(f, PROXY, "203.0.113.7");
}

static void what_does_not_read_ends_the_list(void **state)
{
	struct fixture *f = *state;

	said(f, "X-Forwarded-For", "203.0.113.7, unknown", PROXY);
	said(f, "X-Forwarded-For", "203.0.113.7, unknown, 10.0.0.2", "10.0.0.2");
	said(f, "X-Forwarded-For", "", PROXY);
	said(f, "X-Forwarded-For", ",,,", PROXY);
	said(f, "Forwarded", "for=_hidden", PROXY);
	said(f, "Forwarded", "proto=https", PROXY);
	said(f, "Forwarded", "for=\"203.0.113.7", PROXY);
	said(f, "Forwarded", "for=\"\\", PROXY);
}

static void two_headers_must_agree(void **state)
{
	struct fixture *f = *state;

	add(f, "X-Forwarded-For", "203.0.113.7");
	add(f, "Forwarded", "for=203.0.113.7");
	client_is(f, PROXY, "203.0.113.7");
	add(f, "Forwarded", "for=203.0.113.8");
	client_is(f, PROXY, PROXY);
}

static void too_long_a_list_does_not_count(void **state)
{
	struct fixture *f = *state;
	char list[FORWARDED_HOPS * 16 + 64] = "";

	for (int i = 0; i < FORWARDED_HOPS; i++)
		strcat(list, i ? ",10.0.0.2" : "203.0.113.7");
	said(f, "X-Forwarded-For", list, "203.0.113.7");
	strcat(list, ",10.0.0.2");
	said(f, "X-Forwarded-For", list, PROXY);
}

static void who_is_no_longer_trusted_is_no_longer_believed(void **state)
{
	struct fixture *f = *state;

	add(f, "X-Forwarded-For", "203.0.113.7");
	client_is(f, PROXY, "203.0.113.7");
	proxies_trust(f->p, &(struct networks){.count = 0});
	client_is(f, PROXY, PROXY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_trusted_proxy_is_believed),
		TEST(others_are_not),
		TEST(without_a_word_it_is_the_peer),
		TEST(only_what_the_trusted_have_added_counts),
		TEST(headers_that_repeat_are_one_list),
		TEST(what_does_not_read_ends_the_list),
		TEST(two_headers_must_agree),
		TEST(too_long_a_list_does_not_count),
		TEST(who_is_no_longer_trusted_is_no_longer_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
