/*
 * address.h: IP addresses, as text and as bytes.
 */
#ifndef BERTH_IO_ADDRESS_H
#define BERTH_IO_ADDRESS_H

#include <stdbool.h>

#include "base/slice.h"

#define ADDRESS_TEXT 46 /* of any address, with the NUL */

struct sockaddr;

struct address {
	bool six;             /* IPv6; one that only stands for an IPv4 address (::ffff:192.0.2.7) is that one */
	unsigned char at[16]; /* 4 of them, or 16 */
};

/* The address in such a text without its port and brackets: "203.0.113.7:4711", "[2001:db8::7]:4711". What is neither is left as it is. */
struct slice address_alone(struct slice text);

/* Read it, with or without a port. False: it is none. A zone ("%eth0") is left out. */
bool address_read(struct slice text, struct address *out);

/* The address of these 4 bytes, or, `six`, 16. */
struct address address_over(const void *bytes, bool six);

/* The address of a socket. False: of neither family. */
bool address_of_socket(const struct sockaddr *, struct address *out);

/* As text, without a port. */
const char *address_write(const struct address *, char room[ADDRESS_TEXT]);

/* Whether the first `bits` of both are the same; of different families they never are. */
bool address_shares(const struct address *, const struct address *, int bits);

/* What cannot be anywhere in particular (RFC 6890): what it is, as the middle of a sentence ("a private address"); else NULL. */
const char *address_not_public(const struct address *);

#endif
