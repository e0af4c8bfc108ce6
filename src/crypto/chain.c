/*
 * chain.c: what the rules of RFC 5280 are to be applied to, and how strictly.
 *
 * OpenSSL is asked to be strict. What certificates in the field do without, although they should not, and what weakens nothing
 * (key identifiers, key usage of a CA, the critical bit of its basic constraints) is let pass; everything else stands.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "crypto/certificate_own.h"
#include "crypto/chain.h"
#include "crypto/digest.h"
#include "crypto/revocation_own.h"
#include "crypto/slim.h"

#define SECURITY_LEVEL 2 /* 112 bits: RSA from 2048, no SHA-1 (SSL_CTX_set_security_level) */

/* A judgement that was made: the anchor by its digest. Certificates know no time finer than a second. */
struct remembered {
	unsigned char anchor[SHA256_SIZE];
	enum chain_purpose purpose;
	time_t now;
	struct chain_path path;
};

struct chain {
	size_t count;
	struct slice ders[CHAIN_CERTIFICATES_MAX]; /* behind the struct, in one piece with it */
	X509 *decoded[CHAIN_CERTIFICATES_MAX];
	bool tried[CHAIN_CERTIFICATES_MAX];
	struct remembered remembered[CHAIN_ANCHORS_MAX];
	size_t remembered_count;
};

enum err chain_new(const struct slice *ders, size_t count, struct chain **out)
{
	struct chain *c;
	size_t size = 0;
	char *at;

	if (count == 0)
		return ERR_INVALID;
	if (count > CHAIN_CERTIFICATES_MAX)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < count; i++)
		size += ders[i].n;
	if (size > CHAIN_BYTES_MAX)
		return ERR_TOO_BIG;
	if ((c = calloc(1, sizeof(*c) + size)) == NULL)
		return ERR_NO_MEMORY;
	at = (char *)(c + 1);
	c->count = count;
	for (size_t i = 0; i < count; i++) {
		if (ders[i].n)
			memcpy(at, ders[i].p, ders[i].n);
		c->ders[i] = slice_over(at, ders[i].n);
		at += ders[i].n;
	}
	*out = c;
	return OK;
}

void chain_free(struct chain **chain)
{
	struct chain *c = *chain;

	for (size_t i = 0; c && i < c->count; i++)
		X509_free(c->decoded[i]);
	free(c);
	*chain = NULL;
}

size_t chain_count(const struct chain *c)
{
	return c->count;
}

struct slice chain_der(const struct chain *c, size_t at)
{
	return c->ders[at];
}

static X509 *certificate(struct chain *c, size_t at)
{
	if (at >= c->count)
		return NULL;
	if (!c->tried[at])
		c->decoded[at] = certificate_decode(c->ders[at]);
	c->tried[at] = true;
	return c->decoded[at];
}

const struct certificate_info *chain_info(struct chain *c, size_t at, struct arena *a)
{
	struct certificate_info *info = arena_alloc(a, sizeof(*info));
	const X509 *x = certificate(c, at);

	return info && x && certificate_describe_decoded(x, c->ders[at], a, info) == OK ? info : NULL;
}

struct slice chain_issuer_mark(struct chain *c, size_t at, struct arena *a)
{
	const X509 *x = certificate(c, at);

	return x ? certificate_name_mark(X509_get_issuer_name(x), a) : NO_SLICE;
}

bool chain_self_issued(struct chain *c, size_t at)
{
	const X509 *x = certificate(c, at);

	return x && X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

/* The place of the certificate that has issued `at`, if the peer sent it and it is none of those below; else `at`. */
static size_t issuer_of(struct chain *c, size_t at, const bool *below)
{
	X509 *subject = certificate(c, at);

	for (size_t i = 0; subject && i < c->count; i++) {
		X509 *issuer = below[i] ? NULL : certificate(c, i);

		if (issuer && X509_check_issued(issuer, subject) == X509_V_OK)
			return i;
	}
	return at;
}

/* --- keys --- */

static bool is_huge(const EVP_PKEY *rsa)
{
	BIGNUM *e = NULL;
	bool huge = EVP_PKEY_get_bits(rsa) > CHAIN_RSA_BITS_MAX || !EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_E, &e) ||
		    BN_num_bits(e) > CHAIN_EXPONENT_MAX;

	BN_free(e);
	return huge;
}

static bool is_our_curve(const EVP_PKEY *ec)
{
	char group[32] = "";

	return EVP_PKEY_get_group_name(ec, group, sizeof(group), NULL) &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 || strcmp(group, "secp521r1") == 0);
}

/* Why its key takes no part in a path: it is none of those that devices and their CAs have, or it costs too much. NULL: it may. OpenSSL
 * would take DSA and odd curves as well. */
static const char *unfit(X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);

	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		if (is_huge(key))
			return "its key is larger than 8192 bits, or the public exponent of that than 64";
		return NULL;
	case EVP_PKEY_EC:
		if (is_our_curve(key))
			return NULL;
		break;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448: return NULL;
	default: break;
	}
	return "its key is neither RSA, nor ECDSA on P-256, P-384 or P-521, nor EdDSA";
}

/* --- upwards --- */

/* From the leaf to the last that was issued by another one of them; or, if that is asked for, to the first with an unfit key. */
static size_t climb(struct chain *c, bool stop_at_unfit)
{
	bool below[CHAIN_CERTIFICATES_MAX] = {false};
	size_t at = 0, next;

	for (;; at = next) {
		below[at] = true;
		if (stop_at_unfit && certificate(c, at) && unfit(certificate(c, at)))
			return at;
		if ((next = issuer_of(c, at, below)) == at)
			return at;
	}
}

size_t chain_top(struct chain *c)
{
	return climb(c, false);
}

/* --- the path --- */

/* One judgement under way: what OpenSSL's callback needs to know. */
struct judgement {
	X509 *anchor;
	const struct revocations *revocations; /* NULL: none are looked at */
	bool undated;                          /* that a certificate has ended, or not begun, is no fault */
	int purpose;
	time_t now;
	const char *list; /* that was looked at last, once something was wrong with it or with what it says */
};

/* Faults that are let pass wherever they are. */
static bool is_tolerated(int error)
{
	switch (error) {
	case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
	case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
	case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
	case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE: return true;
	default: return false;
	}
}

/* What is wrong with a list, rather than with the certificate that was looked for on it. A list of no strict kind that is too old, or
 * does not fit, is as good as none. */
static bool is_about_a_list(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return true;
	default: return false;
	}
}

/* The anchor is trusted because the operator says so, whatever its own issuer's lists lack. */
static bool may_go_without(const struct judgement *j, X509_STORE_CTX *ctx, const X509 *at, int error)
{
	bool anchor = at && X509_cmp(at, j->anchor) == 0;

	return j->revocations && is_about_a_list(error) &&
	       (anchor || !revocations_strict(j->revocations, X509_STORE_CTX_get0_current_crl(ctx)));
}

/* So is whether it has ended. */
static bool may_have_ended(const struct judgement *j, X509_STORE_CTX *ctx, const X509 *at, int error)
{
	bool anchor = at && X509_STORE_CTX_get_error_depth(ctx) > 0 && X509_cmp(at, j->anchor) == 0;

	return (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) && (anchor || j->undated);
}

static bool is_about_revocation(int error)
{
	return error == X509_V_ERR_CERT_REVOKED || is_about_a_list(error);
}

/* OpenSSL says which list it looks at when that is out of date, and then no more when a certificate stands on it. */
static void note_list(struct judgement *j, const X509_CRL *crl)
{
	if (j->revocations && crl)
		j->list = revocations_name(j->revocations, crl);
}

/* Once true is returned for an error, OpenSSL goes on and forgets it. */
static int on_step(int good, X509_STORE_CTX *ctx)
{
	struct judgement *j = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	const X509 *at = X509_STORE_CTX_get_current_cert(ctx);

	if (good)
		return 1;
	note_list(j, X509_STORE_CTX_get0_current_crl(ctx));
	if (is_tolerated(error) || may_go_without(j, ctx, at, error) || may_have_ended(j, ctx, at, error)) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return 0;
}

/* A word for the operator's eyes and for statistics; the long tail of RFC 5280 is "malformed". */
static const char *word_of(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_UNTRUSTED: return "incomplete";
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: return "signature";
	case X509_V_ERR_CERT_HAS_EXPIRED: return "expired";
	case X509_V_ERR_CERT_NOT_YET_VALID: return "not-yet-valid";
	case X509_V_ERR_INVALID_PURPOSE: return "purpose";
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN: return "not-a-ca";
	case X509_V_ERR_PATH_LENGTH_EXCEEDED: return "path-length";
	case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "too-long";
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX: return "name-constraints";
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: return "critical-extension";
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK: return "weak";
	case X509_V_ERR_CERT_REVOKED: return "revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_GET_CRL: return "revocation-unknown";
	case X509_V_ERR_OUT_OF_MEM: return "memory";
	default: return "malformed";
	}
}

/* Those that came along, but for the leaf and for those with unfit keys: untrusted. False: no memory. */
static bool gather(struct chain *c, bool backwards, STACK_OF(X509) * others)
{
	for (size_t i = 1; i < c->count; i++) {
		X509 *x = certificate(c, backwards ? c->count - i : i);

		if (x && !unfit(x) && !sk_X509_push(others, x))
			return false;
	}
	return true;
}

/* Whether two of them have the same name, as when a CA was cross-signed. */
static bool names_repeat(struct chain *c)
{
	for (size_t i = 1; i < c->count; i++)
		for (size_t k = i + 1; k < c->count; k++) {
			const X509 *a = certificate(c, i), *b = certificate(c, k);

			if (a && b && X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0)
				return true;
		}
	return false;
}

static bool set_up(X509_STORE_CTX *ctx, X509_STORE *store, X509 *leaf, STACK_OF(X509) * others, struct judgement *j)
{
	X509_VERIFY_PARAM *param;

	if (!X509_STORE_CTX_init(ctx, store, leaf, others))
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	if (j->revocations) {
		X509_STORE_CTX_set0_crls(ctx, revocations_all(j->revocations));
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	}
	X509_STORE_CTX_set_app_data(ctx, j);
	X509_STORE_CTX_set_verify_cb(ctx, on_step);
	X509_VERIFY_PARAM_set_time(param, j->now);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE) &&
	       X509_VERIFY_PARAM_set_purpose(param, j->purpose);
}

static int place_of(const struct chain *c, const X509 *x)
{
	for (size_t i = 0; x && i < c->count; i++)
		if (c->decoded[i] && X509_cmp(x, c->decoded[i]) == 0)
			return (int)i;
	return x ? -1 : 0;
}

static void fail(struct chain_path *out, const char *word, const char *reason, int culprit)
{
	*out = (struct chain_path){.word = word, .reason = reason, .culprit = culprit};
}

static enum err judge(struct chain *c, X509_STORE_CTX *ctx, struct judgement *j, struct chain_path *out)
{
	const STACK_OF(X509) * path;
	int error;

	*out = (struct chain_path){0};
	j->list = NULL;
	if (X509_verify_cert(ctx) != 1) {
		error = X509_STORE_CTX_get_error(ctx);
		fail(out, word_of(error), X509_verify_cert_error_string(error), place_of(c, X509_STORE_CTX_get_current_cert(ctx)));
		out->list = is_about_revocation(error) ? j->list : NULL;
		return error == X509_V_ERR_OUT_OF_MEM ? ERR_NO_MEMORY : OK;
	}
	/* A leaf that is trusted itself may stand at the end of a longer path: what counts is where the anchor is. */
	path = X509_STORE_CTX_get0_chain(ctx);
	while (out->depth < sk_X509_num(path) && X509_cmp(sk_X509_value(path, out->depth), j->anchor) != 0)
		out->depth++;
	out->leads = out->depth < sk_X509_num(path);
	if (!out->leads)
		fail(out, "incomplete", "the path does not hold the trusted certificate", 0);
	return OK;
}

/* One try, with the others in one order. */
static enum err try_path(struct chain *c, struct judgement *j, bool backwards, struct chain_path *out)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(slim_library(SLIM_CERTIFICATES), NULL);
	enum err e = ERR_NO_MEMORY;

	if (others && store && ctx && gather(c, backwards, others) && X509_STORE_add_cert(store, j->anchor) &&
	    set_up(ctx, store, certificate(c, 0), others, j))
		e = judge(c, ctx, j, out);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(others);
	return e;
}

/* Where two certificates have the name of an issuer OpenSSL tries the first it finds, and does not come back for the second: so the
 * order in which a device sends them would decide. */
static enum err try_both_ways(struct chain *c, struct judgement *j, struct chain_path *out)
{
	struct chain_path other;
	enum err e = try_path(c, j, false, out);

	if (e != OK || out->leads || !names_repeat(c))
		return e;
	if ((e = try_path(c, j, true, &other)) == OK && other.leads)
		*out = other;
	return e;
}

/* A path that is incomplete because the key of one of them kept it out. */
static void blame_key(struct chain *c, struct chain_path *out)
{
	size_t at = climb(c, true);
	const char *why = unfit(certificate(c, at));

	if (why)
		fail(out, "weak", why, (int)at);
}

/* tcg-kp-EKCertificate. */
static bool names_endorsement(X509 *leaf)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	bool found = usages == NULL;
	char oid[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages) && !found; i++)
		found = OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, i), 1) > 0 && strcmp(oid, "2.23.133.8.1") == 0;
	EXTENDED_KEY_USAGE_free(usages);
	return found;
}

static int openssl_purpose(enum chain_purpose purpose)
{
	switch (purpose) {
	case CHAIN_SERVER: return X509_PURPOSE_SSL_SERVER;
	case CHAIN_ENDORSEMENT: return X509_PURPOSE_ANY;
	case CHAIN_CLIENT: break;
	}
	return X509_PURPOSE_SSL_CLIENT;
}

static enum err judge_anchor(struct chain *c, struct slice anchor_der, const struct revocations *revocations, enum chain_purpose purpose,
			     time_t now, struct chain_path *out)
{
	X509 *anchor = certificate_decode(anchor_der);
	struct judgement j = {
		.anchor = anchor,
		.revocations = revocations,
		.undated = revocations && purpose == CHAIN_ENDORSEMENT,
		.purpose = openssl_purpose(purpose),
		.now = now,
	};
	const char *why;
	enum err e = OK;

	if (anchor == NULL || certificate(c, 0) == NULL)
		e = ERR_MALFORMED;
	else if ((why = unfit(certificate(c, 0))) != NULL)
		fail(out, "weak", why, 0);
	else if ((why = unfit(anchor)) != NULL)
		fail(out, "weak", why, -1);
	else if ((e = try_both_ways(c, &j, out)) == OK && !out->leads && strcmp(out->word, "incomplete") == 0)
		blame_key(c, out);
	if (e == OK && out->leads && purpose == CHAIN_ENDORSEMENT && !names_endorsement(certificate(c, 0)))
		fail(out, "purpose", "its extended key usage is not that of an endorsement certificate (2.23.133.8.1)", 0);
	X509_free(anchor);
	ERR_clear_error();
	return e;
}

enum err chain_judge(struct chain *c, struct slice anchor, enum chain_purpose purpose, instant now, struct chain_path *out)
{
	unsigned char digest[SHA256_SIZE];
	struct remembered *r = c->remembered, *end = r + c->remembered_count;
	time_t second = (time_t)(now / INSTANT_SECOND);
	enum err e;

	*out = (struct chain_path){0};
	sha256(anchor, digest);
	for (; r < end; r++)
		if (memcmp(r->anchor, digest, sizeof(digest)) == 0 && r->purpose == purpose && r->now == second) {
			*out = r->path;
			return OK;
		}
	if (c->remembered_count == CHAIN_ANCHORS_MAX)
		return ERR_TOO_BIG;
	if ((e = judge_anchor(c, anchor, NULL, purpose, second, out)) != OK)
		return e;
	*r = (struct remembered){.purpose = purpose, .now = second, .path = *out};
	memcpy(r->anchor, digest, sizeof(digest));
	c->remembered_count++;
	return OK;
}

enum err chain_judge_revoked(struct chain *c, struct slice anchor, const struct revocations *revocations, enum chain_purpose purpose,
			     instant now, struct chain_path *out)
{
	*out = (struct chain_path){0};
	return judge_anchor(c, anchor, revocations_all(revocations) ? revocations : NULL, purpose, (time_t)(now / INSTANT_SECOND), out);
}
