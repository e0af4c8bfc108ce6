/*
 * certificate_make.c: certificates for development and for the first start: a root, and a server's under it.
 */
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "crypto/certificate.h"

#define SERIAL_BITS     128
#define NAMES_TEXT_MAX  8192
#define CLOCK_ALLOWANCE 3600 /* seconds: valid a little before now, for clocks that are behind */

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool fine;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	if ((extension = X509V3_EXT_conf_nid(NULL, &context, nid, value)) == NULL)
		return false;
	fine = X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	return fine;
}

static bool set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool fine = n && BN_rand(n, SERIAL_BITS - 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;

	BN_free(n);
	return fine;
}

/* Version 3, serial, subject, validity and key: what both kinds begin with. */
static X509 *begin(EVP_PKEY *key, const char *common_name, instant now, int days)
{
	X509 *x = X509_new();
	long at = (long)(now / INSTANT_SECOND);

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), at - CLOCK_ALLOWANCE) && ASN1_TIME_set(X509_getm_notAfter(x), at + (long)days * 86400) &&
	    X509_set_pubkey(x, key))
		return x;
	X509_free(x);
	return NULL;
}

static struct slice bio_text(struct arena *a, BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	return arena_copy(a, slice_over(text, (size_t)n));
}

static enum err write_pair(struct arena *a, X509 *x, EVP_PKEY *key, struct certificate_pair *out)
{
	BIO *certificate = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
	enum err e = ERR_NO_MEMORY;

	if (certificate && secret && PEM_write_bio_X509(certificate, x) &&
	    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL)) {
		out->certificate = bio_text(a, certificate);
		out->key = bio_text(a, secret);
		e = slice_absent(out->certificate) || slice_absent(out->key) ? ERR_NO_MEMORY : OK;
	}
	BIO_free(certificate);
	BIO_free(secret);
	return e;
}

enum err certificate_make_ca(struct arena *a, const char *common_name, instant now, int days, struct certificate_pair *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? begin(key, common_name, now, days) : NULL;
	enum err e = ERR_INTERNAL;

	if (x && X509_set_issuer_name(x, X509_get_subject_name(x)) && add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") && add_extension(x, x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, key, EVP_sha256()))
		e = write_pair(a, x, key, out);
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return e;
}

/* "DNS:*.berth.test,IP:127.0.0.1" */
static void alternative_names(const char *const *names, size_t count, struct buf *to)
{
	unsigned char address[16];

	for (size_t i = 0; i < count; i++) {
		bool is_address = inet_pton(AF_INET, names[i], address) == 1 || inet_pton(AF_INET6, names[i], address) == 1;

		buf_printf(to, "%s%s:%s", i ? "," : "", is_address ? "IP" : "DNS", names[i]);
	}
	buf_add_char(to, 0);
}

static bool add_server_extensions(X509 *x, X509 *issuer, const char *const *names, size_t count)
{
	struct buf text;
	bool fine;

	buf_init(&text, NAMES_TEXT_MAX);
	alternative_names(names, count, &text);
	fine = !buf_failed(&text) && add_extension(x, issuer, NID_subject_alt_name, text.p) &&
	       add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, issuer, NID_ext_key_usage, "serverAuth") && add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(x, issuer, NID_authority_key_identifier, "keyid:always");
	buf_fini(&text);
	return fine;
}

static bool add_intermediate_extensions(X509 *x, X509 *issuer)
{
	return add_extension(x, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(x, issuer, NID_authority_key_identifier, "keyid:always");
}

static bool add_device_extensions(X509 *x, X509 *issuer)
{
	return add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, issuer, NID_ext_key_usage, "clientAuth") && add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(x, issuer, NID_authority_key_identifier, "keyid:always");
}

/* What is to be made under a CA. */
struct wish {
	const char *common_name;
	instant now;
	int days;
	const char *const *names; /* a server's; NULL: it is none */
	size_t count;
	bool ca;
};

static bool add_extensions(X509 *x, X509 *issuer, const struct wish *w)
{
	if (w->names)
		return add_server_extensions(x, issuer, w->names, w->count);
	return w->ca ? add_intermediate_extensions(x, issuer) : add_device_extensions(x, issuer);
}

static enum err make_under(struct arena *a, const struct certificate_pair *ca, const struct wish *w, struct certificate_pair *out)
{
	BIO *certificate = BIO_new_mem_buf(ca->certificate.p, (int)ca->certificate.n);
	BIO *secret = BIO_new_mem_buf(ca->key.p, (int)ca->key.n);
	X509 *issuer = certificate ? PEM_read_bio_X509(certificate, NULL, NULL, NULL) : NULL;
	EVP_PKEY *issuer_key = secret ? PEM_read_bio_PrivateKey(secret, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? begin(key, w->common_name, w->now, w->days) : NULL;
	enum err e = issuer && issuer_key ? ERR_INTERNAL : ERR_MALFORMED;

	if (x && issuer && issuer_key && X509_set_issuer_name(x, X509_get_subject_name(issuer)) && add_extensions(x, issuer, w) &&
	    X509_sign(x, issuer_key, EVP_sha256()))
		e = write_pair(a, x, key, out);
	X509_free(x);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
	X509_free(issuer);
	BIO_free(secret);
	BIO_free(certificate);
	ERR_clear_error();
	return e;
}

enum err certificate_make_server(struct arena *a, const struct certificate_pair *ca, const char *const *names, size_t count, instant now,
				 int days, struct certificate_pair *out)
{
	const struct wish w = {.common_name = count && strlen(names[0]) <= 64 ? names[0] : "berth",
			       .now = now,
			       .days = days,
			       .names = names,
			       .count = count};

	return count ? make_under(a, ca, &w, out) : ERR_INVALID;
}

enum err certificate_make_intermediate(struct arena *a, const struct certificate_pair *ca, const char *common_name, instant now, int days,
				       struct certificate_pair *out)
{
	const struct wish w = {.common_name = common_name, .now = now, .days = days, .ca = true};

	return make_under(a, ca, &w, out);
}

enum err certificate_make_device(struct arena *a, const struct certificate_pair *ca, const char *common_name, instant now, int days,
				 struct certificate_pair *out)
{
	const struct wish w = {.common_name = common_name, .now = now, .days = days};

	return make_under(a, ca, &w, out);
}
