/*
 * service_links.c: the linked hubs as they are doing now, and a hub tried before it is linked. Ours.
 */
#include "allocate/allocate.h"
#include "api/manage.h"
#include "api/service.h"

#define PROBE_MS 8000

struct links {
	struct linked_hub like, *probed;
	struct device *devices; /* likes, of hubs that live here */
	struct store_want hubs, counts[LINKED_HUBS_MAX];
	struct hub hosted_like;
	struct store_want hosted;
	int64_t asked_ms;
};

/* --- all of them --- */

static bool state_of(const struct api_call *call, struct slice hub, struct link_state *out)
{
	size_t at = 0;

	while (link_each(call->conf->link, &at, out))
		if (slice_eq_fold(slice_str(out->hub), hub))
			return true;
	return false;
}

static void write_state(struct api_call *call, const struct linked_hub *hub)
{
	struct json_out *out = &call->out;
	struct link_state state;

	if (!state_of(call, hub->name, &state)) {
		json_str(out, "state", "well");
		json_str(out, "sentence", "Nothing was asked of it since this server started.");
		return;
	}
	json_str(out, "state", state.broken_off ? "brokenOff" : state.last_failure ? "failing" : "well");
	json_str(out, "sentence", state.last_failure ? state.last_failure : "It answers.");
	if (state.smoothed_us)
		json_int(out, "milliseconds", (state.smoothed_us + 999) / 1000);
	json_int(out, "waiting", state.waiting);
}

static void counts_read(struct api_call *call, enum err e)
{
	struct links *l = call->state;
	const struct linked_hub *hubs = l->hubs.records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '[');
	for (size_t i = 0; i < l->hubs.count; i++) {
		json_open(&call->out, NULL, '{');
		json_text(&call->out, "name", hubs[i].name);
		if (hubs[i].location.n)
			json_text(&call->out, "location", hubs[i].location);
		json_int(&call->out, "weight", allocate_weight(&hubs[i]));
		json_bool(&call->out, "apply", hubs[i].apply != FLAG_NO);
		json_bool(&call->out, "hosted", hubs[i].hosted == FLAG_YES);
		if (hubs[i].hosted == FLAG_YES)
			json_int(&call->out, "devices", (int64_t)l->counts[i].count);
		write_state(call, &hubs[i]);
		json_close(&call->out, '}');
	}
	json_close(&call->out, ']');
	api_answer_out(call, 200);
}

static void hubs_read(struct api_call *call, enum err e)
{
	struct links *l = call->state;
	const struct linked_hub *hubs = l->hubs.records;

	if (e != OK || (l->devices = arena_array(call->arena, l->hubs.count, sizeof(*l->devices))) == NULL) {
		api_refuse_store(call, e != OK ? e : ERR_NO_MEMORY);
		return;
	}
	if (l->hubs.count == 0) {
		counts_read(call, OK);
		return;
	}
	for (size_t i = 0; i < l->hubs.count; i++) {
		struct slice label = host_label(call, hubs[i].name);

		l->devices[i].hub = label.n ? label : SLICE("");
		l->counts[i] = (struct store_want){.noun = &noun_device, .like = &l->devices[i], .keys = 1, .count_only = true};
	}
	api_read(call, l->counts, l->hubs.count, counts_read);
}

static struct links *begin(struct api_call *call)
{
	struct links *l = arena_alloc(call->arena, sizeof(*l));

	if (l == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
	call->state = l;
	return l;
}

void service_links(struct api_call *call)
{
	struct links *l = begin(call);

	if (l == NULL)
		return;
	noun_clear(&noun_linked_hub, &l->like);
	l->like.scope = call->service->scope;
	l->hubs = (struct store_want){.noun = &noun_linked_hub, .like = &l->like, .keys = 1, .limit = LINKED_HUBS_MAX};
	api_read(call, &l->hubs, 1, hubs_read);
}

/* --- one, before it is linked --- */

static void probed(void *cookie, const struct link_answer *a)
{
	struct api_call *call = cookie;
	struct links *l = call->state;

	call->link_ask = NULL;
	json_open(&call->out, NULL, '{');
	json_text(&call->out, "name", l->probed->name);
	json_bool(&call->out, "reachable", a->outcome == LINK_DONE);
	json_int(&call->out, "milliseconds", loop_now_ms(call->conf->loop) - l->asked_ms);
	json_str(&call->out, "sentence", a->outcome == LINK_DONE ? "The hub answers, and takes the policy's key." : a->sentence);
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static void probe(struct api_call *call)
{
	struct links *l = call->state;

	l->asked_ms = loop_now_ms(call->conf->loop);
	call->link_ask = link_probe(call->conf->link, l->probed, PROBE_MS, probed, call);
	if (call->link_ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

static void hosted_read(struct api_call *call, enum err e)
{
	struct links *l = call->state;

	if (e != OK)
		api_refuse_store(call, e);
	else if (l->hosted.count == 0)
		api_refuse(call, 404, 404001, NULL, "This server has no hub of that name.");
	else
		probe(call);
}

static void probe_hosted(struct api_call *call, struct slice name)
{
	struct links *l = call->state;
	struct slice label = host_label(call, name);

	if (slice_absent(label))
		label = arena_fold(call->arena, name);
	l->probed->name = arena_format(call->arena, "%.*s.%s", SLICE_ARG(label), call->conf->domain);
	l->probed->hosted = FLAG_YES;
	l->hosted_like.name_folded = label;
	l->hosted = (struct store_want){.noun = &noun_hub, .like = &l->hosted_like, .keys = 1};
	api_read(call, &l->hosted, 1, hosted_read);
}

static struct slice member(struct api_call *call, const json_t *body, const char *name)
{
	return arena_copy(call->arena, slice_str(json_string_value(json_get_fold(body, name))));
}

void service_link_test(struct api_call *call)
{
	struct links *l = begin(call);
	const char *why = NULL;
	json_t *body = NULL;
	struct slice string = NO_SLICE, name = NO_SLICE;

	if (l == NULL)
		return;
	if ((l->probed = noun_new(&noun_linked_hub, call->arena)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (json_read(call->q->body, call->arena, &body, &why) == OK) {
		string = member(call, body, "connectionString");
		name = member(call, body, "name");
	}
	json_decref(body);
	if (string.n == 0 && name.n == 0) {
		api_refuse(call, 400, 400004, NULL, "A link is tried by its connectionString, or by the name of a hub that lives here.");
		return;
	}
	if (string.n == 0) {
		probe_hosted(call, name);
		return;
	}
	if (!manage_link_by_connection_string(call, l->probed, string))
		return;
	l->probed->id = arena_fold(call->arena, l->probed->name);
	l->probed->scope = call->service ? call->service->scope : SLICE("");
	probe(call);
}
