/*
 * static.c: one hub, named by the enrollment (service-api.md 7.2).
 */
#include "allocate/allocate.h"

static const struct linked_hub *find(struct slice name, const struct linked_hub *const *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_fold(candidates[i]->name, name))
			return candidates[i];
	return NULL;
}

/* RULE: without a list the first linked hub; `position` is the order of linking. */
static const struct linked_hub *first(const struct linked_hub *const *candidates, size_t count)
{
	const struct linked_hub *best = candidates[0];

	for (size_t i = 1; i < count; i++)
		if (candidates[i]->position < best->position)
			best = candidates[i];
	return best;
}

static const struct linked_hub *choose(const struct allocation *a, const struct linked_hub *const *candidates, size_t count)
{
	const struct slices *named = &a->enrollment->iot_hubs;
	const struct linked_hub *hub = NULL;

	for (size_t i = 0; i < named->n && hub == NULL; i++)
		hub = find(named->at[i], candidates, count);
	return hub ? hub : first(candidates, count);
}

const struct allocate_policy allocate_static = {.name = "static", .choose = choose};
