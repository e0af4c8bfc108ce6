/*
 * address.c: IP addresses.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "io/address.h"

#define V4_SIZE 4
#define V6_SIZE 16

/* "[2001:db8::7]:4711" and "203.0.113.7:4711" have a port; a bare IPv6 address has more than one colon. */
struct slice address_alone(struct slice text)
{
	const char *end, *colon;

	text = slice_trim(text);
	if (text.n == 0)
		return text;
	if (text.p[0] == '[') {
		end = memchr(text.p, ']', text.n);
		return end ? slice_over(text.p + 1, (size_t)(end - text.p) - 1) : text;
	}
	colon = memchr(text.p, ':', text.n);
	if (colon && memchr(colon + 1, ':', text.n - (size_t)(colon - text.p) - 1) == NULL)
		return slice_to(text, (size_t)(colon - text.p));
	return text;
}

static bool is_mapped(const unsigned char at[V6_SIZE])
{
	static const unsigned char mapped[V6_SIZE - V4_SIZE] = {[10] = 0xff, [11] = 0xff};

	return memcmp(at, mapped, sizeof(mapped)) == 0;
}

struct address address_over(const void *bytes, bool six)
{
	const unsigned char *from = bytes;
	struct address a = {.six = six && !is_mapped(from)};

	memcpy(a.at, six && !a.six ? from + V6_SIZE - V4_SIZE : from, a.six ? V6_SIZE : V4_SIZE);
	return a;
}

bool address_of_socket(const struct sockaddr *at, struct address *out)
{
	if (at->sa_family == AF_INET)
		*out = address_over(&((const struct sockaddr_in *)at)->sin_addr, false);
	else if (at->sa_family == AF_INET6)
		*out = address_over(&((const struct sockaddr_in6 *)at)->sin6_addr, true);
	else
		return false;
	return true;
}

bool address_read(struct slice text, struct address *out)
{
	struct slice alone = address_alone(text);
	const char *zone = alone.n ? memchr(alone.p, '%', alone.n) : NULL;
	unsigned char bytes[V6_SIZE];
	char name[ADDRESS_TEXT];

	*out = (struct address){0};
	if (zone)
		alone = slice_to(alone, (size_t)(zone - alone.p));
	if (alone.n == 0 || alone.n >= sizeof(name))
		return false;
	memcpy(name, alone.p, alone.n);
	name[alone.n] = 0;
	if (inet_pton(AF_INET, name, bytes) == 1)
		*out = address_over(bytes, false);
	else if (inet_pton(AF_INET6, name, bytes) == 1)
		*out = address_over(bytes, true);
	else
		return false;
	return true;
}

const char *address_write(const struct address *a, char room[ADDRESS_TEXT])
{
	return inet_ntop(a->six ? AF_INET6 : AF_INET, a->at, room, ADDRESS_TEXT);
}

bool address_shares(const struct address *a, const struct address *b, int bits)
{
	size_t whole = (size_t)bits / 8;
	int rest = bits % 8;

	if (a->six != b->six || memcmp(a->at, b->at, whole) != 0)
		return false;
	return rest == 0 || (a->at[whole] ^ b->at[whole]) >> (8 - rest) == 0;
}

const char *address_not_public(const struct address *a)
{
	static const struct {
		const char *network;
		int bits;
		const char *what;
	} all[] = {
		{"127.0.0.0", 8, "this machine's own address"},
		{"10.0.0.0", 8, "a private address"},
		{"172.16.0.0", 12, "a private address"},
		{"192.168.0.0", 16, "a private address"},
		{"100.64.0.0", 10, "an address behind a carrier's translation"},
		{"169.254.0.0", 16, "an address of the local link"},
		{"::1", 128, "this machine's own address"},
		{"fc00::", 7, "a private address"},
		{"fe80::", 10, "an address of the local link"},
	};
	struct address network;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (address_read(slice_str(all[i].network), &network) && address_shares(a, &network, all[i].bits))
			return all[i].what;
	return NULL;
}
