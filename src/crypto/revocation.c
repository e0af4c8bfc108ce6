#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "crypto/certificate_own.h"
#include "crypto/revocation_own.h"

#define REVOCATION_TEXT_MAX (REVOCATION_LIST_MAX / 3 * 4 + 65536) /* the same as PEM */

static X509_CRL *decode(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_CRL *crl = der.n && der.n <= REVOCATION_LIST_MAX ? d2i_X509_CRL(NULL, &p, (long)der.n) : NULL;

	if (crl && p != (const unsigned char *)der.p + der.n) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	ERR_clear_error();
	return crl;
}

/* --- reading --- */

static struct slice pem_to_der(struct slice pem, struct arena *arena)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509_CRL *crl = in ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;
	int n = crl ? i2d_X509_CRL(crl, &der) : -1;
	struct slice copy = n > 0 ? arena_copy(arena, slice_over(der, (size_t)n)) : NO_SLICE;

	OPENSSL_free(der);
	X509_CRL_free(crl);
	BIO_free(in);
	ERR_clear_error();
	return copy;
}

enum err revocation_read(struct slice given, struct arena *arena, struct slice *der, const char **why)
{
	X509_CRL *crl;

	if (given.n > REVOCATION_TEXT_MAX) {
		*why = "it is too large";
		return ERR_TOO_BIG;
	}
	*der = given.n > 0 && given.p[0] == 0x30 ? arena_copy(arena, given) : pem_to_der(given, arena);
	if (arena_failed(arena)) {
		*why = "there is no memory for it";
		return ERR_NO_MEMORY;
	}
	if (der->n > REVOCATION_LIST_MAX) {
		*why = "it is too large";
		return ERR_TOO_BIG;
	}
	if ((crl = decode(*der)) == NULL) {
		*why = "it is not a list of revoked certificates (X.509 CRL) as PEM or DER";
		return ERR_INVALID;
	}
	X509_CRL_free(crl);
	return OK;
}

/* --- describing --- */

static instant time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) ? (instant)timegm(&tm) * INSTANT_SECOND : 0;
}

/* RFC 5280 section 5.2.5: a list that speaks for others, or for some of its certificates only, says so in this extension. */
static const char *narrowed(X509_CRL *crl)
{
	ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	const char *why = NULL;

	if (point && point->indirectCRL > 0)
		why = "it speaks for other issuers (indirect), which is not supported";
	else if (point && point->onlysomereasons)
		why = "it holds only some of the reasons for revocation, which is not supported";
	ISSUING_DIST_POINT_free(point);
	return why;
}

static const char *unsupported(X509_CRL *crl)
{
	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		return "it lists only what has changed (delta), which is not supported";
	return narrowed(crl);
}

enum err revocation_describe(struct slice der, struct arena *arena, struct revocation_info *out, const char **why)
{
	X509_CRL *crl = decode(der);
	const char *reason;
	enum err e = OK;

	*out = (struct revocation_info){0};
	if (crl == NULL) {
		*why = "it is not a list of revoked certificates";
		return ERR_MALFORMED;
	}
	if ((reason = unsupported(crl)) != NULL) {
		*why = reason;
		e = ERR_UNSUPPORTED;
	} else {
		*out = (struct revocation_info){
			.issuer = certificate_name_text(arena, X509_CRL_get_issuer(crl)),
			.this_update = time_of(X509_CRL_get0_lastUpdate(crl)),
			.next_update = time_of(X509_CRL_get0_nextUpdate(crl)),
			.entries = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)),
		};
		if (out->entries < 0)
			out->entries = 0; /* the list is left out when it is empty */
		if (slice_absent(out->issuer)) {
			*why = "the name of its issuer is too long";
			e = ERR_NO_MEMORY;
		}
	}
	X509_CRL_free(crl);
	ERR_clear_error();
	return e;
}

bool revocation_signed_by(struct slice der, struct slice certificate)
{
	const unsigned char *p = (const unsigned char *)certificate.p;
	X509_CRL *crl = decode(der);
	X509 *issuer = certificate.n ? d2i_X509(NULL, &p, (long)certificate.n) : NULL;
	EVP_PKEY *key = issuer ? X509_get0_pubkey(issuer) : NULL;
	bool signs = crl && key && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
		     (X509_get_key_usage(issuer) & KU_CRL_SIGN) && X509_CRL_verify(crl, key) == 1;

	X509_free(issuer);
	X509_CRL_free(crl);
	ERR_clear_error();
	return signs;
}

/* --- ready for use --- */

struct revocations {
	STACK_OF(X509_CRL) * all;
	struct {
		char *name;
		bool strict;
	} about[REVOCATIONS_MAX]; /* at the place of each in `all` */
};

enum err revocations_new(struct revocations **out)
{
	struct revocations *r = calloc(1, sizeof(*r));

	*out = r;
	if (r && (r->all = sk_X509_CRL_new_null()) != NULL)
		return OK;
	revocations_free(out);
	return ERR_NO_MEMORY;
}

void revocations_free(struct revocations **it)
{
	struct revocations *r = *it;

	*it = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < REVOCATIONS_MAX; i++)
		free(r->about[i].name);
	sk_X509_CRL_pop_free(r->all, X509_CRL_free);
	free(r);
}

enum err revocations_add(struct revocations *r, struct slice der, struct slice name, bool strict)
{
	int at = sk_X509_CRL_num(r->all);
	X509_CRL *crl;
	char *copy;

	if (at == REVOCATIONS_MAX)
		return ERR_TOO_BIG;
	if ((crl = decode(der)) == NULL)
		return ERR_MALFORMED;
	if ((copy = strndup(name.p, name.n)) == NULL || !sk_X509_CRL_push(r->all, crl)) {
		free(copy);
		X509_CRL_free(crl);
		return ERR_NO_MEMORY;
	}
	r->about[at].name = copy;
	r->about[at].strict = strict;
	return OK;
}

STACK_OF(X509_CRL) * revocations_all(const struct revocations *r)
{
	return r && sk_X509_CRL_num(r->all) > 0 ? r->all : NULL;
}

/* -1: it is none of them. */
static int place_of(const struct revocations *r, const X509_CRL *crl)
{
	for (int i = 0; crl && i < sk_X509_CRL_num(r->all); i++)
		if (sk_X509_CRL_value(r->all, i) == crl)
			return i;
	return -1;
}

bool revocations_strict(const struct revocations *r, const X509_CRL *crl)
{
	int at = place_of(r, crl);

	return at >= 0 && r->about[at].strict;
}

const char *revocations_name(const struct revocations *r, const X509_CRL *crl)
{
	int at = place_of(r, crl);

	return at >= 0 ? r->about[at].name : NULL;
}
