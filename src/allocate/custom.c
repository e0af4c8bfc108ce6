/*
 * custom.c: the policy whose choice a webhook makes (service-api.md 7.2, 8), or a rule, which is ours.
 */
#include "allocate/custom.h"
#include "allocate/rule.h"
#include "codec/json.h"

#define TOLD_MAX 200 /* bytes of what a webhook says that are repeated to the operator */

/* service-api.md 8: the message of the original, with its number, where there is one. */
static enum err fail(struct custom_choice *out, const char *message, const char *seen, const char *sentence)
{
	*out = (struct custom_choice){.message = message, .seen = seen, .sentence = sentence};
	return message && seen && sentence ? OK : ERR_NO_MEMORY;
}

static enum err fail_answer(struct custom_choice *out, const char *seen, const char *sentence)
{
	return fail(out, "Custom allocation failed: the answer of the webhook cannot be used.", seen, sentence);
}

static enum err fail_rule(struct custom_choice *out, const char *seen, const char *sentence)
{
	return fail(out, "Custom allocation failed: the rule gives no hub.", seen, sentence);
}

/* --- there is no answer --- */

static enum err judge_silence(const struct custom_reply *r, struct arena *arena, struct custom_choice *out)
{
	const char *message = "Custom allocation failed: the webhook did not answer.", *why = r->why ? r->why : err_text(r->e);

	switch (r->e) {
	case ERR_TIMEOUT: return fail(out, message, "no answer in time", arena_printf(arena, "The webhook is too slow: %s.", why));
	case ERR_UNREACHABLE: return fail(out, message, "no connection", arena_printf(arena, "The webhook could not be reached: %s.", why));
	case ERR_CLOSED:
		return fail(out, message, "a connection that ended early",
			    arena_printf(arena, "The webhook ended the connection before it had answered: %s.", why));
	case ERR_TOO_BIG:
		return fail_answer(out, "too long an answer",
				   arena_printf(arena, "The webhook's answer is longer than %d bytes, which are all that is read.",
						CUSTOM_ANSWER_MAX));
	default: return fail(out, message, "no answer", arena_printf(arena, "The webhook could not be asked: %s.", why));
	}
}

/* A query is left out: keys stand there. */
static enum err judge_status(const struct custom_reply *r, struct arena *arena, struct custom_choice *out)
{
	struct slice to = slice_str(r->location), shown = slice_to(to, TOLD_MAX);
	const char *message = arena_printf(arena, "Custom allocation failed with status code: %d", r->status);
	const char *seen = arena_printf(arena, "status %d", r->status);

	if (slice_next(&to, '?', &shown))
		shown = slice_to(shown, TOLD_MAX);
	if (r->status < 300 || r->status > 399)
		return fail(out, message, seen, arena_printf(arena, "The webhook answered with status %d.", r->status));
	return fail(out, message, seen,
		    arena_printf(arena,
				 "The webhook redirects to %.*s with status %d; a redirect is not followed, so name the address itself.",
				 SLICE_ARG(shown.n ? shown : SLICE("nowhere")), r->status));
}

/* --- what the answer says --- */

static const char *answerer(const struct choice *asked)
{
	return asked->by_rule ? "rule" : "webhook";
}

static const struct linked_hub *find_candidate(const struct choice *asked, struct slice name)
{
	for (size_t i = 0; i < asked->candidate_count; i++)
		if (slice_eq_fold(asked->candidates[i]->name, name))
			return asked->candidates[i];
	return NULL;
}

/* By its host name, or by the first label of that. */
static bool is_linked(const struct allocation *a, struct slice name)
{
	for (size_t i = 0; i < a->hub_count; i++) {
		struct slice hub = a->hubs[i].name;

		if (slice_starts_fold(hub, name) && (hub.n == name.n || hub.p[name.n] == '.'))
			return true;
	}
	return false;
}

static enum err judge_hub(const json_t *answer, const struct allocation *a, const struct choice *asked, struct arena *arena,
			  struct custom_choice *out)
{
	const char *who = answerer(asked);
	const json_t *member = json_get_fold(answer, "iotHubHostName");
	struct slice name, shown;

	if (!json_is_string(member) || json_string_length(member) == 0)
		return fail_answer(out, "no iotHubHostName", "The webhook's answer names no hub: it has no text iotHubHostName.");
	name = slice_over(json_string_value(member), json_string_length(member));
	shown = slice_to(name, TOLD_MAX);
	if ((out->hub = find_candidate(asked, name)) != NULL) {
		out->sentence =
			asked->candidate_count == 1
				? arena_printf(arena, "custom: the %s names %.*s, the only hub to choose from", who, SLICE_ARG(shown))
				: arena_printf(arena, "custom: the %s chose %.*s out of %zu hubs", who, SLICE_ARG(shown),
					       asked->candidate_count);
		return out->sentence ? OK : ERR_NO_MEMORY;
	}
	return (asked->by_rule ? fail_rule : fail_answer)(
		out, arena_printf(arena, "%.*s", SLICE_ARG(shown)),
		is_linked(a, name)
			? arena_printf(arena, "The %s names %.*s, which is linked but not among the hubs for this enrollment.", who,
				       SLICE_ARG(shown))
			: arena_printf(arena, "The %s names %.*s, which is not linked to the service.", who, SLICE_ARG(shown)));
}

/* A member that is there and not null; as text, for what goes on is what came. */
static struct slice given(struct slice object, const char *name)
{
	struct slice member = json_member(object, name, true);

	return slice_eq(member, SLICE("null")) ? NO_SLICE : member;
}

static bool is_object(struct slice json)
{
	return json.n > 0 && json.p[0] == '{';
}

static bool is_object_or_absent(struct slice json)
{
	return slice_absent(json) || is_object(json);
}

/* service-api.md 5.5. */
static bool is_twin(struct slice twin)
{
	struct slice properties = is_object(twin) ? given(twin, "properties") : NO_SLICE;

	return is_object(twin) && is_object_or_absent(given(twin, "tags")) && is_object_or_absent(properties) &&
	       (slice_absent(properties) || is_object_or_absent(given(properties, "desired")));
}

static enum err judge_twin(struct slice answer, const struct choice *asked, struct arena *arena, struct custom_choice *out)
{
	struct slice twin = given(answer, "initialTwin");

	if (slice_absent(twin))
		return OK;
	if (!is_twin(twin))
		return fail_answer(out, "another initialTwin",
				   arena_printf(arena,
						"The initialTwin of the %s's answer is no object with objects tags and properties.desired.",
						answerer(asked)));
	out->initial_twin = json_compact(arena, twin);
	return slice_absent(out->initial_twin) ? ERR_NO_MEMORY : OK;
}

static enum err judge_payload(struct slice answer, const struct choice *asked, struct arena *arena, struct custom_choice *out)
{
	struct slice payload = given(answer, "payload");

	out->payload_dropped = !is_object_or_absent(payload);
	if (!is_object(payload))
		return OK;
	out->payload = json_compact(arena, payload);
	if (slice_absent(out->payload))
		return ERR_NO_MEMORY;
	if (out->payload.n > CUSTOM_PAYLOAD_MAX)
		return fail_answer(out, arena_printf(arena, "a payload of %zu bytes", out->payload.n),
				   arena_printf(arena, "The %s's payload has %zu bytes; a device is told at most %d.", answerer(asked),
						out->payload.n, CUSTOM_PAYLOAD_MAX));
	return OK;
}

/* Each part looks only where the ones before have found nothing wrong. */
static enum err judge_members(const json_t *answer, const struct custom_reply *r, const struct allocation *a, const struct choice *asked,
			      struct arena *arena, struct custom_choice *out)
{
	enum err e = judge_hub(answer, a, asked, arena, out);

	if (e == OK && out->hub)
		e = judge_twin(r->body, asked, arena, out);
	if (e == OK && out->hub)
		e = judge_payload(r->body, asked, arena, out);
	return e;
}

enum err custom_judge(const struct custom_reply *r, const struct allocation *a, const struct choice *asked, struct arena *arena,
		      struct custom_choice *out)
{
	const char *why = NULL;
	json_t *answer = NULL;
	enum err e;

	*out = (struct custom_choice){.hub = NULL};
	if (r->e != OK)
		return judge_silence(r, arena, out);
	if (r->status < 200 || r->status > 299)
		return judge_status(r, arena, out);
	e = json_read(r->body, arena, &answer, &why);
	if (e == OK && json_is_object(answer))
		e = judge_members(answer, r, a, asked, arena, out);
	else if (e == OK)
		e = fail_answer(out, "other JSON", "The webhook's answer is JSON, but not an object.");
	else if (e == ERR_MALFORMED)
		e = fail_answer(out, "no JSON",
				arena_printf(arena, "The webhook's answer is not JSON: %s", why ? why : "it does not read."));
	json_decref(answer);
	return e == OK ? OK : ERR_NO_MEMORY;
}

/* --- a rule --- */

/* Its answer is a webhook's in form, and is judged as one. */
static enum err judge_rule(const struct rule_outcome *told, const struct allocation *a, const struct choice *asked, struct arena *arena,
			   struct custom_choice *out)
{
	const struct custom_reply reply = {.e = OK, .status = 200, .body = told->answer};

	if (slice_absent(told->answer))
		return fail_rule(out, told->line ? arena_printf(arena, "a rule that fails in line %d", told->line) : "a rule that fails",
				 told->fault);
	return custom_judge(&reply, a, asked, arena, out);
}

static enum err decide(const struct allocation *a, struct arena *arena, struct choice *out)
{
	out->by_rule = allocate_has_rule(a);
	out->elsewhere = !out->by_rule;
	if (out->elsewhere)
		return out->sentence ? OK : ERR_NO_MEMORY;
	if ((out->custom = arena_alloc(arena, sizeof(*out->custom))) == NULL ||
	    (out->rule = arena_alloc(arena, sizeof(*out->rule))) == NULL ||
	    rule_run(a, out->candidates, out->candidate_count, arena, out->rule) != OK ||
	    judge_rule(out->rule, a, out, arena, out->custom) != OK)
		return ERR_NO_MEMORY;
	out->hub = out->custom->hub;
	out->sentence = out->custom->sentence;
	out->error_code = out->hub ? 0 : CUSTOM_FAILED;
	return OK;
}

const struct allocate_policy allocate_custom = {.name = "custom", .decide = decide};
