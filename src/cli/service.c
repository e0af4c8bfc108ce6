/*
 * service.c: provisioning services, their allocation policy; and hosted hubs, which are resources of the same make.
 */
#include <stdlib.h>

#include "cli/command.h"

#define VERSION "api-version=2022-12-12"

static const struct column service_columns[] = {
	{"name", "name"},
	{"idScope", "properties.idScope"},
	{"policy", "properties.allocationPolicy"},
	{"hubs", "properties.iotHubs"},
	{"host", "properties.serviceOperationsHostName"},
	{NULL, NULL},
};
static const struct column hub_columns[] = {
	{"name", "name"}, {"host", "properties.hostName"}, {"location", "location"}, {"resourceGroup", "resourcegroup"}, {NULL, NULL},
};

static bool is_hub(const struct command *c)
{
	return strcmp(c->verb->noun, "hub") == 0;
}

static const char *kind(const struct command *c)
{
	return is_hub(c) ? "IotHubs" : "provisioningServices";
}

static const struct column *columns(const struct command *c)
{
	return is_hub(c) ? hub_columns : service_columns;
}

/* Send a document to a resource's path and show what it has become. */
static int put(struct command *c, const char *id, json_t *document, const struct column *shown)
{
	char *text = json_dumps(document, JSON_COMPACT);
	struct answer a = client_ask(c, "PUT", NULL, arena_printf(c->arena, "%s?" VERSION, id), NULL, NULL, slice_str(text));
	int status = answer_is_good(&a) ? show(c, a.body, shown) : client_complain(c, &a);

	free(text);
	json_decref(document);
	return status;
}

static json_t *sku(void)
{
	return json_pack("{s:s,s:i}", "name", "S1", "capacity", 1);
}

static int create(struct command *c)
{
	const char *id = arena_printf(c->arena, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Devices/%s/%s",
				      given_or(c, "subscription", SUBSCRIPTION), given_or(c, "resource-group", RESOURCE_GROUP), kind(c),
				      c->operand[0]);
	struct answer a;
	json_t *document;

	/* PUT creates and replaces alike; who says create does not mean replace. */
	a = client_ask(c, "GET", NULL, arena_printf(c->arena, "%s?" VERSION, id), NULL, NULL, NO_SLICE);
	if (answer_is_good(&a))
		return failed("there is a %s called %s already", c->verb->noun, c->operand[0]);
	document = json_pack("{s:s,s:o,s:{}}", "location", "local", "sku", sku(), "properties");
	if (!document_set(c, is_hub(c) ? &noun_hub : &noun_service, document)) {
		json_decref(document);
		return CLI_USAGE;
	}
	return put(c, id, document, columns(c));
}

static int list(struct command *c)
{
	struct answer a = client_ask(c, "GET", NULL,
				     arena_printf(c->arena, "/subscriptions/%s/providers/Microsoft.Devices/%s?" VERSION,
						  given_or(c, "subscription", SUBSCRIPTION), kind(c)),
				     NULL, NULL, NO_SLICE);

	return answer_is_good(&a) ? show(c, json_member(a.body, "value", false), columns(c)) : client_complain(c, &a);
}

static int show_json(struct command *c, json_t *document, const struct column *shown)
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
	int status = show(c, slice_str(text), shown);

	free(text);
	json_decref(document);
	return status;
}

static int show_one(struct command *c)
{
	json_t *resource = resource_find(c, kind(c), c->operand[0]);

	return resource ? show_json(c, resource, columns(c)) : CLI_FAILED;
}

static int update(struct command *c)
{
	json_t *resource = resource_find(c, kind(c), c->operand[0]);
	const char *id;

	if (resource == NULL)
		return CLI_FAILED;
	id = arena_str(c->arena, slice_str(json_path(resource, "id")));
	if (!document_set(c, is_hub(c) ? &noun_hub : &noun_service, resource)) {
		json_decref(resource);
		return CLI_USAGE;
	}
	return put(c, id, resource, columns(c));
}

static int delete (struct command *c)
{
	json_t *resource = resource_find(c, kind(c), c->operand[0]);
	struct answer a;

	if (resource == NULL)
		return CLI_FAILED;
	a = client_ask(c, "DELETE", NULL, arena_printf(c->arena, "%s?" VERSION, json_path(resource, "id")), NULL, NULL, NO_SLICE);
	json_decref(resource);
	return answer_is_good(&a) ? CLI_FINE : client_complain(c, &a);
}

static int connection_string(struct command *c)
{
	json_t *resource = resource_find(c, kind(c), c->operand[0]);
	const char *name, *key, *host;
	int status = CLI_FAILED;

	if (resource == NULL)
		return CLI_FAILED;
	host = json_path(resource, is_hub(c) ? "properties.hostName" : "properties.serviceOperationsHostName");
	if (policy_keys(c, resource, given(c, "policy"), &name, &key))
		status = show_json(
			c,
			json_pack("{s:s}", "connectionString",
				  arena_printf(c->arena, "HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s", host, name, key)),
			(const struct column[]){{"connectionString", "connectionString"}, {NULL, NULL}});
	json_decref(resource);
	return status;
}

static int check_name(struct command *c)
{
	char *text = NULL;
	json_t *body = json_pack("{s:s}", "name", c->operand[0]);
	struct answer a;
	int status;

	text = json_dumps(body, JSON_COMPACT);
	a = client_ask(c, "POST", NULL,
		       arena_printf(c->arena,
				    "/subscriptions/%s/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability?" VERSION,
				    given_or(c, "subscription", SUBSCRIPTION)),
		       NULL, NULL, slice_str(text));
	status = answer_is_good(&a)
			 ? show(c, a.body,
				(const struct column[]){
					{"available", "nameAvailable"}, {"reason", "reason"}, {"message", "message"}, {NULL, NULL}})
			 : client_complain(c, &a);
	free(text);
	json_decref(body);
	return status;
}

/* --- the allocation policy of a service --- */

static const struct column policy_columns[] = {{"service", "name"}, {"allocationPolicy", "properties.allocationPolicy"}, {NULL, NULL}};

static int policy_show(struct command *c)
{
	json_t *service = resource_find(c, "provisioningServices", given(c, "service"));

	return service ? show_json(c, service, policy_columns) : CLI_FAILED;
}

static int policy_update(struct command *c)
{
	json_t *service = resource_find(c, "provisioningServices", given(c, "service"));
	const char *policy = c->operand[0], *id;

	if (service == NULL)
		return CLI_FAILED;
	id = arena_str(c->arena, slice_str(json_path(service, "id")));
	document_put(service, "properties.allocationPolicy", json_string(policy));
	return put(c, id, service, policy_columns);
}

static const struct option create_options[] = {
	{"resource-group", "NAME", "file it under this group [" RESOURCE_GROUP "]", OPTION_VALUE},
	OPTIONS_END,
};
static const struct option string_options[] = {
	{"policy", "NAME", "the access policy whose key to use [the first]", OPTION_VALUE},
	OPTIONS_END,
};
static const struct option of_service[] = {
	SERVICE_OPTION,
	OPTIONS_END,
};

const struct verb service_verbs[] = {
	{"service", "create", "NAME", "make a provisioning service", create_options, &noun_service, create},
	{"service", "list", "", "all of them", NULL, NULL, list},
	{"service", "show", "NAME", "one of them", NULL, NULL, show_one},
	{"service", "update", "NAME", "change what is given", NULL, &noun_service, update},
	{"service", "delete", "NAME", "delete it with its enrollments and records; devices stay on their hubs", NULL, NULL, delete},
	{"service", "check-name", "NAME", "whether the name is free", NULL, NULL, check_name},
	{"service", "connection-string show", "NAME", "what a service SDK needs", string_options, NULL, connection_string},
	{"allocation-policy", "show", "", "how a service spreads devices over its hubs", of_service, NULL, policy_show},
	{"allocation-policy", "update", "POLICY", "Hashed (evenly weighted), GeoLatency (lowest latency) or Static", of_service, NULL,
	 policy_update},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct verb hub_verbs[] = {
	{"hub", "create", "NAME", "make an IoT hub, hosted by this server", create_options, &noun_hub, create},
	{"hub", "list", "", "all of them", NULL, NULL, list},
	{"hub", "show", "NAME", "one of them", NULL, NULL, show_one},
	{"hub", "update", "NAME", "change what is given", NULL, &noun_hub, update},
	{"hub", "delete", "NAME", "delete it with its devices", NULL, NULL, delete},
	{"hub", "connection-string show", "NAME", "what a service SDK, or a link from elsewhere, needs", string_options, NULL,
	 connection_string},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
