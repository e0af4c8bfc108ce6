/* Lists of networks: what is in them, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/networks.h"

#define ROOM 65536

static struct arena *arena;

static struct networks read_list(const char *list)
{
	struct networks n;
	const char *why = NULL;

	if (networks_read(list, "--proxies", &n, arena, &why) != OK)
		fail_msg("%s: %s", list, why);
	return n;
}

static bool has(const struct networks *n, const char *address)
{
	struct address a;

	assert_true(address_read(slice_str(address), &a));
	return networks_have(n, &a);
}

static void addresses_are_in_their_networks(void **state)
{
	struct networks n = read_list("10.0.0.0/8, 2001:db8:1::/48,192.0.2.9 ,203.0.113.128/25");

	(void)state;
	assert_int_equal(n.count, 4);
	assert_true(has(&n, "10.255.0.1") && has(&n, "192.0.2.9") && has(&n, "203.0.113.200"));
	assert_true(has(&n, "2001:db8:1:ffff::1") && has(&n, "::ffff:10.0.0.1"));
	assert_false(has(&n, "11.0.0.1") || has(&n, "192.0.2.8") || has(&n, "203.0.113.127"));
	assert_false(has(&n, "2001:db8:2::1") || has(&n, "::1"));
}

static void an_empty_list_has_none(void **state)
{
	static const char *const empty[] = {NULL, "", " ", ",", " , "};

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		struct networks n = read_list(empty[i]);

		assert_int_equal(n.count, 0);
		assert_false(has(&n, "0.0.0.0"));
	}
}

static void no_bits_are_every_address_of_a_family(void **state)
{
	struct networks n = read_list("0.0.0.0/0");

	(void)state;
	assert_true(has(&n, "203.0.113.7"));
	assert_false(has(&n, "2001:db8::7"));
}

static void what_is_no_network_is_refused_by_name(void **state)
{
	static const char *const bad[] = {"everybody", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "2001:db8::/129", "10.0.0.1:80", "10/8"};
	struct networks n = read_list("192.0.2.9");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;
		char list[64];

		snprintf(list, sizeof(list), "10.0.0.0/8,%s", bad[i]);
		assert_int_equal(networks_read(list, "--proxies", &n, arena, &why), ERR_INVALID);
		assert_non_null(strstr(why, bad[i]));
		assert_non_null(strstr(why, "--proxies"));
		assert_true(n.count == 1 && has(&n, "192.0.2.9"));
	}
}

static void a_list_has_its_limit(void **state)
{
	char list[(NETWORKS_MAX + 1) * 12] = "";
	struct networks n;
	const char *why = NULL;

	(void)state;
	for (int i = 0; i < NETWORKS_MAX; i++)
		strcat(list, "10.0.0.1,");
	assert_int_equal(read_list(list).count, NETWORKS_MAX);
	strcat(list, "10.0.0.1");
	assert_int_equal(networks_read(list, "--proxies", &n, arena, &why), ERR_INVALID);
	assert_non_null(strstr(why, "64"));
}

static int set_up(void **state)
{
	(void)state;
	return (arena = arena_new(ROOM)) == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_in_their_networks),
		cmocka_unit_test(an_empty_list_has_none),
		cmocka_unit_test(no_bits_are_every_address_of_a_family),
		cmocka_unit_test(what_is_no_network_is_refused_by_name),
		cmocka_unit_test(a_list_has_its_limit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
