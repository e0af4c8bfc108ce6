/*
 * allocation_rule.c: try a rule of a custom allocation before a device depends on it.
 */
#include <stdlib.h>

#include "cli/command.h"

#define PATH "/berth/allocation/rule/test?api-version=2021-10-01"

static const struct column columns[] = {
	{"Hub", "hub"}, {"Because", "sentence"}, {"Steps", "instructions"}, {"Memory", "memory"}, {NULL, NULL}};

static bool put_text(struct command *c, const char *option, const char *member, json_t *into)
{
	struct slice text;

	if (given(c, option) == NULL)
		return true;
	text = text_or_file(c, given(c, option));
	return !slice_absent(text) && document_put(into, member, json_stringn(text.p, text.n));
}

static bool put_payload(struct command *c, json_t *into)
{
	json_t *payload = NULL;
	const char *why = "";
	struct slice text;

	if (given(c, "payload") == NULL)
		return true;
	text = text_or_file(c, given(c, "payload"));
	if (slice_absent(text))
		return false;
	if (json_read(text, c->arena, &payload, &why) == OK)
		return document_put(into, "payload", payload);
	failed("--payload: %s", why);
	return false;
}

static bool put_hubs(struct command *c, json_t *into)
{
	struct slice rest = slice_str(given(c, "iot-hubs")), name;
	json_t *list;

	if (slice_absent(rest))
		return true;
	list = json_array();
	while (slice_next(&rest, ',', &name))
		json_array_append_new(list, json_string(arena_str(c->arena, slice_trim(name))));
	return document_put(into, "iotHubs", list);
}

static int ask(struct command *c, const char *text)
{
	const char *host = service_host(c);
	json_t *told = NULL;
	struct answer a;
	bool placed;

	if (host == NULL)
		return CLI_FAILED;
	a = client_ask(c, "POST", host, PATH, NULL, NULL, slice_str(text));
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &told, NULL) != OK)
		return client_complain(c, &a);
	placed = json_is_string(json_object_get(told, "hub"));
	json_decref(told);
	return show(c, a.body, columns) == CLI_FINE && placed ? CLI_FINE : CLI_FAILED;
}

static int test_rule(struct command *c)
{
	json_t *question = json_object();
	int status = CLI_FAILED;
	char *text;

	if (!given(c, "rule") && !given(c, "enrollment") && !given(c, "group")) {
		json_decref(question);
		return misused(c, "which rule? Give --rule, or the --enrollment or --group that has one");
	}
	if (put_text(c, "rule", "rule", question) && put_text(c, "id", "registrationId", question) &&
	    put_text(c, "enrollment", "enrollment", question) && put_text(c, "group", "group", question) && put_payload(c, question) &&
	    put_hubs(c, question) && (text = json_dumps(question, JSON_COMPACT)) != NULL) {
		status = ask(c, text);
		free(text);
	}
	json_decref(question);
	return status;
}

static const struct option options[] = {
	{"service", "NAME", "the provisioning service [the only one]", OPTION_VALUE},
	{"rule", "TEXT|@FILE", "the rule [that of the enrollment]", OPTION_VALUE},
	{"enrollment", "ID", "as if a device of this individual enrollment registered", OPTION_VALUE},
	{"group", "ID", "... or one of this group", OPTION_VALUE},
	{"id", "ID", "its registration ID [device]", OPTION_VALUE},
	{"payload", "JSON|@FILE", "what it sends along", OPTION_VALUE},
	{"iot-hubs", "NAME,...", "the hubs to choose from [the enrollment's, else all linked]", OPTION_VALUE},
	{NULL, NULL, NULL, OPTION_VALUE},
};

const struct verb allocation_rule_verbs[] = {
	{"allocation", "test-rule", "", "which hub a rule gives a device, and what it takes; nothing is changed", options, NULL, test_rule},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
