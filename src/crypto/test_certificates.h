/*
 * test_certificates.h: keys and certificates for tests, as odd as devices have them. Included by
 * tests only.
 */
#ifndef BERTH_CRYPTO_TEST_CERTIFICATES_H
#define BERTH_CRYPTO_TEST_CERTIFICATES_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define TEST_DAY 86400

static inline EVP_PKEY *test_pss_key(unsigned bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	if (EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1)
		EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* "P-256", "P-384", "P-521", "ED25519", "ED448", "RSA-2048", "RSA-1024", "PSS-2048". */
static inline EVP_PKEY *test_key(const char *kind)
{
	EVP_PKEY *key;

	if (strncmp(kind, "ED", 2) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	else if (strncmp(kind, "PSS-", 4) == 0)
		key = test_pss_key((unsigned)atoi(kind + 4));
	else if (strncmp(kind, "RSA-", 4) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
	assert(key);
	return key;
}

struct test_certificate {
	X509 *x;
	EVP_PKEY *key;
};

struct test_wish {
	const char *kind;                      /* of the key; NULL: P-256 */
	EVP_PKEY *key;                         /* one that was made before, instead; it is shared */
	const char *name;                      /* CN; NULL: none */
	const char *alt;                       /* "DNS:a.test,DNS:*.b.test"; NULL: none */
	const struct test_certificate *issuer; /* NULL: itself */
	long from, to;                         /* seconds from now; both 0: a day around now */
	int ca;
	int full;            /* with every extension that RFC 5280 asks for, which not all in the field have */
	void (*odd)(X509 *); /* what else is done to it before it is signed; NULL: nothing */
};

static inline void test_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(extension);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
}

static inline void test_extend_fully(X509 *x, X509 *issuer, int ca)
{
	test_extend(x, issuer, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	test_extend(x, issuer, NID_subject_key_identifier, "hash");
	if (x != issuer)
		test_extend(x, issuer, NID_authority_key_identifier, "keyid:always");
	if (!ca)
		test_extend(x, issuer, NID_ext_key_usage, "clientAuth");
}

/* EdDSA digests by itself. */
static inline const EVP_MD *test_digest(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

static inline struct test_certificate test_make(struct test_wish w)
{
	static long serial = 1;
	struct test_certificate c = {X509_new(), w.key ? w.key : test_key(w.kind ? w.kind : "P-256")};
	const struct test_certificate *issuer = w.issuer ? w.issuer : &c;
	X509_NAME *subject = X509_get_subject_name(c.x);

	if (w.key)
		EVP_PKEY_up_ref(w.key);
	X509_set_version(c.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.x), w.from || w.to ? w.from : -TEST_DAY);
	X509_gmtime_adj(X509_getm_notAfter(c.x), w.from || w.to ? w.to : TEST_DAY);
	if (w.name)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)w.name, -1, -1, 0);
	X509_set_issuer_name(c.x, X509_get_subject_name(issuer->x));
	X509_set_pubkey(c.x, c.key);
	if (w.ca)
		test_extend(c.x, issuer->x, NID_basic_constraints, "critical,CA:TRUE");
	if (w.full)
		test_extend_fully(c.x, issuer->x, w.ca);
	if (w.alt)
		test_extend(c.x, issuer->x, NID_subject_alt_name, w.alt);
	if (w.odd)
		w.odd(c.x);
	assert(X509_sign(c.x, issuer->key, test_digest(issuer->key)) > 0);
	return c;
}

/* A list by `issuer` on which `revoked` stands (NULL: nobody does), from and to in seconds from now; to be freed. `extension`, if there is
 * one, is critical. */
static inline X509_CRL *test_revoke(const struct test_certificate *issuer, X509 *revoked, long from, long to, int nid, const char *extension)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = ASN1_TIME_new();
	X509V3_CTX ctx;

	assert(crl && at && X509_CRL_set_version(crl, 1) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x)));
	assert(X509_gmtime_adj(at, from) && X509_CRL_set1_lastUpdate(crl, at));
	assert(X509_gmtime_adj(at, to) && X509_CRL_set1_nextUpdate(crl, at));
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();

		assert(entry && X509_gmtime_adj(at, from) && X509_REVOKED_set_revocationDate(entry, at));
		assert(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked)) && X509_CRL_add0_revoked(crl, entry));
	}
	if (extension) {
		X509_EXTENSION *e;

		X509V3_set_ctx(&ctx, issuer->x, NULL, NULL, crl, 0);
		assert((e = X509V3_EXT_conf_nid(NULL, &ctx, nid, extension)) && X509_CRL_add_ext(crl, e, -1));
		X509_EXTENSION_free(e);
	}
	assert(X509_CRL_sort(crl) && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
	ASN1_TIME_free(at);
	return crl;
}

static inline void test_unmake(struct test_certificate *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	c->x = NULL;
	c->key = NULL;
}

/* DER in memory of malloc's. */
static inline unsigned char *test_der(X509 *x, int *n)
{
	unsigned char *der = NULL;

	*n = i2d_X509(x, &der);
	assert(*n > 0);
	return der;
}

/* A folder of its own, with PEM files in it. */
struct test_folder {
	char path[64];
};

static inline struct test_folder test_folder(void)
{
	struct test_folder f;

	snprintf(f.path, sizeof(f.path), "/tmp/berth-test-XXXXXX");
	assert(mkdtemp(f.path));
	return f;
}

static inline void test_folder_remove(struct test_folder *f)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", f->path);
	assert(system(command) == 0);
}

/* "<folder>/<name>.pem" and "<folder>/<name>.key", into `certificate` and `key` (at least 128 bytes). */
static inline void test_save(const struct test_folder *f, const char *name, const struct test_certificate *chain, int count,
			     char *certificate, char *key)
{
	FILE *out;

	snprintf(certificate, 128, "%s/%s.pem", f->path, name);
	snprintf(key, 128, "%s/%s.key", f->path, name);
	assert((out = fopen(certificate, "w")));
	for (int i = 0; i < count; i++)
		PEM_write_X509(out, chain[i].x);
	fclose(out);
	assert((out = fopen(key, "w")));
	PEM_write_PrivateKey(out, chain[0].key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
}

#endif
