/*
 * allocation_rule.c: try a rule of a custom allocation before a device depends on it.
 */
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

/* An option that means what a field of that noun means. */
static bool put_field(struct command *c, const struct noun *noun, const char *option, const char *field, json_t *into)
{
	return given(c, option) == NULL || document_set_field(c, noun_field(noun, field), given(c, option), into);
}

/* Takes the question. */
static int ask(struct command *c, json_t *question)
{
	json_t *told = NULL;
	struct answer a;
	bool placed;

	if (!service_ask(c, "POST", PATH, question, &a))
		return CLI_FAILED;
	if (json_read(a.body, c->arena, &told, NULL) != OK)
		return client_complain(c, &a);
	placed = json_is_string(json_object_get(told, "hub"));
	json_decref(told);
	return show(c, a.body, columns) == CLI_FINE && placed ? CLI_FINE : CLI_FAILED;
}

static int test_rule(struct command *c)
{
	json_t *question = json_object();

	if (!given(c, "rule") && !given(c, "enrollment") && !given(c, "group")) {
		json_decref(question);
		return misused(c, "which rule? Give --rule, or the --enrollment or --group that has one");
	}
	if (put_text(c, "rule", "rule", question) && put_text(c, "id", "registrationId", question) &&
	    put_text(c, "enrollment", "enrollment", question) && put_text(c, "group", "group", question) &&
	    put_field(c, &noun_registration, "payload", "payload", question) &&
	    put_field(c, &noun_individual, "iot-hubs", "iot_hubs", question))
		return ask(c, question);
	json_decref(question);
	return CLI_FAILED;
}

static const struct option options[] = {
	SERVICE_OPTION,
	{"rule", "TEXT|@FILE", "the rule [that of the enrollment]", OPTION_VALUE},
	{"enrollment", "ID", "as if a device of this individual enrollment registered", OPTION_VALUE},
	{"group", "ID", "... or one of this group", OPTION_VALUE},
	{"id", "ID", "its registration ID [device]", OPTION_VALUE},
	{"payload", "JSON|@FILE", "what it sends along", OPTION_VALUE},
	{"iot-hubs", "NAME,...", "the hubs to choose from [the enrollment's, else all linked]", OPTION_VALUE},
	OPTIONS_END,
};

const struct verb allocation_rule_verbs[] = {
	{"allocation", "test-rule", "", "which hub a rule gives a device, and what it takes; nothing is changed", options, NULL, test_rule},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
