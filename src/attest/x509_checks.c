/*
 * x509_checks.c: the leaf by itself, and the path from it to one certificate.
 */
#include "attest/bearer.h"
#include "attest/words.h"

static enum err check_presence(struct bearer *b)
{
	if (b->evidence->chain)
		return OK;
	return bearer_refuse(b, "Unauthorized", "certificate-missing", "no client certificate", "a client certificate in the TLS handshake",
			     "The device presented no certificate in the TLS handshake.");
}

static enum err check_form(struct bearer *b)
{
	b->leaf = chain_info(b->evidence->chain, 0, b->arena);
	if (b->leaf)
		return OK;
	if (arena_failed(b->arena))
		return ERR_NO_MEMORY;
	return bearer_refuse(b, "Invalid certificate", "certificate-form", "a certificate that does not read", "an X.509 certificate",
			     "The device's certificate does not read, or its names are too long.");
}

/* device-api.md 8: the common name is the registration ID. Which of two would be is anybody's guess, so it may not be two. */
static enum err check_common_name(struct bearer *b)
{
	struct slice id = b->evidence->registration_id;
	const char *seen = arena_printf(b->arena, "%.*s", SLICE_ARG(b->leaf->subject));
	const char *expected = arena_printf(b->arena, "CN=%.*s", SLICE_ARG(id));

	if (b->leaf->common_names == 1 && slice_eq_fold(b->leaf->common_name, id))
		return OK;
	if (b->leaf->common_names != 1)
		return bearer_refuse(b, "Invalid certificate", "certificate-common-name", seen, expected,
				     arena_printf(b->arena,
						  "The subject of the leaf has %d common names, but it must have one, and that must be the "
						  "registration ID %.*s.",
						  b->leaf->common_names, SLICE_ARG(id)));
	return bearer_refuse(b, "Invalid certificate", "certificate-common-name", seen, expected,
			     arena_printf(b->arena, "The leaf is %s, but the device registers as %.*s: its CN must be the registration ID.",
					  seen ? seen : "another", SLICE_ARG(id)));
}

static enum err check_validity(struct bearer *b)
{
	instant now = b->evidence->now;
	char from[INSTANT_TEXT], to[INSTANT_TEXT], clock[INSTANT_TEXT];
	const char *seen, *expected, *far;
	bool early = now < b->leaf->not_before;

	if (!early && now <= b->leaf->not_after)
		return OK;
	instant_print(b->leaf->not_before, INSTANT_SECONDS, from);
	instant_print(b->leaf->not_after, INSTANT_SECONDS, to);
	seen = arena_printf(b->arena, "valid from %s to %s", from, to);
	expected = arena_printf(b->arena, "valid at %s", instant_print(now, INSTANT_SECONDS, clock));
	far = words_duration(b->arena, early ? b->leaf->not_before - now : now - b->leaf->not_after);
	return bearer_refuse(
		b, "Invalid certificate", "certificate-validity", seen, expected,
		early ? arena_printf(b->arena, "The leaf is not valid until %s, %s from now by this server's clock.", from,
				     far ? far : "some time")
		      : arena_printf(b->arena, "The leaf expired at %s, %s ago by this server's clock.", to, far ? far : "long"));
}

static enum err (*const checks[])(struct bearer *) = {check_presence, check_form, check_common_name, check_validity};

enum err bearer_examine(struct bearer *b, const struct evidence *evidence, struct arena *arena, struct verdict *verdict)
{
	enum err e = OK;

	*verdict = (struct verdict){0};
	*b = (struct bearer){.evidence = evidence, .arena = arena, .verdict = verdict};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && e == OK && verdict->error_code == 0; i++)
		e = checks[i](b);
	return e;
}

/* --- anchors --- */

const struct ca_certificate *bearer_authority(const struct evidence *evidence, struct slice name)
{
	for (size_t i = 0; name.n && i < evidence->authority_count; i++)
		if (slice_eq_fold(evidence->authorities[i].name, name))
			return &evidence->authorities[i];
	return NULL;
}

static size_t add_authority(const struct enrollment *e, const struct evidence *evidence, struct slice name, struct anchor *out)
{
	const struct ca_certificate *ca = bearer_authority(evidence, name);

	/* service-api.md 11.6: one that nobody has vouched for is worth nothing. */
	if (ca == NULL || ca->verified != FLAG_YES)
		return 0;
	*out = (struct anchor){.der = ca->certificate, .of = e, .ca = ca->name};
	return 1;
}

size_t bearer_anchors(const struct enrollment *e, const struct evidence *evidence, struct anchor out[ANCHORS_OF_ENROLLMENT])
{
	size_t n = 0;

	if (e->signing_primary.n)
		out[n++] = (struct anchor){.der = e->signing_primary, .of = e};
	if (e->signing_secondary.n)
		out[n++] = (struct anchor){.der = e->signing_secondary, .of = e};
	if (n)
		return n;
	n += add_authority(e, evidence, e->ca_primary, &out[n]);
	n += add_authority(e, evidence, e->ca_secondary, &out[n]);
	return n;
}

enum err bearer_path(struct bearer *b, const struct anchor *anchor, struct chain_path *out)
{
	enum err e = chain_judge(b->evidence->chain, anchor->der, CHAIN_CLIENT, b->evidence->now, out);

	if (e == ERR_TOO_BIG) {
		*out = (struct chain_path){.word = "too-many", .reason = "too many certificates have the name of its issuer"};
		return OK;
	}
	/* Whoever holds the key of the CA itself is no device of it. */
	if (e == OK && out->leads && out->depth == 0)
		*out = (struct chain_path){.word = "anchor", .reason = "the leaf is the certificate of the enrollment itself"};
	return e;
}
