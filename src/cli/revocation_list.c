/*
 * revocation_list.c: which certificates of a group's devices were withdrawn, and which of TPMs, from a file or from where their CA publishes it.
 */
#include "base/text.h"
#include "cli/command.h"

#define VERSION "api-version=2021-10-01"

static const struct column *columns(void)
{
	static struct column all[16];

	columns_of(&noun_revocation_list, all, sizeof(all) / sizeof(all[0]));
	return all;
}

#define OF_TPMS "endorsement-revocation-list"

/* "/berth/enrollmentGroups/{group}/revocationLists[/{name}][/{step}]", "/berth/endorsementRevocationLists[/{name}][/{step}]" */
static const char *path_of(struct command *c, bool with_name, const char *step)
{
	bool of_tpms = strcmp(c->verb->noun, OF_TPMS) == 0;
	struct slice group = of_tpms ? NO_SLICE : percent_encode(c->arena, slice_str(c->operand[0]));
	struct slice name = with_name ? percent_encode(c->arena, slice_str(c->operand[of_tpms ? 0 : 1])) : SLICE("");
	const char *of = of_tpms ? "/berth/endorsementRevocationLists"
				 : arena_printf(c->arena, "/berth/enrollmentGroups/%.*s/revocationLists", SLICE_ARG(group));

	return arena_printf(c->arena, "%s%s%.*s%s%s?" VERSION, of ? of : "", name.n ? "/" : "", SLICE_ARG(name), step ? "/" : "",
			    step ? step : "");
}

/* A member with the text of the file that the option names. False: complained. */
static bool put_file(struct command *c, const char *option, const char *member, json_t *into)
{
	const char *file = given(c, option);
	struct slice text;

	if (file == NULL)
		return true;
	text = text_or_file(c, arena_printf(c->arena, "@%s", file));
	if (slice_absent(text))
		return false;
	return document_put(into, member, json_stringn(text.p, text.n));
}

static int put(struct command *c)
{
	json_t *document = json_object();

	if (document_set(c, &noun_revocation_list, document) && put_file(c, "file", "list", document) &&
	    put_file(c, "issuer", "issuerCertificate", document))
		return service_show(c, "PUT", path_of(c, true, NULL), document, columns());
	json_decref(document);
	return CLI_FAILED;
}

static int create(struct command *c)
{
	if ((given(c, "file") == NULL) == (given(c, "url") == NULL))
		return misused(c, "a list needs either --file or --url");
	return put(c);
}

static int list(struct command *c)
{
	return service_show(c, "GET", path_of(c, false, NULL), NULL, columns());
}

static int show_one(struct command *c)
{
	return service_show(c, "GET", path_of(c, true, NULL), NULL, columns());
}

static int refresh(struct command *c)
{
	return service_show(c, "POST", path_of(c, true, "refresh"), NULL, columns());
}

static int delete (struct command *c)
{
	return service_show(c, "DELETE", path_of(c, true, NULL), NULL, columns());
}

#define CONTENTS                                                                                                                           \
	{"file", "FILE", "the list itself, PEM", OPTION_VALUE},                                                                            \
	{                                                                                                                                  \
		"issuer", "FILE",                                                                                                          \
			"PEM, who has signed it, when that is none of the group's or the service's CA certificates, or no endorsement "    \
			"root",                                                                                                            \
			OPTION_VALUE                                                                                                       \
	}

static const struct option create_options[] = {SERVICE_OPTION, CONTENTS, OPTIONS_END};
static const struct option update_options[] = {SERVICE_OPTION, CONTENTS, ETAG_OPTION, OPTIONS_END};
static const struct option etag_options[] = {SERVICE_OPTION, ETAG_OPTION, OPTIONS_END};
static const struct option service_option[] = {SERVICE_OPTION, OPTIONS_END};

const struct verb revocation_list_verbs[] = {
	{"revocation-list", "create", "GROUP NAME", "refuse devices of the group whose certificates it lists", create_options,
	 &noun_revocation_list, create},
	{"revocation-list", "list", "GROUP", "the group's lists, and how current they are", service_option, NULL, list},
	{"revocation-list", "show", "GROUP NAME", "one of them", service_option, NULL, show_one},
	{"revocation-list", "update", "GROUP NAME", "a newer list, or change what is given", update_options, &noun_revocation_list, put},
	{"revocation-list", "refresh", "GROUP NAME", "fetch it now", etag_options, NULL, refresh},
	{"revocation-list", "delete", "GROUP NAME", "whom it listed is let in again", etag_options, NULL, delete},
	{OF_TPMS, "create", "NAME", "refuse TPMs whose certificates it lists", create_options, &noun_revocation_list, create},
	{OF_TPMS, "list", "", "the lists about certificates of TPMs, and how current they are", service_option, NULL, list},
	{OF_TPMS, "show", "NAME", "one of them", service_option, NULL, show_one},
	{OF_TPMS, "update", "NAME", "a newer list, or change what is given", update_options, &noun_revocation_list, put},
	{OF_TPMS, "refresh", "NAME", "fetch it now", etag_options, NULL, refresh},
	{OF_TPMS, "delete", "NAME", "whose certificates it listed are let in again", etag_options, NULL, delete},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
