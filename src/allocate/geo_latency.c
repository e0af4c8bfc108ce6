/*
 * geo_latency.c: the nearest hub, by the round trips to hubs that this node has measured (service-api.md 7.2).
 *
 * Round trips are never twice the same, and a device that registers again must not wander between hubs that are about as near: those within
 * TIE_US of the shortest are as near as it, and a hub that was not measured yet may be. Among them the hash decides, as everywhere;
 * but a device stays where it is unless its hub is known to be farther.
 */
#include "allocate/allocate.h"

#define TIE_US 20000

/* 0: none was measured. */
static int64_t shortest(const struct allocation *a, const struct linked_hub *const *candidates, size_t count)
{
	int64_t best = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t us = allocate_round_trip(a, candidates[i]);

		if (us > 0 && (best == 0 || us < best))
			best = us;
	}
	return best;
}

static bool is_near(const struct allocation *a, const struct linked_hub *hub, int64_t best)
{
	return allocate_round_trip(a, hub) <= best + TIE_US;
}

static const struct linked_hub *choose(const struct allocation *a, const struct linked_hub *const *candidates, size_t count)
{
	const struct linked_hub *near[LINKED_HUBS_MAX];
	int64_t best = shortest(a, candidates, count);
	size_t n = 0;

	for (size_t i = 0; i < count && n < LINKED_HUBS_MAX; i++) {
		if (!is_near(a, candidates[i], best))
			continue;
		if (slice_eq_fold(candidates[i]->name, a->current_hub))
			return candidates[i];
		near[n++] = candidates[i];
	}
	return allocate_hashed.choose(a, near, n);
}

const struct allocate_policy allocate_geo_latency = {.name = "geoLatency", .measures = true, .choose = choose};
