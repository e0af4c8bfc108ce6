/*
 * Chains: what leads to an anchor, what does not, and a thousand ways to spoil a good one. The oracle is OpenSSL as its own program
 * would be asked (verify -partial_chain -purpose sslclient): what that refuses is never accepted here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/chain.h"
#include "crypto/test_certificates.h"

#define DEPTH  4 /* root, two intermediates, leaf */
#define ROUNDS 1500
#define ROOM   (16 * 1024 * 1024)

struct world {
	struct test_certificate made[DEPTH]; /* leaf first */
	struct slice der[DEPTH];
	struct arena *a;
};

static struct slice der_of(struct arena *a, X509 *x)
{
	int n;
	unsigned char *bytes = test_der(x, &n);
	struct slice copy = arena_copy(a, slice_over(bytes, (size_t)n));

	OPENSSL_free(bytes);
	return copy;
}

static int set_up(void **state)
{
	static struct world w;
	static const char *const names[DEPTH] = {"dev-1", "Cell", "Line", "Root"};

	w.a = arena_new(ROOM);
	for (int i = DEPTH - 1; i >= 0; i--) {
		w.made[i] = test_make((struct test_wish){.name = names[i], .issuer = i == DEPTH - 1 ? NULL : &w.made[i + 1], .ca = i > 0});
		w.der[i] = der_of(w.a, w.made[i].x);
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
	struct chain_path path = judge(w->der, 1, der_of(w->a, fake.x));

	test_unmake(&fake);
	assert_false(path.leads);
	assert_string_equal(path.word, "signature");
	assert_int_equal(path.culprit, 0);
}

static void a_leaf_signs_nobody(void **state)
{
	struct world *w = *state;
	struct test_certificate child = test_make((struct test_wish){.name = "child", .issuer = &w->made[0]});
	struct slice ders[] = {der_of(w->a, child.x), w->der[0], w->der[1], w->der[2]};
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
	struct slice own[] = {der_of(w->a, leaf.x)}, chain[] = {der_of(w->a, below.x), der_of(w->a, middle.x)};
	struct chain_path path;

	assert_true(judge(own, 1, der_of(w->a, old.x)).leads);
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
	struct slice ders[] = {der_of(w->a, weak.x)};
	struct chain_path path = judge(ders, 1, w->der[1]);

	test_unmake(&weak);
	assert_false(path.leads);
	assert_string_equal(path.word, "weak");
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
			assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now + i, &path), OK);
	assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now - 1, &path), ERR_TOO_BIG);
	assert_int_equal(chain_judge(c, w->der[3], CHAIN_CLIENT, now, &path), OK);
	assert_true(path.leads);
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

/* --- mutations --- */

static uint32_t dice = 20261124;

static uint32_t roll(uint32_t below)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % below;
}

static X509 *read_der(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

static bool oracle_accepts(const struct slice *ders, size_t count, struct slice anchor, bool backwards)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *trusted = read_der(anchor), *leaf = read_der(ders[0]);
	bool accepts = false;

	for (size_t i = 1; i < count; i++) {
		X509 *x = read_der(ders[backwards ? count - i : i]);

		if (x)
			sk_X509_push(others, x);
	}
	if (trusted && leaf) {
		X509_STORE_add_cert(store, trusted);
		X509_STORE_CTX_init(ctx, store, leaf, others);
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
		accepts = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(others, X509_free);
	X509_free(trusted);
	X509_free(leaf);
	return accepts;
}

/* Somewhere in one of them: a bit flipped, a byte taken out, a length made wrong, bytes doubled, or the end cut off. */
static struct slice mutate(struct arena *a, struct slice der)
{
	size_t at = roll((uint32_t)der.n), room = der.n + 16;
	char *copy = arena_alloc(a, room);
	size_t n = der.n;

	memcpy(copy, der.p, n);
	switch (roll(5)) {
	case 0: copy[at] ^= (char)(1 << roll(8)); break;
	case 1: memmove(copy + at, copy + at + 1, --n - at); break;
	case 2: copy[at] = (char)(roll(2) ? 0x84 : 0xff); break;
	case 3:
		memmove(copy + at + 1, copy + at, n - at);
		n++;
		break;
	default: n = at; break;
	}
	return slice_over(copy, n);
}

static void nothing_is_accepted_that_openssl_itself_refuses(void **state)
{
	struct world *w = *state;
	int accepted = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct arena *a = arena_new(ROOM);
		struct slice ders[8], anchor = w->der[1 + roll(DEPTH - 1)];
		size_t count = 1 + roll(6);
		struct chain_path path = {0};
		struct chain *c = NULL;

		ders[0] = w->der[0];
		for (size_t i = 1; i < count; i++)
			ders[i] = w->der[roll(DEPTH)];
		for (uint32_t i = roll(3); i > 0; i--) {
			size_t at = roll((uint32_t)count);

			ders[at] = mutate(a, ders[at]);
		}
		if (roll(10) == 0)
			anchor = mutate(a, anchor);
		assert_int_equal(chain_new(ders, count, &c), OK);
		if (chain_judge(c, anchor, CHAIN_CLIENT, clock_wall(), &path) == OK && path.leads) {
			accepted++;
			assert_true(oracle_accepts(ders, count, anchor, false) || oracle_accepts(ders, count, anchor, true));
		}
		for (size_t i = 0; i < count; i++)
			(void)chain_info(c, i, a);
		(void)chain_top(c);
		chain_free(&c);
		arena_free(&a);
	}
	assert_true(accepted > ROUNDS / 50); /* or nothing was tried */
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
		TEST(chains_have_limits),
		TEST(a_judgement_is_remembered_and_their_number_bounded),
		TEST(marks_lead_from_an_issuer_to_its_certificate),
		TEST(nothing_is_accepted_that_openssl_itself_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
