#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "crypto/slim.h"

#define KEPT_MAX 24

/* Ended by one without a name. */
struct kept {
	OSSL_ALGORITHM at[KEPT_MAX + 1];
};

static struct {
	OSSL_PROVIDER *whole; /* the default provider, in a context of its own */
	struct kept key_types, decoders;
	OSSL_LIB_CTX *libraries[SLIM_TLS + 1];
} slim;

/* --- what is kept --- */

/* DSA opens no door; but without it a client that has nothing else would send no certificate at all, and be told so. HMAC is a
 * key to OpenSSL, and the suites of TLS 1.2 with CBC want it. */
static const char *const public_keys[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA", NULL};
static const char *const tls_keys[] = {"X25519", "HMAC", NULL};

/* The first of the algorithm's names: "RSA:rsaEncryption:1.2.840.113549.1.1.1". */
static bool is_called(const OSSL_ALGORITHM *a, const char *const *names)
{
	size_t n = strcspn(a->algorithm_names, ":");

	for (; *names; names++)
		if (strlen(*names) == n && strncmp(*names, a->algorithm_names, n) == 0)
			return true;
	return false;
}

static bool is_key_type(const OSSL_ALGORITHM *a)
{
	return is_called(a, public_keys) || is_called(a, tls_keys);
}

static bool is_public_key_decoder(const OSSL_ALGORITHM *a)
{
	return is_called(a, public_keys) && strstr(a->property_definition, "structure=SubjectPublicKeyInfo");
}

static bool keep(int operation, bool (*wanted)(const OSSL_ALGORITHM *), struct kept *out)
{
	int no_store;
	const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(slim.whole, operation, &no_store);
	size_t n = 0;

	for (; a && a->algorithm_names; a++) {
		if (!wanted(a))
			continue;
		if (n == KEPT_MAX)
			return false;
		out->at[n++] = *a;
	}
	return n > 0;
}

/* --- the provider --- */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_store)
{
	(void)context;
	*no_store = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT: return slim.key_types.at;
	case OSSL_OP_DECODER: return slim.decoders.at;
	default: return OSSL_PROVIDER_query_operation(slim.whole, operation, no_store);
	}
}

/* TLS asks it for the groups that it can agree on. */
static int capabilities(void *context, const char *capability, OSSL_CALLBACK *each, void *arg)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(slim.whole, capability, each, arg);
}

/* The algorithms are the default provider's, so they get its context. It outlives them, and is not theirs to free. */
static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
		{0, NULL},
	};

	(void)handle;
	(void)core;
	*out = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(slim.whole);
	return 1;
}

/* --- the contexts --- */

static bool open_whole(void)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();

	slim.whole = context ? OSSL_PROVIDER_load(context, "default") : NULL;
	if (slim.whole && keep(OSSL_OP_KEYMGMT, is_key_type, &slim.key_types) &&
	    keep(OSSL_OP_DECODER, is_public_key_decoder, &slim.decoders))
		return true;
	OSSL_LIB_CTX_free(context);
	return false;
}

static OSSL_LIB_CTX *open_slim(void)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();

	if (context && OSSL_PROVIDER_add_builtin(context, "slim", begin) && OSSL_PROVIDER_load(context, "slim"))
		return context;
	OSSL_LIB_CTX_free(context);
	return NULL;
}

static void make(void)
{
	if (open_whole())
		for (size_t i = 0; i <= SLIM_TLS; i++)
			slim.libraries[i] = open_slim();
	ERR_clear_error();
}

OSSL_LIB_CTX *slim_library(enum slim_use use)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make);
	return slim.libraries[use];
}
