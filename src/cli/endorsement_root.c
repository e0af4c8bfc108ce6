/*
 * endorsement_root.c: which manufacturers of TPMs are trusted, and whether devices with a TPM need a certificate of one.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cli/command.h"

#define VERSION "api-version=2021-10-01"

static const struct column columns[] = {{"name", "name"}, {"subject", "subject"}, {"notAfter", "notAfter"}, {"thumbprint", "thumbprint"}, {NULL, NULL}};

static int ask(struct command *c, const char *method, struct slice body)
{
	struct slice name = percent_encode(c->arena, slice_str(c->operand[0]));
	const char *host = service_host(c), *path = arena_printf(c->arena, "/berth/endorsementroots/%.*s?" VERSION, SLICE_ARG(name));
	struct answer a;

	if (host == NULL)
		return CLI_FAILED;
	a = client_ask(c, method, host, path, given(c, "etag"), NULL, body);
	if (!answer_is_good(&a))
		return client_complain(c, &a);
	return a.body.n ? show(c, a.body, columns) : CLI_FINE;
}

static int put(struct command *c)
{
	struct slice pem;
	json_t *document;
	char *text;
	int status;

	if (given(c, "file") == NULL)
		return misused(c, "which certificate? Give --file");
	pem = text_or_file(c, arena_printf(c->arena, "@%s", given(c, "file")));
	if (slice_absent(pem))
		return CLI_FAILED;
	/* A file that is no PEM is taken for DER. */
	if (slice_search(pem, SLICE("-----BEGIN")) < 0)
		pem = base64_encode(c->arena, pem);
	document = json_pack("{s:s%}", "certificate", pem.p, pem.n);
	if (document == NULL || (text = json_dumps(document, JSON_COMPACT)) == NULL) {
		json_decref(document);
		return failed("%s holds no certificate", given(c, "file"));
	}
	status = ask(c, "PUT", slice_str(text));
	free(text);
	json_decref(document);
	return status;
}

static int list(struct command *c)
{
	const char *host = service_host(c);
	struct answer a;
	json_t *told = NULL;
	char *text = NULL;
	int status;

	if (host == NULL)
		return CLI_FAILED;
	a = client_ask(c, "GET", host, "/berth/endorsementroots?" VERSION, NULL, NULL, NO_SLICE);
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &told, NULL) != OK)
		return client_complain(c, &a);
	text = json_dumps(json_object_get(told, "value"), JSON_COMPACT);
	json_decref(told);
	status = text ? show(c, slice_str(text), columns) : CLI_FAILED;
	free(text);
	return status;
}

static int show_one(struct command *c)
{
	return ask(c, "GET", NO_SLICE);
}

static int delete (struct command *c)
{
	return ask(c, "DELETE", NO_SLICE);
}

#define OF_SERVICE                                                                                                                         \
	{                                                                                                                                  \
		"service", "NAME", "the provisioning service [the only one there is]", OPTION_VALUE                                        \
	}
#define END                                                                                                                                \
	{                                                                                                                                  \
		NULL, NULL, NULL, OPTION_VALUE                                                                                             \
	}

static const struct option put_options[] = {
	OF_SERVICE, {"file", "FILE", "the certificate, PEM or DER", OPTION_VALUE}, {"etag", "ETAG", "only if it is still this version", OPTION_VALUE}, END};
static const struct option etag_options[] = {OF_SERVICE, {"etag", "ETAG", "only if it is still this version", OPTION_VALUE}, END};
static const struct option service_option[] = {OF_SERVICE, END};

const struct verb endorsement_root_verbs[] = {
	{"endorsement-root", "create", "NAME", "trust a manufacturer of TPMs, or take another certificate of it", put_options, NULL, put},
	{"endorsement-root", "list", "", "those that are trusted", service_option, NULL, list},
	{"endorsement-root", "show", "NAME", "one of them", service_option, NULL, show_one},
	{"endorsement-root", "delete", "NAME", "its TPMs are trusted no more: devices enrolled with its certificates are refused", etag_options, NULL,
	 delete},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
