/*
 * endorsement_root.c: which manufacturers of TPMs are trusted, and whether devices with a TPM need a certificate of one.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cli/command.h"

#define VERSION "api-version=2021-10-01"

static const struct column columns[] = {{"name", "name"}, {"subject", "subject"}, {"notAfter", "notAfter"}, {"thumbprint", "thumbprint"}, {NULL, NULL}};

static const char *path_of(struct command *c)
{
	return arena_printf(c->arena, "/berth/endorsementroots/%.*s?" VERSION, SLICE_ARG(percent_encode(c->arena, slice_str(c->operand[0]))));
}

static int put(struct command *c)
{
	struct slice pem;
	json_t *document;

	if (given(c, "file") == NULL)
		return misused(c, "which certificate? Give --file");
	pem = text_or_file(c, arena_printf(c->arena, "@%s", given(c, "file")));
	if (slice_absent(pem))
		return CLI_FAILED;
	/* A file that is no PEM is taken for DER. */
	if (slice_search(pem, SLICE("-----BEGIN")) < 0)
		pem = base64_encode(c->arena, pem);
	document = json_pack("{s:s%}", "certificate", pem.p, pem.n);
	if (document == NULL)
		return failed("%s holds no certificate", given(c, "file"));
	return service_show(c, "PUT", path_of(c), document, columns);
}

static int list(struct command *c)
{
	struct answer a;
	json_t *told = NULL;
	char *text;
	int status;

	if (!service_ask(c, "GET", "/berth/endorsementroots?" VERSION, NULL, &a))
		return CLI_FAILED;
	if (json_read(a.body, c->arena, &told, NULL) != OK)
		return client_complain(c, &a);
	text = json_dumps(json_object_get(told, "value"), JSON_COMPACT);
	json_decref(told);
	status = text ? show(c, slice_str(text), columns) : CLI_FAILED;
	free(text);
	return status;
}

static int show_one(struct command *c)
{
	return service_show(c, "GET", path_of(c), NULL, columns);
}

static int delete (struct command *c)
{
	return service_show(c, "DELETE", path_of(c), NULL, columns);
}

static const struct option put_options[] = {
	SERVICE_OPTION, {"file", "FILE", "the certificate, PEM or DER", OPTION_VALUE}, ETAG_OPTION, OPTIONS_END};
static const struct option etag_options[] = {SERVICE_OPTION, ETAG_OPTION, OPTIONS_END};
static const struct option service_option[] = {SERVICE_OPTION, OPTIONS_END};

const struct verb endorsement_root_verbs[] = {
	{"endorsement-root", "create", "NAME", "trust a manufacturer of TPMs, or take another certificate of it", put_options, NULL, put},
	{"endorsement-root", "list", "", "those that are trusted", service_option, NULL, list},
	{"endorsement-root", "show", "NAME", "one of them", service_option, NULL, show_one},
	{"endorsement-root", "delete", "NAME", "its TPMs are trusted no more: devices enrolled with its certificates are refused", etag_options, NULL,
	 delete},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
