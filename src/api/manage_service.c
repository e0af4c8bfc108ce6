/*
 * manage_service.c: provisioning services, their linked hubs and allocation policy (service-api.md 11.2).
 */
#include <stdio.h>

#include "codec/connection_string.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "api/manage.h"

#define OWNER_POLICY SLICE("provisioningserviceowner")
/* Printed exactly so: the CLI of the original looks for this text (service-api.md 3.2). */
#define OWNER_RIGHTS SLICE("ServiceConfig, DeviceConnect, EnrollmentWrite")
#define CHANGES_MAX  (8 + POLICIES_MAX + LINKED_HUBS_MAX)

static const char *const known[] = {
	"state",   "provisioningState",     "iotHubs", "allocationPolicy", "endorsementCertificates", "serviceOperationsHostName", "deviceProvisioningHostName",
	"idScope", "authorizationPolicies", NULL};

const struct resource_kind service_kind = {"Microsoft.Devices/provisioningServices", "dps", false, known};

/* What a call about one service gathers and changes. */
struct one {
	struct service service_like;
	struct policy policy_like;
	struct linked_hub hub_like;
	struct hub hosted_like[LINKED_HUBS_MAX];
	struct store_want want[2];                   /* the service, its policies */
	struct store_want hubs[1 + LINKED_HUBS_MAX]; /* linked ones, then hosted ones that are to be linked */
	struct resource_body body;
	struct service *made;
	struct linked_hub *linked[LINKED_HUBS_MAX];
	size_t linked_count, hosted_count;
	bool hubs_given, policies_given, created;
	struct store_change change[CHANGES_MAX];
	size_t changes;
	void (*next)(struct api_call *);
};

/* --- reading what is stored --- */

static struct service *stored_service(const struct one *one)
{
	return one->want[0].count ? one->want[0].records : NULL;
}

static void hubs_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;

	if (e != OK)
		api_refuse_store(call, e);
	else
		one->next(call);
}

static void service_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	struct service *s = stored_service(one);

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	one->hub_like.scope = s ? s->scope : SLICE("");
	one->hubs[0] = (struct store_want){.noun = &noun_linked_hub, .like = &one->hub_like, .keys = 1, .limit = LINKED_HUBS_MAX};
	api_read(call, one->hubs, 1 + one->hosted_count, hubs_read);
}

static struct one *one_begin(struct api_call *call)
{
	struct one *one = arena_alloc(call->arena, sizeof(*one));

	if (one == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = one;
	one->service_like.name_folded = arena_fold(call->arena, call->segment[SEGMENT_NAME]);
	one->policy_like.owner = policy_owner(call, &service_kind, call->segment[SEGMENT_NAME]);
	one->want[0] = (struct store_want){.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &one->service_like, .keys = 1};
	one->want[1] = (struct store_want){.noun = &noun_policy, .like = &one->policy_like, .keys = 1, .limit = POLICIES_MAX};
	return one;
}

static void one_read(struct api_call *call, struct one *one, void (*next)(struct api_call *))
{
	one->next = next;
	api_read(call, one->want, 2, service_read);
}

/* The service, if it is where the path says; else the call has been refused. */
static struct service *service_here(struct api_call *call, struct one *one)
{
	struct service *s = stored_service(one);

	if (s) {
		struct resource r = resource_of_service(s);

		if (resource_is_at(call, &r))
			return s;
	}
	refuse_missing_resource(call, &service_kind, call->segment[SEGMENT_NAME]);
	return NULL;
}

/* --- showing --- */

/* One entry: applyAllocationPolicy and allocationWeight are null when unset; the key is never shown (service-api.md 11.2). */
static void write_link(struct api_call *call, const struct linked_hub *hub)
{
	struct json_out *out = &call->out;
	char port[8] = "";

	if (hub->port != INT_NONE)
		snprintf(port, sizeof(port), ":%d", (int)hub->port);
	json_open(out, NULL, '{');
	if (hub->apply == FLAG_NONE)
		json_none(out, "applyAllocationPolicy");
	else
		json_bool(out, "applyAllocationPolicy", hub->apply == FLAG_YES);
	if (hub->weight == INT_NONE)
		json_none(out, "allocationWeight");
	else
		json_int(out, "allocationWeight", hub->weight);
	json_text(out, "name", hub->name);
	json_text(out, "connectionString",
		  arena_format(call->arena, "HostName=%.*s%s;SharedAccessKeyName=%.*s;SharedAccessKey=****", SLICE_ARG(hub->name), port,
			       SLICE_ARG(hub->key_name)));
	json_text(out, "location", hub->location);
	json_close(out, '}');
}

/* In the order in which they were linked. */
static void write_links(struct api_call *call, const struct linked_hub *hubs, size_t count)
{
	json_open(&call->out, "iotHubs", '[');
	for (int64_t position = 0; position < LINKED_HUBS_MAX; position++)
		for (size_t i = 0; i < count; i++)
			if (hubs[i].position == position)
				write_link(call, &hubs[i]);
	json_close(&call->out, ']');
}

static void write_service(struct api_call *call, const struct service *s, const struct linked_hub *hubs, size_t count,
			  const struct store_change *set, size_t set_count)
{
	struct resource r = resource_of_service(s);
	struct json_out *out = &call->out;

	resource_open(call, &service_kind, &r, "Active");
	write_links(call, hubs, count);
	json_text(out, "allocationPolicy", s->allocation_policy.n ? s->allocation_policy : SLICE("Hashed"));
	if (s->endorsement_certificates.n)
		json_text(out, "endorsementCertificates", s->endorsement_certificates);
	json_text(out, "serviceOperationsHostName", arena_format(call->arena, "%.*s.%s", SLICE_ARG(s->name), call->conf->domain));
	json_text(out, "deviceProvisioningHostName", arena_format(call->arena, "global.%s", call->conf->domain));
	json_text(out, "idScope", s->scope);
	resource_close(call, set, set_count);
}

static void get_read(struct api_call *call)
{
	struct one *one = call->state;
	struct service *s = service_here(call, one);

	if (s == NULL)
		return;
	write_service(call, s, one->hubs[0].records, one->hubs[0].count, NULL, 0);
	api_answer_out(call, 200);
}

void manage_service_get(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		one_read(call, one, get_read);
}

static void keys_read(struct api_call *call)
{
	struct one *one = call->state;

	if (service_here(call, one) == NULL)
		return;
	if (call->segments > SEGMENT_KEY)
		policy_answer(call, &one->want[1], call->segment[SEGMENT_KEY]);
	else
		policies_answer(call, &one->want[1]);
}

void manage_service_keys(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		one_read(call, one, keys_read);
}

/* --- lists: the services, then the links of each --- */

struct many {
	struct service like;
	struct store_want want;
	struct store_want *hubs;
};

static void many_hubs_read(struct api_call *call, enum err e)
{
	struct many *many = call->state;
	const struct service *services = many->want.records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (size_t i = 0; i < many->want.count; i++) {
		struct resource r = resource_of_service(&services[i]);

		if (resource_is_at(call, &r))
			write_service(call, &services[i], many->hubs[i].records, many->hubs[i].count, NULL, 0);
	}
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static void many_read(struct api_call *call, enum err e)
{
	struct many *many = call->state;
	const struct service *services = many->want.records;
	struct linked_hub *likes = arena_array(call->arena, many->want.count, sizeof(*likes));

	many->hubs = arena_array(call->arena, many->want.count + 1, sizeof(*many->hubs));
	if (e != OK || likes == NULL || many->hubs == NULL) {
		api_refuse_store(call, e != OK ? e : ERR_NO_MEMORY);
		return;
	}
	if (many->want.count == 0) {
		many_hubs_read(call, OK);
		return;
	}
	for (size_t i = 0; i < many->want.count; i++) {
		likes[i].scope = services[i].scope;
		many->hubs[i] = (struct store_want){.noun = &noun_linked_hub, .like = &likes[i], .keys = 1, .limit = LINKED_HUBS_MAX};
	}
	api_read(call, many->hubs, many->want.count, many_hubs_read);
}

void manage_service_list(struct api_call *call)
{
	struct many *many = arena_alloc(call->arena, sizeof(*many));

	if (many == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = many;
	many->want =
		(struct store_want){.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &many->like, .keys = 0, .limit = RESOURCES_MAX};
	api_read(call, &many->want, 1, many_read);
}

/* --- PUT: links --- */

static bool refuse_link(struct api_call *call, const char *name, const char *why)
{
	api_refuse(call, 400, 400301, NULL, "iotHubs: %s %s", name && *name ? name : "an entry", why);
	return false;
}

/* "hub:8443" apart. */
static bool split_port(struct slice host, struct slice *name, int64_t *port)
{
	ptrdiff_t colon = slice_find(host, ':');
	uint64_t n;

	*name = host;
	*port = INT_NONE;
	if (colon < 0)
		return true;
	*name = slice_to(host, (size_t)colon);
	if (!slice_to_u64(slice_from(host, (size_t)colon + 1), &n) || n == 0 || n > 65535)
		return false;
	*port = (int64_t)n;
	return true;
}

bool manage_link_by_connection_string(struct api_call *call, struct linked_hub *hub, struct slice text)
{
	struct connection_string c;
	const char *why = NULL;

	if (connection_string_read(text, &c, &why) != OK)
		return refuse_link(call, "the connection string", why);
	if (c.key_name.n == 0 || c.key.n == 0)
		return refuse_link(call, "the connection string", "needs SharedAccessKeyName and SharedAccessKey");
	if (!split_port(c.host_name, &hub->name, &hub->port))
		return refuse_link(call, "the connection string", "has a port that is not one");
	hub->key_name = c.key_name;
	/* What a client has read has asterisks for the key: the stored one stays (service-api.md 11.2). */
	hub->key = slice_search(c.key, SLICE("****")) >= 0 ? NO_SLICE : c.key;
	if (hub->key.n && !key_is_good(hub->key))
		return refuse_link(call, "the connection string", "has a key that is not the base64 text of 16 to 64 bytes");
	return true;
}

/* By name: a hub that lives here. Whether it does is looked up with the rest. */
static bool link_by_name(struct api_call *call, struct one *one, struct linked_hub *hub, struct slice name)
{
	struct slice label = host_label(call, name);

	if (slice_absent(label) && slice_find(name, '.') < 0)
		label = arena_fold(call->arena, name);
	if (label.n == 0)
		return refuse_link(call, arena_str(call->arena, name), "is not hosted here, so it needs a connectionString");
	hub->name = arena_format(call->arena, "%.*s.%s", SLICE_ARG(label), call->conf->domain);
	hub->hosted = FLAG_YES;
	hub->key_name = SLICE("iothubowner");
	one->hosted_like[one->hosted_count].name_folded = label;
	one->hubs[1 + one->hosted_count] = (struct store_want){.noun = &noun_hub, .like = &one->hosted_like[one->hosted_count], .keys = 1};
	one->hosted_count++;
	return true;
}

static bool link_read(struct api_call *call, struct one *one, struct slice text)
{
	struct linked_hub *hub = noun_new(&noun_linked_hub, call->arena);
	const char *why = NULL;
	json_t *json = NULL;
	struct slice string, name;
	bool good;

	if (hub == NULL || json_read(text, call->arena, &json, &why) != OK || !json_is_object(json)) {
		json_decref(json);
		return refuse_link(call, NULL, "must be an object");
	}
	if (noun_read(&noun_linked_hub, text, call->arena, hub, &why) != OK) {
		json_decref(json);
		return refuse_link(call, NULL, why);
	}
	string = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "connectionString"))));
	name = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "hostName"))));
	if (name.n == 0)
		name = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "name"))));
	json_decref(json);
	if (hub->weight != INT_NONE && (hub->weight < 1 || hub->weight > 1000))
		return refuse_link(call, arena_str(call->arena, name), "has an allocationWeight that is not 1 to 1000");
	good = string.n ? manage_link_by_connection_string(call, hub, string) : link_by_name(call, one, hub, name);
	if (!good)
		return false;
	hub->id = arena_fold(call->arena, hub->name);
	hub->position = (int64_t)one->linked_count;
	for (size_t i = 0; i < one->linked_count; i++)
		if (slice_eq(one->linked[i]->id, hub->id))
			return refuse_link(call, arena_str(call->arena, hub->name), "is named twice");
	one->linked[one->linked_count++] = hub;
	return true;
}

static bool links_read(struct api_call *call, struct one *one)
{
	struct slice list, item;
	size_t at = 0;

	if (!resource_list(call, &one->body, "iotHubs", &list))
		return false;
	if (slice_absent(list))
		return true;
	one->hubs_given = true;
	while (json_each(list, &at, NULL, &item)) {
		if (one->linked_count == LINKED_HUBS_MAX)
			return refuse_link(call, NULL, "too many: at most 50 hubs can be linked");
		if (!link_read(call, one, item))
			return false;
	}
	return true;
}

static const struct linked_hub *stored_link(const struct one *one, struct slice id)
{
	const struct linked_hub *all = one->hubs[0].records;

	for (size_t i = 0; i < one->hubs[0].count; i++)
		if (slice_eq(all[i].id, id))
			return &all[i];
	return NULL;
}

/* Keys that came back as asterisks are kept; hosted hubs must be there. */
static bool links_complete(struct api_call *call, struct one *one, struct slice scope)
{
	size_t hosted = 0;

	for (size_t i = 0; i < one->linked_count; i++) {
		struct linked_hub *hub = one->linked[i];
		const struct linked_hub *before = stored_link(one, hub->id);

		hub->scope = scope;
		if (hub->hosted == FLAG_YES) {
			if (one->hubs[1 + hosted++].count == 0)
				return refuse_link(call, arena_str(call->arena, hub->name),
						   "is not hosted here, so it needs a connectionString");
		} else if (slice_absent(hub->key)) {
			if (before == NULL)
				return refuse_link(call, arena_str(call->arena, hub->name), "has a masked key, and none is stored to keep");
			hub->key = before->key;
			hub->hosted = before->hosted;
		}
		if (hub->location.n == 0)
			hub->location = before ? before->location : SLICE("local");
	}
	return true;
}

static void links_changes(struct one *one, struct slice scope)
{
	if (!one->hubs_given)
		return;
	one->hub_like.scope = scope;
	one->change[one->changes++] =
		(struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_linked_hub, .record = &one->hub_like, .keys = 1};
	for (size_t i = 0; i < one->linked_count; i++)
		one->change[one->changes++] = (struct store_change){.how = STORE_PUT, .noun = &noun_linked_hub, .record = one->linked[i]};
}

/* --- PUT: the service --- */

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct one *one = call->state;
	const struct linked_hub *hubs = one->hubs[0].records;
	struct linked_hub *given;
	size_t count = one->hubs[0].count;

	if (!resource_written(call, e, failed))
		return;
	if (one->hubs_given) {
		given = arena_array(call->arena, one->linked_count + 1, sizeof(*given));
		for (size_t i = 0; given && i < one->linked_count; i++)
			given[i] = *one->linked[i];
		hubs = given;
		count = given ? one->linked_count : 0;
	}
	write_service(call, one->made, hubs, count, one->change, one->policies_given ? one->changes : 0);
	api_answer_out(call, one->created ? 201 : 200);
}

static struct slice scope_make(struct arena *arena)
{
	unsigned char bytes[4];

	random_bytes(bytes, sizeof(bytes));
	return arena_format(arena, "0ne%02X%02X%02X%02X", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static struct service *service_create(struct api_call *call, struct one *one)
{
	struct service *s = noun_new(&noun_service, call->arena);
	struct name *name = arena_alloc(call->arena, sizeof(*name));

	if (s == NULL || name == NULL)
		return NULL;
	s->scope = scope_make(call->arena);
	s->name = call->segment[SEGMENT_NAME];
	s->name_folded = one->service_like.name_folded;
	s->subscription = call->segment[SEGMENT_SUBSCRIPTION];
	s->resource_group = call->segment[SEGMENT_GROUP];
	s->created = loop_wall(call->conf->loop);
	*name = (struct name){.id = s->name_folded, .kind = SLICE("service"), .owner = s->scope};
	one->change[one->changes++] = (struct store_change){.how = STORE_INSERT, .noun = &noun_name, .record = name};
	return s;
}

static struct slice or_else(struct slice given, struct slice before)
{
	return slice_absent(given) ? before : given;
}

/* What stands among the properties as a field of its own. */
static bool properties_read(struct api_call *call, const struct one *one, struct service *s)
{
	struct service *given = noun_new(&noun_service, call->arena);
	const char *why = NULL;

	if (given == NULL || noun_read(&noun_service, one->body.text, call->arena, given, &why) != OK) {
		api_refuse(call, 400, 400302, NULL, "%s", why ? why : "Out of memory.");
		return false;
	}
	s->allocation_policy = or_else(given->allocation_policy, s->allocation_policy);
	s->endorsement_certificates = or_else(given->endorsement_certificates, s->endorsement_certificates);
	return true;
}

/* The policies that are asked for; on creation without any, the owner's. */
static bool policies_changes(struct api_call *call, struct one *one)
{
	struct slice list;
	struct policy *owner;

	if (!resource_list(call, &one->body, "authorizationPolicies", &list))
		return false;
	one->policies_given = !slice_absent(list);
	if (one->policies_given)
		return policies_from_text(call, &service_kind, list, one->policy_like.owner, &one->want[1], one->change, &one->changes,
					  CHANGES_MAX);
	if (!one->created)
		return true;
	if ((owner = policy_make(call, one->policy_like.owner, OWNER_POLICY, OWNER_RIGHTS, 0)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return false;
	}
	one->change[one->changes++] = (struct store_change){.how = STORE_PUT, .noun = &noun_policy, .record = owner};
	return true;
}

static void put_read(struct api_call *call)
{
	struct one *one = call->state;
	struct service *s = stored_service(one);
	struct slice etag = s ? s->etag : NO_SLICE;

	if (s && service_here(call, one) == NULL)
		return;
	one->created = s == NULL;
	if (s == NULL && (s = service_create(call, one)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	one->made = s;
	s->location = or_else(one->body.location, s->location);
	s->tags = or_else(one->body.tags, s->tags);
	s->sku = or_else(one->body.sku, s->sku);
	s->identity = or_else(one->body.identity, s->identity);
	s->extra = or_else(one->body.extra, s->extra);
	s->updated = loop_wall(call->conf->loop);
	s->etag = resource_version(call->arena);
	if (!properties_read(call, one, s) || !links_complete(call, one, s->scope))
		return;
	one->change[one->changes++] = (struct store_change){
		.how = one->created ? STORE_INSERT : STORE_UPDATE, .noun = &noun_service, .record = s, .if_etag = etag};
	if (!policies_changes(call, one))
		return;
	links_changes(one, s->scope);
	api_write(call, one->change, one->changes, put_written);
}

void manage_service_put(struct api_call *call)
{
	const char *wrong = resource_name_wrong(call->segment[SEGMENT_NAME]);
	struct one *one = one_begin(call);

	if (one == NULL)
		return;
	if (wrong) {
		api_refuse(call, 400, 400303, NULL, "%s", wrong);
		return;
	}
	if (!resource_body_read(call, &service_kind, &one->body))
		return;
	resource_body_free(&one->body);
	if (links_read(call, one))
		one_read(call, one, put_read);
}

/* --- PATCH: tags only --- */

static void patch_read(struct api_call *call)
{
	struct one *one = call->state;
	struct service *s = service_here(call, one);

	if (s == NULL)
		return;
	one->made = s;
	one->change[0] = (struct store_change){.how = STORE_UPDATE, .noun = &noun_service, .record = s, .if_etag = s->etag};
	s->tags = or_else(one->body.tags, s->tags);
	s->updated = loop_wall(call->conf->loop);
	s->etag = resource_version(call->arena);
	api_write(call, one->change, 1, put_written);
}

void manage_service_patch(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one == NULL || !resource_body_read(call, &service_kind, &one->body))
		return;
	resource_body_free(&one->body);
	one_read(call, one, patch_read);
}

/* --- DELETE: the service and everything under its scope --- */

static void deleted(struct api_call *call, enum err e, size_t failed)
{
	if (resource_written(call, e, failed))
		api_answer_empty(call, 204);
}

static void delete_read(struct api_call *call)
{
	static const struct noun *const under_scope[] = {&noun_linked_hub,   &noun_individual,      &noun_group,
							 &noun_registration, &noun_attempt,         &noun_ca_certificate,
							 &noun_presented,    &noun_revocation_list, &noun_revocation_body,
							 &noun_endorsement_root};
	struct one *one = call->state;
	struct service *s = stored_service(one);
	struct name *name = arena_alloc(call->arena, sizeof(*name));
	struct resource r;

	if (s == NULL || name == NULL) {
		api_answer_empty(call, 204); /* a 404 makes the npm clients throw (service-api.md 11.1) */
		return;
	}
	r = resource_of_service(s);
	if (!resource_is_at(call, &r)) {
		api_answer_empty(call, 204);
		return;
	}
	name->id = s->name_folded;
	one->change[one->changes++] = (struct store_change){.how = STORE_DELETE, .noun = &noun_service, .record = s};
	one->change[one->changes++] = (struct store_change){.how = STORE_DELETE, .noun = &noun_name, .record = name};
	one->change[one->changes++] =
		(struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_policy, .record = &one->policy_like, .keys = 1};
	for (size_t i = 0; i < sizeof(under_scope) / sizeof(under_scope[0]); i++) {
		struct slice *scope = noun_new(under_scope[i], call->arena); /* the first member of each, by their tables */

		if (scope == NULL) {
			api_refuse_store(call, ERR_NO_MEMORY);
			return;
		}
		*scope = s->scope;
		one->change[one->changes++] =
			(struct store_change){.how = STORE_DELETE_ALL, .noun = under_scope[i], .record = scope, .keys = 1};
	}
	api_write(call, one->change, one->changes, deleted);
}

void manage_service_delete(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		one_read(call, one, delete_read);
}
