/*
 * proxies.h: where a request came from, when proxies stand between: they say so in a header, and those whom the operator trusts are believed.
 */
#ifndef BERTH_IO_PROXIES_H
#define BERTH_IO_PROXIES_H

#include "codec/http.h"
#include "io/networks.h"

#define FORWARDED_HOPS 32 /* proxies one behind the other */

struct proxies;

/* Trusts nobody until proxies_trust. NULL: no memory. */
struct proxies *proxies_new(void);
void proxies_free(struct proxies **);

/* From now on those in the list. From one thread at a time, while others ask. */
void proxies_trust(struct proxies *, const struct networks *);

/* Who asked. `peer` (as in struct stream) if it is not trusted, or says nothing that can be read; else the last address in X-Forwarded-For,
 * or in Forwarded (RFC 7239), that is none of the trusted, written into `room` without a port. When both headers are there they must agree,
 * or neither counts: a proxy that writes one and passes on the other would let anybody claim anything. A list beyond the limits does
 * not count either. NULL for `proxies` is as one that trusts nobody. From any thread. */
const char *proxies_client(struct proxies *, const char *peer, const struct http_head *, char room[ADDRESS_TEXT]);

#endif
