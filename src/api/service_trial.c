/*
 * service_trial.c: reading the device of a question that changes nothing.
 */
#include "api/service_trial.h"

bool trial_text(struct api_call *call, const json_t *body, const char *name, struct slice *out)
{
	const json_t *member = json_get_fold(body, name);

	if (member == NULL || json_is_null(member))
		return true;
	if (!json_is_string(member))
		return false;
	*out = arena_copy(call->arena, slice_over(json_string_value(member), json_string_length(member)));
	return true;
}

/* Which enrollment it is about. */
static bool take_entry(struct api_call *call, const json_t *body, struct trial_device *t)
{
	struct slice individual = NO_SLICE, group = NO_SLICE;

	if (!trial_text(call, body, "enrollment", &individual) || !trial_text(call, body, "group", &group) || (individual.n && group.n))
		return false;
	if (individual.n == 0 && group.n == 0)
		return true;
	t->kind = group.n ? &group_kind : &individual_kind;
	noun_clear(t->kind->noun, &t->entry_like);
	t->entry_like.scope = call->service->scope;
	t->entry_like.id = arena_fold(call->arena, group.n ? group : individual);
	return true;
}

bool trial_device(struct api_call *call, const json_t *body, struct trial_device *out)
{
	if (!trial_text(call, body, "registrationId", &out->id) || !take_entry(call, body, out))
		return false;
	out->payload = json_member(slice_trim(call->q->body), "payload", true);
	if (slice_eq(out->payload, SLICE("null")))
		out->payload = NO_SLICE;
	return !arena_failed(call->arena);
}
