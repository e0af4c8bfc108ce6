/*
 * manage_hub.c: the IoT hubs hosted here, as resources: create, list, show, delete, keys.
 */
#include "api/manage.h"

#define CHANGES_MAX (4 + POLICIES_MAX)

static const char *const known[] = {"state", "provisioningState", "hostName", "authorizationPolicies", NULL};

const struct resource_kind hub_kind = {"Microsoft.Devices/IotHubs", "hub", true, known};

/* Every hub is born with these (hub-api.md 3.2); what a right includes is left out of the text. */
static const struct {
	struct slice name, rights;
} born_with[] = {
	{SLICE("iothubowner"), SLICE("RegistryWrite, ServiceConnect, DeviceConnect")},
	{SLICE("service"), SLICE("ServiceConnect")},
	{SLICE("device"), SLICE("DeviceConnect")},
	{SLICE("registryRead"), SLICE("RegistryRead")},
	{SLICE("registryReadWrite"), SLICE("RegistryWrite")},
};

struct one {
	struct hub like;
	struct policy policy_like;
	struct store_want want[2];
	struct resource_body body;
	struct hub *made;
	bool policies_given, created;
	struct store_change change[CHANGES_MAX];
	size_t changes;
};

static struct one *one_begin(struct api_call *call)
{
	struct one *one = arena_alloc(call->arena, sizeof(*one));

	if (one == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = one;
	one->like.name_folded = arena_fold(call->arena, call->segment[SEGMENT_NAME]);
	one->policy_like.owner = policy_owner(call, &hub_kind, call->segment[SEGMENT_NAME]);
	one->want[0] = (struct store_want){.noun = &noun_hub, .like = &one->like, .keys = 1};
	one->want[1] = (struct store_want){.noun = &noun_policy, .like = &one->policy_like, .keys = 1, .limit = POLICIES_MAX};
	return one;
}

/* The hub, if it is where the path says; else NULL, and with `refuse` the call has been refused. */
static struct hub *hub_here(struct api_call *call, const struct one *one)
{
	struct hub *h = one->want[0].count ? one->want[0].records : NULL;
	struct resource r;

	if (h == NULL)
		return NULL;
	r = resource_of_hub(h);
	return resource_is_at(call, &r) ? h : NULL;
}

static void write_hub(struct api_call *call, const struct hub *h, const struct store_change *set, size_t count)
{
	struct resource r = resource_of_hub(h);

	resource_open(call, &hub_kind, &r, "Active");
	json_text(&call->out, "hostName", arena_format(call->arena, "%.*s.%s", SLICE_ARG(h->name), call->conf->domain));
	resource_close(call, set, count);
}

/* --- GET, listkeys --- */

static void get_read(struct api_call *call, enum err e)
{
	struct hub *h;

	if (e != OK) {
		api_refuse_store(call, e);
	} else if ((h = hub_here(call, call->state)) == NULL) {
		refuse_missing_resource(call, &hub_kind, call->segment[SEGMENT_NAME]);
	} else {
		write_hub(call, h, NULL, 0);
		api_answer_out(call, 200);
	}
}

void manage_hub_get(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		api_read(call, one->want, 1, get_read);
}

static void keys_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;

	if (e != OK)
		api_refuse_store(call, e);
	else if (hub_here(call, one) == NULL)
		refuse_missing_resource(call, &hub_kind, call->segment[SEGMENT_NAME]);
	else if (call->segments > SEGMENT_KEY)
		policy_answer(call, &one->want[1], call->segment[SEGMENT_KEY]);
	else
		policies_answer(call, &one->want[1]);
}

void manage_hub_keys(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		api_read(call, one->want, 2, keys_read);
}

/* --- list --- */

static void many_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	const struct hub *hubs = one->want[0].records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (size_t i = 0; i < one->want[0].count; i++) {
		struct resource r = resource_of_hub(&hubs[i]);

		if (resource_is_at(call, &r))
			write_hub(call, &hubs[i], NULL, 0);
	}
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void manage_hub_list(struct api_call *call)
{
	struct one *one = arena_alloc(call->arena, sizeof(*one));

	if (one == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = one;
	one->want[0] = (struct store_want){.noun = &noun_hub, .like = &one->like, .keys = 0, .limit = RESOURCES_MAX};
	api_read(call, one->want, 1, many_read);
}

/* --- PUT, PATCH --- */

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct one *one = call->state;

	if (!resource_written(call, e, failed))
		return;
	write_hub(call, one->made, one->change, one->policies_given ? one->changes : 0);
	api_answer_out(call, one->created ? 201 : 200);
}

static struct hub *hub_create(struct api_call *call, struct one *one)
{
	struct hub *h = noun_new(&noun_hub, call->arena);
	struct name *name = arena_alloc(call->arena, sizeof(*name));

	if (h == NULL || name == NULL)
		return NULL;
	h->name = call->segment[SEGMENT_NAME];
	h->name_folded = one->like.name_folded;
	h->subscription = call->segment[SEGMENT_SUBSCRIPTION];
	h->resource_group = call->segment[SEGMENT_GROUP];
	h->created = loop_wall(call->conf->loop);
	*name = (struct name){.id = h->name_folded, .kind = SLICE("hub"), .owner = h->name_folded};
	one->change[one->changes++] = (struct store_change){.how = STORE_INSERT, .noun = &noun_name, .record = name};
	return h;
}

static bool policies_changes(struct api_call *call, struct one *one)
{
	struct slice list;

	if (!resource_list(call, &one->body, "authorizationPolicies", &list))
		return false;
	one->policies_given = !slice_absent(list);
	if (one->policies_given)
		return policies_from_text(call, &hub_kind, list, one->policy_like.owner, &one->want[1], one->change, &one->changes,
					  CHANGES_MAX);
	for (size_t i = 0; one->created && i < sizeof(born_with) / sizeof(born_with[0]); i++) {
		struct policy *p = policy_make(call, one->policy_like.owner, born_with[i].name, born_with[i].rights, (int64_t)i);

		if (p == NULL) {
			api_refuse_store(call, ERR_NO_MEMORY);
			return false;
		}
		one->change[one->changes++] = (struct store_change){.how = STORE_PUT, .noun = &noun_policy, .record = p};
	}
	return true;
}

static struct slice or_else(struct slice given, struct slice before)
{
	return slice_absent(given) ? before : given;
}

static void put_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	struct hub *h = hub_here(call, one);
	bool patch = call->route->method == HTTP_PATCH;
	struct slice etag = h ? h->etag : NO_SLICE;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (h == NULL && (patch || one->want[0].count)) {
		refuse_missing_resource(call, &hub_kind, call->segment[SEGMENT_NAME]);
		return;
	}
	one->created = h == NULL;
	if (h == NULL && (h = hub_create(call, one)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	one->made = h;
	h->tags = or_else(one->body.tags, h->tags);
	if (!patch) {
		h->location = or_else(one->body.location, h->location);
		h->sku = or_else(one->body.sku, h->sku);
		h->extra = or_else(one->body.extra, h->extra);
	}
	h->updated = loop_wall(call->conf->loop);
	h->etag = resource_version(call->arena);
	one->change[one->changes++] =
		(struct store_change){.how = one->created ? STORE_INSERT : STORE_UPDATE, .noun = &noun_hub, .record = h, .if_etag = etag};
	if (patch || policies_changes(call, one))
		api_write(call, one->change, one->changes, put_written);
}

static void hub_put(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one == NULL || !resource_body_read(call, &hub_kind, &one->body))
		return;
	resource_body_free(&one->body);
	api_read(call, one->want, 2, put_read);
}

void manage_hub_put(struct api_call *call)
{
	const char *wrong = resource_name_wrong(call->segment[SEGMENT_NAME]);

	if (wrong)
		api_refuse(call, 400, 400303, NULL, "%s", wrong);
	else
		hub_put(call);
}

void manage_hub_patch(struct api_call *call)
{
	hub_put(call);
}

/* --- DELETE: the hub and its devices --- */

static void deleted(struct api_call *call, enum err e, size_t failed)
{
	if (resource_written(call, e, failed))
		api_answer_empty(call, 204);
}

static void delete_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	struct hub *h = hub_here(call, one);
	struct name *name = arena_alloc(call->arena, sizeof(*name));
	struct device *devices = noun_new(&noun_device, call->arena);

	if (e != OK || name == NULL || devices == NULL) {
		api_refuse_store(call, e != OK ? e : ERR_NO_MEMORY);
		return;
	}
	if (h == NULL) {
		api_answer_empty(call, 204);
		return;
	}
	name->id = devices->hub = h->name_folded;
	one->change[0] = (struct store_change){.how = STORE_DELETE, .noun = &noun_hub, .record = h};
	one->change[1] = (struct store_change){.how = STORE_DELETE, .noun = &noun_name, .record = name};
	one->change[2] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_policy, .record = &one->policy_like, .keys = 1};
	one->change[3] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_device, .record = devices, .keys = 1};
	api_write(call, one->change, 4, deleted);
}

void manage_hub_delete(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		api_read(call, one->want, 1, delete_read);
}
