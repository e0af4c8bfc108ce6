/*
 * places.c: identities of a device on hubs, as the record remembers them: "hub/device". Neither name holds a '/'.
 */
#include "provision/registration.h"

/* Host names have no case; device IDs do (hub-api.md 4.3). */
bool place_same(struct place a, struct place b)
{
	return slice_eq_fold(a.hub, b.hub) && slice_eq(a.device, b.device);
}

struct place place_read(struct slice text)
{
	ptrdiff_t slash = slice_find(text, '/');

	if (slash < 0)
		return (struct place){NO_SLICE, NO_SLICE};
	return (struct place){slice_to(text, (size_t)slash), slice_from(text, (size_t)slash + 1)};
}

bool places_have(const struct slices *list, struct place place)
{
	for (size_t i = 0; i < list->n; i++)
		if (place_same(place_read(list->at[i]), place))
			return true;
	return false;
}

struct slices places_without(struct arena *arena, struct slices list, struct place place)
{
	struct slices out = {.at = arena_array(arena, list.n, sizeof(struct slice))};

	for (size_t i = 0; i < list.n && out.at; i++)
		if (!place_same(place_read(list.at[i]), place))
			out.at[out.n++] = list.at[i];
	return out;
}

/* At the limit the oldest is forgotten: what has stayed that long will not be removed by us any more. */
struct slices places_with(struct arena *arena, struct slices list, struct place place)
{
	size_t skip = list.n >= LEFTOVERS_MAX ? 1 : 0;
	struct slices out = {.at = arena_array(arena, list.n + 1, sizeof(struct slice))};

	if (out.at == NULL || place.hub.n == 0 || places_have(&list, place))
		return list;
	for (size_t i = skip; i < list.n; i++)
		out.at[out.n++] = list.at[i];
	out.at[out.n++] = arena_format(arena, "%.*s/%.*s", SLICE_ARG(place.hub), SLICE_ARG(place.device));
	return out;
}
