/* What a loop keeps of revocation lists, and who may have signed them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/test_certificates.h"
#include "provision/lists.h"

#define ROOM (1024 * 1024)

struct fixture {
	struct arena *a;
	struct lists_cache *cache;
	struct test_certificate maker, other;
	struct revocation_list list;
	struct revocation_body body;
	struct lists_known known;
};

static struct slice take(struct arena *a, unsigned char *bytes, int n)
{
	struct slice copy = arena_copy(a, slice_over(bytes, (size_t)n));

	OPENSSL_free(bytes);
	return copy;
}

static struct slice der_of(struct arena *a, const struct test_certificate *c)
{
	int n;
	unsigned char *bytes = test_der(c->x, &n);

	return take(a, bytes, n);
}

static int set_up(void **state)
{
	static struct fixture f;
	X509_CRL *crl;
	unsigned char *bytes = NULL;
	int n;

	f = (struct fixture){.a = arena_new(ROOM)};
	f.maker = test_make((struct test_wish){.name = "Chips", .ca = 1, .full = 1});
	f.other = test_make((struct test_wish){.name = "Others", .ca = 1, .full = 1});
	crl = test_revoke(&f.maker, NULL, -3600, 3600, 0, NULL);
	n = i2d_X509_CRL(crl, &bytes);
	noun_clear(&noun_revocation_list, &f.list);
	noun_clear(&noun_revocation_body, &f.body);
	f.list.id = f.body.id = f.list.name = SLICE("chips");
	f.list.group_id = SLICE(ENDORSEMENT_LISTS);
	f.list.version = SLICE("1");
	f.body.list = take(f.a, bytes, n);
	f.known = (struct lists_known){SLICE("0ne1"), f.list.group_id, &f.list, 1};
	X509_CRL_free(crl);
	assert_int_equal(lists_cache_new(&f.cache), OK);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lists_cache_free(&f->cache);
	test_unmake(&f->maker);
	test_unmake(&f->other);
	arena_free(&f->a);
	return 0;
}

static void what_was_kept_is_at_hand_in_its_version_alone(void **state)
{
	struct fixture *f = *state;
	const struct revocations *kept;

	assert_null(lists_at_hand(f->cache, &f->known, f->a));
	assert_non_null(kept = lists_keep(f->cache, &f->known, &f->body, 1, f->a));
	assert_ptr_equal(lists_at_hand(f->cache, &f->known, f->a), kept);
	f->list.version = SLICE("2");
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
	assert_non_null(lists_keep(f->cache, &f->known, &f->body, 1, f->a));
	f->list.strict = FLAG_YES;
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
}

static void each_owner_has_its_own(void **state)
{
	struct fixture *f = *state;

	assert_non_null(lists_keep(f->cache, &f->known, &f->body, 1, f->a));
	f->known.owner = SLICE("presses");
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
	f->known.owner = SLICE(ENDORSEMENT_LISTS);
	f->known.scope = SLICE("0ne2");
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
	assert_false(id_is_good(SLICE(ENDORSEMENT_LISTS))); /* or a group could be called so */
}

static void a_list_that_does_not_read_is_not_kept(void **state)
{
	struct fixture *f = *state;

	f->body.list = slice_to(f->body.list, f->body.list.n - 1);
	assert_null(lists_keep(f->cache, &f->known, &f->body, 1, f->a));
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
}

static void without_memory_nothing_is_at_hand_and_what_is_kept_stays(void **state)
{
	struct fixture *f = *state;
	struct arena *full = arena_new(64);
	const struct revocations *kept;

	assert_null(arena_alloc(full, 4096));
	assert_null(lists_keep(f->cache, &f->known, &f->body, 1, full));
	assert_null(lists_at_hand(f->cache, &f->known, f->a));
	assert_non_null(kept = lists_keep(f->cache, &f->known, &f->body, 1, f->a));
	assert_null(lists_at_hand(f->cache, &f->known, full));
	assert_null(lists_keep(f->cache, &f->known, &f->body, 1, full));
	assert_ptr_equal(lists_at_hand(f->cache, &f->known, f->a), kept);
	arena_free(&full);
}

static void lists_about_tpms_are_signed_by_a_root(void **state)
{
	struct fixture *f = *state;
	struct endorsement_root roots[2];
	struct store_want signers[LIST_SIGNERS_WANTS] = {0};

	assert_int_equal(lists_want_signers(f->known.scope, f->known.owner, f->a, signers), 1);
	assert_ptr_equal(signers[0].noun, &noun_endorsement_root);
	noun_clear(&noun_endorsement_root, &roots[0]);
	noun_clear(&noun_endorsement_root, &roots[1]);
	roots[0].certificate = der_of(f->a, &f->other);
	roots[1].certificate = der_of(f->a, &f->maker);
	signers[0].records = roots;
	signers[0].count = 1;
	assert_false(lists_are_signed(f->body.list, &f->list, signers));
	signers[0].count = 2;
	assert_true(lists_are_signed(f->body.list, &f->list, signers));
}

static void lists_of_a_group_are_signed_by_it_or_by_a_ca_of_the_service(void **state)
{
	struct fixture *f = *state;
	struct enrollment group;
	struct ca_certificate ca;
	struct store_want signers[LIST_SIGNERS_WANTS] = {0};

	f->list.group_id = SLICE("presses");
	assert_int_equal(lists_want_signers(f->known.scope, f->list.group_id, f->a, signers), 2);
	assert_ptr_equal(signers[0].noun, &noun_group);
	noun_clear(&noun_group, &group);
	noun_clear(&noun_ca_certificate, &ca);
	group.signing_primary = ca.certificate = der_of(f->a, &f->other);
	signers[0].records = &group;
	signers[1].records = &ca;
	signers[0].count = signers[1].count = 1;
	assert_false(lists_are_signed(f->body.list, &f->list, signers));
	ca.certificate = der_of(f->a, &f->maker);
	assert_true(lists_are_signed(f->body.list, &f->list, signers));
	signers[1].count = 0;
	group.signing_secondary = ca.certificate;
	assert_true(lists_are_signed(f->body.list, &f->list, signers));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_kept_is_at_hand_in_its_version_alone), TEST(each_owner_has_its_own),
		TEST(a_list_that_does_not_read_is_not_kept),         TEST(without_memory_nothing_is_at_hand_and_what_is_kept_stays),
		TEST(lists_about_tpms_are_signed_by_a_root),         TEST(lists_of_a_group_are_signed_by_it_or_by_a_ca_of_the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
