/* Chains: what leads to an anchor, and what does not. A thousand ways to spoil a good one: chain_mutation_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/chain.h"
#include "crypto/test_keys.h"

#define DEPTH 4 /* root, two intermediates, leaf */
#define ROOM  (16 * 1024 * 1024)

struct world {
	struct test_certificate made[DEPTH]; /* leaf first */
	struct slice der[DEPTH];
	struct arena *a;
};

static int set_up(void **state)
{
	static struct world w;
	static const char *const names[DEPTH] = {"dev-1", "Cell", "Line", "Root"};

	w.a = arena_new(ROOM);
	for (int i = DEPTH - 1; i >= 0; i--) {
		w.made[i] = test_make((struct test_wish){.name = names[i], .issuer = i == DEPTH - 1 ? NULL : &w.made[i + 1], .ca = i > 0});
		w.der[i] = test_der_of(w.a, w.made[i].x);
	}
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < DEPTH; i++)
		test_unmake(&w->made[i]);
	arena_free(&w->a);
	return 0;
}

static struct chain_path judge(const struct slice *ders, size_t count, struct slice anchor)
{
	struct chain *c = NULL;
	struct chain_path path;

	assert_int_equal(chain_new(ders, count, &c), OK);
	assert_int_equal(chain_judge(c, anchor, CHAIN_CLIENT, clock_wall(), &path), OK);
	chain_free(&c);
	assert_null(c);
	return path;
}

static void a_chain_leads_to_each_certificate_above_its_leaf(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < DEPTH; i++) {
		struct chain_path path = judge(w->der, DEPTH, w->der[i]);

		assert_true(path.leads);
		assert_int_equal(path.depth, i);
	}
}

static void the_anchor_need_not_be_sent_but_what_lies_between_must(void **state)
{
	struct world *w = *state;
	struct slice gap[] = {w->der[0], w->der[2], w->der[3]};
	struct chain_path path = judge(w->der, 2, w->der[2]);

	assert_true(path.leads);
	path = judge(gap, 3, w->der[3]);
	assert_false(path.leads);
	assert_string_equal(path.word, "incomplete");
}

static void the_order_of_those_above_the_leaf_does_not_matter_nor_do_duplicates(void **state)
{
	struct world *w = *state;
	struct slice mixed[] = {w->der[0], w->der[3], w->der[3], w->der[2], w->der[1], w->der[0], w->der[1]};

	assert_true(judge(mixed, 7, w->der[3]).leads);
}

static void a_stranger_with_the_name_of_the_issuer_does_not_vouch(void **state)
{
	struct world *w = *state;
	struct test_certificate fake = test_make((struct test_wish){.name = "Cell", .ca = 1});
	struct chain_path path = judge(w->der, 1, test_der_of(w->a, fake.x));

	test_unmake(&fake);
	assert_false(path.leads);
	assert_string_equal(path.word, "signature");
	assert_int_equal(path.culprit, 0);
}

static void a_leaf_signs_nobody(void **state)
{
	struct world *w = *state;
	struct test_certificate child = test_make((struct test_wish){.name = "child", .issuer = &w->made[0]});
	struct slice ders[] = {test_der_of(w->a, child.x), w->der[0], w->der[1], w->der[2]};
	struct chain_path path = judge(ders, 4, w->der[3]);

	test_unmake(&child);
	assert_false(path.leads);
	assert_string_equal(path.word, "not-a-ca");
	assert_int_equal(path.culprit, 1);
}

static void expiry_counts_for_all_but_the_anchor(void **state)
{
	struct world *w = *state;
	struct test_certificate old = test_make((struct test_wish){.name = "Old", .ca = 1, .from = -9 * TEST_DAY, .to = -TEST_DAY});
	struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .issuer = &old});
	struct test_certificate middle =
		test_make((struct test_wish){.name = "Middle", .issuer = &w->made[3], .ca = 1, .from = -9 * TEST_DAY, .to = -TEST_DAY});
	struct test_certificate below = test_make((struct test_wish){.name = "dev-1", .issuer = &middle});
	struct slice own[] = {test_der_of(w->a, leaf.x)}, chain[] = {test_der_of(w->a, below.x), test_der_of(w->a, middle.x)};
	struct chain_path path;

	assert_true(judge(own, 1, test_der_of(w->a, old.x)).leads);
	path = judge(chain, 2, w->der[3]);
	assert_false(path.leads);
	assert_string_equal(path.word, "expired");
	assert_int_equal(path.culprit, 1);
	path = judge(&chain[1], 1, chain[1]);
	assert_false(path.leads); /* the anchor as a leaf has no such privilege */
	test_unmake(&old);
	test_unmake(&leaf);
	test_unmake(&middle);
	test_unmake(&below);
}

static void weak_keys_are_told(void **state)
{
	struct world *w = *state;
	struct test_certificate weak = test_make((struct test_wish){.name = "weak", .kind = "RSA-1024", .issuer = &w->made[1]});
	struct slice ders[] = {test_der_of(w->a, weak.x)};
	struct chain_path path = judge(ders, 1, w->der[1]);

	test_unmake(&weak);
	assert_false(path.leads);
	assert_string_equal(path.word, "weak");
}

/* Leaf, CA and root, the CA with that key. */
static struct chain_path judge_below(struct world *w, EVP_PKEY *key, bool as_anchor)
{
	struct test_certificate ca = test_make((struct test_wish){.name = "CA", .key = key, .ca = 1, .issuer = &w->made[3]});
	struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .issuer = &ca});
	struct slice ders[] = {test_der_of(w->a, leaf.x), test_der_of(w->a, ca.x)};
	struct chain_path path = judge(ders, 2, as_anchor ? ders[1] : w->der[3]);

	test_unmake(&leaf);
	test_unmake(&ca);
	EVP_PKEY_free(key);
	return path;
}

static void keys_that_are_not_ours_are_told_wherever_they_are(void **state)
{
	struct world *w = *state;
	struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .kind = "secp256k1", .issuer = &w->made[1]});
	struct slice der = test_der_of(w->a, leaf.x);
	struct chain_path path = judge(&der, 1, w->der[1]);

	test_unmake(&leaf);
	assert_string_equal(path.word, "weak");
	assert_int_equal(path.culprit, 0);
	path = judge_below(w, test_rsa(2048, CHAIN_EXPONENT_MAX + 1), false);
	assert_string_equal(path.word, "weak");
	assert_int_equal(path.culprit, 1);
	path = judge_below(w, test_rsa(2048, CHAIN_EXPONENT_MAX + 1), true);
	assert_string_equal(path.word, "weak");
	assert_int_equal(path.culprit, -1);
	assert_true(judge_below(w, test_rsa(2048, CHAIN_EXPONENT_MAX), false).leads);
}

static void a_key_that_is_not_ours_does_no_harm_outside_the_path(void **state)
{
	struct world *w = *state;
	struct test_certificate old = test_make((struct test_wish){.name = "Old root", .kind = "secp256k1", .ca = 1});
	struct slice ders[] = {w->der[0], w->der[1], test_der_of(w->a, old.x), w->der[2]};

	test_unmake(&old);
	assert_true(judge(ders, 4, w->der[3]).leads);
	assert_string_equal(judge(ders, 3, w->der[3]).word, "incomplete");
}

static void chains_have_limits(void **state)
{
	struct world *w = *state;
	struct slice many[CHAIN_CERTIFICATES_MAX + 1], rubbish = SLICE("no certificate");
	struct chain *c = NULL;
	struct chain_path path;

	for (size_t i = 0; i < CHAIN_CERTIFICATES_MAX + 1; i++)
		many[i] = w->der[i % DEPTH];
	assert_int_equal(chain_new(many, CHAIN_CERTIFICATES_MAX + 1, &c), ERR_TOO_BIG);
	assert_int_equal(chain_new(many, 0, &c), ERR_INVALID);
	many[0] = slice_over(arena_alloc(w->a, CHAIN_BYTES_MAX + 1), CHAIN_BYTES_MAX + 1);
	assert_int_equal(chain_new(many, 1, &c), ERR_TOO_BIG);
	assert_int_equal(chain_new(&rubbish, 1, &c), OK);
	assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, clock_wall(), &path), ERR_MALFORMED);
	assert_null(chain_info(c, 0, w->a));
	assert_true(slice_absent(chain_issuer_mark(c, 0, w->a)));
	chain_free(&c);
	assert_int_equal(chain_new(w->der, 1, &c), OK);
	assert_int_equal(chain_judge(c, rubbish, CHAIN_CLIENT, clock_wall(), &path), ERR_MALFORMED);
	chain_free(&c);
}

static void a_judgement_is_remembered_and_their_number_bounded(void **state)
{
	struct world *w = *state;
	struct chain *c = NULL;
	struct chain_path path;
	instant now = clock_wall();

	assert_int_equal(chain_new(w->der, DEPTH, &c), OK);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < CHAIN_ANCHORS_MAX; i++)
			assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now + i * INSTANT_SECOND, &path), OK);
	assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now - INSTANT_SECOND, &path), ERR_TOO_BIG);
	assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now, &path), OK);
	assert_true(path.leads);
	chain_free(&c);
}

/* Whoever asks has looked at the clock again in between. */
static void a_judgement_holds_for_the_whole_second(void **state)
{
	struct world *w = *state;
	struct chain *c = NULL;
	struct chain_path path;
	instant second = clock_wall() / INSTANT_SECOND * INSTANT_SECOND;

	assert_int_equal(chain_new(w->der, DEPTH, &c), OK);
	for (int i = 0; i <= CHAIN_ANCHORS_MAX; i++) {
		assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, second + i * (INSTANT_SECOND / 20), &path), OK);
		assert_true(path.leads);
	}
	chain_free(&c);
}

static void marks_lead_from_an_issuer_to_its_certificate(void **state)
{
	struct world *w = *state;
	struct chain *c = NULL;

	assert_int_equal(chain_new(w->der, DEPTH, &c), OK);
	for (size_t i = 0; i + 1 < DEPTH; i++)
		assert_true(slice_eq(chain_issuer_mark(c, i, w->a), certificate_subject_mark(w->der[i + 1], w->a)));
	assert_int_equal(chain_top(c), DEPTH - 1);
	assert_true(chain_self_issued(c, DEPTH - 1));
	assert_false(chain_self_issued(c, 0));
	chain_free(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_leads_to_each_certificate_above_its_leaf),
		TEST(the_anchor_need_not_be_sent_but_what_lies_between_must),
		TEST(the_order_of_those_above_the_leaf_does_not_matter_nor_do_duplicates),
		TEST(a_stranger_with_the_name_of_the_issuer_does_not_vouch),
		TEST(a_leaf_signs_nobody),
		TEST(expiry_counts_for_all_but_the_anchor),
		TEST(weak_keys_are_told),
		TEST(keys_that_are_not_ours_are_told_wherever_they_are),
		TEST(a_key_that_is_not_ours_does_no_harm_outside_the_path),
		TEST(chains_have_limits),
		TEST(a_judgement_is_remembered_and_their_number_bounded),
		TEST(a_judgement_holds_for_the_whole_second),
		TEST(marks_lead_from_an_issuer_to_its_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
