#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "give_up.h"
#include "identities.h"

const char *identities_file(struct arena *arena, const char *path, const char *form)
{
	return arena_printf(arena, "%s.%s", path, form);
}

const char *identities_word(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static BIO *open_file(const char *file)
{
	BIO *bio = BIO_new_file(file, "r");

	if (bio == NULL)
		give_up("%s cannot be read", file);
	return bio;
}

/* Room for one more; it doubles. */
static void *grown(void *list, unsigned count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return list;
	if ((list = realloc(list, (count ? 2 * (size_t)count : 1) * size)) == NULL)
		give_up("out of memory");
	return list;
}

void identities_read(struct arena *arena, const char *path, struct identities *out)
{
	BIO *devices = open_file(identities_file(arena, path, "devices")), *chain = open_file(identities_file(arena, path, "chain"));
	EVP_PKEY *key;
	X509 *x;

	*out = (struct identities){.word = identities_word(path), .chain = sk_X509_new_null()};
	while ((key = PEM_read_bio_PrivateKey(devices, NULL, NULL, NULL)) != NULL) {
		out->keys = grown(out->keys, out->count, sizeof(EVP_PKEY *));
		out->leaves = grown(out->leaves, out->count, sizeof(X509 *));
		if ((x = PEM_read_bio_X509(devices, NULL, NULL, NULL)) == NULL)
			give_up("%s ends in the middle", path);
		out->keys[out->count] = key;
		out->leaves[out->count++] = x;
	}
	while ((x = PEM_read_bio_X509(chain, NULL, NULL, NULL)) != NULL)
		if (!sk_X509_push(out->chain, x))
			give_up("out of memory");
	ERR_clear_error(); /* the end of the file counts as one */
	if (out->count == 0)
		give_up("%s has no devices", path);
	BIO_free(chain);
	BIO_free(devices);
}

unsigned identities_ders(struct arena *arena, const char *file, struct slice **out)
{
	BIO *bio = open_file(file);
	unsigned count = 0;
	struct slice der;
	unsigned char *p;
	long n;

	/* Keys between them are passed over. */
	for (*out = NULL; PEM_bytes_read_bio(&p, &n, NULL, PEM_STRING_X509, bio, NULL, NULL); OPENSSL_free(p)) {
		der = arena_copy(arena, slice_over(p, (size_t)n));
		if (slice_absent(der))
			give_up("%s is too large", file);
		*out = grown(*out, count, sizeof(struct slice));
		(*out)[count++] = der;
	}
	ERR_clear_error();
	BIO_free(bio);
	return count;
}

void identities_show(const struct identities *all, unsigned number, SSL *ssl)
{
	if (SSL_use_cert_and_key(ssl, all->leaves[number], all->keys[number], all->chain, 1) != 1)
		give_up("a device cannot show its certificate");
}
