/*
 * choose.c: what a policy is to know of a registration, and the choice of its hub as far as it is made here.
 */
#include "allocate/rule.h"
#include "io/address.h"
#include "provision/registration.h"

/* Who goes on with what was left unfinished does not bring the payload of the register. */
static bool goes_on(const struct registration *r)
{
	return r->taken_up || r->q.operation_id.n > 0;
}

struct slice choose_payload(const struct registration *r)
{
	struct slice payload;

	if (goes_on(r))
		return record_promises(r) ? r->record->device_payload : NO_SLICE;
	payload = json_member(slice_trim(r->q.body), "payload", true);
	return slice_eq(payload, SLICE("null")) ? NO_SLICE : payload;
}

struct allocation choose_allocation(const struct placing *among, const struct enrollment *enrollment,
				    const struct registration_record *record)
{
	return (struct allocation){.registration_id = record ? record->name : NO_SLICE,
				   .hubs = among->hubs,
				   .hub_count = among->hub_count,
				   .enrollment = enrollment,
				   .service_policy = among->policy,
				   .round_trips_us = among->round_trips_us,
				   .current_hub = record_place(record).hub};
}

bool choose_stays(const struct enrollment *enrollment, const struct registration_record *record)
{
	return record_place(record).hub.n > 0 && enrollment->update_hub == FLAG_NO;
}

struct slice choose_address(const struct registration *r)
{
	struct slice address = r->taken_up && r->record ? r->record->source_address : address_alone(slice_str(r->q.peer));
	struct address known;

	return address_read(address, &known) ? address : NO_SLICE;
}

struct allocation choose_question(const struct registration *r)
{
	const struct placing among = {.policy = r->service->allocation_policy, .hubs = r->hubs, .hub_count = r->hub_count};
	struct allocation question = choose_allocation(&among, r->enrollment, r->record);

	question.registration_id = r->q.registration_id;
	question.payload = r->device_payload;
	question.from = r->where.found ? &r->where.at : NULL;
	return question;
}

const int64_t *provision_round_trips(const struct provision *p, const struct linked_hub *hubs, size_t count, struct arena *arena)
{
	int64_t *us = arena_array(arena, count, sizeof(*us));
	struct link_state state;
	size_t at = 0;

	while (us && link_each(p->conf.link, &at, &state))
		for (size_t i = 0; i < count; i++)
			if (slice_eq_fold(hubs[i].name, slice_str(state.hub)))
				us[i] = state.smoothed_us;
	return us;
}

void choose_count(struct registration *r, const char *by, const char *how)
{
	bool chosen = strcmp(how, CUSTOM_CHOSEN) == 0;

	count_one(r->p, &(struct provision_count){.service = r->service->name,
						  .what = "custom allocation",
						  .status = how,
						  .hub = chosen ? arena_str(r->arena, r->choice.hub->name) : NULL,
						  .by = by});
}

void choose_take(struct registration *r, const struct custom_choice *from, const char *who)
{
	choose_count(r, who, CUSTOM_CHOSEN);
	r->given_twin = from->initial_twin;
	r->payload = from->payload;
	if (from->payload_dropped)
		log_warn(NULL, "payload-dropped", "device", arena_str(r->arena, r->q.registration_id), "by", who, "reason",
			 "The payload is no JSON object, which is all that devices read.", NULL);
}

bool choose_hub(struct registration *r)
{
	struct allocation question = choose_question(r);

	/* Should a crash come in between, the rule decides anew: with what the device has said. */
	if (allocate_has_rule(&question))
		question.payload = r->device_payload = choose_payload(r);
	if (allocate_measures(&question)) {
		geo_find(r->p->conf.geo, choose_address(r), &r->where);
		question.from = r->where.found ? &r->where.at : NULL;
		question.round_trips_us = provision_round_trips(r->p, r->hubs, r->hub_count, r->arena);
	}
	if (allocate_choose(&question, r->arena, &r->choice) != OK) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	if (r->choice.rule)
		r->p->counts.rule_steps += (uint64_t)r->choice.rule->steps;
	if (r->choice.by_rule && r->choice.hub)
		choose_take(r, r->choice.custom, "rule");
	return true;
}

void choose_none(struct registration *r)
{
	const struct custom_choice *custom = r->choice.custom;
	struct verdict why = {.error_code = r->choice.error_code,
			      .message = "No hub is available for the device.",
			      .check = "hub-available",
			      .seen = "none",
			      .expected = "a linked hub",
			      .sentence = r->choice.sentence};

	if (custom) {
		choose_count(r, "rule", r->choice.rule->declined ? CUSTOM_DECLINED : CUSTOM_FAULT);
		why.message = custom->message;
		why.check = "custom-allocation";
		why.seen = custom->seen;
		why.expected = arena_printf(r->arena, "one of %zu hubs, named by the rule", r->choice.candidate_count);
	}
	registration_fail(r, &why);
}
