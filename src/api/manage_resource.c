/*
 * manage_resource.c: what provisioning services and hosted hubs have in common as resources (service-api.md 11.2).
 */
#include "base/text.h"
#include "crypto/digest.h"
#include "api/manage.h"

struct resource resource_of_service(const struct service *s)
{
	return (struct resource){s->name, s->subscription, s->resource_group, s->location, s->tags, s->sku, s->extra, s->etag, s->identity};
}

struct resource resource_of_hub(const struct hub *h)
{
	return (struct resource){h->name, h->subscription, h->resource_group, h->location, h->tags, h->sku, h->extra, h->etag, NO_SLICE};
}

bool resource_is_at(const struct api_call *call, const struct resource *r)
{
	return slice_eq_fold(r->subscription, call->segment[SEGMENT_SUBSCRIPTION]) &&
	       (slice_eq_fold(call->segment[2], SLICE("providers")) || slice_eq_fold(r->resource_group, call->segment[SEGMENT_GROUP]));
}

/* --- the document --- */

void resource_open(struct api_call *call, const struct resource_kind *kind, const struct resource *r, const char *state)
{
	struct json_out *out = &call->out;
	struct slice name, value;
	size_t at = 0;

	json_open(out, NULL, '{');
	json_text(out, "etag", r->etag);
	json_text(out, "name", r->name);
	json_text(out, "location", r->location.n ? r->location : SLICE("local"));
	json_str(out, "type", kind->type);
	json_text(out, "id",
		  arena_format(call->arena, "/subscriptions/%.*s/resourceGroups/%.*s/providers/%s/%.*s", SLICE_ARG(r->subscription),
			       SLICE_ARG(r->resource_group), kind->type, SLICE_ARG(r->name)));
	json_text(out, "resourcegroup", r->resource_group);
	json_text(out, "subscriptionid", r->subscription);
	json_raw(out, "tags", r->tags.n ? r->tags : SLICE("{}"));
	json_raw(out, "sku", r->sku.n ? r->sku : SLICE("{\"name\":\"S1\",\"tier\":\"Standard\",\"capacity\":1}"));
	if (r->identity.n)
		json_raw(out, "identity", r->identity);
	json_open(out, "properties", '{');
	json_str(out, "state", state);
	json_str(out, "provisioningState", "Succeeded");
	while (r->extra.n && json_each(r->extra, &at, &name, &value))
		json_raw(out, arena_str(call->arena, name), value);
}

void resource_close(struct api_call *call, const struct store_change *set, size_t count)
{
	if (count)
		json_open(&call->out, "authorizationPolicies", '[');
	for (size_t i = 0; i < count; i++)
		if (set[i].noun == &noun_policy && set[i].how == STORE_PUT)
			noun_write(&noun_policy, set[i].record, VIEW_SECRETS, &call->out, NULL, call->arena);
	if (count)
		json_close(&call->out, ']');
	json_close(&call->out, '}');
	json_close(&call->out, '}');
}

/* --- the request --- */

/* Members of `properties` that mean nothing to us are kept and echoed. */
static struct slice extra_of(struct api_call *call, const struct resource_kind *kind, struct slice properties)
{
	struct slice name, value, copy;
	struct json_out out;
	struct buf text;
	size_t at = 0;

	buf_init(&text, API_BODY_MAX);
	json_out_init(&out, &text);
	json_open(&out, NULL, '{');
	while (properties.n && json_each(properties, &at, &name, &value)) {
		const char *const *known = kind->known;

		while (*known && !slice_eq_fold(name, slice_str(*known)))
			known++;
		if (*known == NULL && !slice_eq(value, SLICE("null")))
			json_raw(&out, arena_str(call->arena, name), value);
	}
	json_close(&out, '}');
	copy = text.n > 2 ? arena_copy(call->arena, buf_slice(&text)) : NO_SLICE;
	buf_fini(&text);
	return copy;
}

/* What is there must be of its kind; null is as good as absent. */
static bool members_fit(struct api_call *call, json_t *json)
{
	static const struct {
		const char *name, *kind;
		json_type type;
	} members[] = {
		{"location", "a string", JSON_STRING}, {"properties", "an object", JSON_OBJECT}, {"tags", "an object", JSON_OBJECT},
		{"sku", "an object", JSON_OBJECT},     {"identity", "an object", JSON_OBJECT},
	};
	const char *name;
	json_t *value;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		value = json_get_fold(json, members[i].name);
		if (value && !json_is_null(value) && json_typeof(value) != members[i].type) {
			api_refuse(call, 400, 400001, NULL, "%s must be %s.", members[i].name, members[i].kind);
			return false;
		}
	}
	json_object_foreach(json_get_fold(json, "tags"), name, value)
	{
		if (!json_is_string(value)) {
			api_refuse(call, 400, 400001, NULL, "tags: the value of %s must be a string.", name);
			return false;
		}
	}
	return true;
}

/* "West US" is filed as "westus" (service-api.md 11.2). */
static struct slice location_fold(struct arena *arena, const char *text)
{
	struct slice given = arena_copy(arena, slice_str(text));
	char *folded = arena_alloc(arena, given.n + 1);
	size_t n = 0;

	if (slice_absent(given) || folded == NULL)
		return NO_SLICE;
	for (size_t i = 0; i < given.n; i++)
		if (given.p[i] != ' ')
			folded[n++] = given.p[i];
	return arena_fold(arena, slice_over(folded, n));
}

/* The tier follows from the name: it is added to what was given, and never taken from there. */
static struct slice sku_whole(struct api_call *call, struct slice sku)
{
	struct slice name, value, copy;
	struct json_out out;
	struct buf text;
	size_t at = 0;

	if (sku.n == 0)
		return NO_SLICE;
	name = json_member(sku, "name", true);
	buf_init(&text, API_BODY_MAX);
	json_out_init(&out, &text);
	json_open(&out, NULL, '{');
	json_raw(&out, "name", name.n ? name : SLICE("\"S1\""));
	json_str(&out, "tier",
		 slice_starts_fold(name, SLICE("\"F"))   ? "Free"
		 : slice_starts_fold(name, SLICE("\"B")) ? "Basic"
							 : "Standard");
	while (json_each(sku, &at, &name, &value))
		if (!slice_eq_fold(name, SLICE("name")) && !slice_eq_fold(name, SLICE("tier")))
			json_raw(&out, arena_str(call->arena, name), value);
	json_close(&out, '}');
	copy = arena_copy(call->arena, buf_slice(&text));
	buf_fini(&text);
	return copy;
}

static struct slice object_member(struct slice text, const char *name)
{
	struct slice value = json_member(text, name, true);

	return value.n && value.p[0] == '{' ? value : NO_SLICE;
}

bool resource_body_read(struct api_call *call, const struct resource_kind *kind, struct resource_body *body)
{
	const char *why = NULL;

	*body = (struct resource_body){.text = call->q->body};
	if (json_read(body->text, call->arena, &body->json, &why) != OK || !json_is_object(body->json)) {
		api_refuse(call, 400, 400001, NULL, "%s", why ? why : "The body must be an object.");
		resource_body_free(body);
		return false;
	}
	if (!members_fit(call, body->json)) {
		resource_body_free(body);
		return false;
	}
	body->properties = object_member(body->text, "properties");
	body->tags = object_member(body->text, "tags");
	body->sku = sku_whole(call, object_member(body->text, "sku"));
	body->identity = object_member(body->text, "identity");
	body->location = location_fold(call->arena, json_string_value(json_get_fold(body->json, "location")));
	body->extra = extra_of(call, kind, body->properties);
	return true;
}

void resource_body_free(struct resource_body *body)
{
	json_decref(body->json);
	body->json = NULL;
}

bool resource_list(struct api_call *call, const struct resource_body *body, const char *name, struct slice *out)
{
	*out = json_member(body->properties, name, true);
	if (out->n == 0 || slice_eq(*out, SLICE("null"))) {
		*out = NO_SLICE;
		return true;
	}
	if (out->p[0] != '[')
		api_refuse(call, 400, 400001, NULL, "%s must be an array.", name);
	return out->p[0] == '[';
}

struct slice resource_version(struct arena *arena)
{
	unsigned char bytes[8];

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = bytes[1] = bytes[2] = bytes[3] = 0;
	return base64_encode(arena, slice_over(bytes, sizeof(bytes)));
}

/* --- policies --- */

struct slice policy_owner(struct api_call *call, const struct resource_kind *kind, struct slice name)
{
	return arena_fold(call->arena, arena_format(call->arena, "%s/%.*s", kind->owner, SLICE_ARG(name)));
}

struct policy *policy_make(struct api_call *call, struct slice owner, struct slice name, struct slice rights, int64_t position)
{
	struct policy *p = noun_new(&noun_policy, call->arena);

	if (p == NULL)
		return NULL;
	p->owner = owner;
	p->name = name;
	p->id = arena_fold(call->arena, name);
	p->rights = rights;
	p->primary_key = random_key(call->arena, POLICY_KEY_BYTES);
	p->secondary_key = random_key(call->arena, POLICY_KEY_BYTES);
	p->position = position;
	return p;
}

static const struct policy *stored_policy(const struct store_want *stored, struct slice id)
{
	const struct policy *all = stored->records;

	for (size_t i = 0; i < stored->count; i++)
		if (slice_eq(all[i].id, id))
			return &all[i];
	return NULL;
}

/* One element of authorizationPolicies. NULL: refused. */
static struct policy *policy_read(struct api_call *call, const struct resource_kind *kind, struct slice text, struct slice owner,
				  const struct store_want *stored, int64_t position)
{
	struct policy *p = policy_make(call, owner, NO_SLICE, NO_SLICE, position);
	struct policy *given = noun_new(&noun_policy, call->arena);
	const struct policy *before;
	const char *why = NULL;
	unsigned rights;

	if (p == NULL || given == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	if (noun_read(&noun_policy, text, call->arena, given, &why) != OK) {
		api_refuse(call, 400, 400001, NULL, "authorizationPolicies: %s", why);
		return NULL;
	}
	if (!id_is_good(given->name) || rights_read(given->rights, kind->hub, &rights) != OK) {
		api_refuse(call, 400, 400001, NULL, "authorizationPolicies: a policy has a keyName and rights, out of %s.",
			   kind->hub ? "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect"
				     : "ServiceConfig, EnrollmentRead, EnrollmentWrite, RegistrationStatusRead, "
				       "RegistrationStatusWrite, DeviceConnect");
		return NULL;
	}
	if ((given->primary_key.n && !key_is_good(given->primary_key)) || (given->secondary_key.n && !key_is_good(given->secondary_key))) {
		api_refuse(call, 400, 400001, NULL, "authorizationPolicies: a key is the base64 text of 16 to 64 bytes.");
		return NULL;
	}
	p->name = given->name;
	p->id = arena_fold(call->arena, given->name);
	p->rights = given->rights;
	before = stored_policy(stored, p->id);
	if (given->primary_key.n || before)
		p->primary_key = given->primary_key.n ? given->primary_key : before->primary_key;
	if (given->secondary_key.n || before)
		p->secondary_key = given->secondary_key.n ? given->secondary_key : before->secondary_key;
	return p;
}

bool policies_from_text(struct api_call *call, const struct resource_kind *kind, struct slice text, struct slice owner,
			const struct store_want *stored, struct store_change *changes, size_t *count, size_t max)
{
	struct slice item;
	struct policy *like, *p;
	size_t at = 0, first;
	int64_t position = 0;

	if ((like = policy_make(call, owner, NO_SLICE, NO_SLICE, 0)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return false;
	}
	changes[(*count)++] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_policy, .record = like, .keys = 1};
	first = *count;
	while (json_each(text, &at, NULL, &item)) {
		if (position == POLICIES_MAX || *count == max) {
			api_refuse(call, 400, 400001, NULL, "There may be at most %d policies.", POLICIES_MAX);
			return false;
		}
		if ((p = policy_read(call, kind, item, owner, stored, position++)) == NULL)
			return false;
		for (size_t i = first; i < *count; i++) {
			if (slice_eq(((const struct policy *)changes[i].record)->id, p->id)) {
				api_refuse(call, 400, 400001, NULL, "authorizationPolicies: %.*s is named twice.", SLICE_ARG(p->name));
				return false;
			}
		}
		changes[(*count)++] = (struct store_change){.how = STORE_PUT, .noun = &noun_policy, .record = p};
	}
	return true;
}

/* In the order in which they were given. */
static const struct policy *policy_at(const struct store_want *policies, int64_t position)
{
	const struct policy *all = policies->records;

	for (size_t i = 0; i < policies->count; i++)
		if (all[i].position == position)
			return &all[i];
	return NULL;
}

void policies_answer(struct api_call *call, const struct store_want *policies)
{
	const struct policy *p;

	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (int64_t i = 0; i < POLICIES_MAX; i++)
		if ((p = policy_at(policies, i)) != NULL)
			noun_write(&noun_policy, p, VIEW_SECRETS, &call->out, NULL, call->arena);
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void policy_answer(struct api_call *call, const struct store_want *policies, struct slice name)
{
	const struct policy *p = stored_policy(policies, arena_fold(call->arena, name));

	if (p == NULL) {
		api_refuse(call, 404, 404001, "ResourceNotFound", "There is no policy %.*s.", SLICE_ARG(name));
		return;
	}
	noun_write(&noun_policy, p, VIEW_SECRETS, &call->out, NULL, call->arena);
	api_answer_out(call, 200);
}

/* --- how it ended --- */

void refuse_missing_resource(struct api_call *call, const struct resource_kind *kind, struct slice name)
{
	api_refuse(call, 404, 404001, "ResourceNotFound", "The resource %s/%.*s was not found.", kind->type, SLICE_ARG(name));
}

bool resource_written(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (e == OK)
		return true;
	if (e == ERR_EXISTS)
		api_refuse(call, 409, 409001, "Conflict", "The name is taken: services and hubs share one space of names.");
	else if (e == ERR_PRECONDITION || e == ERR_NOT_FOUND)
		api_refuse(call, 409, 409002, "Conflict", "It was changed at the same moment; try again.");
	else
		api_refuse_store(call, e);
	return false;
}
