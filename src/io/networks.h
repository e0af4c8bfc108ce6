/*
 * networks.h: a list of networks, as an operator writes one.
 */
#ifndef BERTH_IO_NETWORKS_H
#define BERTH_IO_NETWORKS_H

#include "base/arena.h"
#include "base/err.h"
#include "io/address.h"

#define NETWORKS_MAX 64 /* in a list */

/* A value: copy it as you like. Zeroed: none. */
struct networks {
	struct {
		struct address address;
		int bits; /* of it that count */
	} at[NETWORKS_MAX];
	size_t count;
};

/* Read "10.0.0.0/8, 192.0.2.7,2001:db8::/32"; NULL or empty: none. ERR_INVALID with a sentence in `why`, in the arena, which names the
 * `setting` ("--trusted-proxies"); *out is then as it was. */
MUST_USE enum err networks_read(const char *list, const char *setting, struct networks *out, struct arena *, const char **why);

/* Whether the address is in one of them. */
bool networks_have(const struct networks *, const struct address *);

#endif
