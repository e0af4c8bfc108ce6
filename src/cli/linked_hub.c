/*
 * linked_hub.c: which hubs a service may place devices on; and shared access policies. Both are lists inside the
 * service's document: read it, change one entry, put it back (service-api.md 11.8).
 */
#include <stdlib.h>

#include "cli/command.h"

#define VERSION "api-version=2022-12-12"

static const struct column link_columns[] = {
	{"hub", "name"}, {"weight", "allocationWeight"}, {"apply", "applyAllocationPolicy"}, {"location", "location"}, {NULL, NULL},
};
static const struct column policy_columns[] = {{"policy", "keyName"}, {"rights", "rights"}, {"primaryKey", "primaryKey"}, {NULL, NULL}};

/* Put the document back and answer with the list at `path` of what it has become. Takes the document. */
static int put_back(struct command *c, json_t *resource, const char *list, const struct column *columns)
{
	char *text = json_dumps(resource, JSON_COMPACT);
	struct answer a =
		client_ask(c, "PUT", NULL, arena_printf(c->arena, "%s?" VERSION, json_path(resource, "id")), NULL, NULL, slice_str(text));
	struct slice shown = answer_is_good(&a) ? json_member(json_member(a.body, "properties", false), list, false) : NO_SLICE;
	int status = answer_is_good(&a) ? (shown.n ? show(c, shown, columns) : CLI_FINE) : client_complain(c, &a);

	free(text);
	json_decref(resource);
	return status;
}

/* The entry whose host name is `name`, or whose first label is; -1: none. */
static long find_link(const json_t *links, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(links, i, item)
	{
		struct slice host = slice_str(json_path(item, "name")), wanted = slice_str(name);
		ptrdiff_t dot = slice_find(host, '.');

		if (slice_eq_fold(host, wanted) || (dot > 0 && slice_eq_fold(slice_to(host, (size_t)dot), wanted)))
			return (long)i;
	}
	return -1;
}

static json_t *links_of(const json_t *service)
{
	return json_object_get(json_object_get(service, "properties"), "iotHubs");
}

static json_t *service_of(struct command *c)
{
	return resource_find(c, "provisioningServices", given(c, "service"));
}

static int link_list(struct command *c)
{
	json_t *service = service_of(c);
	char *text;
	int status;

	if (service == NULL)
		return CLI_FAILED;
	text = json_dumps(links_of(service), JSON_COMPACT);
	status = show(c, slice_str(text), link_columns);
	free(text);
	json_decref(service);
	return status;
}

static int link_show(struct command *c)
{
	json_t *service = service_of(c);
	long at;
	char *text;
	int status;

	if (service == NULL)
		return CLI_FAILED;
	if ((at = find_link(links_of(service), c->operand[0])) < 0) {
		json_decref(service);
		return failed("%s is not linked", c->operand[0]);
	}
	text = json_dumps(json_array_get(links_of(service), (size_t)at), JSON_COMPACT);
	status = show(c, slice_str(text), link_columns);
	free(text);
	json_decref(service);
	return status;
}

static int link_create(struct command *c)
{
	const char *string = given(c, "connection-string"), *name = c->operand[0];
	json_t *service, *link;

	if ((string == NULL) == (name == NULL))
		return misused(c, "name a hub of this server, or give the --connection-string of one elsewhere");
	if ((service = service_of(c)) == NULL)
		return CLI_FAILED;
	if (name && find_link(links_of(service), name) >= 0) {
		json_decref(service);
		return failed("%s is linked already", name);
	}
	link = string ? json_pack("{s:s}", "connectionString", string) : json_pack("{s:s}", "name", name);
	if (!document_set(c, &noun_linked_hub, link)) {
		json_decref(link);
		json_decref(service);
		return CLI_USAGE;
	}
	json_array_append_new(links_of(service), link);
	return put_back(c, service, "iotHubs", link_columns);
}

static int link_change(struct command *c, bool remove)
{
	json_t *service = service_of(c);
	long at;

	if (service == NULL)
		return CLI_FAILED;
	if ((at = find_link(links_of(service), c->operand[0])) < 0) {
		json_decref(service);
		return failed("%s is not linked", c->operand[0]);
	}
	if (remove) {
		json_array_remove(links_of(service), (size_t)at);
	} else if (!document_set(c, &noun_linked_hub, json_array_get(links_of(service), (size_t)at))) {
		json_decref(service);
		return CLI_USAGE;
	}
	return put_back(c, service, "iotHubs", link_columns);
}

static int link_update(struct command *c)
{
	return link_change(c, false);
}

static int link_delete(struct command *c)
{
	return link_change(c, true);
}

/* --- shared access policies of a service or a hub --- */

static json_t *owner_of(struct command *c)
{
	const char *hub = given(c, "hub");

	return hub ? resource_find(c, "IotHubs", hub) : service_of(c);
}

/* The policies with their keys, as a JSON array; NULL: complained. */
static json_t *policies_of(struct command *c, const json_t *owner)
{
	struct answer a =
		client_ask(c, "POST", NULL, arena_printf(c->arena, "%s/listkeys?" VERSION, json_path(owner, "id")), NULL, NULL, NO_SLICE);
	json_t *all = NULL, *list;

	if (!answer_is_good(&a) || json_read(a.body, c->arena, &all, NULL) != OK) {
		client_complain(c, &a);
		return NULL;
	}
	list = json_incref(json_object_get(all, "value"));
	json_decref(all);
	return list;
}

static long find_policy(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (slice_eq_fold(slice_str(json_path(item, "keyName")), slice_str(name))) return (long)i;
	return -1;
}

static int show_policies(struct command *c, const json_t *shown)
{
	char *text = json_dumps(shown, JSON_COMPACT);
	int status = show(c, slice_str(text), policy_columns);

	free(text);
	return status;
}

static int policy_look(struct command *c)
{
	json_t *owner = owner_of(c), *list = owner ? policies_of(c, owner) : NULL;
	int status = CLI_FAILED;
	long at;

	if (list && c->operand[0] == NULL)
		status = show_policies(c, list);
	else if (list && (at = find_policy(list, c->operand[0])) >= 0)
		status = show_policies(c, json_array_get(list, (size_t)at));
	else if (list)
		failed("there is no policy %s", c->operand[0]);
	json_decref(list);
	json_decref(owner);
	return status;
}

/* Change the list as the verb says. False: complained. */
static bool change_policies(struct command *c, json_t *list)
{
	const char *verb = c->verb->name;
	long at = find_policy(list, c->operand[0]);
	json_t *policy;

	if (strcmp(verb, "create") == 0) {
		if (at >= 0) {
			failed("there is a policy %s already", c->operand[0]);
			return false;
		}
		policy = json_pack("{s:s}", "keyName", c->operand[0]);
		json_array_append_new(list, policy);
		return document_set(c, &noun_policy, policy);
	}
	if (at < 0) {
		failed("there is no policy %s", c->operand[0]);
		return false;
	}
	if (strcmp(verb, "delete") == 0)
		return json_array_remove(list, (size_t)at) == 0;
	return document_set(c, &noun_policy, json_array_get(list, (size_t)at));
}

static int policy_change(struct command *c)
{
	json_t *owner = owner_of(c), *list = owner ? policies_of(c, owner) : NULL;
	int status = CLI_FAILED;

	if (list && change_policies(c, list)) {
		json_object_set(json_object_get(owner, "properties"), "authorizationPolicies", list);
		status = put_back(c, owner, "authorizationPolicies", policy_columns);
		owner = NULL;
	}
	json_decref(list);
	json_decref(owner);
	return status;
}

static const struct option of_service[] = {
	SERVICE_OPTION,
	OPTIONS_END,
};
static const struct option create_options[] = {
	SERVICE_OPTION,
	{"connection-string", "TEXT", "of a hub elsewhere: HostName=..;SharedAccessKeyName=..;SharedAccessKey=..", OPTION_VALUE},
	OPTIONS_END,
};
static const struct option policy_options[] = {
	SERVICE_OPTION,
	{"hub", "NAME", "a hub of this server, instead of a service", OPTION_VALUE},
	OPTIONS_END,
};

const struct verb linked_hub_verbs[] = {
	{"linked-hub", "create", "[HUB]", "link a hub of this server by its name, or one elsewhere", create_options, &noun_linked_hub,
	 link_create},
	{"linked-hub", "list", "", "the hubs that devices may be placed on", of_service, NULL, link_list},
	{"linked-hub", "show", "HUB", "one of them", of_service, NULL, link_show},
	{"linked-hub", "update", "HUB", "change weight, location or whether it takes part", of_service, &noun_linked_hub, link_update},
	{"linked-hub", "delete", "HUB", "unlink it; devices stay there until they register again", of_service, NULL, link_delete},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct verb policy_verbs[] = {
	{"access-policy", "list", "", "shared access policies, with keys", policy_options, NULL, policy_look},
	{"access-policy", "show", "NAME", "one of them", policy_options, NULL, policy_look},
	{"access-policy", "create", "NAME", "make one; keys are made unless given", policy_options, &noun_policy, policy_change},
	{"access-policy", "update", "NAME", "change rights or keys", policy_options, &noun_policy, policy_change},
	{"access-policy", "delete", "NAME", "take it away: its tokens are worth nothing from then on", policy_options, NULL, policy_change},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
