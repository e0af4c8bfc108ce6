/* What manufacturers of TPMs say of their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/attest.h"
#include "base/text.h"
#include "crypto/test_certificates.h"
#include "crypto/test_tpm.h"

#define ROOM  (1024 * 1024)
#define USAGE "2.23.133.8.1"

static struct test_tpm tpm;
static struct test_certificate root, between, stranger, ek;
static struct arena *keys;
static instant now;

struct fixture {
	struct arena *a;
	struct enrollment e;
	struct endorsement_root roots[2];
	struct endorsement_trust trust;
	struct revocations *withdrawn;
	struct endorsement_fault fault;
};

static void as_endorsement(X509 *x)
{
	test_extend(x, x, NID_key_usage, "critical,keyEncipherment");
	test_extend(x, x, NID_ext_key_usage, USAGE);
}

static void for_clients(X509 *x)
{
	test_extend(x, x, NID_ext_key_usage, "clientAuth");
}

static int make_all(void **state)
{
	(void)state;
	now = clock_wall();
	keys = arena_new(ROOM);
	tpm = test_tpm_make(keys);
	root = test_make((struct test_wish){.name = "Chips root", .ca = 1, .full = 1, .from = -400 * TEST_DAY, .to = 400 * TEST_DAY});
	between = test_make((struct test_wish){.name = "Chips 7", .issuer = &root, .ca = 1, .full = 1, .from = -400 * TEST_DAY, .to = 400 * TEST_DAY});
	stranger = test_make((struct test_wish){.name = "Others", .ca = 1, .full = 1});
	ek = test_make((struct test_wish){.name = "EK", .key = tpm.endorsement, .issuer = &between, .odd = as_endorsement});
	return 0;
}

static int unmake_all(void **state)
{
	(void)state;
	test_unmake(&root);
	test_unmake(&between);
	test_unmake(&stranger);
	test_unmake(&ek);
	test_tpm_unmake(&tpm);
	arena_free(&keys);
	return 0;
}

static struct slice der_of(struct arena *a, const struct test_certificate *c)
{
	int n;
	unsigned char *der = test_der(c->x, &n);
	struct slice copy = arena_copy(a, slice_over(der, (size_t)n));

	OPENSSL_free(der);
	return copy;
}

static const char *pem_of(struct arena *a, const struct test_certificate *c)
{
	struct slice text = base64_encode(a, der_of(a, c));

	return arena_printf(a, "-----BEGIN CERTIFICATE-----\n%.*s\n-----END CERTIFICATE-----\n", SLICE_ARG(text));
}

static void trust(struct fixture *f, size_t i, const char *name, const struct test_certificate *c)
{
	noun_clear(&noun_endorsement_root, &f->roots[i]);
	f->roots[i].name = slice_str(name);
	f->roots[i].certificate = der_of(f->a, c);
	f->roots[i].subject_mark = certificate_subject_mark(f->roots[i].certificate, f->a);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM)};
	noun_clear(&noun_individual, &f.e);
	f.e.name = SLICE("Dev-1");
	f.e.attestation = SLICE("tpm");
	f.e.endorsement_key = base64_encode(f.a, tpm.endorsement_key);
	trust(&f, 0, "others", &stranger);
	trust(&f, 1, "chips", &root);
	f.trust = (struct endorsement_trust){.roots = f.roots, .root_count = 2};
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	revocations_free(&f->withdrawn);
	arena_free(&f->a);
	return 0;
}

static void give(struct fixture *f, const struct test_certificate *first, const struct test_certificate *second)
{
	f->e.endorsement_certificate =
		arena_format(f->a, "%s%s", pem_of(f->a, first), second ? pem_of(f->a, second) : "");
}

static void well(struct fixture *f, instant at)
{
	assert_int_equal(attest_endorsement(&f->e, &f->trust, at, f->a, &f->fault), OK);
	if (f->fault.check)
		fail_msg("%s: %s", f->fault.check, f->fault.sentence);
}

static void bad(struct fixture *f, instant at, const char *check, const char *part)
{
	assert_int_equal(attest_endorsement(&f->e, &f->trust, at, f->a, &f->fault), OK);
	assert_non_null(f->fault.check);
	if (strcmp(f->fault.check, check) != 0)
		fail_msg("%s: %s", f->fault.check, f->fault.sentence);
	if (strstr(f->fault.sentence, part) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", f->fault.sentence, part);
	assert_true(f->fault.seen && f->fault.expected);
}

static void a_path_to_a_root_is_well(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	well(f, now);
	trust(f, 1, "chips 7", &between);
	give(f, &ek, NULL);
	well(f, now);
	f->e.endorsement_certificate = base64_encode(f->a, der_of(f->a, &ek));
	well(f, now);
}

static void without_one_it_depends_on_the_service(void **state)
{
	struct fixture *f = *state;

	assert_false(attest_wants_roots(&f->e, false));
	assert_true(attest_wants_roots(&f->e, true));
	well(f, now);
	f->trust.required = true;
	bad(f, now, "endorsement-certificate", "has none");
	f->e.attestation = SLICE("symmetricKey");
	assert_false(attest_wants_roots(&f->e, true));
}

/* A TPM outlives its certificate: what counts is the day on which it was enrolled. */
static void the_time_is_that_of_the_enrollment(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	well(f, now - 3600 * INSTANT_SECOND);
	bad(f, now + (instant)(2 * TEST_DAY) * INSTANT_SECOND, "endorsement-path", "expired");
	bad(f, now - (instant)(2 * TEST_DAY) * INSTANT_SECOND, "endorsement-path", "not yet valid");
}

static void another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	struct test_certificate other = test_make((struct test_wish){.name = "EK", .key = tpm.storage, .issuer = &between, .odd = as_endorsement});

	give(f, &other, &between);
	bad(f, now, "endorsement-certificate", "another key");
	test_unmake(&other);
}

static void who_is_not_trusted_is_named(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, NULL);
	bad(f, now, "endorsement-root", "CN=Chips 7");
	give(f, &ek, &between);
	f->trust.root_count = 1;
	bad(f, now, "endorsement-root", "CN=Chips root");
	f->trust.root_count = 0;
	bad(f, now, "endorsement-root", "has no endorsement root");
}

static void a_root_of_the_same_name_is_not_the_same(void **state)
{
	struct fixture *f = *state;
	struct test_certificate twin = test_make((struct test_wish){.name = "Chips root", .ca = 1, .full = 1});

	give(f, &ek, &between);
	trust(f, 1, "twin", &twin);
	bad(f, now, "endorsement-path", "twin");
	trust(f, 0, "chips", &root);
	well(f, now);
	test_unmake(&twin);
}

static void a_certificate_for_something_else_is_refused(void **state)
{
	struct fixture *f = *state;
	struct test_certificate other = test_make((struct test_wish){.name = "EK", .key = tpm.endorsement, .issuer = &root, .odd = for_clients});
	struct test_certificate plain = test_make((struct test_wish){.name = "EK", .key = tpm.endorsement, .issuer = &root});

	give(f, &other, NULL);
	bad(f, now, "endorsement-path", "2.23.133.8.1");
	give(f, &plain, NULL);
	well(f, now);
	test_unmake(&other);
	test_unmake(&plain);
}

/* --- withdrawn --- */

static struct revocation_list lists[2];

/* A list of the issuer's, on which `revoked` stands, from and to in seconds from now. */
static void withdraw(struct fixture *f, const char *name, const struct test_certificate *issuer, X509 *revoked, long to, bool strict)
{
	struct revocation_list *list = &lists[f->trust.list_count++];
	X509_CRL *crl = test_revoke(issuer, revoked, -2 * 3600, to, 0, NULL);
	unsigned char *bytes = NULL;
	int n = i2d_X509_CRL(crl, &bytes);

	noun_clear(&noun_revocation_list, list);
	list->name = slice_str(name);
	list->version = SLICE("1");
	list->strict = strict ? FLAG_YES : FLAG_NO;
	f->trust.lists = lists;
	f->trust.now = now;
	if (f->withdrawn == NULL)
		assert_int_equal(revocations_new(&f->withdrawn), OK);
	assert_int_equal(revocations_add(f->withdrawn, slice_over(bytes, (size_t)n), list->name, strict), OK);
	f->trust.withdrawn = f->withdrawn;
	OPENSSL_free(bytes);
	X509_CRL_free(crl);
}

static void a_certificate_that_was_withdrawn_is_refused(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	withdraw(f, "chips-crl", &root, stranger.x, 3600, false);
	well(f, now);
	withdraw(f, "chips-7-crl", &between, ek.x, 3600, false);
	bad(f, now, "endorsement-path-revoked", "the endorsement certificate (serial number ");
	bad(f, now, "endorsement-path-revoked", "stands on the revocation list chips-7-crl");
}

static void an_intermediate_that_was_withdrawn_is_refused(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	withdraw(f, "chips-crl", &root, between.x, 3600, true);
	bad(f, now, "endorsement-path-revoked", "CN=Chips 7, an intermediate (serial number ");
	bad(f, now, "endorsement-path-revoked", "stands on the revocation list chips-crl");
	trust(f, 0, "chips 7", &between); /* also when it is trusted by name */
	bad(f, now, "endorsement-path-revoked", "CN=Chips 7, an intermediate");
}

/* The enrollment may be old, and its certificate have ended since: what is on a list of today counts nevertheless. */
static void lists_are_of_today(void **state)
{
	struct fixture *f = *state;
	instant enrolled = now - 3600 * INSTANT_SECOND;

	give(f, &ek, &between);
	withdraw(f, "chips-7-crl", &between, NULL, 3600, true);
	well(f, enrolled);
	f->trust.now = now + (instant)(2 * TEST_DAY) * INSTANT_SECOND;
	bad(f, enrolled, "endorsement-path-revocation-unknown", "the revocation list chips-7-crl is out of date");
}

static void a_list_that_is_out_of_date_still_bars_those_on_it(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	withdraw(f, "root-crl", &root, NULL, -3600, false);
	well(f, now);
	withdraw(f, "chips-7-crl", &between, ek.x, -3600, false);
	bad(f, now, "endorsement-path-revoked", "chips-7-crl");
}

static void a_strict_list_of_which_there_is_nothing_bars_everybody(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	noun_clear(&noun_revocation_list, &lists[0]);
	lists[0].name = SLICE("chips-crl");
	f->trust.lists = lists;
	f->trust.list_count = 1;
	well(f, now);
	lists[0].strict = FLAG_YES;
	bad(f, now, "endorsement-path-revocation-unknown", "chips-crl is strict, and there is none: it was not fetched yet");
	lists[0].trouble = SLICE("The server answered with status 503.");
	bad(f, now, "endorsement-path-revocation-unknown", "status 503");
	f->e.endorsement_certificate = NO_SLICE;
	well(f, now);
}

static void lists_that_were_not_brought_are_our_own_fault(void **state)
{
	struct fixture *f = *state;

	give(f, &ek, &between);
	withdraw(f, "chips-7-crl", &between, NULL, 3600, false);
	f->trust.withdrawn = NULL;
	assert_int_equal(attest_endorsement(&f->e, &f->trust, now, f->a, &f->fault), ERR_INTERNAL);
}

static void a_list_counts_when_the_right_one_has_signed_it(void **state)
{
	struct fixture *f = *state;
	X509_CRL *crl = test_revoke(&root, NULL, -3600, 3600, 0, NULL);
	unsigned char *bytes = NULL;
	int n = i2d_X509_CRL(crl, &bytes);
	struct slice der = slice_over(bytes, (size_t)n), signers[] = {NO_SLICE, der_of(f->a, &stranger), der_of(f->a, &root)};

	noun_clear(&noun_revocation_list, &lists[0]);
	assert_false(attest_list_is_signed(der, &lists[0], signers, 2));
	assert_true(attest_list_is_signed(der, &lists[0], signers, 3));
	lists[0].issuer_certificate = signers[2];
	assert_true(attest_list_is_signed(der, &lists[0], signers, 0));
	OPENSSL_free(bytes);
	X509_CRL_free(crl);
}

static void rubbish_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *six = "";

	for (int i = 0; i < 6; i++)
		six = arena_printf(f->a, "%s%s", six, pem_of(f->a, &ek));
	f->e.endorsement_certificate = SLICE("rubbish");
	bad(f, now, "endorsement-certificate", "cannot be used");
	f->e.endorsement_certificate = SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	bad(f, now, "endorsement-certificate", "cannot be used");
	f->e.endorsement_certificate = slice_str(six);
	bad(f, now, "endorsement-certificate", "cannot be used");
}

static void a_judgement_is_whole_or_there_is_no_memory(void **state)
{
	struct fixture *f = *state;
	enum err e = ERR_NO_MEMORY;
	int failed = 0;

	give(f, &ek, &between);
	for (size_t ceiling = 16; e == ERR_NO_MEMORY && ceiling < ROOM; ceiling += 512) {
		struct arena *small = arena_new(ceiling);

		e = small ? attest_endorsement(&f->e, &f->trust, now, small, &f->fault) : ERR_NO_MEMORY;
		failed += e == ERR_NO_MEMORY;
		arena_free(&small);
	}
	assert_int_equal(e, OK);
	assert_null(f->fault.check);
	assert_true(failed > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_path_to_a_root_is_well),
		TEST(without_one_it_depends_on_the_service),
		TEST(the_time_is_that_of_the_enrollment),
		TEST(another_key_is_refused),
		TEST(who_is_not_trusted_is_named),
		TEST(a_root_of_the_same_name_is_not_the_same),
		TEST(a_certificate_for_something_else_is_refused),
		TEST(a_certificate_that_was_withdrawn_is_refused),
		TEST(an_intermediate_that_was_withdrawn_is_refused),
		TEST(lists_are_of_today),
		TEST(a_list_that_is_out_of_date_still_bars_those_on_it),
		TEST(a_strict_list_of_which_there_is_nothing_bars_everybody),
		TEST(lists_that_were_not_brought_are_our_own_fault),
		TEST(a_list_counts_when_the_right_one_has_signed_it),
		TEST(rubbish_is_refused),
		TEST(a_judgement_is_whole_or_there_is_no_memory),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
