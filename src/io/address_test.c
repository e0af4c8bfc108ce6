/* Addresses as text and bytes. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/address.h"

static void reads_as(const char *text, const char *expected)
{
	struct address a;
	char room[ADDRESS_TEXT];

	assert_true(address_read(slice_str(text), &a));
	assert_string_equal(address_write(&a, room), expected);
}

static void ports_and_brackets_do_not_matter(void **state)
{
	(void)state;
	reads_as("203.0.113.7", "203.0.113.7");
	reads_as("203.0.113.7:4711", "203.0.113.7");
	reads_as(" 203.0.113.7 ", "203.0.113.7");
	reads_as("2001:db8::7", "2001:db8::7");
	reads_as("[2001:DB8::7]", "2001:db8::7");
	reads_as("[2001:db8::7]:4711", "2001:db8::7");
	reads_as("fe80::1%eth0", "fe80::1");
	reads_as("::ffff:192.0.2.7", "192.0.2.7");
	reads_as("[::ffff:192.0.2.7]:443", "192.0.2.7");
}

static void what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"",	  ":",	       "[",	     "[]",	"unknown",  "_hidden", "203.0.113",
					  "1.2.3.256", "1.2.3.4.5", "2001:db8:::1", "localhost", "[2001:db8::7", "01.2.3.4.5:1:2"};
	struct address a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_read(slice_str(bad[i]), &a))
			fail_msg("%s was taken", bad[i]);
	assert_false(address_read(NO_SLICE, &a));
}

static void bytes_and_sockets_have_addresses(void **state)
{
	static const unsigned char six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7}, mapped[16] = {[10] = 0xff, 0xff, 203, 0, 113, 7};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = 1};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = 1};
	struct address a = address_over(six, true);
	char room[ADDRESS_TEXT];

	(void)state;
	assert_string_equal(address_write(&a, room), "2001:db8::7");
	a = address_over(mapped, true);
	assert_string_equal(address_write(&a, room), "203.0.113.7");
	memcpy(&v4.sin_addr, mapped + 12, 4);
	assert_true(address_of_socket((struct sockaddr *)&v4, &a));
	assert_string_equal(address_write(&a, room), "203.0.113.7");
	memcpy(&v6.sin6_addr, six, 16);
	assert_true(address_of_socket((struct sockaddr *)&v6, &a));
	assert_string_equal(address_write(&a, room), "2001:db8::7");
	assert_false(address_of_socket(&(struct sockaddr){.sa_family = AF_UNIX}, &a));
}

static bool shares(const char *one, const char *other, int bits)
{
	struct address a, b;

	assert_true(address_read(slice_str(one), &a) && address_read(slice_str(other), &b));
	return address_shares(&a, &b, bits);
}

static void networks_end_where_they_say(void **state)
{
	(void)state;
	assert_true(shares("10.1.2.3", "10.255.0.0", 8));
	assert_false(shares("11.1.2.3", "10.255.0.0", 8));
	assert_true(shares("192.0.2.129", "192.0.2.255", 25));
	assert_false(shares("192.0.2.127", "192.0.2.255", 25));
	assert_true(shares("192.0.2.1", "203.0.113.1", 0));
	assert_false(shares("192.0.2.1", "::", 0));
	assert_true(shares("2001:db8:1::", "2001:db8:1:ffff::", 48));
	assert_false(shares("2001:db8:1::", "2001:db8:2::", 48));
	assert_true(shares("::1", "::1", 128));
}

static void addresses_that_are_nowhere_are_told(void **state)
{
	static const struct {
		const char *address, *what;
	} all[] = {
		{"127.0.0.53", "this machine's own address"}, {"172.31.255.255", "a private address"},
		{"172.32.0.0", NULL},			      {"192.168.1.1", "a private address"},
		{"100.127.0.1", "an address behind a carrier's translation"}, {"100.128.0.1", NULL},
		{"169.254.1.1", "an address of the local link"}, {"fd00::1", "a private address"},
		{"fe80::1", "an address of the local link"},  {"2001:db8::1", NULL},
		{"::ffff:10.0.0.1", "a private address"},
	};
	struct address a;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *what;

		assert_true(address_read(slice_str(all[i].address), &a));
		what = address_not_public(&a);
		if (all[i].what == NULL)
			assert_null(what);
		else
			assert_string_equal(what, all[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_brackets_do_not_matter),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(bytes_and_sockets_have_addresses),
		cmocka_unit_test(networks_end_where_they_say),
		cmocka_unit_test(addresses_that_are_nowhere_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
