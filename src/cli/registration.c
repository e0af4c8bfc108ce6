/*
 * registration.c: where devices are, and why one was turned away.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cli/command.h"

#define VERSION "api-version=2021-10-01"

static const char *escaped(struct command *c, const char *id)
{
	return arena_str(c->arena, percent_encode(c->arena, slice_str(id)));
}

static int show_records(struct command *c, struct slice text)
{
	struct column columns[16];

	columns_of(&noun_registration, columns, sizeof(columns) / sizeof(columns[0]));
	return show(c, text, columns);
}

static int show_one(struct command *c)
{
	struct answer a;

	return service_ask(c, "GET", arena_printf(c->arena, "/registrations/%s?" VERSION, escaped(c, c->operand[0])), NULL, &a)
		       ? show_records(c, a.body)
		       : CLI_FAILED;
}

static int delete (struct command *c)
{
	return service_show(c, "DELETE", arena_printf(c->arena, "/registrations/%s?" VERSION, escaped(c, c->operand[0])), NULL, NULL);
}

/* The devices of a group, page by page. */
static int list(struct command *c)
{
	const char *host = service_host(c), *continuation = NULL;
	json_t *all = json_array(), *page;
	int status = host ? CLI_FINE : CLI_FAILED;
	char *text;

	while (status == CLI_FINE) {
		struct answer a =
			client_ask(c, "POST", host, arena_printf(c->arena, "/registrations/%s/query?" VERSION, escaped(c, c->operand[0])),
				   NULL, continuation, NO_SLICE);

		page = NULL;
		if (!answer_is_good(&a) || json_read(a.body, c->arena, &page, NULL) != OK)
			status = client_complain(c, &a);
		else
			json_array_extend(all, page);
		json_decref(page);
		if ((continuation = a.continuation) == NULL)
			break;
	}
	if (status == CLI_FINE) {
		text = json_dumps(all, JSON_COMPACT);
		status = show_records(c, slice_str(text));
		free(text);
	}
	json_decref(all);
	return status;
}

/* --- explain --- */

static void say(const char *label, const char *text)
{
	if (text && *text)
		printf("  %-10s %s\n", label, text);
}

static void tell_state(const json_t *document, const char *id)
{
	const json_t *state = json_object_get(document, "registrationState");
	const char *status = json_path(state, "status");

	if (state == NULL)
		printf("%s has never been registered; %s.\n", id,
		       json_is_true(json_object_get(document, "enrolled")) ? "it has an individual enrollment"
									   : "there is no individual enrollment of that name");
	else if (strcmp(status ? status : "", "assigned") == 0)
		printf("%s is assigned to %s as %s since %s.\n", id, json_path(state, "assignedHub"), json_path(state, "deviceId"),
		       json_path(state, "lastUpdatedDateTimeUtc"));
	else
		printf("%s: %s since %s. %s\n", id, status, json_path(state, "lastUpdatedDateTimeUtc"),
		       json_path(state, "errorMessage") ? json_path(state, "errorMessage") : "");
}

/* The chain as it was presented, leaf first, and whose certificates were like those that it lacks. */
static void tell_chain(const json_t *a)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(a, "presented"), i, item)
	{
		printf("  %-10s %s\n", i ? "" : "presented", json_path(item, "subjectName"));
		printf("  %-10s   issued by %s, valid %s to %s\n", "", json_path(item, "issuerName"), json_path(item, "notBeforeUtc"),
		       json_path(item, "notAfterUtc"));
		printf("  %-10s   serial %s, SHA-256 %s\n", "", json_path(item, "serialNumber"), json_path(item, "sha256Thumbprint"));
	}
	json_array_foreach(json_object_get(a, "nearest"), i, item) printf("  %-10s %s\n", i ? "" : "nearest", json_string_value(item));
}

static void tell_attempt(const json_t *a)
{
	printf("\n%s  %s by %s from %s: refused with %lld\n", json_path(a, "dateTimeUtc"), json_path(a, "operation"),
	       json_path(a, "protocol"), json_path(a, "callerIpAddress"), (long long)json_integer_value(json_object_get(a, "errorCode")));
	say("why", json_path(a, "reason"));
	say("check", json_path(a, "check"));
	say("seen", json_path(a, "seen"));
	say("expected", json_path(a, "expected"));
	say("enrollment", json_path(a, "enrollment"));
	tell_chain(a);
	say("request", json_path(a, "trackingId"));
}

static int explain(struct command *c)
{
	const char *host = service_host(c), *form = given(c, "output");
	struct answer a;
	json_t *document = NULL, *item;
	size_t i;

	if (host == NULL)
		return CLI_FAILED;
	a = client_ask(c, "GET", host, arena_printf(c->arena, "/berth/registrations/%s/attempts", escaped(c, c->operand[0])), NULL, NULL,
		       NO_SLICE);
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &document, NULL) != OK)
		return client_complain(c, &a);
	if (form && strcmp(form, "json") == 0) {
		json_decref(document);
		return show(c, a.body, NULL);
	}
	tell_state(document, c->operand[0]);
	json_array_foreach(json_object_get(document, "attempts"), i, item) tell_attempt(item);
	if (json_array_size(json_object_get(document, "attempts")) == 0)
		printf("No refused attempt is on record.\n");
	json_decref(document);
	return CLI_FINE;
}

static const struct option of_service[] = {SERVICE_OPTION, OPTIONS_END};
static const struct option etag_options[] = {SERVICE_OPTION, ETAG_OPTION, OPTIONS_END};

const struct verb registration_verbs[] = {
	{"registration", "show", "ID", "where a device is", of_service, NULL, show_one},
	{"registration", "list", "GROUP", "the devices that registered through a group", of_service, NULL, list},
	{"registration", "delete", "ID", "forget where a device is; its next registration is a first one", etag_options, NULL, delete},
	{"registration", "explain", "ID", "why a device was turned away: the last attempts", of_service, NULL, explain},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
