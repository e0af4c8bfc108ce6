/* Certificates against enrollments and groups: device-api.md 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/test_plant.h"

/* --- an individual enrollment: the leaf itself --- */

static void the_certificate_of_an_enrollment_is_let_in(void **state)
{
	struct plant *p = *state;

	p->own.client_primary = plant_der(p, &p->press);
	plant_accepts(p, &p->own);
	assert_true(slice_absent(p->v.signer));
	assert_true(slice_eq(p->v.primary_thumbprint, plant_thumbprint(p, &p->press)));
	assert_int_equal(p->v.secondary_thumbprint.n, 0);
}

/* hub-api.md 5.1: the hub may know both, so that the device can change over without asking again. */
static void the_secondary_is_as_good_and_the_hub_learns_of_both(void **state)
{
	struct plant *p = *state;

	p->own.client_primary = plant_der(p, &p->deep);
	p->own.client_secondary = plant_der(p, &p->press);
	plant_accepts(p, &p->own);
	assert_true(slice_eq(p->v.primary_thumbprint, plant_thumbprint(p, &p->press)));
	assert_true(slice_eq(p->v.secondary_thumbprint, plant_thumbprint(p, &p->deep)));
	PRESENT(p, &p->deep);
	plant_accepts(p, &p->own);
	assert_true(slice_eq(p->v.primary_thumbprint, plant_thumbprint(p, &p->deep)));
	assert_true(slice_eq(p->v.secondary_thumbprint, plant_thumbprint(p, &p->press)));
}

static void an_enrollment_with_a_secondary_alone_is_one_too(void **state)
{
	struct plant *p = *state;

	p->own.client_secondary = plant_der(p, &p->press);
	plant_accepts(p, &p->own);
}

static void another_leaf_of_the_same_name_and_signer_is_refused(void **state)
{
	struct plant *p = *state;

	p->own.client_primary = plant_der(p, &p->press);
	plant_show_odd(p, (struct test_wish){.name = "press-07"});
	plant_refuses(p, &p->own, "certificate-match", NULL);
	assert_string_equal(p->v.message, "Invalid certificate");
	PRESENT(p, &p->deep, &p->press); /* the right one further up is nothing that the device has the key of */
	plant_refuses(p, &p->own, "certificate-match", NULL);
}

static void the_same_key_in_another_certificate_is_another_leaf(void **state)
{
	struct plant *p = *state;

	p->own.client_primary = plant_der(p, &p->press);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .key = p->press.key});
	plant_refuses(p, &p->own, "certificate-match", NULL);
}

static void a_self_signed_leaf_needs_no_ca(void **state)
{
	struct plant *p = *state;
	struct test_certificate solo = test_make((struct test_wish){.name = "press-07"});

	p->own.client_primary = plant_der(p, &solo);
	PRESENT(p, &solo);
	test_unmake(&solo);
	plant_accepts(p, &p->own);
}

/* --- an individual enrollment that refers to a CA --- */

static void refer(struct plant *p, struct enrollment *e, struct slice primary, struct slice secondary)
{
	p->ev.authorities = &p->authority;
	p->ev.authority_count = 1;
	e->signing_primary = NO_SLICE;
	e->ca_primary = primary;
	e->ca_secondary = secondary;
}

static void an_enrollment_that_refers_to_a_ca_takes_what_leads_to_it(void **state)
{
	struct plant *p = *state;

	refer(p, &p->own, SLICE("Plant-CA"), NO_SLICE);
	PRESENT(p, &p->press, &p->line6);
	plant_accepts(p, &p->own);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->root)));
	PRESENT(p, &p->deep, &p->cell, &p->line6, &p->root);
	plant_accepts(p, &p->own);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->deep});
	plant_refuses(p, &p->own, "certificate-path-incomplete", NULL);
}

static void the_secondary_reference_is_as_good_as_the_primary(void **state)
{
	struct plant *p = *state;

	refer(p, &p->own, SLICE("gone"), SLICE("plant-ca"));
	PRESENT(p, &p->press, &p->line6);
	plant_accepts(p, &p->own);
}

static void a_ca_that_is_not_verified_vouches_for_nobody(void **state)
{
	struct plant *p = *state;

	refer(p, &p->own, SLICE("plant-ca"), NO_SLICE);
	PRESENT(p, &p->press, &p->line6);
	p->authority.verified = FLAG_NO;
	plant_refuses(p, &p->own, "certificate-authority", NULL);
	assert_string_equal(p->v.message, "CA certificate not found");
	p->authority.verified = FLAG_NONE;
	plant_refuses(p, &p->own, "certificate-authority", NULL);
	p->authority.verified = FLAG_YES;
	p->ev.authority_count = 0;
	plant_refuses(p, &p->own, "certificate-authority", NULL);
}

/* --- a group --- */

static void a_group_of_the_root_takes_what_leads_to_it_sent_or_not(void **state)
{
	struct plant *p = *state;

	p->group.signing_primary = plant_der(p, &p->root);
	PRESENT(p, &p->deep, &p->cell, &p->line6);
	plant_accepts(p, &p->group);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->root)));
	assert_true(slice_eq(p->v.primary_thumbprint, plant_thumbprint(p, &p->deep)));
	assert_int_equal(p->v.secondary_thumbprint.n, 0);
	PRESENT(p, &p->deep, &p->cell, &p->line6, &p->root);
	plant_accepts(p, &p->group);
}

static void a_group_of_an_intermediate_takes_it_within_the_chain_or_as_the_signer_of_its_top(void **state)
{
	struct plant *p = *state;

	PRESENT(p, &p->deep, &p->cell, &p->line6, &p->root);
	plant_accepts(p, &p->group);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->line6)));
	PRESENT(p, &p->deep, &p->cell);
	plant_accepts(p, &p->group);
	PRESENT(p, &p->press);
	plant_accepts(p, &p->group);
}

/* The server stores no intermediates that it was not given as an enrollment's. */
static void what_lies_between_leaf_and_signer_must_be_sent(void **state)
{
	struct plant *p = *state;

	PRESENT(p, &p->deep);
	plant_refuses(p, &p->group, "certificate-path-incomplete", NULL);
	PRESENT(p, &p->deep, &p->line6, &p->root);
	plant_refuses(p, &p->group, "certificate-path-incomplete", NULL);
}

static void another_line_of_the_same_root_is_refused(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->line7});
	plant_refuses(p, &p->group, "certificate-path-incomplete", NULL);
}

/* A roll-over: devices of the old CA and of the new one register side by side. */
static void the_secondary_signer_is_as_good_as_the_primary(void **state)
{
	struct plant *p = *state;

	p->group.signing_secondary = plant_der(p, &p->line7);
	plant_accepts(p, &p->group);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->line6)));
	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->line7});
	plant_accepts(p, &p->group);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->line7)));
}

static void of_two_signers_in_one_chain_the_nearer_vouches(void **state)
{
	struct plant *p = *state;

	p->group.signing_primary = plant_der(p, &p->root);
	p->group.signing_secondary = plant_der(p, &p->line6);
	PRESENT(p, &p->press, &p->line6, &p->root);
	plant_accepts(p, &p->group);
	assert_true(slice_eq(p->v.signer, plant_der(p, &p->line6)));
}

static void the_signer_itself_is_no_device(void **state)
{
	struct plant *p = *state;

	p->ev.registration_id = SLICE("Line 6 CA");
	PRESENT(p, &p->line6, &p->root);
	plant_refuses(p, &p->group, "certificate-path-anchor", NULL);
}

static void a_stranger_with_the_name_of_the_signer_is_refused(void **state)
{
	struct plant *p = *state;
	struct test_certificate fake = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1, .issuer = &p->root});
	struct test_certificate leaf = test_make((struct test_wish){.name = "press-07", .issuer = &fake});

	PRESENT(p, &leaf, &fake, &p->root);
	plant_refuses(p, &p->group, "certificate-path-signature", NULL);
	test_unmake(&leaf);
	test_unmake(&fake);
}

/* --- switched off --- */

static void a_disabled_enrollment_bars_only_who_has_proven_himself(void **state)
{
	struct plant *p = *state;

	p->group.provisioning_status = p->own.provisioning_status = SLICE("disabled");
	p->own.client_primary = plant_der(p, &p->press);
	plant_judge(p, &p->own);
	assert_int_equal(p->v.error_code, 401003);
	plant_judge(p, &p->group);
	assert_int_equal(p->v.error_code, 401003);
	assert_string_equal(p->v.check, "enrollment-enabled");
	assert_null(p->v.hub_authentication);
	assert_true(slice_absent(p->v.leaf) && slice_absent(p->v.primary_thumbprint));
	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->line7});
	plant_refuses(p, &p->own, "certificate-match", NULL);
	plant_refuses(p, &p->group, "certificate-path-incomplete", NULL);
}

/* --- which group, service-api.md 9.2 --- */

static void the_nearest_of_the_groups_is_found_whatever_their_order_and_switch(void **state)
{
	struct plant *p = *state;
	struct enrollment groups[3];

	PRESENT(p, &p->deep, &p->cell, &p->line6, &p->root);
	for (size_t nearest = 0; nearest < 3; nearest++) {
		for (size_t i = 0; i < 3; i++) {
			groups[i] = p->group;
			groups[i].signing_primary = plant_der(p, i == nearest ? &p->cell : i == (nearest + 1) % 3 ? &p->root : &p->line7);
		}
		groups[nearest].provisioning_status = SLICE("disabled");
		assert_int_equal(attest_x509_group_of(groups, 3, &p->ev, p->a, &p->v), nearest);
	}
}

static void where_no_group_vouches_there_is_none(void **state)
{
	struct plant *p = *state;

	p->group.signing_primary = plant_der(p, &p->line7);
	assert_int_equal(attest_x509_group_of(&p->group, 1, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-path-incomplete", NULL);
	assert_int_equal(attest_x509_group_of(NULL, 0, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-known", NULL);
	assert_string_equal(p->v.message, "CA certificate not found");
}

static void a_group_that_refers_to_a_ca_competes_with_those_that_hold_their_signer(void **state)
{
	struct plant *p = *state;
	struct enrollment groups[] = {p->group, p->group};

	refer(p, &groups[0], SLICE("plant-ca"), NO_SLICE);
	PRESENT(p, &p->press, &p->line6);
	assert_int_equal(attest_x509_group_of(groups, 2, &p->ev, p->a, &p->v), 1);
	assert_int_equal(attest_x509_group_of(groups, 1, &p->ev, p->a, &p->v), 0);
}

static void a_full_arena_is_no_verdict_on_the_device(void **state)
{
	struct plant *p = *state;
	enum err e = ERR_NO_MEMORY;

	for (size_t ceiling = 64; e != OK; ceiling += 64) {
		struct arena *small = arena_new(ceiling);

		e = attest_judge(&p->group, true, &p->ev, small, &p->v);
		assert_true(e == ERR_NO_MEMORY || (e == OK && p->v.error_code == 0));
		(void)attest_x509_group_of(&p->group, 1, &p->ev, small, &p->v);
		assert_true(p->v.error_code == 0 || p->v.error_code == 500001);
		arena_free(&small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLANT_TEST(the_certificate_of_an_enrollment_is_let_in),
		PLANT_TEST(the_secondary_is_as_good_and_the_hub_learns_of_both),
		PLANT_TEST(an_enrollment_with_a_secondary_alone_is_one_too),
		PLANT_TEST(another_leaf_of_the_same_name_and_signer_is_refused),
		PLANT_TEST(the_same_key_in_another_certificate_is_another_leaf),
		PLANT_TEST(a_self_signed_leaf_needs_no_ca),
		PLANT_TEST(an_enrollment_that_refers_to_a_ca_takes_what_leads_to_it),
		PLANT_TEST(the_secondary_reference_is_as_good_as_the_primary),
		PLANT_TEST(a_ca_that_is_not_verified_vouches_for_nobody),
		PLANT_TEST(a_group_of_the_root_takes_what_leads_to_it_sent_or_not),
		PLANT_TEST(a_group_of_an_intermediate_takes_it_within_the_chain_or_as_the_signer_of_its_top),
		PLANT_TEST(what_lies_between_leaf_and_signer_must_be_sent),
		PLANT_TEST(another_line_of_the_same_root_is_refused),
		PLANT_TEST(the_secondary_signer_is_as_good_as_the_primary),
		PLANT_TEST(of_two_signers_in_one_chain_the_nearer_vouches),
		PLANT_TEST(the_signer_itself_is_no_device),
		PLANT_TEST(a_stranger_with_the_name_of_the_signer_is_refused),
		PLANT_TEST(a_disabled_enrollment_bars_only_who_has_proven_himself),
		PLANT_TEST(the_nearest_of_the_groups_is_found_whatever_their_order_and_switch),
		PLANT_TEST(where_no_group_vouches_there_is_none),
		PLANT_TEST(a_group_that_refers_to_a_ca_competes_with_those_that_hold_their_signer),
		PLANT_TEST(a_full_arena_is_no_verdict_on_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
