/*
 * whatif_change.c: hubs more and fewer, other weights, another policy.
 */
#include "api/whatif.h"

#define WEIGHT_MAX 1000 /* service-api.md 7.2 */

struct change {
	const struct whatif_service *service;
	struct arena *arena;
	struct linked_hub hubs[LINKED_HUBS_MAX];
	size_t count;
	const char *why; /* it is not to be: the sentence */
};

static bool refuse(struct change *c, const char *sentence)
{
	c->why = sentence ? sentence : "The change is too long.";
	return false;
}

/* Quoted in a sentence, not to any length. */
static struct slice shown(struct slice name)
{
	return slice_to(name, 100);
}

/* --- which hub --- */

static bool is_first_label(struct slice name, struct slice host)
{
	return name.n > 0 && slice_starts_fold(host, name) && host.n > name.n && host.p[name.n] == '.';
}

/* One with a single label is hosted here. */
static struct slice host_name(struct change *c, struct slice name)
{
	if (slice_find(name, '.') >= 0)
		return name;
	return arena_format(c->arena, "%.*s.%.*s", SLICE_ARG(arena_fold(c->arena, name)), SLICE_ARG(c->service->domain));
}

/* By its host name, else by the first label of that, wherever it lives. */
static struct linked_hub *find_hub(struct change *c, struct slice name)
{
	struct slice host = host_name(c, name);

	for (size_t i = 0; i < c->count; i++)
		if (slice_eq_fold(c->hubs[i].name, host))
			return &c->hubs[i];
	for (size_t i = 0; i < c->count; i++)
		if (is_first_label(name, c->hubs[i].name))
			return &c->hubs[i];
	return NULL;
}

static const char *tell_hubs(struct change *c)
{
	const char *list = c->count ? "" : "none";

	for (size_t i = 0; i < c->count && list; i++)
		list = arena_printf(c->arena, "%s%s%.*s", list, i ? ", " : "", SLICE_ARG(c->hubs[i].name));
	return list ? list : "";
}

static bool refuse_unknown(struct change *c, const char *what, struct slice name)
{
	return refuse(c, arena_printf(c->arena, "iotHubs.%s names %.*s, which is not linked to the service; linked are: %s.", what,
				      SLICE_ARG(shown(name)), tell_hubs(c)));
}

static struct slice text_of(struct change *c, const json_t *json)
{
	return json_is_string(json) ? arena_copy(c->arena, slice_over(json_string_value(json), json_string_length(json))) : NO_SLICE;
}

static bool is_weight(const json_t *json)
{
	return json_is_integer(json) && json_integer_value(json) >= 1 && json_integer_value(json) <= WEIGHT_MAX;
}

/* --- fewer --- */

static bool remove_hub(struct change *c, const json_t *given)
{
	struct slice name = text_of(c, given);
	struct linked_hub *hub;

	if (name.n == 0)
		return refuse(c, "iotHubs.remove must be a list of names of hubs.");
	if ((hub = find_hub(c, name)) == NULL)
		return refuse_unknown(c, "remove", name);
	c->count--;
	memmove(hub, hub + 1, (size_t)(&c->hubs[c->count] - hub) * sizeof(*hub));
	return true;
}

/* --- more --- */

/* Among the others in the order of their IDs, in which the store gives them to who asks. */
static struct linked_hub *insert_hub(struct change *c, struct slice id)
{
	size_t at = c->count++;

	for (; at > 0 && slice_cmp(c->hubs[at - 1].id, id) > 0; at--)
		c->hubs[at] = c->hubs[at - 1];
	noun_clear(&noun_linked_hub, &c->hubs[at]);
	c->hubs[at].id = id;
	return &c->hubs[at];
}

/* As it would stand in the store once it is linked: the last in the order of linking. */
static bool link_hub(struct change *c, struct slice name, int64_t weight, struct slice location)
{
	struct linked_hub *hub;
	int64_t position = 0;

	for (size_t i = 0; i < c->count; i++)
		if (c->hubs[i].position >= position)
			position = c->hubs[i].position + 1;
	hub = insert_hub(c, arena_fold(c->arena, name));
	hub->name = name;
	hub->weight = weight;
	hub->location = location;
	hub->position = position;
	return true;
}

static bool add_hub(struct change *c, const json_t *given)
{
	const json_t *weight = json_get_fold(given, "allocationWeight"), *location = json_get_fold(given, "location");
	struct slice name = text_of(c, json_get_fold(given, "name"));

	if (name.n == 0 || (json_is_string(location) == false && location && !json_is_null(location)))
		return refuse(c,
			      "iotHubs.add must be a list of hubs, each with a name and, if wanted, an allocationWeight and a location.");
	if (weight && !json_is_null(weight) && !is_weight(weight))
		return refuse(c, arena_printf(c->arena, "iotHubs.add: %.*s has an allocationWeight that is not 1 to %d.",
					      SLICE_ARG(shown(name)), WEIGHT_MAX));
	name = host_name(c, name);
	for (size_t i = 0; i < c->count; i++)
		if (slice_eq_fold(c->hubs[i].name, name))
			return refuse(c, arena_printf(c->arena, "iotHubs.add names %.*s, which is linked to the service already.",
						      SLICE_ARG(shown(name))));
	if (c->count == LINKED_HUBS_MAX)
		return refuse(c, arena_printf(c->arena, "With iotHubs.add there would be more than %d hubs.", LINKED_HUBS_MAX));
	return link_hub(c, name, json_is_integer(weight) ? json_integer_value(weight) : INT_NONE, text_of(c, location));
}

/* --- other weights --- */

static bool weigh_hub(struct change *c, const char *name, const json_t *weight)
{
	struct linked_hub *hub = find_hub(c, slice_str(name));

	if (hub == NULL)
		return refuse_unknown(c, "weights", slice_str(name));
	if (!is_weight(weight))
		return refuse(c, arena_printf(c->arena, "iotHubs.weights: the weight of %.*s must be a number from 1 to %d.",
					      SLICE_ARG(shown(hub->name)), WEIGHT_MAX));
	hub->weight = json_integer_value(weight);
	return true;
}

static bool weigh_hubs(struct change *c, json_t *weights)
{
	const char *name;
	json_t *weight;

	if (weights == NULL || json_is_null(weights))
		return true;
	if (!json_is_object(weights))
		return refuse(c, "iotHubs.weights must be an object: names of hubs, and their weights.");
	json_object_foreach(weights, name, weight) if (!weigh_hub(c, name, weight)) return false;
	return true;
}

/* --- the whole --- */

static bool for_each(struct change *c, const json_t *list, const char *refusal, bool (*apply)(struct change *, const json_t *))
{
	const json_t *item;
	size_t i;

	if (list == NULL || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return refuse(c, refusal);
	json_array_foreach(list, i, item) if (!apply(c, item)) return false;
	return true;
}

static bool change_hubs(struct change *c, const json_t *hubs)
{
	if (hubs == NULL || json_is_null(hubs))
		return true;
	if (!json_is_object(hubs))
		return refuse(c, "iotHubs must be an object with add, remove and weights.");
	return for_each(c, json_get_fold(hubs, "remove"), "iotHubs.remove must be a list of names of hubs.", remove_hub) &&
	       for_each(c, json_get_fold(hubs, "add"), "iotHubs.add must be a list of hubs.", add_hub) &&
	       weigh_hubs(c, json_get_fold(hubs, "weights"));
}

static bool change_policy(struct change *c, const json_t *given, struct slice *policy)
{
	struct slice name = text_of(c, given);

	if (given == NULL || json_is_null(given))
		return true;
	for (const char *const *known = service_policies; *known; known++)
		if (slice_eq_fold(name, slice_str(*known))) {
			*policy = slice_str(*known);
			return true;
		}
	return refuse(c, "allocationPolicy must be Hashed, GeoLatency or Static.");
}

const char *whatif_change(const struct whatif_service *service, const json_t *body, struct arena *arena, struct placing *out)
{
	struct change *c = arena_alloc(arena, sizeof(*c));

	if (c == NULL)
		return "The change is too long.";
	c->service = service;
	c->arena = arena;
	c->count = service->hub_count < LINKED_HUBS_MAX ? service->hub_count : LINKED_HUBS_MAX;
	memcpy(c->hubs, service->hubs, c->count * sizeof(c->hubs[0]));
	*out = (struct placing){.policy = service->policy};
	if (change_policy(c, json_get_fold(body, "allocationPolicy"), &out->policy))
		change_hubs(c, json_get_fold(body, "iotHubs"));
	out->hubs = c->hubs;
	out->hub_count = c->count;
	return c->why == NULL && arena_failed(arena) ? "The change is too long." : c->why;
}
