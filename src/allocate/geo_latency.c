/*
 * geo_latency.c: the nearest hub (service-api.md 7.2): by the distance from where the device is, when that is known and the places of hubs are;
 * else by the round trips to hubs that this node has measured.
 *
 * Neither is exact, and a device that registers again must not wander between hubs that are about as near. So those within TIE_KM, or within
 * TIE_SHARE of the way, of the nearest are as near as it; likewise those within TIE_US of the shortest round trip, and a hub that was not
 * measured yet may be. A hub whose place is unknown is not near to a device whose place is known. Among the near ones the hash decides, as
 * everywhere; but a device stays where it is unless its hub is known to be farther.
 */
#include "allocate/allocate.h"

#define TIE_KM    100
#define TIE_SHARE 0.05
#define TIE_US    20000

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

/* Those to which the way is short; `near` has room for LINKED_HUBS_MAX. */
static size_t near_by_round_trip(const struct allocation *a, const struct linked_hub *const *candidates, size_t count,
				 const struct linked_hub **near)
{
	int64_t best = shortest(a, candidates, count);
	size_t n = 0;

	for (size_t i = 0; i < count && n < LINKED_HUBS_MAX; i++)
		if (allocate_round_trip(a, candidates[i]) <= best + TIE_US)
			near[n++] = candidates[i];
	return n;
}

/* Likewise; none: no place is known. */
static size_t near_by_distance(const struct allocation *a, const struct linked_hub *const *candidates, size_t count,
			       const struct linked_hub **near)
{
	double km[LINKED_HUBS_MAX], best = -1;
	size_t n = 0;

	for (size_t i = 0; i < count && i < LINKED_HUBS_MAX; i++) {
		km[i] = allocate_distance(a, candidates[i]);
		if (km[i] >= 0 && (best < 0 || km[i] < best))
			best = km[i];
	}
	for (size_t i = 0; i < count && i < LINKED_HUBS_MAX && best >= 0; i++)
		if (km[i] >= 0 && (km[i] <= best + TIE_KM || km[i] <= best * (1 + TIE_SHARE)))
			near[n++] = candidates[i];
	return n;
}

size_t allocate_nearest(const struct allocation *a, const struct linked_hub *const *hubs, size_t count, const struct linked_hub **near)
{
	size_t n = a->from ? near_by_distance(a, hubs, count, near) : 0;

	return n > 0 ? n : near_by_round_trip(a, hubs, count, near);
}

static const struct linked_hub *choose(const struct allocation *a, const struct linked_hub *const *candidates, size_t count)
{
	const struct linked_hub *near[LINKED_HUBS_MAX];
	size_t n = allocate_nearest(a, candidates, count, near);

	for (size_t i = 0; i < n; i++)
		if (slice_eq_fold(near[i]->name, a->current_hub))
			return near[i];
	return allocate_hashed.choose(a, near, n);
}

const struct allocate_policy allocate_geo_latency = {.name = "geoLatency", .measures = true, .choose = choose};
