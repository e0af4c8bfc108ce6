/*
 * service_explain.c: which hub a device would get that asks from a certain address, and how each hub fares in it. Ours.
 */
#include <math.h>

#include "allocate/allocate.h"
#include "allocate/region.h"
#include "io/address.h"
#include "api/service_trial.h"

enum { WANT_HUBS, WANT_RECORD, WANT_OWN, WANT_ENTRY, WANTS };

struct explain {
	struct trial_device device;
	struct slice address, policy; /* absent: as it is stored */
	struct linked_hub hub_like;
	struct registration_record record_like;
	struct enrollment own_like, group_like;
	struct store_want want[WANTS];
	struct allocation question;
	struct enrollment *entry;
	struct geo_place place;
	struct choice choice;
	const struct linked_hub *near[LINKED_HUBS_MAX]; /* of the candidates */
	size_t near_count;
};

/* --- one hub --- */

static bool is_among(const struct linked_hub *hub, const struct linked_hub *const *hubs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (hubs[i] == hub)
			return true;
	return false;
}

/* Why it does not take part at all. */
static const char *why_left_out(struct api_call *call, const struct linked_hub *hub)
{
	const struct explain *x = call->state;

	if (x->entry->iot_hubs.n > 0 || x->entry->iot_hub_host_name.n > 0)
		return "The enrollment does not name it.";
	if (hub->apply == FLAG_NO)
		return "applyAllocationPolicy is false for it.";
	return arena_printf(call->arena, "The policy %s does not ask about it.", x->choice.policy);
}

/* To the nearest of those that count as near, which need not be the first of them. */
static double shortest_way(const struct explain *x)
{
	double best = allocate_distance(&x->question, x->near[0]);

	for (size_t i = 1; i < x->near_count; i++)
		best = fmin(best, allocate_distance(&x->question, x->near[i]));
	return best;
}

/* A hub further away than those that are near; `by_km`: compared by distance. */
static const char *why_far(struct api_call *call, const struct linked_hub *hub, bool by_km)
{
	const struct explain *x = call->state;
	double km = allocate_distance(&x->question, hub);
	int64_t us = allocate_round_trip(&x->question, hub);

	if (by_km && km < 0)
		return arena_printf(call->arena, "Its place is unknown: \"%.*s\" is no region that is known here, and no LATITUDE,LONGITUDE.",
				    SLICE_ARG(hub->location));
	if (by_km)
		return arena_printf(call->arena, "It is %.0f km farther than the nearest.", km - shortest_way(x));
	return arena_printf(call->arena, "Its round trip of %.1f ms is longer than that of the nearest by more than counts as equal.",
			    (double)us / 1000);
}

static const char *why_near(struct api_call *call, const struct linked_hub *hub)
{
	const struct explain *x = call->state;

	if (x->near_count == 1)
		return "It is the nearest.";
	if (slice_eq_fold(hub->name, x->question.current_hub))
		return "It is about as near as the nearest, and the device is there.";
	return arena_printf(call->arena, "It is one of %zu that are about as near; %s decides among them.", x->near_count,
			    x->question.current_hub.n ? "where the device is, or else the hash of its ID," : "the hash of the device's ID");
}

static const char *reason_of(struct api_call *call, const struct linked_hub *hub)
{
	const struct explain *x = call->state;
	bool by_km = allocate_by_distance(&x->question, x->choice.candidates, x->choice.candidate_count);

	if (!is_among(hub, x->choice.candidates, x->choice.candidate_count))
		return why_left_out(call, hub);
	if (strcmp(x->choice.policy, allocate_geo_latency.name) != 0)
		return hub == x->choice.hub ? "The policy has chosen it." : "The policy could choose it, and has not.";
	return is_among(hub, x->near, x->near_count) ? why_near(call, hub) : why_far(call, hub, by_km);
}

static void write_number(struct api_call *call, const char *name, const char *form, double value)
{
	json_raw(&call->out, name, arena_format(call->arena, form, value));
}

static void write_hub(struct api_call *call, const struct linked_hub *hub)
{
	const struct explain *x = call->state;
	struct json_out *out = &call->out;
	double km = allocate_distance(&x->question, hub);
	struct coordinates at;

	json_open(out, NULL, '{');
	json_text(out, "name", hub->name);
	json_text(out, "location", hub->location);
	if (region_find(hub->location, &at)) {
		write_number(call, "latitude", "%.4f", at.latitude);
		write_number(call, "longitude", "%.4f", at.longitude);
	}
	if (km >= 0)
		write_number(call, "distanceKm", "%.0f", km);
	if (allocate_round_trip(&x->question, hub) > 0)
		write_number(call, "roundTripMs", "%.1f", (double)allocate_round_trip(&x->question, hub) / 1000);
	json_int(out, "weight", allocate_weight(hub));
	json_bool(out, "eligible", is_among(hub, x->choice.candidates, x->choice.candidate_count));
	json_str(out, "reason", reason_of(call, hub));
	json_close(out, '}');
}

/* --- all of it --- */

static void write_place(struct api_call *call)
{
	const struct explain *x = call->state;
	struct json_out *out = &call->out;

	if (!x->place.found) {
		json_none(out, "place");
		json_str(out, "placeReason",
			 x->address.n ? x->place.why : "No address was given, and none is known of a registration of the device.");
		return;
	}
	json_open(out, "place", '{');
	write_number(call, "latitude", "%.4f", x->place.at.latitude);
	write_number(call, "longitude", "%.4f", x->place.at.longitude);
	json_str(out, "source", "database");
	if (x->place.name[0])
		json_str(out, "name", x->place.name);
	json_close(out, '}');
}

static void write_answer(struct api_call *call)
{
	const struct explain *x = call->state;
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	json_str(out, "policy", x->choice.policy);
	if (x->choice.hub)
		json_text(out, "hub", x->choice.hub->name);
	else
		json_none(out, "hub");
	json_str(out, "sentence", x->choice.elsewhere ? "The webhook of the enrollment chooses when the device registers." : x->choice.sentence);
	if (x->address.n)
		json_text(out, "address", x->address);
	write_place(call);
	json_open(out, "hubs", '[');
	for (size_t i = 0; i < x->question.hub_count; i++)
		write_hub(call, &x->question.hubs[i]);
	json_close(out, ']');
	json_close(out, '}');
	api_answer_out(call, 200);
}

/* --- what is known --- */

/* The enrollment that would speak for the device: as stored, or one that says nothing. */
static struct enrollment *entry_of(struct api_call *call)
{
	struct explain *x = call->state;
	struct enrollment *e = noun_new(&noun_individual, call->arena);

	if (e && x->want[WANT_ENTRY].count)
		*e = *(const struct enrollment *)x->want[WANT_ENTRY].records;
	else if (e && x->device.kind == NULL && x->want[WANT_OWN].count)
		*e = *(const struct enrollment *)x->want[WANT_OWN].records;
	if (e && x->policy.n)
		e->allocation_policy = x->policy;
	return e;
}

static void judge(struct api_call *call)
{
	struct explain *x = call->state;
	const struct registration_record *record = x->want[WANT_RECORD].count ? x->want[WANT_RECORD].records : NULL;

	if ((x->entry = entry_of(call)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (x->address.n == 0 && record)
		x->address = record->source_address;
	geo_find(call->conf->geo, x->address, &x->place);
	x->question = (struct allocation){.registration_id = x->device.id,
					  .hubs = x->want[WANT_HUBS].records,
					  .hub_count = x->want[WANT_HUBS].count,
					  .enrollment = x->entry,
					  .service_policy = call->service->allocation_policy,
					  .from = x->place.found ? &x->place.at : NULL,
					  .current_hub = record ? record->assigned_hub : NO_SLICE,
					  .payload = x->device.payload};
	x->question.round_trips_us = provision_round_trips(call->conf->provision, x->question.hubs, x->question.hub_count, call->arena);
	if (allocate_choose(&x->question, call->arena, &x->choice) != OK) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (x->choice.candidate_count)
		x->near_count = allocate_nearest(&x->question, x->choice.candidates, x->choice.candidate_count, x->near);
	write_answer(call);
}

static void group_read(struct api_call *call, enum err e)
{
	if (e == OK)
		judge(call);
	else
		api_refuse_store(call, e);
}

static void was_read(struct api_call *call, enum err e)
{
	struct explain *x = call->state;
	const struct registration_record *record = x->want[WANT_RECORD].count ? x->want[WANT_RECORD].records : NULL;

	if (e != OK) {
		api_refuse_store(call, e);
	} else if (x->device.kind && x->want[WANT_ENTRY].count == 0) {
		api_refuse(call, 404, x->device.kind->missing, NULL, "%s", x->device.kind->missing_text);
	} else if (x->device.kind == NULL && x->want[WANT_OWN].count == 0 && record && record->group_id.n) {
		noun_clear(&noun_group, &x->group_like);
		x->group_like.scope = call->service->scope;
		x->group_like.id = record->group_id;
		x->want[WANT_ENTRY] = (struct store_want){.noun = &noun_group, .like = &x->group_like, .keys = 2};
		api_read(call, &x->want[WANT_ENTRY], 1, group_read);
	} else {
		judge(call);
	}
}

/* --- the question --- */

static bool policy_is_good(struct slice policy)
{
	for (const char *const *known = enrollment_policies; *known; known++)
		if (slice_eq_fold(policy, slice_str(*known)))
			return true;
	return policy.n == 0;
}

/* False: refused. */
static bool take_question(struct api_call *call, struct explain *x)
{
	struct address address;
	json_t *body = NULL;
	bool good = json_read(call->q->body, call->arena, &body, NULL) == OK && json_is_object(body) && trial_device(call, body, &x->device) &&
		    trial_text(call, body, "address", &x->address) && trial_text(call, body, "allocationPolicy", &x->policy) &&
		    policy_is_good(x->policy);

	json_decref(body);
	if (!good) {
		api_refuse(call, 400, 400004, NULL,
			   "To explain an allocation takes an object with, each if wanted, address, registrationId, enrollment or group, "
			   "allocationPolicy (hashed, geoLatency, static or custom) and payload.");
		return false;
	}
	if (x->address.n && !address_read(x->address, &address)) {
		api_refuse(call, 400, 400004, NULL, "\"%.*s\" is no IPv4 or IPv6 address.", SLICE_ARG(x->address));
		return false;
	}
	if (x->device.id.n && !id_is_good(x->device.id)) {
		api_refuse(call, 400, 400004, NULL, "The registration ID is not a valid one.");
		return false;
	}
	return true;
}

void service_allocation_explain(struct api_call *call)
{
	struct explain *x = arena_alloc(call->arena, sizeof(*x));

	if (x == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (!take_question(call, x))
		return;
	if (x->device.id.n == 0)
		x->device.id = SLICE(TRIAL_ID);
	call->state = x;
	noun_clear(&noun_linked_hub, &x->hub_like);
	noun_clear(&noun_registration, &x->record_like);
	noun_clear(&noun_individual, &x->own_like);
	x->hub_like.scope = x->record_like.scope = x->own_like.scope = call->service->scope;
	x->record_like.id = x->own_like.id = arena_fold(call->arena, x->device.id);
	x->want[WANT_HUBS] = (struct store_want){.noun = &noun_linked_hub, .like = &x->hub_like, .keys = 1, .limit = LINKED_HUBS_MAX};
	x->want[WANT_RECORD] = (struct store_want){.noun = &noun_registration, .like = &x->record_like, .keys = 2};
	x->want[WANT_OWN] = (struct store_want){.noun = &noun_individual, .like = &x->own_like, .keys = 2};
	if (x->device.kind)
		x->want[WANT_ENTRY] = (struct store_want){.noun = x->device.kind->noun, .like = &x->device.entry_like, .keys = 2};
	api_read(call, x->want, x->device.kind ? WANTS : WANT_ENTRY, was_read);
}
