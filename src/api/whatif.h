/*
 * whatif.h: a service as it might be, and what becomes of its devices, added up. For service_whatif.c; pure.
 */
#ifndef BERTH_API_WHATIF_H
#define BERTH_API_WHATIF_H

#include "provision/foretell.h"

/* --- whatif_change.c --- */

struct whatif_service {
	struct slice policy, domain; /* the service's own policy; of hubs that are hosted here */
	const struct linked_hub *hubs;
	size_t hub_count;
};

/* The service with a change: {"allocationPolicy"?, "iotHubs":{"add":[{"name","allocationWeight"?,"location"?}]?,"remove":[name]?,
 * "weights":{name:N}?}?}. A hub is named by its host name or the first label of that; one that is added with a single label is hosted here.
 * NULL: `out` is it, in the arena. Else a sentence for who asks: what is wrong with the change. */
const char *whatif_change(const struct whatif_service *, const json_t *body, struct arena *, struct placing *out);

/* --- whatif_tally.c --- */

#define WHATIF_PLACES_MAX  (4 * LINKED_HUBS_MAX) /* hubs that are told apart: linked, added, and where devices still are */
#define WHATIF_REASONS_MAX 40                    /* sentences that are told apart */

struct whatif_tally {
	struct whatif_place {
		struct slice name;
		int64_t now, then;
	} places[WHATIF_PLACES_MAX + 1]; /* the last one stands for all that there is no room for */
	size_t place_count;
	int64_t moves[WHATIF_PLACES_MAX + 1][WHATIF_PLACES_MAX + 1]; /* from, to */
	struct {
		const char *sentence;
		int64_t devices;
	} reasons[WHATIF_REASONS_MAX + 1];
	size_t reason_count;
	int64_t devices, stay, move, undecided, refused;
	struct arena *arena; /* of names and sentences that come up */
};

/* Empty, with the hubs from before and after the change; they are lent. */
void whatif_tally_init(struct whatif_tally *, const struct linked_hub *before, size_t before_count, const struct placing *after,
		       struct arena *);

/* Who does not move counts where it is, now and then. ERR_NO_MEMORY. */
MUST_USE enum err whatif_tally_add(struct whatif_tally *, const struct foretold *);

/* {"devices":..,"hubs":[..],"moves":[..],"reasons":[..]} as a member of what is being written. */
void whatif_tally_write(const struct whatif_tally *, struct json_out *, const char *name);

#endif
