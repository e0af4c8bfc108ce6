/*
 * tpm_show.c: what a TPM shows, as an operator needs it to let the device in.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "cli/tpm_device.h"

/* --- what it shows --- */

struct shown {
	struct slice id, endorsement_key, storage_root_key; /* keys as base64 */
	struct slice certificate;                           /* DER; absent: none */
	const char *elsewhere;                              /* ... and where there may be another; NULL: nowhere */
	struct certificate_info about;                      /* when there is one that reads */
	const char *enroll;
};

/* The words of a shell. */
static const char *quoted(struct command *c, const char *word)
{
	bool plain = *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/=+:,@%")] == 0;
	char *text = arena_alloc(c->arena, 4 * strlen(word) + 3), *at = text;

	if (plain || text == NULL)
		return word;
	*at++ = '\'';
	for (; *word; word++) {
		if (*word == '\'')
			at = stpcpy(at, "'\\'");
		*at++ = *word;
	}
	stpcpy(at, "'");
	return text;
}

/* False: complained. */
static bool look(struct command *c, struct tpm *t, struct shown *s)
{
	const char *why, *service = given(c, "service");
	enum err e = tpm_certificate(t, &s->certificate, &why);

	s->elsewhere = e == ERR_NOT_FOUND ? why : NULL;
	if (e != OK && e != ERR_NOT_FOUND)
		fprintf(stderr, "berth: %s\n", why); /* the keys are of use without it */
	s->endorsement_key = base64_encode(c->arena, tpm_endorsement_key(t)->area);
	s->storage_root_key = base64_encode(c->arena, tpm_storage_root_key(t)->area);
	s->id = given(c, "id") ? slice_str(given(c, "id")) : tpm_registration_id(c->arena, tpm_endorsement_key(t)->area);
	s->enroll = arena_printf(c->arena, "%s enrollment create %.*s%s%s --attestation tpm --endorsement-key %.*s", c->env->program,
				 SLICE_ARG(s->id), service ? " --service " : "", service ? quoted(c, service) : "",
				 SLICE_ARG(s->endorsement_key));
	if (s->certificate.n && certificate_describe(s->certificate, c->arena, &s->about) != OK)
		s->about = (struct certificate_info){0};
	if (arena_failed(c->arena))
		failed("out of memory");
	return !arena_failed(c->arena);
}

/* --- where it goes --- */

static bool write_certificate(struct command *c, const struct shown *s)
{
	const char *path = given(c, "certificate-out");
	struct slice der = s->certificate, text = base64_encode(c->arena, der);
	FILE *f;
	bool good;

	if (path == NULL)
		return true;
	if (der.n == 0) {
		failed("this TPM holds no endorsement certificate for this key, so there is nothing to write to %s%s%s", path,
		       s->elsewhere ? "; " : "", s->elsewhere ? s->elsewhere : "");
		return false;
	}
	if ((f = fopen(path, "we")) == NULL) {
		failed("%s cannot be written: %s", path, strerror(errno));
		return false;
	}
	fputs("-----BEGIN CERTIFICATE-----\n", f);
	for (; text.n; text = slice_from(text, 64))
		fprintf(f, "%.*s\n", SLICE_ARG(slice_to(text, 64)));
	fputs("-----END CERTIFICATE-----\n", f);
	good = !ferror(f);
	good = fclose(f) == 0 && good;
	if (!good)
		failed("%s cannot be written: %s", path, strerror(errno));
	return good;
}

static json_t *text(struct slice s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *certificate_json(struct command *c, const struct shown *s)
{
	char day[INSTANT_TEXT];

	if (s->certificate.n == 0)
		return NULL;
	instant_print(s->about.not_after, INSTANT_SECONDS, day);
	return json_pack("{s:o, s:o, s:o, s:s, s:o}", "subject", text(s->about.subject), "issuer", text(s->about.issuer),
			 "sha256Thumbprint", text(s->about.sha256), "notAfter", day, "certificate",
			 text(base64_encode(c->arena, s->certificate)));
}

static int show_json(struct command *c, const struct tpm *t, const struct shown *s)
{
	const struct tpm_key *endorsement = tpm_endorsement_key(t), *storage = tpm_storage_root_key(t);
	json_t *all = json_pack("{s:o, s:s, s:o, s:s, s:b, s:o, s:s, s:b, s:s, s:o*}", "registrationId", text(s->id), "algorithm",
				given_or(c, "algorithm", "rsa"), "endorsementKey", text(s->endorsement_key), "endorsementKeyPlace",
				endorsement->place, "endorsementKeyPersistent", endorsement->persistent, "storageRootKey",
				text(s->storage_root_key), "storageRootKeyPlace", storage->place, "storageRootKeyPersistent",
				storage->persistent, "enroll", s->enroll, "endorsementCertificate", certificate_json(c, s));

	if (all == NULL)
		return failed("out of memory");
	json_dumpf(all, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(all);
	return CLI_FINE;
}

/* For people: keys are too long for the columns of a table. */
static int show_text(struct command *c, const struct tpm *t, const struct shown *s)
{
	char day[INSTANT_TEXT];

	printf("registration ID       %.*s\n", SLICE_ARG(s->id));
	printf("endorsement key       %s, %s\n%.*s\n", given_or(c, "algorithm", "rsa"), tpm_endorsement_key(t)->place,
	       SLICE_ARG(s->endorsement_key));
	printf("storage root key      %s\n%.*s\n", tpm_storage_root_key(t)->place, SLICE_ARG(s->storage_root_key));
	if (s->certificate.n == 0) {
		printf("certificate           none in this TPM%s%s\n", s->elsewhere ? "; " : "", s->elsewhere ? s->elsewhere : "");
	} else {
		instant_print(s->about.not_after, INSTANT_SECONDS, day);
		printf("certificate           %.*s, by %.*s, until %s\n", SLICE_ARG(s->about.subject), SLICE_ARG(s->about.issuer), day);
	}
	printf("\nto let it in:\n  %s\n", s->enroll);
	return CLI_FINE;
}

static int show_tpm(struct command *c)
{
	const char *form = given(c, "output");
	struct shown s = {.id = NO_SLICE};
	struct tpm *t;
	int status;

	if (form && strcmp(form, "json") != 0 && strcmp(form, "table") != 0)
		return misused(c, "--output is json or table, not \"%s\"", form);
	if (given(c, "id") && !id_is_good(slice_str(given(c, "id"))))
		return misused(c, "\"%s\" is not a registration ID: letters, digits and - . _ :, ended by a letter, digit or dash",
			       given(c, "id"));
	if ((status = tpm_of(c, &t)) != CLI_FINE)
		return status;
	if (!look(c, t, &s) || !write_certificate(c, &s))
		status = CLI_FAILED;
	else if (form ? strcmp(form, "table") == 0 : isatty(STDOUT_FILENO))
		status = show_text(c, t, &s);
	else
		status = show_json(c, t, &s);
	tpm_close(&t);
	return status;
}

static const struct option options[] = {
	TPM_OPTIONS,
	{"id", "ID", "the registration ID it is to have [made from its endorsement key, as device SDKs do]", OPTION_VALUE},
	{"certificate-out", "FILE", "write its endorsement certificate there, as PEM", OPTION_VALUE},
	{"service", "NAME", "the provisioning service that the command names [none]", OPTION_VALUE},
	{NULL, NULL, NULL, OPTION_VALUE},
};

const struct verb tpm_verbs[] = {
	{"device", "tpm show", "", "what this machine's TPM shows, and the command that lets it in", options, NULL, show_tpm},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
