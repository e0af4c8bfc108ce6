/*
 * peers.h: how many connections each peer address has.
 */
#ifndef BERTH_LISTEN_PEERS_H
#define BERTH_LISTEN_PEERS_H

#include "base/map.h"
#include "io/address.h"

struct peer;

/* One more from there, unless it has `max` already (0: not counted, *out becomes NULL): ERR_THROTTLED. An IPv6 peer is its
 * /64, for that is what one subscriber gets. ERR_TOO_BIG, ERR_NO_MEMORY. */
MUST_USE enum err peer_enter(struct map *peers, const struct address *from, int max, struct peer **out);

/* One less. NULL inside is welcome; *p becomes NULL. */
void peer_leave(struct map *peers, struct peer **p);

#endif
