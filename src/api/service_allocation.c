/*
 * service_allocation.c: how devices would spread over the linked hubs, before anybody says so: the policy itself, asked about as many
 * devices as there might be. Ours.
 */
#include "allocate/allocate.h"
#include "api/service.h"

#define DEVICES_DEFAULT 10000
#define DEVICES_MAX     100000
#define IN_A_TURN       200 /* devices; then others get their turn */
#define TURN_MEMORY     (1 << 20)

struct preview {
	struct api_call *call;
	struct task task;
	struct slice policy;
	struct linked_hub hubs[LINKED_HUBS_MAX];
	int64_t placed[LINKED_HUBS_MAX];
	size_t hub_count;
	int64_t devices, done, unplaced;
	const char *sentence; /* why one could not be placed */
};

static void write_answer(struct preview *p)
{
	struct json_out *out = &p->call->out;

	json_open(out, NULL, '{');
	json_int(out, "devices", p->devices);
	json_open(out, "hubs", '[');
	for (size_t i = 0; i < p->hub_count; i++) {
		json_open(out, NULL, '{');
		json_text(out, "name", p->hubs[i].name);
		json_int(out, "devices", p->placed[i]);
		json_raw(out, "share", arena_format(p->call->arena, "%.4f", (double)p->placed[i] / (double)p->devices));
		json_close(out, '}');
	}
	json_close(out, ']');
	json_int(out, "unplaced", p->unplaced);
	if (p->sentence)
		json_str(out, "sentence", p->sentence);
	json_close(out, '}');
	api_answer_out(p->call, 200);
}

static void place_one(struct preview *p, struct arena *arena, const struct enrollment *entry)
{
	const struct allocation question = {
		.registration_id = arena_format(arena, "device-%lld", (long long)p->done),
		.hubs = p->hubs,
		.hub_count = p->hub_count,
		.enrollment = entry,
		.service_policy = p->policy,
	};
	struct choice choice;

	if (allocate_choose(&question, arena, &choice) != OK || choice.hub == NULL) {
		p->unplaced++;
		if (p->sentence == NULL && choice.sentence)
			p->sentence = arena_str(p->call->arena, slice_str(choice.sentence));
	} else {
		p->placed[choice.hub - p->hubs]++;
	}
}

static void place_some(struct task *task)
{
	struct preview *p = LIST_ITEM(task, struct preview, task);
	struct arena *arena = arena_new(TURN_MEMORY);
	struct enrollment *entry = arena ? noun_new(&noun_group, arena) : NULL;

	if (entry == NULL) {
		arena_free(&arena);
		api_refuse_store(p->call, ERR_NO_MEMORY);
		return;
	}
	for (int i = 0; i < IN_A_TURN && p->done < p->devices; i++, p->done++)
		place_one(p, arena, entry);
	arena_free(&arena);
	if (p->done == p->devices)
		write_answer(p);
	else
		loop_post(p->call->conf->loop, &p->task);
}

/* --- the question --- */

static bool take_hub(struct api_call *call, struct preview *p, const json_t *given)
{
	struct linked_hub *hub = &p->hubs[p->hub_count];
	const json_t *name = json_get_fold(given, "name"), *weight = json_get_fold(given, "allocationWeight"),
		     *apply = json_get_fold(given, "applyAllocationPolicy");

	noun_clear(&noun_linked_hub, hub);
	if (!json_is_string(name) || p->hub_count == LINKED_HUBS_MAX ||
	    (json_is_integer(weight) && (json_integer_value(weight) < 1 || json_integer_value(weight) > 1000)))
		return false;
	hub->name = arena_copy(call->arena, slice_over(json_string_value(name), json_string_length(name)));
	hub->id = arena_fold(call->arena, hub->name);
	if (json_is_integer(weight))
		hub->weight = json_integer_value(weight);
	if (json_is_boolean(apply))
		hub->apply = json_is_true(apply) ? FLAG_YES : FLAG_NO;
	p->hub_count++;
	return true;
}

static bool take_question(struct api_call *call, struct preview *p, const json_t *body)
{
	const json_t *hubs = json_get_fold(body, "iotHubs"), *policy = json_get_fold(body, "allocationPolicy"),
		     *devices = json_get_fold(body, "devices");
	size_t i;
	json_t *hub;

	p->devices = json_is_integer(devices) ? json_integer_value(devices) : DEVICES_DEFAULT;
	if (!json_is_array(hubs) || p->devices < 1 || p->devices > DEVICES_MAX)
		return false;
	p->policy = arena_copy(call->arena, slice_str(json_is_string(policy) ? json_string_value(policy) : "Hashed"));
	json_array_foreach(hubs, i, hub) if (!take_hub(call, p, hub)) return false;
	for (const char *const *known = service_policies; *known; known++)
		if (slice_eq_fold(p->policy, slice_str(*known)))
			return true;
	return false;
}

static void end(struct api_call *call)
{
	struct preview *p = call->state;

	loop_unpost(call->conf->loop, &p->task);
}

void service_allocation_preview(struct api_call *call)
{
	struct preview *p = arena_alloc(call->arena, sizeof(*p));
	const char *why = NULL;
	json_t *body = NULL;
	bool good;

	if (p == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	good = json_read(call->q->body, call->arena, &body, &why) == OK && json_is_object(body) && take_question(call, p, body);
	json_decref(body);
	if (!good) {
		api_refuse(
			call, 400, 400004, NULL,
			"A preview needs iotHubs (name, allocationWeight 1 to 1000, applyAllocationPolicy; %d at most), allocationPolicy "
			"(Hashed, GeoLatency or Static) and devices (1 to %d).",
			LINKED_HUBS_MAX, DEVICES_MAX);
		return;
	}
	p->call = call;
	p->task.run = place_some;
	call->state = p;
	call->end = end;
	loop_post(call->conf->loop, &p->task);
}
