/*
 * proxies.h: where a request came from, when proxies stand between: they say so in a header, and those whom the operator trusts are believed.
 */
#ifndef BERTH_IO_PROXIES_H
#define BERTH_IO_PROXIES_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/http.h"
#include "io/address.h"

#define PROXIES_MAX     64 /* networks that are trusted */
#define FORWARDED_HOPS  32 /* proxies one behind the other */

struct proxies;

/* Trusts nobody until proxies_trust. NULL: no memory. */
struct proxies *proxies_new(void);
void proxies_free(struct proxies **);

/* From now on those of the list: "10.0.0.0/8,192.0.2.7,2001:db8::/32"; NULL or empty: nobody. What is wrong with it leaves things as they
 * were: ERR_INVALID with a sentence in `why`, in the arena. From one thread at a time, while others ask. */
MUST_USE enum err proxies_trust(struct proxies *, const char *list, struct arena *, const char **why);

/* Who asked. `peer` (as in struct stream) if it is not trusted, or says nothing that can be read; else the last address in X-Forwarded-For,
 * or in Forwarded (RFC 7239), that is none of the trusted, written into `room` without a port. When both headers are there they must agree,
 * or neither counts: a proxy that writes one and passes on the other would let anybody claim anything. A list beyond the limits does
 * not count either. NULL for `proxies` is as one that trusts nobody. From any thread. */
const char *proxies_client(struct proxies *, const char *peer, const struct http_head *, char room[ADDRESS_TEXT]);

#endif
