/* The contexts with less to search through: what they must still be able to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "crypto/slim.h"
#include "crypto/test_certificates.h"

static const enum slim_use uses[] = {SLIM_CERTIFICATES, SLIM_TLS};

static X509 *read_in(OSSL_LIB_CTX *library, X509 *x)
{
	int n;
	unsigned char *der = test_der(x, &n);
	const unsigned char *p = der;
	X509 *read = X509_new_ex(library, NULL);

	assert_non_null(d2i_X509(&read, &p, n));
	OPENSSL_free(der);
	return read;
}

static void every_kind_of_key_is_read_and_its_signature_checked(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096", "PSS-2048", "ED25519", "ED448"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_certificate c = test_make((struct test_wish){.kind = kinds[i], .name = "itself"});
		struct test_certificate other = test_make((struct test_wish){.kind = kinds[i], .name = "itself"});

		for (size_t k = 0; k < 2; k++) {
			X509 *mine = read_in(slim_library(uses[k]), c.x), *others = read_in(slim_library(uses[k]), other.x);

			assert_non_null(X509_get0_pubkey(mine));
			assert_int_equal(1, EVP_PKEY_eq(X509_get0_pubkey(mine), c.key));
			assert_int_equal(EVP_PKEY_get_base_id(c.key), EVP_PKEY_get_base_id(X509_get0_pubkey(mine)));
			assert_int_equal(1, X509_verify(mine, X509_get0_pubkey(mine)));
			assert_int_not_equal(1, X509_verify(mine, X509_get0_pubkey(others)));
			X509_free(others);
			X509_free(mine);
		}
		test_unmake(&other);
		test_unmake(&c);
	}
	ERR_clear_error();
}

static void every_key_type_of_certificates_and_tls_is_there(void **state)
{
	static const char *const types[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA", "X25519", "HMAC"};

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			EVP_KEYMGMT *type = EVP_KEYMGMT_fetch(slim_library(uses[k]), types[i], NULL);

			assert_non_null(type);
			EVP_KEYMGMT_free(type);
		}
}

/* Else they were OpenSSL's own, and all this for nothing. */
static void what_no_certificate_needs_is_not_there(void **state)
{
	static const char *const others[] = {"DH", "DHX", "SM2", "X448", "SCRYPT", "SIPHASH", "POLY1305", "CMAC"};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		assert_non_null(slim_library(uses[k]));
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			assert_null(EVP_KEYMGMT_fetch(slim_library(uses[k]), others[i], NULL));
		assert_null(OSSL_DECODER_fetch(slim_library(uses[k]), "EC", "input=der,structure=PrivateKeyInfo"));
	}
	ERR_clear_error();
}

static void each_use_has_a_context_of_its_own(void **state)
{
	(void)state;
	assert_ptr_not_equal(slim_library(SLIM_CERTIFICATES), slim_library(SLIM_TLS));
	assert_ptr_equal(slim_library(SLIM_TLS), slim_library(SLIM_TLS));
}

/* The groups of io/tls.c: the provider is asked for them when the context is made. */
static void tls_finds_its_groups(void **state)
{
	SSL_CTX *c = SSL_CTX_new_ex(slim_library(SLIM_TLS), NULL, TLS_server_method());

	(void)state;
	assert_non_null(c);
	assert_int_equal(1, SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384:P-521"));
	SSL_CTX_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_key_is_read_and_its_signature_checked),
		cmocka_unit_test(every_key_type_of_certificates_and_tls_is_there),
		cmocka_unit_test(what_no_certificate_needs_is_not_there),
		cmocka_unit_test(each_use_has_a_context_of_its_own),
		cmocka_unit_test(tls_finds_its_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
