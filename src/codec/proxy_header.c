/*
 * proxy_header.c: two formats, told apart by their first byte.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"
#include "codec/proxy_header.h"

#define WORD        "PROXY "
#define SIGNATURE   "\r\n\r\n\0\r\nQUIT\n"
#define FIXED       16 /* bytes of version 2 before the addresses */
#define TLV_CRC32C  0x03
#define CRC32C_SIZE 4

/* The high and low halves of the 13th and 14th byte (spec 2.2). */
enum { VERSION_2 = 2 };
enum { COMMAND_LOCAL, COMMAND_PROXY };
enum { FAMILY_INET = 1, FAMILY_INET6, FAMILY_UNIX };
enum { TRANSPORT_STREAM = 1, TRANSPORT_DGRAM };

static enum err refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return ERR_MALFORMED;
}

/* --- version 1: one line of text --- */

/* A number without leading zeros, 65535 at most. */
static bool read_port(struct slice text, uint16_t *out)
{
	uint64_t n;

	if (!slice_to_u64(text, &n) || n > UINT16_MAX || (text.n > 1 && text.p[0] == '0'))
		return false;
	*out = (uint16_t)n;
	return true;
}

static bool read_address(struct slice text, bool six, unsigned char at[static 16])
{
	char name[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(name) || memchr(text.p, 0, text.n))
		return false;
	memcpy(name, text.p, text.n);
	name[text.n] = 0;
	return inet_pton(six ? AF_INET6 : AF_INET, name, at) == 1;
}

/* Source, destination, source port, destination port; one blank between them. */
static enum err read_line_addresses(struct slice rest, bool six, struct proxy_header *out, const char **why)
{
	struct slice from, to, from_port, to_port;
	unsigned char unused[16];
	uint16_t unused_port;

	if (!slice_next(&rest, ' ', &from) || !slice_next(&rest, ' ', &to) || !slice_next(&rest, ' ', &from_port) ||
	    !slice_next(&rest, ' ', &to_port) || !slice_absent(rest))
		return refuse(why, "its line does not have two addresses and two ports");
	if (!read_address(from, six, out->at) || !read_address(to, six, unused))
		return refuse(why, "an address in its line does not read");
	if (!read_port(from_port, &out->port) || !read_port(to_port, &unused_port))
		return refuse(why, "a port in its line does not read");
	out->six = six;
	out->relayed = true;
	return OK;
}

/* `rest` is what stands behind the word. */
static enum err read_line(struct slice rest, struct proxy_header *out, const char **why)
{
	if (slice_starts(rest, SLICE("TCP4 ")))
		return read_line_addresses(slice_from(rest, 5), false, out, why);
	if (slice_starts(rest, SLICE("TCP6 ")))
		return read_line_addresses(slice_from(rest, 5), true, out, why);
	if (slice_eq(rest, SLICE("UNKNOWN")) || slice_starts(rest, SLICE("UNKNOWN ")))
		return OK; /* whatever follows up to the end of the line is ignored (spec 2.1) */
	return refuse(why, "its line names no protocol that there is");
}

static enum err read_version_1(struct slice in, struct proxy_header *out, const char **why)
{
	ptrdiff_t end = slice_find(slice_to(in, PROXY_HEADER_LINE_MAX), '\n');

	if (end < 0)
		return in.n < PROXY_HEADER_LINE_MAX ? ERR_AGAIN : refuse(why, "its line is too long");
	if (in.p[end - 1] != '\r')
		return refuse(why, "its line does not end in CR LF");
	out->size = (size_t)end + 1;
	return read_line(slice_from(slice_to(in, out->size - 2), sizeof(WORD) - 1), out, why);
}

/* --- version 2: bytes --- */

/* CRC32C (RFC 3720 appendix B.4) of the header, as if the checksum in it, at `hole`, were zeros. */
static uint32_t checksum(struct slice header, size_t hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < header.n; i++) {
		crc ^= i >= hole && i < hole + CRC32C_SIZE ? 0 : (uint8_t)header.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

/* What stands behind the addresses, `c` in `header`: type, length and value, again and again. */
static enum err check_rest(struct slice header, struct cursor *c, const char **why)
{
	while (c->rest.n > 0) {
		uint8_t type = cur_u8(c);
		struct slice value = cur_str16(c);
		struct cursor sum;
		uint32_t high, low;

		if (c->bad)
			return refuse(why, "something in it is longer than it is itself");
		if (type != TLV_CRC32C)
			continue;
		sum = cursor_over(value);
		high = cur_u16(&sum), low = cur_u16(&sum);
		if (sum.bad || sum.rest.n > 0 || checksum(header, (size_t)(value.p - header.p)) != (high << 16 | low))
			return refuse(why, "its checksum is another");
	}
	return OK;
}

static enum err read_addresses(struct slice header, bool six, struct proxy_header *out, const char **why)
{
	struct cursor c = cursor_over(slice_from(header, FIXED));
	size_t size = six ? 16 : 4;
	struct slice from = cur_bytes(&c, size);

	(void)cur_bytes(&c, size);
	out->port = cur_u16(&c);
	(void)cur_u16(&c);
	if (c.bad)
		return refuse(why, "it is too short for its addresses");
	memcpy(out->at, from.p, size);
	out->six = six;
	out->relayed = true;
	return check_rest(header, &c, why);
}

/* Of a header whose fixed part is there. */
static size_t whole_size(struct slice in)
{
	return FIXED + (size_t)((uint8_t)in.p[14] << 8 | (uint8_t)in.p[15]);
}

/* What the fixed part says, as far as it is there, may be. */
static enum err check_fixed(struct slice in, const char **why)
{
	unsigned command = in.n > 12 ? (uint8_t)in.p[12] : VERSION_2 << 4, kind = in.n > 13 ? (uint8_t)in.p[13] : 0;

	if (command >> 4 != VERSION_2)
		return refuse(why, "its version is neither 1 nor 2");
	if ((command & 15) > COMMAND_PROXY)
		return refuse(why, "its command is neither LOCAL nor PROXY");
	if ((command & 15) == COMMAND_PROXY && (kind >> 4 > FAMILY_UNIX || (kind & 15) > TRANSPORT_DGRAM))
		return refuse(why, "it names a family or a transport that there is not");
	if (in.n >= FIXED && whole_size(in) > PROXY_HEADER_MAX)
		return refuse(why, "it is too long");
	return OK;
}

static enum err read_version_2(struct slice in, struct proxy_header *out, const char **why)
{
	unsigned family, transport;

	if (check_fixed(in, why) != OK)
		return ERR_MALFORMED;
	if (in.n < FIXED || in.n < whole_size(in))
		return ERR_AGAIN;
	out->size = whole_size(in);
	family = (uint8_t)in.p[13] >> 4, transport = (uint8_t)in.p[13] & 15;
	if (((uint8_t)in.p[12] & 15) == COMMAND_LOCAL || transport != TRANSPORT_STREAM || (family != FAMILY_INET && family != FAMILY_INET6))
		return OK; /* the block is skipped, whatever is in it (spec 2.2) */
	return read_addresses(slice_to(in, out->size), family == FAMILY_INET6, out, why);
}

/* --- the two --- */

/* As much of `in` as there is of `whole`. */
static bool begins(struct slice in, struct slice whole)
{
	return slice_starts(slice_to(in, whole.n), slice_to(whole, in.n));
}

enum err proxy_header_read(struct slice in, struct proxy_header *out, const char **why)
{
	*out = (struct proxy_header){0};
	if (in.n == 0)
		return ERR_AGAIN;
	if (begins(in, SLICE(WORD)))
		return in.n < sizeof(WORD) - 1 ? ERR_AGAIN : read_version_1(in, out, why);
	if (begins(in, SLICE(SIGNATURE)))
		return read_version_2(in, out, why);
	if (in.p[0] == 0x16) /* a TLS handshake record (RFC 8446 section 5.1) */
		return refuse(why, "there is none, TLS begins at once");
	return refuse(why, "there is none");
}
