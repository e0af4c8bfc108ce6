/*
 * proxy_header.h: what a proxy that passes a connection through unopened puts in front of it: whose connection it is (the PROXY
 * protocol, versions 1 and 2; https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt, named "spec" here).
 *
 * Nothing tells such a header from what a client may send itself: it is to be read only where the one who connects is known to send one.
 */
#ifndef BERTH_CODEC_PROXY_HEADER_H
#define BERTH_CODEC_PROXY_HEADER_H

#include "base/err.h"
#include "base/slice.h"

#define PROXY_HEADER_LINE_MAX 107  /* of version 1, CR and LF included (spec 2.1) */
#define PROXY_HEADER_MAX      4096 /* of version 2; the spec (2) wants it to fit 536 bytes, but proxies add more */

struct proxy_header {
	size_t size; /* the header's: what stands behind it is the client's */
	/* False: the proxy speaks for itself (LOCAL), or does not know a TCP address (UNKNOWN, UNSPEC, UDP, UNIX): then the connection's own
	 * address counts (spec 2.1, 2.2), and nothing below does. */
	bool relayed;
	bool six;             /* IPv6 */
	unsigned char at[16]; /* the client's address: 4 of them, or 16 */
	uint16_t port;
};

/* Read the header at the start of `in`, of either version. ERR_AGAIN: all of `in` belongs to a header that goes on. ERR_MALFORMED with a constant
 * sentence in `why` that quotes nothing: what is there is no header; before its end where that is plain already, though a line is read when it
 * is whole (spec 2.1). Of what version 2 adds behind the addresses (TLVs) only the checksum counts (CRC32C, spec 2.2.3), where there are
 * addresses for it to guard; the others are skipped. */
MUST_USE enum err proxy_header_read(struct slice in, struct proxy_header *out, const char **why);

#endif
