#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "io/credential.h"

/* A key with a pass phrase: never ask the terminal, fail. */
static int no_pass_phrase(char *to, int room, int writing, void *arg)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)arg;
	return -1;
}

static BIO *bio_over(struct slice text)
{
	return BIO_new_mem_buf(text.p ? text.p : "", text.n > INT_MAX ? INT_MAX : (int)text.n);
}

static enum err read_chain(struct credential *c, BIO *bio, const char **why)
{
	X509 *x;

	if ((c->leaf = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) == NULL) {
		*why = "there is no certificate in PEM form in it";
		return ERR_MALFORMED;
	}
	while ((x = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
		bool fits = sk_X509_num(c->chain) < CREDENTIAL_CHAIN_MAX;

		if (fits && sk_X509_push(c->chain, x) > 0)
			continue;
		X509_free(x);
		*why = "there are too many certificates in it";
		return fits ? ERR_NO_MEMORY : ERR_TOO_BIG;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		return OK;
	*why = "one of the certificates in it does not read";
	return ERR_MALFORMED;
}

static enum err read_key(struct credential *c, BIO *bio, const char **why)
{
	if ((c->key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL)) == NULL) {
		*why = "there is no private key in PEM form, without a pass phrase, in it";
		return ERR_MALFORMED;
	}
	if (X509_check_private_key(c->leaf, c->key) == 1)
		return OK;
	*why = "the key is not that of the certificate";
	return ERR_INVALID;
}

static enum err read_both(struct credential *c, BIO *certificates, BIO *key, const char **why)
{
	enum err e;

	*why = "out of memory";
	if (certificates == NULL || key == NULL || (c->chain = sk_X509_new_null()) == NULL)
		return ERR_NO_MEMORY;
	if ((e = read_chain(c, certificates, why)) != OK)
		return e;
	return read_key(c, key, why);
}

enum err credential_read(struct slice certificates, struct slice key, struct credential **out, const char **why)
{
	struct credential *c = calloc(1, sizeof(*c));
	BIO *certificate_bio = bio_over(certificates), *key_bio = bio_over(key);
	enum err e = ERR_NO_MEMORY;

	ERR_clear_error();
	if (c)
		e = read_both(c, certificate_bio, key_bio, why);
	else
		*why = "out of memory";
	ERR_clear_error();
	BIO_free(certificate_bio);
	BIO_free(key_bio);
	if (e == OK)
		*out = c;
	else
		credential_free(&c);
	return e;
}

void credential_free(struct credential **c)
{
	struct credential *it = *c;

	*c = NULL;
	if (it == NULL)
		return;
	X509_free(it->leaf);
	EVP_PKEY_free(it->key);
	sk_X509_pop_free(it->chain, X509_free);
	free(it);
}
