/*
 * endorsement.c: what the manufacturer of a TPM says of its endorsement key, if the operator asks for that.
 *
 * The certificate comes with the enrollment, where operators have it from their suppliers or from the TPM itself; devices send none.
 * Judged is the path to one of the manufacturers' roots that the operator has given (crypto/chain.h), and that it is about this key; and
 * that nothing on this path has been withdrawn.
 */
#include "attest/attest.h"
#include "base/text.h"

#define PEM_BEGIN SLICE("-----BEGIN")

struct endorsement {
	const struct enrollment *e;
	const struct endorsement_trust *trust;
	instant at;
	struct arena *arena;
	struct slice ders[ENDORSEMENT_CERTIFICATES_MAX];
	size_t count;
	struct endorsement_fault *out;
};

bool attest_wants_roots(const struct enrollment *e, bool required)
{
	return slice_eq_fold(e->attestation, SLICE("tpm")) && (required || e->endorsement_certificate.n > 0);
}

static enum err fault(struct endorsement *x, const char *check, const char *seen, const char *expected, const char *sentence)
{
	*x->out = (struct endorsement_fault){check, seen, expected, sentence};
	return seen && expected && sentence ? OK : ERR_NO_MEMORY;
}

static enum err read_certificates(struct endorsement *x)
{
	struct slice given = slice_trim(x->e->endorsement_certificate);
	const char *why = NULL;
	enum err e;

	if (slice_search(given, PEM_BEGIN) >= 0)
		e = certificate_read_all(given, x->arena, x->ders, ENDORSEMENT_CERTIFICATES_MAX, &x->count, &why);
	else
		e = certificate_read(given, x->arena, &x->ders[0], &why);
	if (e == OK && x->count == 0)
		x->count = 1;
	if (e == OK || e == ERR_NO_MEMORY)
		return e;
	return fault(x, "endorsement-certificate", "something else", "a certificate in PEM, or base64 of DER, with at most 4 intermediates",
		     arena_printf(x->arena, "The endorsement certificate cannot be used: %s.", why ? why : "it does not read"));
}

static enum err compare_key(struct endorsement *x)
{
	struct tpm_public key;
	struct certificate_info info;
	const char *why;

	/* A key that does not read is told of elsewhere. */
	if (tpm_public_read(base64_decode(x->arena, x->e->endorsement_key), &key, &why) != OK)
		return arena_failed(x->arena) ? ERR_NO_MEMORY : OK;
	if (tpm_public_certified(&key, x->ders[0]))
		return OK;
	if (certificate_describe(x->ders[0], x->arena, &info) != OK)
		info.subject = info.serial = SLICE("?");
	return fault(x, "endorsement-certificate",
		     arena_printf(x->arena, "a certificate of another key: serial number %.*s", SLICE_ARG(info.serial)),
		     "a certificate of the endorsement key of the enrollment",
		     "The endorsement certificate is about another key than the endorsement key: it is that of another TPM, or of the other of its "
		     "two keys (RSA and ECC).");
}

static const char *issuer_of_top(struct endorsement *x, struct chain *chain)
{
	const struct certificate_info *info = chain_info(chain, chain_top(chain), x->arena);

	return info ? arena_printf(x->arena, "%.*s", SLICE_ARG(info->issuer)) : "somebody whose name does not read";
}

static enum err refuse_stranger(struct endorsement *x, struct chain *chain)
{
	const char *issuer = issuer_of_top(x, chain);

	if (x->trust->root_count == 0)
		return fault(x, "endorsement-root", issuer ? issuer : "", "one of the service's endorsement roots",
			     "The enrollment has an endorsement certificate, but the service has no endorsement root: add that of the "
			     "manufacturer, or leave the certificate out.");
	return fault(x, "endorsement-root", issuer, "one of the service's endorsement roots",
		     arena_printf(x->arena,
				  "None of the service's %zu endorsement roots has issued the endorsement certificate: the last that came along "
				  "was issued by %s. Add that one, or give the certificates between with it.",
				  x->trust->root_count, issuer ? issuer : ""));
}

static enum err refuse_path(struct endorsement *x, const struct endorsement_root *root, const struct chain_path *path)
{
	return fault(x, "endorsement-path", arena_printf(x->arena, "%s: %s", path->word, path->reason), "a path that holds",
		     arena_printf(x->arena, "The endorsement certificate does not lead to the root %.*s: %s%s.", SLICE_ARG(root->name),
				  path->reason, path->culprit > 0 ? " (of an intermediate)" : path->culprit < 0 ? " (of the root)" : ""));
}

/* --- withdrawn --- */

/* "CN=Chips 7, an intermediate (serial number 2A)": endorsement certificates have no name of their own, as a rule. */
static const char *name_certificate(struct endorsement *x, struct chain *chain, const struct endorsement_root *root, int place)
{
	const struct certificate_info *info;

	if (place < 0)
		return arena_printf(x->arena, "the root %.*s", SLICE_ARG(root->name));
	if ((info = chain_info(chain, (size_t)place, x->arena)) == NULL)
		return NULL;
	if (place == 0)
		return arena_printf(x->arena, "the endorsement certificate (serial number %.*s)", SLICE_ARG(info->serial));
	return arena_printf(x->arena, "%.*s, an intermediate (serial number %.*s)", SLICE_ARG(info->subject), SLICE_ARG(info->serial));
}

static enum err refuse_withdrawn(struct endorsement *x, struct chain *chain, const struct endorsement_root *root, const struct chain_path *path)
{
	const char *name = name_certificate(x, chain, root, path->culprit), *sentence;

	if (name == NULL)
		return ERR_NO_MEMORY;
	if (strcmp(path->word, "revoked") == 0)
		sentence = arena_printf(x->arena, "A certificate was withdrawn by its issuer: %s stands on the revocation list %s.", name,
					path->list);
	else
		sentence = arena_printf(x->arena,
					"Whether %s was withdrawn is not known: the revocation list %s is out of date, or was not made by its "
					"issuer, and it is strict.",
					name, path->list);
	return fault(x, arena_printf(x->arena, "endorsement-path-%s", path->word),
		     arena_printf(x->arena, "%s at %s", path->reason, name), "certificates that were not withdrawn", sentence);
}

static enum err refuse_without_list(struct endorsement *x, const struct revocation_list *list)
{
	const char *trouble = attest_list_trouble(list, x->arena);

	return fault(x, "endorsement-path-revocation-unknown", trouble, "a revocation list",
		     arena_printf(x->arena,
				  "Whether the endorsement certificate was withdrawn is not known: the revocation list %.*s is strict, and "
				  "there is none: %s.",
				  SLICE_ARG(list->name), trouble ? trouble : ""));
}

/* --- the path --- */

/* Whether some certificate names the root as its issuer, or is it. */
static bool leads_by_name(struct endorsement *x, struct chain *chain, const struct endorsement_root *root)
{
	for (size_t i = 0; i < chain_count(chain); i++)
		if (slice_eq(chain_issuer_mark(chain, i, x->arena), root->subject_mark))
			return true;
	return false;
}

static enum err judge_root(struct endorsement *x, struct chain *chain, const struct endorsement_root *root, struct chain_path *path)
{
	enum err e = chain_judge(chain, root->certificate, CHAIN_ENDORSEMENT, x->at, path);

	if (e != OK || !path->leads || x->trust->withdrawn == NULL)
		return e;
	return chain_judge_revoked(chain, root->certificate, x->trust->withdrawn, CHAIN_ENDORSEMENT, x->trust->now, path);
}

static enum err judge_path(struct endorsement *x, struct chain *chain)
{
	const struct endorsement_root *nearest = NULL;
	struct chain_path path, best = {0};
	enum err e = OK;

	for (size_t i = 0; i < x->trust->root_count && e == OK; i++) {
		const struct endorsement_root *root = &x->trust->roots[i];

		if (!leads_by_name(x, chain, root))
			continue;
		if ((e = judge_root(x, chain, root, &path)) == OK && path.leads)
			return OK;
		if (e == OK && (nearest == NULL || path.list)) {
			nearest = root;
			best = path;
		}
	}
	if (e == ERR_NO_MEMORY || arena_failed(x->arena))
		return ERR_NO_MEMORY;
	if (nearest)
		return best.list ? refuse_withdrawn(x, chain, nearest, &best) : refuse_path(x, nearest, &best);
	if (e != OK)
		return fault(x, "endorsement-certificate", "a certificate that does not read", "a certificate",
			     "The endorsement certificate, or a root of its name, does not read.");
	return refuse_stranger(x, chain);
}

static enum err judge(struct endorsement *x)
{
	const struct endorsement_trust *trust = x->trust;
	const struct revocation_list *missing = attest_list_missing(trust->lists, trust->list_count);
	struct chain *chain = NULL;
	enum err e;

	if (trust->withdrawn == NULL && attest_lists_say_something(trust->lists, trust->list_count))
		return ERR_INTERNAL;
	if (missing)
		return refuse_without_list(x, missing);
	e = read_certificates(x);
	if (e == OK && x->out->check == NULL)
		e = compare_key(x);
	if (e != OK || x->out->check)
		return e;
	if ((e = chain_new(x->ders, x->count, &chain)) == ERR_TOO_BIG)
		return fault(x, "endorsement-certificate", "too much", "certificates of 32 KiB together", "The endorsement certificates are too large.");
	if (e == OK)
		e = judge_path(x, chain);
	chain_free(&chain);
	return e;
}

enum err attest_endorsement(const struct enrollment *e, const struct endorsement_trust *trust, instant at, struct arena *arena,
			    struct endorsement_fault *out)
{
	struct endorsement x = {.e = e, .trust = trust, .at = at, .arena = arena, .out = out};

	*out = (struct endorsement_fault){0};
	if (e->endorsement_certificate.n > 0)
		return judge(&x);
	if (!trust->required)
		return OK;
	return fault(&x, "endorsement-certificate", "none", "an endorsement certificate",
		     "The service requires an endorsement certificate (endorsementCertificates), and the enrollment has none.");
}
