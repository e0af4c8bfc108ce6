/* The header that a proxy puts before a connection: both versions, and all that is none. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* Version 2, from 203.0.113.130:12345 and [2001:db8:8::7]:12345 */
#define V4 SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3"
#define V6 SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\x08\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x30\x39\x22\xb3"
/* The first with something of no meaning behind it, and the checksum of it all (made by another implementation). */
#define SUMMED SIGNATURE "\x21\x11\0\x18\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3\x04\0\x02xy\x03\0\x04\xc1\x0d\xcb\x64"

/* What is read of it, with something of the client's behind it: "203.0.113.130 12345", "own", or the sentence of the refusal. */
static const char *outcome(struct slice header)
{
	static char text[INET6_ADDRSTRLEN + 16];
	char bytes[2 * PROXY_HEADER_MAX], name[INET6_ADDRSTRLEN];
	struct proxy_header h;
	const char *why = NULL;

	assert_true(header.n + 3 <= sizeof(bytes));
	memcpy(bytes, header.p, header.n);
	memcpy(bytes + header.n, "\x16\x03\x01", 3);
	switch (proxy_header_read(slice_over(bytes, header.n + 3), &h, &why)) {
	case OK:
		assert_int_equal(h.size, header.n);
		if (!h.relayed)
			return "own";
		inet_ntop(h.six ? AF_INET6 : AF_INET, h.at, name, sizeof(name));
		snprintf(text, sizeof(text), "%s %d", name, h.port);
		return text;
	case ERR_MALFORMED: assert_non_null(why); return why;
	case ERR_AGAIN: return "again";
	default: return "another error";
	}
}

#define becomes(header, expected) assert_string_equal(outcome(SLICE(header)), expected)

static void a_line_of_version_1_names_the_client(void **state)
{
	(void)state;
	becomes("PROXY TCP4 203.0.113.130 192.0.2.1 12345 8883\r\n", "203.0.113.130 12345");
	becomes("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535");
	becomes("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0");
	becomes("PROXY TCP6 2001:DB8:8::7 2001:db8::1 12345 443\r\n", "2001:db8:8::7 12345");
	becomes("PROXY TCP6 2001:0db8:0008:0000:0000:0000:0000:0007 2001:0db8:0000:0000:0000:0000:0000:0001 65535 65535\r\n",
		"2001:db8:8::7 65535");
	becomes("PROXY TCP6 ::ffff:203.0.113.130 ::ffff:192.0.2.1 1 2\r\n", "::ffff:203.0.113.130 1");
}

static void version_2_names_the_client(void **state)
{
	(void)state;
	becomes(V4, "203.0.113.130 12345");
	becomes(V6, "2001:db8:8::7 12345");
}

static void a_proxy_may_speak_for_itself_or_not_know(void **state)
{
	(void)state;
	becomes("PROXY UNKNOWN\r\n", "own");
	becomes("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "own");
	becomes("PROXY UNKNOWN whatever \r stands here\r\n", "own");
	becomes(SIGNATURE "\x20\0\0\0", "own");        /* LOCAL */
	becomes(SIGNATURE "\x20\xff\0\x03xyz", "own"); /* its family and its block are ignored */
	becomes(SIGNATURE "\x20\x11\0\x0c\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3", "own");
	becomes(SIGNATURE "\x21\0\0\x03xyz", "own");                                            /* UNSPEC */
	becomes(SIGNATURE "\x21\x12\0\x0c\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3", "own"); /* UDP */
	becomes(SIGNATURE "\x21\x10\0\0", "own");
	becomes(SIGNATURE "\x21\x31\0\x02xx", "own"); /* a UNIX socket */
}

/* Each beginning of a header waits for the rest. */
static void a_header_may_come_byte_by_byte(void **state)
{
	static const struct slice all[] = {
		SLICE("PROXY TCP4 203.0.113.130 192.0.2.1 12345 8883\r\n"),
		SLICE("PROXY TCP6 2001:db8:8::7 2001:db8::1 12345 443\r\n"),
		SLICE("PROXY UNKNOWN\r\n"),
		SLICE(V4),
		SLICE(V6),
		SLICE(SUMMED),
		SLICE(SIGNATURE "\x20\0\0\x03xyz"),
	};
	struct proxy_header h;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t n = 0; n < all[i].n; n++)
			assert_int_equal(proxy_header_read(slice_to(all[i], n), &h, &why), ERR_AGAIN);
		assert_int_equal(proxy_header_read(all[i], &h, &why), OK);
		assert_int_equal(h.size, all[i].n);
	}
	assert_null(why);
	assert_int_equal(proxy_header_read(NO_SLICE, &h, &why), ERR_AGAIN);
}

static void what_is_no_header_is_refused_at_its_first_wrong_byte(void **state)
{
	struct proxy_header h;
	const char *why;

	(void)state;
	for (size_t n = 1; n < 6; n++) {
		char bytes[6] = "PROXY ";

		bytes[n] = '!';
		assert_int_equal(proxy_header_read(slice_over(bytes, n + 1), &h, &why), ERR_MALFORMED);
	}
	for (size_t n = 0; n < sizeof(SIGNATURE) - 1; n++) {
		char bytes[] = SIGNATURE;

		bytes[n] = '!';
		assert_int_equal(proxy_header_read(slice_over(bytes, n + 1), &h, &why), ERR_MALFORMED);
	}
	becomes("GET / HTTP/1.1\r\n\r\n", "there is none");
	becomes("proxy TCP4 203.0.113.130 192.0.2.1 1 2\r\n", "there is none");
	becomes("\x16\x03\x01\x02", "there is none, TLS begins at once");
	becomes(SIGNATURE "\x11", "its version is neither 1 nor 2");
	becomes(SIGNATURE "\x22", "its command is neither LOCAL nor PROXY");
	becomes(SIGNATURE "\x21\x41", "it names a family or a transport that there is not");
	becomes(SIGNATURE "\x21\x13", "it names a family or a transport that there is not");
}

static void a_line_is_written_just_so(void **state)
{
	static const struct slice shapes[] = {
		SLICE("PROXY TCP4 203.0.113.130 192.0.2.1 12345\r\n"),
		SLICE("PROXY TCP4 203.0.113.130 192.0.2.1 12345 8883 1\r\n"),
		SLICE("PROXY TCP4 203.0.113.130 192.0.2.1 12345 8883 \r\n"),
	};
	static const struct slice addresses[] = {
		SLICE("PROXY TCP4 203.0.113.256 192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP4 203.0.113 192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP4 203.0.113.07 192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP4  192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP4 203.0.113.7 localhost 1 2\r\n"),
		SLICE("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
		SLICE("PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP6 2001:db8:::7 2001:db8::1 1 2\r\n"),
		SLICE("PROXY TCP6 [2001:db8::7] 2001:db8::1 1 2\r\n"),
		SLICE("PROXY TCP6 2001:db8::7%1 2001:db8::1 1 2\r\n"),
		SLICE("PROXY TCP4 203.0.113.7\0 192.0.2.1 1 2\r\n"),
		SLICE("PROXY TCP6 0001:0001:0001:0001:0001:0001:0001:0001:0001:0001:0001 ::1 1 2\r\n"),
	};
	static const struct slice ports[] = {
		SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 65536 2\r\n"), SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 1 99999999999999999999\r\n"),
		SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n"),    SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 1 -2\r\n"),
		SLICE("PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\r\n"),   SLICE("PROXY TCP4 203.0.113.7 192.0.2.1  \r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		assert_string_equal(outcome(shapes[i]), "its line does not have two addresses and two ports");
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		assert_string_equal(outcome(addresses[i]), "an address in its line does not read");
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_string_equal(outcome(ports[i]), "a port in its line does not read");
	becomes("PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n", "its line does not end in CR LF");
	becomes("PROXY \n", "its line does not end in CR LF");
	becomes("PROXY \r\n", "its line names no protocol that there is");
	becomes("PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n", "its line names no protocol that there is");
	becomes("PROXY UNKNOWNS\r\n", "its line names no protocol that there is");
	becomes("PROXY  TCP4 203.0.113.7 192.0.2.1 1 2\r\n", "its line names no protocol that there is");
}

static void a_line_has_its_limit(void **state)
{
	char line[PROXY_HEADER_LINE_MAX + 1];
	struct proxy_header h;
	const char *why = NULL;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_header_read(slice_over(line, PROXY_HEADER_LINE_MAX - 1), &h, &why), ERR_AGAIN);
	assert_int_equal(proxy_header_read(slice_over(line, PROXY_HEADER_LINE_MAX), &h, &why), ERR_MALFORMED);
	assert_string_equal(why, "its line is too long");
	memcpy(line + PROXY_HEADER_LINE_MAX - 1, "\r\n", 2); /* the LF is one too far */
	assert_int_equal(proxy_header_read(slice_over(line, sizeof(line)), &h, &why), ERR_MALFORMED);
	memcpy(line + PROXY_HEADER_LINE_MAX - 2, "\r\n", 2);
	assert_int_equal(proxy_header_read(slice_over(line, sizeof(line)), &h, &why), OK);
	assert_int_equal(h.size, PROXY_HEADER_LINE_MAX);
}

/* A header of version 2 of `size` bytes, filled up with one TLV. */
static struct slice long_header(size_t size)
{
	static char bytes[2 * PROXY_HEADER_MAX];
	size_t rest = size - 16, value = size - sizeof(V4) + 1 - 3;

	memcpy(bytes, V4 "\x04", sizeof(V4));
	bytes[14] = (char)(rest >> 8), bytes[15] = (char)rest;
	bytes[sizeof(V4)] = (char)(value >> 8), bytes[sizeof(V4) + 1] = (char)value;
	return slice_over(bytes, size);
}

static void version_2_has_its_limit(void **state)
{
	struct proxy_header h;
	const char *why;

	(void)state;
	assert_string_equal(outcome(long_header(536)), "203.0.113.130 12345");
	assert_string_equal(outcome(long_header(PROXY_HEADER_MAX)), "203.0.113.130 12345");
	assert_string_equal(outcome(long_header(PROXY_HEADER_MAX + 1)), "it is too long");
	/* before the rest of it has come */
	assert_int_equal(proxy_header_read(slice_to(long_header(PROXY_HEADER_MAX + 1), 16), &h, &why), ERR_MALFORMED);
	becomes(SIGNATURE "\x20\0\xff\xff", "it is too long");
}

static void version_2_holds_what_it_promises(void **state)
{
	(void)state;
	becomes(SIGNATURE "\x21\x11\0\x0b\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22", "it is too short for its addresses");
	becomes(SIGNATURE "\x21\x21\0\x0c\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3", "it is too short for its addresses");
	becomes(SIGNATURE "\x21\x11\0\0", "it is too short for its addresses");
	/* behind the addresses: no room for a TLV, and one that goes beyond the end */
	becomes(SIGNATURE "\x21\x11\0\x0e\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3\x04\0",
		"something in it is longer than it is itself");
	becomes(SIGNATURE "\x21\x11\0\x10\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3\x04\0\x02x",
		"something in it is longer than it is itself");
}

static void a_checksum_counts(void **state)
{
	char bytes[] = SUMMED;

	(void)state;
	becomes(SUMMED, "203.0.113.130 12345");
	for (size_t i = 16; i < 28; i++) { /* any byte of the addresses */
		bytes[i] ^= 0x10;
		assert_string_equal(outcome(slice_over(bytes, sizeof(bytes) - 1)), "its checksum is another");
		bytes[i] ^= 0x10;
	}
	bytes[sizeof(bytes) - 2] ^= 1;
	assert_string_equal(outcome(slice_over(bytes, sizeof(bytes) - 1)), "its checksum is another");
	becomes(SIGNATURE "\x21\x11\0\x12\xcb\0\x71\x82\xc0\0\x02\x01\x30\x39\x22\xb3\x03\0\x03xyz", "its checksum is another");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_version_1_names_the_client),
		cmocka_unit_test(version_2_names_the_client),
		cmocka_unit_test(a_proxy_may_speak_for_itself_or_not_know),
		cmocka_unit_test(a_header_may_come_byte_by_byte),
		cmocka_unit_test(what_is_no_header_is_refused_at_its_first_wrong_byte),
		cmocka_unit_test(a_line_is_written_just_so),
		cmocka_unit_test(a_line_has_its_limit),
		cmocka_unit_test(version_2_has_its_limit),
		cmocka_unit_test(version_2_holds_what_it_promises),
		cmocka_unit_test(a_checksum_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
