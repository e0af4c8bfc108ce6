/*
 * enrollment.c: the enrollment list: individual entries and groups, and the keys of a group's devices.
 */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/token.h"
#include "cli/command.h"

#define VERSION "api-version=2021-10-01"
#define PAGE    1000

static bool is_group(const struct command *c)
{
	return strcmp(c->verb->noun, "enrollment-group") == 0;
}

static const struct noun *noun(const struct command *c)
{
	return is_group(c) ? &noun_group : &noun_individual;
}

static const char *path_of(struct command *c, const char *id)
{
	return arena_printf(c->arena, "/%s/%.*s?" VERSION, is_group(c) ? "enrollmentGroups" : "enrollments",
			    SLICE_ARG(percent_encode(c->arena, slice_str(id))));
}

static int show_entry(struct command *c, struct slice text)
{
	struct column columns[16];

	columns_of(noun(c), columns, sizeof(columns) / sizeof(columns[0]));
	return show(c, text, columns);
}

static struct answer get(struct command *c, const char *host)
{
	return client_ask(c, "GET", host, path_of(c, c->operand[0]), NULL, NULL, NO_SLICE);
}

/* Send it. Takes the document. */
static int put(struct command *c, const char *host, json_t *document, const char *if_match)
{
	char *text = json_dumps(document, JSON_COMPACT);
	struct answer a = client_ask(c, "PUT", host, path_of(c, c->operand[0]), if_match, NULL, slice_str(text));
	int status = answer_is_good(&a) ? show_entry(c, a.body) : client_complain(c, &a);

	free(text);
	json_decref(document);
	return status;
}

static int create(struct command *c)
{
	const char *host = service_host(c), *file = given(c, "file"), *why = "";
	json_t *document = NULL;

	if (host == NULL)
		return CLI_FAILED;
	if (file == NULL)
		document = json_object();
	else if (json_read(text_or_file(c, arena_printf(c->arena, "@%s", file)), c->arena, &document, &why) != OK)
		return failed("%s: %s", file, why);
	document_put(document, is_group(c) ? "enrollmentGroupId" : "registrationId", json_string(c->operand[0]));
	if (!document_set(c, noun(c), document)) {
		json_decref(document);
		return CLI_USAGE;
	}
	document_guess_attestation(document);
	return put(c, host, document, NULL);
}

static int update(struct command *c)
{
	const char *host = service_host(c);
	json_t *document = NULL;
	struct answer a;

	if (host == NULL)
		return CLI_FAILED;
	a = get(c, host);
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &document, NULL) != OK)
		return client_complain(c, &a);
	if (!document_set(c, noun(c), document)) {
		json_decref(document);
		return CLI_USAGE;
	}
	return put(c, host, document, given_or(c, "etag", arena_str(c->arena, slice_str(json_path(document, "etag")))));
}

static int show_one(struct command *c)
{
	const char *host = service_host(c);
	json_t *document = NULL, *keys = NULL;
	struct answer a, b;
	char *text;
	int status;

	if (host == NULL)
		return CLI_FAILED;
	a = get(c, host);
	if (!answer_is_good(&a))
		return client_complain(c, &a);
	if (given(c, "show-keys") == NULL)
		return show_entry(c, a.body);
	b = client_ask(c, "POST", host,
		       arena_printf(c->arena, "/%s/%.*s/attestationmechanism?" VERSION, is_group(c) ? "enrollmentGroups" : "enrollments",
				    SLICE_ARG(percent_encode(c->arena, slice_str(c->operand[0])))),
		       NULL, NULL, NO_SLICE);
	if (!answer_is_good(&b) || json_read(a.body, c->arena, &document, NULL) != OK || json_read(b.body, c->arena, &keys, NULL) != OK)
		return client_complain(c, &b);
	json_object_set_new(document, "attestation", keys);
	text = json_dumps(document, JSON_COMPACT);
	status = show_entry(c, slice_str(text));
	free(text);
	json_decref(document);
	return status;
}

static int delete (struct command *c)
{
	return service_show(c, "DELETE", path_of(c, c->operand[0]), NULL, NULL);
}

/* All pages, up to --top entries. */
static int list(struct command *c)
{
	const char *host = service_host(c), *continuation = NULL, *query = given_or(c, "query", "SELECT *");
	bool good = true;
	int64_t top = given_number(c, "top", INT64_MAX, 1, INT64_MAX, &good);
	json_t *all = json_array(), *page, *body = json_pack("{s:s}", "query", query);
	char *text = json_dumps(body, JSON_COMPACT);
	int status = good && host ? CLI_FINE : CLI_FAILED;

	while (status == CLI_FINE && (int64_t)json_array_size(all) < top) {
		struct answer a =
			client_ask(c, "POST", host, is_group(c) ? "/enrollmentGroups/query?" VERSION : "/enrollments/query?" VERSION, NULL,
				   continuation, slice_str(text));

		page = NULL;
		if (!answer_is_good(&a) || json_read(a.body, c->arena, &page, NULL) != OK)
			status = client_complain(c, &a);
		else
			json_array_extend(all, page);
		json_decref(page);
		if ((continuation = a.continuation) == NULL)
			break;
	}
	while ((int64_t)json_array_size(all) > top)
		json_array_remove(all, json_array_size(all) - 1);
	free(text);
	json_decref(body);
	if (status == CLI_FINE) {
		text = json_dumps(all, JSON_COMPACT);
		status = show_entry(c, slice_str(text));
		free(text);
	}
	json_decref(all);
	return status;
}

/* The key that a device of the group signs with (device-api.md 7.2): worked out here, from a key that is given or fetched. */
static int device_key_of(struct command *c)
{
	const char *key = given(c, "key"), *host;
	struct answer a;
	json_t *keys = NULL;
	struct slice raw;
	unsigned char derived[32];

	if (key == NULL) {
		if ((host = service_host(c)) == NULL)
			return CLI_FAILED;
		a = client_ask(c, "POST", host,
			       arena_printf(c->arena, "/enrollmentGroups/%.*s/attestationmechanism?" VERSION,
					    SLICE_ARG(percent_encode(c->arena, slice_str(c->operand[0])))),
			       NULL, NULL, NO_SLICE);
		if (!answer_is_good(&a) || json_read(a.body, c->arena, &keys, NULL) != OK)
			return client_complain(c, &a);
		key = arena_str(c->arena, slice_str(json_path(keys, "symmetricKey.primaryKey")));
		json_decref(keys);
		if (key == NULL)
			return failed("%s is not a symmetric key group", c->operand[0]);
	}
	raw = base64_decode(c->arena, slice_str(key));
	if (raw.n == 0)
		return failed("the key is not base64");
	device_key(raw, slice_str(c->operand[1]), derived);
	printf("%.*s\n", SLICE_ARG(base64_encode(c->arena, slice_over(derived, sizeof(derived)))));
	return CLI_FINE;
}

static const struct option create_options[] = {
	SERVICE_OPTION, {"file", "FILE", "the document to begin with, JSON", OPTION_VALUE}, OPTIONS_END};
static const struct option etag_options[] = {SERVICE_OPTION, ETAG_OPTION, OPTIONS_END};
static const struct option show_options[] = {SERVICE_OPTION, {"show-keys", NULL, "with the symmetric keys", OPTION_SWITCH}, OPTIONS_END};
static const struct option list_options[] = {
	SERVICE_OPTION,
	{"query", "TEXT", "for example: SELECT * WHERE provisioningStatus = 'disabled'", OPTION_VALUE},
	{"top", "N", "at most so many", OPTION_VALUE},
	OPTIONS_END,
};
static const struct option key_options[] = {SERVICE_OPTION, {"key", "KEY", "the group's key [fetched]", OPTION_VALUE}, OPTIONS_END};

const struct verb enrollment_verbs[] = {
	{"enrollment", "create", "ID", "let one device in", create_options, &noun_individual, create},
	{"enrollment", "list", "", "individual enrollments", list_options, NULL, list},
	{"enrollment", "show", "ID", "one of them, with its registration", show_options, NULL, show_one},
	{"enrollment", "update", "ID", "change what is given", etag_options, &noun_individual, update},
	{"enrollment", "delete", "ID", "forget it and its registration; the hub keeps the device", etag_options, NULL, delete},
	{"enrollment-group", "create", "ID", "let in all devices that hold a key or certificate of the group", create_options, &noun_group,
	 create},
	{"enrollment-group", "list", "", "enrollment groups", list_options, NULL, list},
	{"enrollment-group", "show", "ID", "one of them", show_options, NULL, show_one},
	{"enrollment-group", "update", "ID", "change what is given", etag_options, &noun_group, update},
	{"enrollment-group", "delete", "ID", "forget it; its devices' registrations stay", etag_options, NULL, delete},
	{"enrollment-group", "compute-device-key", "ID REGISTRATION", "the key of one device of the group", key_options, NULL,
	 device_key_of},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
