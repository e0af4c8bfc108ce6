/*
 * manage.h: what the files of the management API share (service-api.md 11).
 *
 * Provisioning services and hosted hubs are resources of the same make: a name in one shared space, a subscription and a
 * resource group to file them under, tags, a tier, shared access policies. What differs is in manage_service.c and
 * manage_hub.c.
 */
#ifndef BERTH_API_MANAGE_H
#define BERTH_API_MANAGE_H

#include "api/api_call.h"

#define POLICIES_MAX     16 /* of one resource, hub-api.md 3.2 */
#define POLICY_KEY_BYTES 32
#define RESOURCES_MAX    1000 /* listed at once */

/* Where the words of a resource's path stand: /subscriptions/1/resourceGroups/3/providers/Microsoft.Devices/KIND/7 */
enum { SEGMENT_SUBSCRIPTION = 1, SEGMENT_GROUP = 3, SEGMENT_NAME = 7, SEGMENT_KEY = 9 };

/* The members that both kinds have, seen through one window. */
struct resource {
	struct slice name, subscription, resource_group, location, tags, sku, extra, etag, identity;
};

struct resource_kind {
	const char *type;  /* "Microsoft.Devices/provisioningServices" */
	const char *owner; /* "dps", "hub": before the folded name in the owner of a policy */
	bool hub;
	const char *const *known; /* members of properties that are not kept as extra, ended by NULL */
};

extern const struct resource_kind service_kind, hub_kind;

struct resource resource_of_service(const struct service *);
struct resource resource_of_hub(const struct hub *);

/* Whether the resource is filed where the path says. */
bool resource_is_at(const struct api_call *, const struct resource *);

/* Everything of the document but the inside of `properties`, which the caller writes between the two. `at` NULL: the whole answer. */
void resource_open(struct api_call *, const struct resource_kind *, const struct resource *, const char *state);
/* With the policies that `set` puts, keys and all, as an answer to the request that set them shows them. */
void resource_close(struct api_call *, const struct store_change *set, size_t count);

/* The request's body as an object, and its parts as text. False: the call has been refused. */
struct resource_body {
	json_t *json; /* owned: resource_body_free */
	struct slice text;
	struct slice properties; /* absent: none */
	struct slice location, tags, sku, identity, extra;
};
bool resource_body_read(struct api_call *, const struct resource_kind *, struct resource_body *);
void resource_body_free(struct resource_body *);

/* A list among the properties; absent when there is none. False: it is no list, and the call has been refused. */
bool resource_list(struct api_call *, const struct resource_body *, const char *name, struct slice *out);

/* A new row version (service-api.md 11.2): base64 of 8 bytes. */
struct slice resource_version(struct arena *);

/* "dps/name", as policies name their owner. */
struct slice policy_owner(struct api_call *, const struct resource_kind *, struct slice name);

/* The list authorizationPolicies into changes behind changes[*count] that replace all policies of `owner`: keys that are left out
 * are kept from `stored`, or made. False: refused. */
bool policies_from_text(struct api_call *, const struct resource_kind *, struct slice text, struct slice owner,
			const struct store_want *stored, struct store_change *changes, size_t *count, size_t max);

/* A policy with fresh keys. NULL: no memory. */
struct policy *policy_make(struct api_call *, struct slice owner, struct slice name, struct slice rights, int64_t position);

/* {"value":[...]} with keys, or one policy of them by name. */
void policies_answer(struct api_call *, const struct store_want *policies);
void policy_answer(struct api_call *, const struct store_want *policies, struct slice name);

/* What is wrong with a name for a new resource; NULL: nothing. */
const char *resource_name_wrong(struct slice name);

void refuse_missing_resource(struct api_call *, const struct resource_kind *, struct slice name);

/* How a write ended, for both kinds: false when it has been refused. */
bool resource_written(struct api_call *, enum err, size_t failed);

/* --- handlers --- */
void manage_service_list(struct api_call *);
void manage_service_get(struct api_call *);
void manage_service_put(struct api_call *);
void manage_service_patch(struct api_call *);
void manage_service_delete(struct api_call *);
void manage_service_keys(struct api_call *);
void manage_certificate_list(struct api_call *);
void manage_certificate_get(struct api_call *);
void manage_certificate_put(struct api_call *);
void manage_certificate_delete(struct api_call *);
void manage_certificate_code(struct api_call *);
void manage_certificate_verify(struct api_call *);
void manage_hub_list(struct api_call *);
void manage_hub_get(struct api_call *);
void manage_hub_put(struct api_call *);
void manage_hub_patch(struct api_call *);
void manage_hub_delete(struct api_call *);
void manage_hub_keys(struct api_call *);

/* A link to a hub elsewhere from its connection string: name, port, policy and key. False: the call has been refused. */
bool manage_link_by_connection_string(struct api_call *, struct linked_hub *, struct slice text);

#endif
