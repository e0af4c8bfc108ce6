/*
 * Revocation: root, intermediate, leaf, and lists by each of the two that sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/chain.h"
#include "crypto/test_certificates.h"

#define HOUR 3600

enum { LEAF, LINE, ROOT, MADE };

struct world {
	struct arena *a;
	struct test_certificate made[MADE], other_line; /* the other has the name of LINE and another key */
	struct slice chain[MADE];
	struct revocations *lists;
};

static struct slice der_of(struct arena *a, X509 *x)
{
	int n;
	unsigned char *bytes = test_der(x, &n);
	struct slice copy = arena_copy(a, slice_over(bytes, (size_t)n));

	OPENSSL_free(bytes);
	return copy;
}

static struct slice crl_der(struct arena *a, X509_CRL *crl)
{
	unsigned char *bytes = NULL;
	int n = i2d_X509_CRL(crl, &bytes);
	struct slice copy = arena_copy(a, slice_over(bytes, (size_t)n));

	OPENSSL_free(bytes);
	X509_CRL_free(crl);
	return copy;
}

static int set_up(void **state)
{
	static struct world w;
	static const char *const names[MADE] = {"dev-1", "Line", "Root"};

	w = (struct world){.a = arena_new(4 * 1024 * 1024)};
	for (int i = ROOT; i >= LEAF; i--) {
		w.made[i] = test_make((struct test_wish){.name = names[i], .issuer = i == ROOT ? NULL : &w.made[i + 1], .ca = i > LEAF});
		w.chain[i] = der_of(w.a, w.made[i].x);
	}
	w.other_line = test_make((struct test_wish){.name = "Line", .issuer = &w.made[ROOT], .ca = 1});
	assert_int_equal(revocations_new(&w.lists), OK);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < MADE; i++)
		test_unmake(&w->made[i]);
	test_unmake(&w->other_line);
	revocations_free(&w->lists);
	arena_free(&w->a);
	return 0;
}

static void add(struct world *w, const struct test_certificate *issuer, X509 *revoked, long from, long to, bool strict)
{
	struct slice der = crl_der(w->a, test_revoke(issuer, revoked, from, to, 0, NULL));

	assert_int_equal(revocations_add(w->lists, der, SLICE("withdrawn"), strict), OK);
}

static struct chain_path judge_for(struct world *w, int anchor, enum chain_purpose purpose, instant now)
{
	struct chain *c = NULL;
	struct chain_path path;

	assert_int_equal(chain_new(w->chain, MADE, &c), OK);
	assert_int_equal(chain_judge_revoked(c, w->chain[anchor], w->lists, purpose, now, &path), OK);
	chain_free(&c);
	return path;
}

static struct chain_path judge(struct world *w, int anchor)
{
	return judge_for(w, anchor, CHAIN_CLIENT, clock_wall());
}

static void assert_fails(struct chain_path path, const char *word, int culprit)
{
	assert_false(path.leads);
	assert_string_equal(path.word, word);
	assert_int_equal(path.culprit, culprit);
}

static void without_lists_everybody_passes(void **state)
{
	struct world *w = *state;
	struct chain_path path = judge(w, ROOT);

	assert_true(path.leads);
	assert_int_equal(path.depth, ROOT);
}

static void a_revoked_leaf_is_refused(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], w->made[LEAF].x, -HOUR, HOUR, false);
	assert_fails(judge(w, ROOT), "revoked", LEAF);
	assert_fails(judge(w, LINE), "revoked", LEAF);
}

static void a_leaf_that_is_not_on_the_list_passes(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], w->other_line.x, -HOUR, HOUR, true);
	assert_true(judge(w, ROOT).leads);
	assert_true(judge(w, LINE).leads);
}

static void a_revoked_intermediate_bars_what_it_has_signed(void **state)
{
	struct world *w = *state;

	add(w, &w->made[ROOT], w->made[LINE].x, -HOUR, HOUR, false);
	assert_fails(judge(w, ROOT), "revoked", LINE);
}

static void one_list_does_not_speak_for_another_issuer(void **state)
{
	struct world *w = *state;

	add(w, &w->made[ROOT], w->made[LEAF].x, -HOUR, HOUR, true); /* the leaf's serial, but the root has not issued it */
	assert_true(judge(w, ROOT).leads);
}

static void an_old_list_still_bars_those_on_it(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], w->made[LEAF].x, -2 * HOUR, -HOUR, false);
	assert_fails(judge(w, ROOT), "revoked", LEAF);
}

static void an_old_list_lets_others_pass_unless_it_is_strict(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], NULL, -2 * HOUR, -HOUR, false);
	assert_true(judge(w, ROOT).leads);
	revocations_free(&w->lists);
	assert_int_equal(revocations_new(&w->lists), OK);
	add(w, &w->made[LINE], NULL, -2 * HOUR, -HOUR, true);
	assert_fails(judge(w, ROOT), "revocation-unknown", LEAF);
}

static void a_strict_list_of_the_future_is_no_list_yet(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], NULL, HOUR, 2 * HOUR, true);
	assert_fails(judge(w, ROOT), "revocation-unknown", LEAF);
}

static void a_list_by_a_namesake_vouches_for_nobody(void **state)
{
	struct world *w = *state;

	add(w, &w->other_line, NULL, -HOUR, HOUR, true);
	assert_fails(judge(w, ROOT), "revocation-unknown", LEAF);
}

static void the_list_that_speaks_against_it_is_named(void **state)
{
	struct world *w = *state;

	add(w, &w->made[LINE], w->made[LEAF].x, -HOUR, HOUR, false);
	assert_string_equal(judge(w, ROOT).list, "withdrawn");
	revocations_free(&w->lists);
	assert_int_equal(revocations_new(&w->lists), OK);
	add(w, &w->made[LINE], NULL, -2 * HOUR, -HOUR, true);
	assert_string_equal(judge(w, ROOT).list, "withdrawn");
	revocations_free(&w->lists);
	assert_int_equal(revocations_new(&w->lists), OK);
	add(w, &w->made[LINE], w->made[LEAF].x, -2 * HOUR, -HOUR, false);
	assert_string_equal(judge(w, ROOT).list, "withdrawn");
	w->chain[LINE] = w->chain[LEAF]; /* what breaks for another reason is no list's doing */
	assert_null(judge(w, ROOT).list);
}

/* A TPM outlives its certificate, and what was withdrawn stays so. */
static void of_endorsement_certificates_only_the_lists_are_dated(void **state)
{
	struct world *w = *state;
	instant later = clock_wall() + (instant)(3 * TEST_DAY) * INSTANT_SECOND;

	add(w, &w->made[LINE], NULL, -HOUR, 4 * TEST_DAY, true);
	assert_fails(judge_for(w, ROOT, CHAIN_CLIENT, later), "expired", LINE);
	assert_true(judge_for(w, ROOT, CHAIN_ENDORSEMENT, later).leads);
	assert_fails(judge_for(w, ROOT, CHAIN_ENDORSEMENT, later + (instant)(3 * TEST_DAY) * INSTANT_SECOND), "revocation-unknown", LEAF);
	revocations_free(&w->lists);
	assert_int_equal(revocations_new(&w->lists), OK);
	add(w, &w->made[LINE], w->made[LEAF].x, -HOUR, HOUR, false);
	assert_fails(judge_for(w, ROOT, CHAIN_ENDORSEMENT, later), "revoked", LEAF);
}

static void there_is_a_limit_to_lists(void **state)
{
	struct world *w = *state;
	struct slice der = crl_der(w->a, test_revoke(&w->made[LINE], NULL, -HOUR, HOUR, 0, NULL));

	for (int i = 0; i < REVOCATIONS_MAX; i++)
		assert_int_equal(revocations_add(w->lists, der, SLICE("one"), i % 2), OK);
	assert_int_equal(revocations_add(w->lists, der, SLICE("one"), false), ERR_TOO_BIG);
}

/* --- reading --- */

static void a_list_is_read_as_pem_and_as_der(void **state)
{
	struct world *w = *state;
	X509_CRL *crl = test_revoke(&w->made[LINE], w->made[LEAF].x, -HOUR, HOUR, 0, NULL);
	BIO *out = BIO_new(BIO_s_mem());
	const char *why = NULL;
	char *pem;
	struct slice from_pem, from_der, der;
	struct revocation_info info;
	size_t n;

	assert_true(PEM_write_bio_X509_CRL(out, crl));
	n = (size_t)BIO_get_mem_data(out, &pem);
	der = crl_der(w->a, crl);
	assert_int_equal(revocation_read(slice_over(pem, n), w->a, &from_pem, &why), OK);
	assert_int_equal(revocation_read(der, w->a, &from_der, &why), OK);
	assert_true(slice_eq(from_pem, der) && slice_eq(from_der, der));
	assert_int_equal(revocation_describe(der, w->a, &info, &why), OK);
	assert_true(slice_eq(info.issuer, SLICE("CN=Line")));
	assert_int_equal(info.entries, 1);
	assert_true(info.next_update - info.this_update == 2 * HOUR * INSTANT_SECOND);
	BIO_free(out);
}

static void what_is_no_list_is_refused_with_a_sentence(void **state)
{
	struct world *w = *state;
	struct slice der = crl_der(w->a, test_revoke(&w->made[LINE], NULL, -HOUR, HOUR, 0, NULL)), out;
	struct slice more;
	const char *why = NULL;
	char *longer = arena_alloc(w->a, der.n + 1);

	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	more = slice_over(longer, der.n + 1);
	assert_int_equal(revocation_read(more, w->a, &out, &why), ERR_INVALID);
	assert_int_equal(revocation_read(slice_to(der, der.n - 1), w->a, &out, &why), ERR_INVALID);
	assert_int_equal(revocation_read(w->chain[LEAF], w->a, &out, &why), ERR_INVALID);
	assert_int_equal(revocation_read(SLICE("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), w->a, &out, &why), ERR_INVALID);
	assert_int_equal(revocation_read(SLICE(""), w->a, &out, &why), ERR_INVALID);
	assert_non_null(why);
}

static void lists_of_changes_and_on_behalf_of_others_are_refused(void **state)
{
	struct world *w = *state;
	struct slice delta = crl_der(w->a, test_revoke(&w->made[LINE], NULL, -HOUR, HOUR, NID_delta_crl, "critical,DER:02:01:01"));
	struct slice indirect =
		crl_der(w->a, test_revoke(&w->made[LINE], NULL, -HOUR, HOUR, NID_issuing_distribution_point, "critical,indirectCRL:TRUE"));
	struct revocation_info info;
	const char *why = NULL;

	assert_int_equal(revocation_describe(delta, w->a, &info, &why), ERR_UNSUPPORTED);
	assert_non_null(strstr(why, "delta"));
	assert_int_equal(revocation_describe(indirect, w->a, &info, &why), ERR_UNSUPPORTED);
	assert_non_null(strstr(why, "indirect"));
}

static void only_its_issuer_has_signed_a_list(void **state)
{
	struct world *w = *state;
	struct slice der = crl_der(w->a, test_revoke(&w->made[LINE], NULL, -HOUR, HOUR, 0, NULL));

	assert_true(revocation_signed_by(der, w->chain[LINE]));
	assert_false(revocation_signed_by(der, w->chain[ROOT]));
	assert_false(revocation_signed_by(der, der_of(w->a, w->other_line.x)));
	assert_false(revocation_signed_by(der, SLICE("")));
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(without_lists_everybody_passes),
		WORLD_TEST(a_revoked_leaf_is_refused),
		WORLD_TEST(a_leaf_that_is_not_on_the_list_passes),
		WORLD_TEST(a_revoked_intermediate_bars_what_it_has_signed),
		WORLD_TEST(one_list_does_not_speak_for_another_issuer),
		WORLD_TEST(an_old_list_still_bars_those_on_it),
		WORLD_TEST(an_old_list_lets_others_pass_unless_it_is_strict),
		WORLD_TEST(a_strict_list_of_the_future_is_no_list_yet),
		WORLD_TEST(a_list_by_a_namesake_vouches_for_nobody),
		WORLD_TEST(the_list_that_speaks_against_it_is_named),
		WORLD_TEST(of_endorsement_certificates_only_the_lists_are_dated),
		WORLD_TEST(there_is_a_limit_to_lists),
		WORLD_TEST(a_list_is_read_as_pem_and_as_der),
		WORLD_TEST(what_is_no_list_is_refused_with_a_sentence),
		WORLD_TEST(lists_of_changes_and_on_behalf_of_others_are_refused),
		WORLD_TEST(only_its_issuer_has_signed_a_list),
	};

	return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
