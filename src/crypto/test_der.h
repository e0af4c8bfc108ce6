/*
 * test_der.h: a certificate taken apart into its fields and put together again, signed anew or not, with whatever was
 * done to them meanwhile. Included by tests only.
 */
#ifndef BERTH_CRYPTO_TEST_DER_H
#define BERTH_CRYPTO_TEST_DER_H

#include "base/arena.h"
#include "crypto/test_certificates.h"

/* --- one element --- */

static inline struct slice test_der_of(struct arena *a, X509 *x)
{
	int n;
	unsigned char *bytes = test_der(x, &n);
	struct slice copy = arena_copy(a, slice_over(bytes, (size_t)n));

	OPENSSL_free(bytes);
	return copy;
}

/* What is inside an element, which is well-formed: OpenSSL wrote it. */
static inline struct slice test_der_inside(struct slice element)
{
	const unsigned char *p = (const unsigned char *)element.p;

	assert(element.n >= 2);
	return slice_from(element, p[1] < 0x80 ? 2 : 2 + (p[1] & 0x7fu));
}

/* The element at the front of *rest, with tag and length; *rest is what follows. */
static inline struct slice test_der_next(struct slice *rest)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t n = p[1], head = 2;
	struct slice element;

	if (n & 0x80) {
		head += n & 0x7f;
		n = 0;
		for (size_t i = 2; i < head; i++)
			n = n << 8 | p[i];
	}
	assert(head + n <= rest->n);
	element = slice_to(*rest, head + n);
	*rest = slice_from(*rest, head + n);
	return element;
}

static inline struct slice test_der_join(struct arena *a, const struct slice *parts, size_t count)
{
	size_t n = 0;
	char *out;

	for (size_t i = 0; i < count; i++)
		n += parts[i].n;
	assert(out = arena_alloc(a, n + 1));
	n = 0;
	for (size_t i = 0; i < count; n += parts[i++].n)
		if (parts[i].n)
			memcpy(out + n, parts[i].p, parts[i].n);
	return slice_over(out, n);
}

/* The parts one after the other, within an element of that tag. */
static inline struct slice test_der_wrap(struct arena *a, unsigned char tag, const struct slice *parts, size_t count)
{
	struct slice inside = test_der_join(a, parts, count);
	unsigned char head[] = {tag, 0x83, (unsigned char)(inside.n >> 16), (unsigned char)(inside.n >> 8), (unsigned char)inside.n};
	size_t digits = inside.n < 0x80 ? 0 : inside.n < 0x100 ? 1 : inside.n < 0x10000 ? 2 : 3;

	assert(inside.n < 1 << 24);
	if (digits == 0)
		head[1] = (unsigned char)inside.n;
	else
		memmove(head + 2, head + 5 - digits, digits);
	if (digits)
		head[1] = (unsigned char)(0x80 | digits);
	return test_der_join(a, (const struct slice[]){slice_over(head, 2 + digits), inside}, 2);
}

/* --- a certificate --- */

enum test_field { /* of TBSCertificate, RFC 5280 section 4.1, as version 3 has them */
		  FIELD_OF_VERSION,
		  FIELD_OF_SERIAL,
		  FIELD_OF_ALGORITHM,
		  FIELD_OF_ISSUER,
		  FIELD_OF_VALIDITY,
		  FIELD_OF_SUBJECT,
		  FIELD_OF_PUBLIC_KEY,
		  FIELD_OF_EXTENSIONS,
		  FIELDS_OF_CERTIFICATE
};

#define EXTENSIONS_MAX 8

struct test_parts {
	struct slice field[FIELDS_OF_CERTIFICATE]; /* the last one from `extension` */
	struct slice extension[EXTENSIONS_MAX];
	size_t extensions;
	struct slice algorithm, signature; /* behind it */
};

static inline struct test_parts test_take_apart(struct slice der)
{
	struct slice all = test_der_inside(der), tbs = test_der_next(&all), rest = test_der_inside(tbs);
	struct test_parts p = {.algorithm = test_der_next(&all)};

	p.signature = test_der_next(&all);
	for (size_t i = 0; i < FIELDS_OF_CERTIFICATE && rest.n; i++)
		p.field[i] = test_der_next(&rest);
	if (p.field[FIELD_OF_EXTENSIONS].n == 0)
		return p;
	rest = test_der_inside(test_der_inside(p.field[FIELD_OF_EXTENSIONS]));
	for (; rest.n && p.extensions < EXTENSIONS_MAX; p.extensions++)
		p.extension[p.extensions] = test_der_next(&rest);
	return p;
}

/* Make the field anew from the extensions. */
static inline void test_gather_extensions(struct arena *a, struct test_parts *p)
{
	struct slice list = test_der_wrap(a, 0x30, p->extension, p->extensions);

	p->field[FIELD_OF_EXTENSIONS] = test_der_wrap(a, 0xa3, &list, 1);
}

static inline struct slice test_tbs(struct arena *a, const struct test_parts *p)
{
	return test_der_wrap(a, 0x30, p->field, FIELDS_OF_CERTIFICATE);
}

static inline struct slice test_put_together(struct arena *a, const struct test_parts *p)
{
	return test_der_wrap(a, 0x30, (const struct slice[]){test_tbs(a, p), p->algorithm, p->signature}, 3);
}

/* The same with a signature that holds. The algorithm stays what it says: ECDSA or RSA with SHA-256, as the key is. */
static inline struct slice test_put_together_signed(struct arena *a, struct test_parts p, EVP_PKEY *key)
{
	struct slice tbs = test_tbs(a, &p);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 4096;
	char *bits = arena_alloc(a, n + 1); /* the first byte says that no bits of the last one are unused */

	assert(bits && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
	assert(EVP_DigestSign(ctx, (unsigned char *)bits + 1, &n, (const unsigned char *)tbs.p, tbs.n) == 1);
	EVP_MD_CTX_free(ctx);
	p.signature = test_der_wrap(a, 0x03, &(struct slice){bits, n + 1}, 1);
	return test_put_together(a, &p);
}

#endif
