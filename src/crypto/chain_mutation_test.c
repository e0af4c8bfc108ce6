/*
 * Good chains, spoilt. The oracle is OpenSSL as its own program would be asked (verify -partial_chain -purpose sslclient): what that
 * refuses is never accepted here. One thing it is asked to overlook, as we do: that the anchor itself has expired (device-api.md 8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/chain.h"
#include "crypto/test_mutations.h"
#include "crypto/test_oddities.h"

/* --- the oracle --- */

static X509 *read_der(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
}

static int forgive_dates_of_anchor(int good, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);

	return good || ((error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) &&
			X509_STORE_CTX_get_error_depth(ctx) > 0 &&
			X509_cmp(X509_STORE_CTX_get_current_cert(ctx), X509_STORE_CTX_get_app_data(ctx)) == 0);
}

static bool oracle_verifies(X509 *leaf, STACK_OF(X509) * others, X509 *trusted)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool verifies;

	X509_STORE_add_cert(store, trusted);
	X509_STORE_CTX_init(ctx, store, leaf, others);
	X509_STORE_CTX_set_app_data(ctx, trusted);
	X509_STORE_CTX_set_verify_cb(ctx, forgive_dates_of_anchor);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	verifies = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return verifies;
}

/* With those above the leaf in this order or the other: which of two namesakes it tries first is no concern of ours. */
static bool oracle_accepts(const struct mutation *m)
{
	X509 *trusted = read_der(m->anchor), *leaf = read_der(m->ders[0]);
	STACK_OF(X509) *others = sk_X509_new_null(), *backwards = sk_X509_new_null();
	bool accepts = false;

	for (size_t i = 1; i < m->count; i++) {
		X509 *x = read_der(m->ders[i]);

		if (x) {
			sk_X509_push(others, x);
			sk_X509_unshift(backwards, x);
		}
	}
	if (trusted && leaf)
		accepts = oracle_verifies(leaf, others, trusted) || oracle_verifies(leaf, backwards, trusted);
	sk_X509_free(backwards);
	sk_X509_pop_free(others, X509_free);
	X509_free(trusted);
	X509_free(leaf);
	return accepts;
}

/* --- ours beside it --- */

struct tally {
	int tried, accepted, known;
};

/* What else is asked of a chain is asked too: no harm may come of it. */
static void look_around(struct chain *c)
{
	struct arena *a = arena_new(MUTATION_ROOM);

	for (size_t i = 0; i < chain_count(c); i++) {
		const struct certificate_info *info = chain_info(c, i, a);

		if (info)
			assert_true(info->sha256.n == 64 && !slice_absent(info->subject));
		(void)chain_issuer_mark(c, i, a);
		(void)chain_self_issued(c, i);
	}
	(void)certificate_is_ca(chain_der(c, 0));
	assert_true(chain_top(c) < chain_count(c));
	arena_free(&a);
}

static bool leads(const struct mutation *m)
{
	struct chain_path path = {0};
	struct chain *c = NULL;
	bool does;

	if (chain_new(m->ders, m->count, &c) != OK)
		return false;
	does = chain_judge(c, m->anchor, CHAIN_CLIENT, clock_wall(), &path) == OK && path.leads;
	look_around(c);
	chain_free(&c);
	return does;
}

static void judge(void *cookie, const struct mutation *m)
{
	struct tally *t = cookie;
	bool does = leads(m);

	t->tried++;
	t->accepted += does;
	t->known += m->end != END_UNKNOWN;
	if (does && !oracle_accepts(m))
		fail_msg("%s, %s: accepted, and OpenSSL refuses it (chain %d of seed %u)", m->family, m->what, t->tried, MUTATION_SEED);
	if (m->end != END_UNKNOWN && does != (m->end == END_LEADS))
		fail_msg("%s, %s: %s (chain %d of seed %u)", m->family, m->what, does ? "accepted" : "refused", t->tried, MUTATION_SEED);
}

static void run(void (*mutate)(struct mutation_world *))
{
	struct tally t = {0};
	struct mutation_world w = mutation_world(judge, &t);

	mutate(&w);
	mutation_world_end(&w);
	print_message("seed %u: %d chains, %d accepted, of %d it was known\n", MUTATION_SEED, t.tried, t.accepted, t.known);
	assert_true(t.accepted > t.tried / 50 && t.accepted < t.tried / 2); /* or nothing was tried */
}

static void nothing_that_openssl_refuses_is_accepted_of_a_good_chain_spoilt(void **state)
{
	(void)state;
	run(mutate_all);
}

static void nor_of_what_is_odd_from_the_outset(void **state)
{
	(void)state;
	run(make_oddities);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_openssl_refuses_is_accepted_of_a_good_chain_spoilt),
		cmocka_unit_test(nor_of_what_is_odd_from_the_outset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
