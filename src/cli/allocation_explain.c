/*
 * allocation_explain.c: which hub a device would get that asks from an address, and why no other.
 */
#include <stdlib.h>

#include "cli/command.h"

#define PATH "/berth/allocation/explain?api-version=2021-10-01"

static const struct column hub_columns[] = {{"Hub", "name"},	  {"Location", "location"}, {"Distance km", "distanceKm"}, {"Round trip ms", "roundTripMs"},
					    {"Weight", "weight"}, {"Because", "reason"},    {NULL, NULL}};

static const char *text_in(const json_t *told, const char *member)
{
	const char *text = json_string_value(json_object_get(told, member));

	return text ? text : "";
}

/* "203.0.113.7 is in Zurich, CH (47.4, 8.5)", or why that is not known. */
static void print_place(const json_t *told)
{
	const json_t *place = json_object_get(told, "place");
	const char *address = text_in(told, "address"), *name = text_in(place, "name");

	if (json_is_object(place))
		printf("%s is %s%s%s(%.1f, %.1f).\n", address, *name ? "in " : "at ", name, *name ? " " : "",
		       json_number_value(json_object_get(place, "latitude")), json_number_value(json_object_get(place, "longitude")));
	else
		printf("%s%s%s\n", address, *address ? ": " : "", text_in(told, "placeReason"));
}

static int print(struct command *c, const struct answer *a, const json_t *told)
{
	char *hubs = json_dumps(json_object_get(told, "hubs"), JSON_COMPACT);
	const char *hub = text_in(told, "hub");
	int status;

	if (hubs == NULL)
		return CLI_FAILED;
	if (!shows_tables(c)) {
		free(hubs);
		return show(c, a->body, hub_columns);
	}
	printf("%s\n%s\n", *hub ? hub : "No hub", text_in(told, "sentence"));
	print_place(told);
	printf("\n");
	fflush(stdout);
	status = show(c, slice_str(hubs), hub_columns);
	free(hubs);
	return status;
}

/* Takes the question. */
static int ask(struct command *c, json_t *question)
{
	json_t *told = NULL;
	struct answer a;
	int status;
	bool placed;

	if (!service_ask(c, "POST", PATH, question, &a))
		return CLI_FAILED;
	if (json_read(a.body, c->arena, &told, NULL) != OK)
		return client_complain(c, &a);
	placed = json_is_string(json_object_get(told, "hub"));
	status = print(c, &a, told);
	json_decref(told);
	return placed ? status : CLI_FAILED;
}

static bool put_text(struct command *c, const char *option, const char *member, json_t *into)
{
	return given(c, option) == NULL || document_put(into, member, json_string(given(c, option)));
}

static int explain(struct command *c)
{
	json_t *question = json_object();

	if (!given(c, "address") && !given(c, "id")) {
		json_decref(question);
		return misused(c, "from where? Give --address, or the --id of a device that has registered");
	}
	if (put_text(c, "address", "address", question) && put_text(c, "id", "registrationId", question) &&
	    put_text(c, "enrollment", "enrollment", question) && put_text(c, "group", "group", question) &&
	    put_text(c, "allocation-policy", "allocationPolicy", question))
		return ask(c, question);
	json_decref(question);
	return CLI_FAILED;
}

static const struct option options[] = {
	SERVICE_OPTION,
	{"address", "ADDRESS", "from where it asks, IPv4 or IPv6 [from where the device of --id registered last]", OPTION_VALUE},
	{"id", "ID", "its registration ID; with its enrollment and its place, if it has them [device]", OPTION_VALUE},
	{"enrollment", "ID", "as if it were of this individual enrollment", OPTION_VALUE},
	{"group", "ID", "... or of this group", OPTION_VALUE},
	{"allocation-policy", "POLICY", "as if that were the policy: hashed, geoLatency, static or custom", OPTION_VALUE},
	OPTIONS_END,
};

const struct verb allocation_explain_verbs[] = {
	{"allocation", "explain", "", "which hub a device gets that asks from an address, and why", options, NULL, explain},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
