/*
 * allocate.c: which policy, which candidates (service-api.md 7.1), and the words about it.
 */
#include "allocate/allocate.h"
#include "allocate/region.h"

#define WEIGHT_MAX  1000   /* service-api.md 7.2 */
#define HUBS_TOLD   8      /* hubs listed in a sentence */
#define CODE_NO_HUB 400208 /* device-api.md 18 */

#define POLICY(p) extern const struct allocate_policy allocate_##p;
#include "allocate/policies.def"
#undef POLICY

static const struct allocate_policy *const policies[] = {
#define POLICY(p) &allocate_##p,
#include "allocate/policies.def"
#undef POLICY
};

static const struct allocate_policy *find_policy(struct slice name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (slice_eq_fold(name, slice_str(policies[i]->name)))
			return policies[i];
	return NULL;
}

/* service-api.md 7.1, rule 1. */
static struct slice policy_name(const struct allocation *a)
{
	if (a->enrollment->allocation_policy.n > 0)
		return a->enrollment->allocation_policy;
	if (a->enrollment->iot_hub_host_name.n > 0)
		return SLICE("static");
	return a->service_policy.n > 0 ? a->service_policy : SLICE("Hashed");
}

bool allocate_measures(const struct allocation *a)
{
	const struct allocate_policy *policy = find_policy(policy_name(a));

	/* A rule may ask for the nearest. */
	return (policy && policy->measures) || allocate_has_rule(a);
}

bool allocate_has_rule(const struct allocation *a)
{
	const struct allocate_policy *policy = find_policy(policy_name(a));

	return policy && policy->decide && a->enrollment->rule.n > 0;
}

/* --- candidates --- */

/* The hubs that the enrollment names; an empty list names none. The old single name counts for `static`, whose old
 * spelling it is. */
static struct slices named_hubs(const struct allocation *a, const struct allocate_policy *policy)
{
	const struct enrollment *e = a->enrollment;
	bool is_static = strcmp(policy->name, "static") == 0;

	if (e->iot_hubs.n > 0 || !is_static || e->iot_hub_host_name.n == 0)
		return e->iot_hubs;
	return (struct slices){.at = (struct slice *)&e->iot_hub_host_name, .n = 1, .given = true};
}

static bool is_named(const struct slices *names, const struct linked_hub *hub)
{
	for (size_t i = 0; i < names->n; i++)
		if (slice_eq_fold(names->at[i], hub->name))
			return true;
	return false;
}

/* Rules 2 to 4: a named hub takes part even when the policy is not to be applied to it. */
static size_t gather(const struct allocation *a, const struct slices *names, const struct linked_hub **out)
{
	size_t n = 0;

	for (size_t i = 0; i < a->hub_count; i++)
		if (names->n > 0 ? is_named(names, &a->hubs[i]) : a->hubs[i].apply != FLAG_NO)
			out[n++] = &a->hubs[i];
	return n;
}

int64_t allocate_weight(const struct linked_hub *hub)
{
	if (hub->weight == INT_NONE || hub->weight < 1)
		return 1;
	return hub->weight > WEIGHT_MAX ? WEIGHT_MAX : hub->weight;
}

int64_t allocate_round_trip(const struct allocation *a, const struct linked_hub *hub)
{
	return a->round_trips_us ? a->round_trips_us[hub - a->hubs] : 0;
}

double allocate_distance(const struct allocation *a, const struct linked_hub *hub)
{
	struct coordinates there;

	return a->from && region_find(hub->location, &there) ? globe_km(a->from, &there) : -1;
}

bool allocate_by_distance(const struct allocation *a, const struct linked_hub *const *hubs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (allocate_distance(a, hubs[i]) >= 0)
			return true;
	return false;
}

/* --- words --- */

static const char *tell_distance(struct arena *arena, const struct allocation *a, const struct linked_hub *hub)
{
	double km = allocate_distance(a, hub);

	if (km < 0)
		return arena_printf(arena, "%.*s (its place is unknown)", SLICE_ARG(hub->name));
	return arena_printf(arena, "%.*s (%.0f km)", SLICE_ARG(hub->name), km);
}

static const char *tell_round_trip(struct arena *arena, const struct allocation *a, const struct linked_hub *hub)
{
	int64_t us = allocate_round_trip(a, hub);

	if (us == 0)
		return arena_printf(arena, "%.*s (not measured)", SLICE_ARG(hub->name));
	return arena_printf(arena, "%.*s (%.1f ms)", SLICE_ARG(hub->name), (double)us / 1000);
}

static const char *tell_hub(struct arena *arena, const struct allocation *a, const struct allocate_policy *policy, bool by_distance,
			    const struct linked_hub *hub)
{
	if (policy->measures)
		return by_distance ? tell_distance(arena, a, hub) : tell_round_trip(arena, a, hub);
	if (!policy->weighs)
		return arena_printf(arena, "%.*s", SLICE_ARG(hub->name));
	return arena_printf(arena, "%.*s (weight %lld)", SLICE_ARG(hub->name), (long long)allocate_weight(hub));
}

static const char *tell_hubs(struct arena *arena, const struct allocation *a, const struct allocate_policy *policy,
			     const struct linked_hub *const *hubs, size_t n)
{
	size_t told = n > HUBS_TOLD ? HUBS_TOLD : n;
	bool by_distance = policy->measures && allocate_by_distance(a, hubs, n);
	const char *list = tell_hub(arena, a, policy, by_distance, hubs[0]);

	for (size_t i = 1; i < told && list != NULL; i++) {
		const char *hub = tell_hub(arena, a, policy, by_distance, hubs[i]);

		list = hub ? arena_printf(arena, "%s, %s", list, hub) : NULL;
	}
	if (told < n && list != NULL)
		list = arena_printf(arena, "%s and %zu more", list, n - told);
	return list;
}

static const char *tell_choice(struct arena *arena, const struct allocation *a, const struct allocate_policy *policy,
			       const struct linked_hub *const *hubs, size_t n)
{
	const char *list;

	if (a->hub_only)
		return "";
	if (n == 1)
		return arena_printf(arena, "%s: %.*s is the only hub to choose from", policy->name, SLICE_ARG(hubs[0]->name));
	list = tell_hubs(arena, a, policy, hubs, n);
	return list ? arena_printf(arena, "%s over %zu hubs: %s", policy->name, n, list) : NULL;
}

static const char *tell_none(const struct allocation *a, const struct slices *names, struct arena *arena)
{
	const char *enrollment = arena_printf(arena, "%.*s", SLICE_ARG(a->enrollment->name));

	if (enrollment == NULL)
		return NULL;
	if (a->hub_count == 0)
		return "No hub is linked to the service.";
	if (names->n == 0)
		return arena_printf(
			arena,
			"None of the %zu linked hubs takes part: applyAllocationPolicy is false for all, and enrollment %s names none.",
			a->hub_count, enrollment);
	if (names->n == 1)
		return arena_printf(arena, "Enrollment %s allows only %.*s, which is not linked to the service.", enrollment,
				    SLICE_ARG(names->at[0]));
	return arena_printf(arena, "None of the %zu hubs that enrollment %s allows is linked to the service.", names->n, enrollment);
}

/* --- the choice --- */

static enum err choose_none(struct choice *out, const char *policy, const char *sentence)
{
	*out = (struct choice){.policy = policy, .error_code = CODE_NO_HUB, .sentence = sentence};
	return policy && sentence ? OK : ERR_NO_MEMORY;
}

enum err allocate_choose(const struct allocation *a, struct arena *arena, struct choice *out)
{
	struct slice name = policy_name(a);
	const struct allocate_policy *policy = find_policy(name);
	const struct linked_hub **candidates;
	struct slices names;
	size_t count;

	if (policy == NULL)
		return choose_none(out, arena_str(arena, name),
				   arena_printf(arena, "The allocation policy %.*s is not built into this Berth yet.", SLICE_ARG(name)));
	if ((candidates = arena_array(arena, a->hub_count, sizeof(*candidates))) == NULL)
		return ERR_NO_MEMORY;
	names = named_hubs(a, policy);
	if ((count = gather(a, &names, candidates)) == 0)
		return choose_none(out, policy->name, tell_none(a, &names, arena));
	*out = (struct choice){
		.hub = policy->choose ? policy->choose(a, candidates, count) : NULL,
		.policy = policy->name,
		.sentence = tell_choice(arena, a, policy, candidates, count),
		.candidates = candidates,
		.candidate_count = count,
	};
	if (policy->decide)
		return policy->decide(a, arena, out);
	if (out->hub == NULL)
		return choose_none(out, policy->name, arena_printf(arena, "The policy %s found no fitting hub.", policy->name));
	return out->sentence ? OK : ERR_NO_MEMORY;
}
