/*
 * resource.c: services and hubs by name, as the management API knows them.
 */
#include "cli/command.h"

const char *json_path(const json_t *json, const char *path)
{
	char part[64];
	size_t n;

	for (; json && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		json = json_object_get(json, part);
	}
	return json_string_value(json);
}

static const char *kind_in_words(const char *kind)
{
	return strcmp(kind, "IotHubs") == 0 ? "hub" : "provisioning service";
}

static json_t *pick(struct command *c, const json_t *list, const char *kind, const char *name)
{
	json_t *found = NULL, *item;
	size_t i;

	json_array_foreach(list, i, item) if (name == NULL || slice_eq_fold(slice_str(json_path(item, "name")), slice_str(name))) found =
		item;
	if (name == NULL && json_array_size(list) > 1) {
		misused(c, "there are %zu provisioning services: name one with --service", json_array_size(list));
		return NULL;
	}
	if (found == NULL && name)
		failed("there is no %s called %s", kind_in_words(kind), name);
	else if (found == NULL)
		failed("there is no %s yet", kind_in_words(kind));
	return json_incref(found);
}

json_t *resource_find(struct command *c, const char *kind, const char *name)
{
	struct answer a = client_ask(c, "GET", NULL,
				     arena_printf(c->arena, "/subscriptions/%s/providers/Microsoft.Devices/%s?api-version=2022-12-12",
						  given_or(c, "subscription", SUBSCRIPTION), kind),
				     NULL, NULL, NO_SLICE);
	json_t *all = NULL, *found = NULL;

	if (!answer_is_good(&a)) {
		client_complain(c, &a);
		return NULL;
	}
	if (json_read(a.body, c->arena, &all, NULL) == OK)
		found = pick(c, json_object_get(all, "value"), kind, name);
	else
		failed("the server's answer is not JSON");
	json_decref(all);
	return found;
}

const char *service_host(struct command *c)
{
	json_t *service = resource_find(c, "provisioningServices", given(c, "service"));
	const char *host;

	if (service == NULL)
		return NULL;
	host = arena_str(c->arena, slice_str(json_path(service, "properties.serviceOperationsHostName")));
	json_decref(service);
	return host;
}

bool policy_keys(struct command *c, const json_t *resource, const char *policy, const char **name, const char **key)
{
	struct answer a =
		client_ask(c, "POST", NULL, arena_printf(c->arena, "%s/listkeys?api-version=2022-12-12", json_path(resource, "id")), NULL,
			   NULL, NO_SLICE);
	json_t *all = NULL, *item;
	size_t i;

	*name = NULL;
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &all, NULL) != OK) {
		client_complain(c, &a);
		return false;
	}
	json_array_foreach(json_object_get(all, "value"), i,
			   item) if (*name == NULL &&
				     (policy == NULL || slice_eq_fold(slice_str(json_path(item, "keyName")), slice_str(policy))))
	{
		*name = arena_str(c->arena, slice_str(json_path(item, "keyName")));
		*key = arena_str(c->arena, slice_str(json_path(item, "primaryKey")));
	}
	json_decref(all);
	if (*name == NULL)
		failed("there is no policy %s", policy ? policy : "at all");
	return *name != NULL;
}
