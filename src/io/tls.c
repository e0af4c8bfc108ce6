#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "crypto/slim.h"
#include "io/tls_own.h"

#define WHY_MAX 256

/* Key exchange groups. They limit the curves of client certificates too (RFC 8422 section 5.1.1),
 * so all the curves that devices have must be listed; the first is the one we like best. */
#define TLS_GROUPS "X25519:P-256:P-384:P-521"

/* For TLS 1.2 only suites with forward secrecy; device-api.md 6 wants the CBC ones too. */
#define TLS12_SUITES "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES"

struct tls {
	atomic_int refs;
	size_t count;
	SSL_CTX *contexts[]; /* one for each pair */
};

/* --- one pair --- */

/* Any certificate passes here; what it is worth is found out once the request names its enrollment. */
static int accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* A key file with a pass phrase: never ask the terminal, fail. */
static int no_pass_phrase(char *to, int room, int writing, void *arg)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)arg;
	return -1;
}

/* The same for every pair, for OpenSSL takes some settings from the pair that SNI chose and some
 * from the first. */
static enum err context_set_up(SSL_CTX *c)
{
	static const unsigned char id[] = "berth";

	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_PRIORITIZE_CHACHA);
	/* A resumed session has lost the client's chain but for its leaf, and a ticket costs as much as
	 * decoding that chain once more. */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_session_id_context(c, id, sizeof(id) - 1);
	/* No list of acceptable authorities is set: some key stores withhold a certificate that no entry
	 * of such a list fits (device-api.md 6). */
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c, accept_any, NULL);
	tls_guard(c);
	SSL_CTX_set_max_cert_list(c, TLS_CHAIN_MAX);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_default_passwd_cb(c, no_pass_phrase);
	if (SSL_CTX_set1_groups_list(c, TLS_GROUPS) != 1 || SSL_CTX_set_cipher_list(c, TLS12_SUITES) != 1)
		return ERR_INTERNAL;
	return OK;
}

static enum err refuse(char why[WHY_MAX], enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static enum err refuse(char why[WHY_MAX], enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, WHY_MAX, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return e;
}

static enum err check_readable(const char *path, char why[WHY_MAX])
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return refuse(why, ERR_IO, "%s: %s", path, strerror(errno));
	fclose(f);
	return OK;
}

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "unknown reason";
}

/* Private keys are not what slim.h is for. */
static bool use_key(SSL_CTX *c, const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, no_pass_phrase, NULL) : NULL;
	bool used = key && SSL_CTX_use_PrivateKey(c, key) == 1;

	EVP_PKEY_free(key);
	if (f)
		fclose(f);
	return used;
}

static enum err context_load(SSL_CTX *c, const struct tls_pair *pair, char why[WHY_MAX])
{
	enum err e;

	if ((e = check_readable(pair->certificate_file, why)) != OK || (e = check_readable(pair->key_file, why)) != OK)
		return e;
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(c, pair->certificate_file) != 1)
		return refuse(why, ERR_MALFORMED, "%s: no usable certificate (%s)", pair->certificate_file, openssl_reason());
	if (!use_key(c, pair->key_file))
		return refuse(why, ERR_MALFORMED, "%s: no usable key for %s (%s)", pair->key_file, pair->certificate_file,
			      openssl_reason());
	return OK;
}

static enum err context_new(const struct tls_pair *pair, SSL_CTX **out, char why[WHY_MAX])
{
	SSL_CTX *c = SSL_CTX_new_ex(slim_library(SLIM_TLS), NULL, TLS_server_method());
	enum err e;

	if (c == NULL)
		return refuse(why, ERR_NO_MEMORY, "out of memory");
	if ((e = context_set_up(c)) != OK)
		refuse(why, e, "OpenSSL lacks a curve or cipher suite: %s", openssl_reason());
	else if ((e = context_load(c, pair, why)) == OK)
		*out = c;
	if (e != OK)
		SSL_CTX_free(c);
	return e;
}

/* --- which pair --- */

static SSL_CTX *find_context(const struct tls *t, const char *name, unsigned flags)
{
	for (size_t i = 0; i < t->count; i++) {
		X509 *leaf = SSL_CTX_get0_certificate(t->contexts[i]);

		if (leaf && X509_check_host(leaf, name, 0, flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1)
			return t->contexts[i];
	}
	return NULL;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *c;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if ((c = find_context(t, name, X509_CHECK_FLAG_NO_WILDCARDS)) == NULL)
		c = find_context(t, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (c)
		SSL_set_SSL_CTX(ssl, c);
	return SSL_TLSEXT_ERR_OK;
}

/* --- the whole --- */

enum err tls_new(const struct tls_pair *pairs, size_t count, struct tls **out, char why[WHY_MAX])
{
	struct tls *t;
	enum err e = OK;

	if (count == 0)
		return refuse(why, ERR_INVALID, "no server certificate was given");
	if ((t = calloc(1, sizeof(*t) + count * sizeof(t->contexts[0]))) == NULL)
		return refuse(why, ERR_NO_MEMORY, "out of memory");
	atomic_init(&t->refs, 1);
	for (; t->count < count && e == OK; t->count += e == OK)
		e = context_new(&pairs[t->count], &t->contexts[t->count], why);
	if (e != OK) {
		tls_free(&t);
		return e;
	}
	if (count > 1) {
		SSL_CTX_set_tlsext_servername_callback(t->contexts[0], on_server_name);
		SSL_CTX_set_tlsext_servername_arg(t->contexts[0], t);
	}
	*out = t;
	return OK;
}

void tls_free(struct tls **t)
{
	if (*t)
		tls_drop(*t);
	*t = NULL;
}

void tls_drop(struct tls *t)
{
	if (atomic_fetch_sub(&t->refs, 1) > 1)
		return;
	for (size_t i = 0; i < t->count; i++)
		SSL_CTX_free(t->contexts[i]);
	free(t);
}

SSL *tls_begin(struct tls *t)
{
	SSL *ssl = SSL_new(t->contexts[0]);

	if (ssl == NULL)
		return NULL;
	SSL_set_accept_state(ssl);
	atomic_fetch_add(&t->refs, 1);
	return ssl;
}
