/*
 * choose.c: what a policy is to know of a registration, and the choice of its hub as far as it is made here.
 */
#include "provision/registration.h"

struct allocation choose_question(const struct registration *r)
{
	return (struct allocation){.registration_id = r->q.registration_id,
				   .hubs = r->hubs,
				   .hub_count = r->hub_count,
				   .enrollment = r->enrollment,
				   .service_policy = r->service->allocation_policy,
				   .current_hub = record_place(r->record).hub};
}

/* As this loop's links have measured them. Without memory the hubs are as if never measured. */
static const int64_t *round_trips(const struct registration *r)
{
	int64_t *us = arena_array(r->arena, r->hub_count, sizeof(*us));
	struct link_state state;
	size_t at = 0;

	while (us && link_each(r->p->conf.link, &at, &state)) {
		const struct linked_hub *hub = lookup_hub(r, slice_str(state.hub));

		if (hub)
			us[hub - r->hubs] = state.smoothed_us;
	}
	return us;
}

bool choose_hub(struct registration *r)
{
	struct allocation question = choose_question(r);

	if (allocate_measures(&question))
		question.round_trips_us = round_trips(r);
	if (allocate_choose(&question, r->arena, &r->choice) == OK)
		return true;
	registration_refuse_store(r, ERR_NO_MEMORY);
	return false;
}
