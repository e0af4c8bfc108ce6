/*
 * service_rule.c: a rule of a custom allocation tried before a device depends on it. Ours.
 */
#include "allocate/custom.h"
#include "allocate/rule.h"
#include "api/service_trial.h"

struct trial {
	struct trial_device device; /* without an enrollment the rule stands in the question */
	struct enrollment *entry;
	struct linked_hub hub_like;
	struct store_want want[2]; /* hubs, entry */
	struct slice rule;
	struct slices named;
};

static void write_fault(struct json_out *out, const struct choice *choice)
{
	json_open(out, "error", '{');
	json_int(out, "line", choice->rule ? choice->rule->line : 0);
	json_str(out, "message", choice->sentence);
	json_close(out, '}');
}

static void write_answer(struct api_call *call, const struct choice *choice)
{
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	if (choice->hub)
		json_text(out, "hub", choice->hub->name);
	else
		json_none(out, "hub");
	json_str(out, "sentence", choice->sentence);
	json_int(out, "instructions", choice->rule ? choice->rule->steps : 0);
	json_int(out, "memory", choice->rule ? (int64_t)choice->rule->memory : 0);
	if (choice->custom && choice->custom->initial_twin.n)
		json_raw(out, "initialTwin", choice->custom->initial_twin);
	if (choice->custom && choice->custom->payload.n)
		json_raw(out, "payload", choice->custom->payload);
	if (choice->hub == NULL && !(choice->rule && choice->rule->declined))
		write_fault(out, choice);
	json_close(out, '}');
	api_answer_out(call, 200);
}

/* The enrollment as it is, or an empty one; with the rule of the question, if there is one. */
static struct enrollment *entry_of(struct api_call *call)
{
	struct trial *t = call->state;
	struct enrollment *e = noun_new(&noun_individual, call->arena);

	if (e && t->device.kind)
		*e = *(const struct enrollment *)t->want[1].records;
	if (e == NULL)
		return NULL;
	e->allocation_policy = SLICE("custom");
	if (t->rule.n)
		e->rule = t->rule;
	if (t->named.given)
		e->iot_hubs = t->named;
	return e;
}

static void was_read(struct api_call *call, enum err e)
{
	struct trial *t = call->state;
	struct allocation question;
	struct choice choice;

	if (e == OK && t->device.kind && t->want[1].count == 0) {
		api_refuse(call, 404, t->device.kind->missing, NULL, "%s", t->device.kind->missing_text);
		return;
	}
	if (e != OK || (t->entry = entry_of(call)) == NULL) {
		api_refuse_store(call, e != OK ? e : ERR_NO_MEMORY);
		return;
	}
	if (t->entry->rule.n == 0) {
		api_refuse(call, 400, 400004, NULL, "The enrollment has no rule, and the question brings none.");
		return;
	}
	question = (struct allocation){.registration_id = t->device.id,
				       .hubs = t->want[0].records,
				       .hub_count = t->want[0].count,
				       .enrollment = t->entry,
				       .service_policy = call->service->allocation_policy,
				       .payload = t->device.payload};
	question.round_trips_us = provision_round_trips(call->conf->provision, question.hubs, question.hub_count, call->arena);
	if (allocate_choose(&question, call->arena, &choice) != OK)
		api_refuse_store(call, ERR_NO_MEMORY);
	else
		write_answer(call, &choice);
}

/* --- the question --- */

static bool take_hubs(struct api_call *call, struct trial *t, const json_t *body)
{
	const json_t *hubs = json_get_fold(body, "iotHubs"), *hub;
	size_t i;

	if (hubs == NULL || json_is_null(hubs))
		return true;
	if (!json_is_array(hubs) || json_array_size(hubs) > LINKED_HUBS_MAX ||
	    (t->named.at = arena_array(call->arena, json_array_size(hubs), sizeof(*t->named.at))) == NULL)
		return false;
	t->named.given = true;
	json_array_foreach(hubs, i, hub) {
		if (!json_is_string(hub))
			return false;
		t->named.at[t->named.n++] = arena_copy(call->arena, slice_str(json_string_value(hub)));
	}
	return true;
}

static bool take_question(struct api_call *call, struct trial *t)
{
	json_t *body = NULL;
	bool good = json_read(call->q->body, call->arena, &body, NULL) == OK && json_is_object(body) &&
		    trial_text(call, body, "rule", &t->rule) && trial_device(call, body, &t->device) && take_hubs(call, t, body) &&
		    (t->rule.n || t->device.kind);

	json_decref(body);
	return good;
}

void service_rule_test(struct api_call *call)
{
	struct trial *t = arena_alloc(call->arena, sizeof(*t));

	if (t == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (!take_question(call, t)) {
		api_refuse(call, 400, 400004, NULL,
			   "To try a rule takes a rule (text) or the enrollment or group that has one, and if wanted a registrationId, a "
			   "payload and iotHubs (names).");
		return;
	}
	if (t->device.id.n == 0)
		t->device.id = SLICE(TRIAL_ID);
	if (!id_is_good(t->device.id)) {
		api_refuse(call, 400, 400004, NULL, "The registration ID is not a valid one.");
		return;
	}
	call->state = t;
	noun_clear(&noun_linked_hub, &t->hub_like);
	t->hub_like.scope = call->service->scope;
	t->want[0] = (struct store_want){.noun = &noun_linked_hub, .like = &t->hub_like, .keys = 1, .limit = LINKED_HUBS_MAX};
	if (t->device.kind)
		t->want[1] = (struct store_want){.noun = t->device.kind->noun, .like = &t->device.entry_like, .keys = 2};
	api_read(call, t->want, t->device.kind ? 2 : 1, was_read);
}
