/* What is asked of a leaf by itself, and of the path above it: device-api.md 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/test_plant.h"

/* --- the common name --- */

static void the_common_name_has_no_case(void **state)
{
	struct plant *p = *state;

	p->ev.registration_id = SLICE("PRESS-07");
	plant_accepts(p, &p->group);
	plant_show_odd(p, (struct test_wish){.name = "Press-07"});
	p->ev.registration_id = SLICE("press-07");
	plant_accepts(p, &p->group);
}

static void a_common_name_that_is_another_device_is_refused(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-08"});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	p->own.client_primary = chain_der(p->ev.chain, 0);
	plant_refuses(p, &p->own, "certificate-common-name", NULL); /* also where an operator has enrolled it himself */
	plant_show_odd(p, (struct test_wish){.name = "press-070"});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.name = "press-0"});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
}

static void an_alternative_name_is_no_common_name(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-08", .alt = "DNS:press-07"});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.alt = "DNS:press-07"});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
}

static void add_name(X509 *x, const char *type, const char *value, int n)
{
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), type, MBSTRING_UTF8, (const unsigned char *)value, n, -1, 0);
}

static void second_name(X509 *x)
{
	add_name(x, "CN", "press-08", -1);
}

static void same_name_again(X509 *x)
{
	add_name(x, "CN", "press-07", -1);
}

static void name_of_the_plant(X509 *x)
{
	add_name(x, "O", "press-07", -1);
}

static void name_with_a_nul(X509 *x)
{
	add_name(x, "CN", "press-07\0.evil", 14);
}

static void name_with_a_nul_at_its_end(X509 *x)
{
	add_name(x, "CN", "press-07", 9);
}

static void a_subject_has_one_common_name_no_more_no_less(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .odd = second_name});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .odd = same_name_again});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.odd = name_of_the_plant});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){0});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .odd = name_of_the_plant}); /* others beside it are fine */
	plant_accepts(p, &p->group);
}

static void a_nul_ends_no_name(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.odd = name_with_a_nul});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
	plant_show_odd(p, (struct test_wish){.odd = name_with_a_nul_at_its_end});
	plant_refuses(p, &p->group, "certificate-common-name", NULL);
}

/* --- validity --- */

static void a_leaf_counts_from_its_first_to_its_last_second(void **state)
{
	struct plant *p = *state;
	const struct certificate_info *leaf = chain_info(p->ev.chain, 0, p->a);
	instant first = leaf->not_before, last = leaf->not_after;

	p->own.client_primary = plant_der(p, &p->press);
	p->ev.now = first;
	plant_accepts(p, &p->group);
	plant_accepts(p, &p->own);
	p->ev.now = last;
	plant_accepts(p, &p->own);
	p->ev.now = first - INSTANT_SECOND;
	plant_refuses(p, &p->group, "certificate-validity", NULL);
	p->ev.now = last + INSTANT_SECOND;
	plant_refuses(p, &p->group, "certificate-validity", NULL);
}

static void a_leaf_out_of_date_is_refused_though_it_is_the_enrollment_s_own(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .from = -9 * TEST_DAY, .to = -3 * TEST_DAY});
	p->own.client_primary = chain_der(p->ev.chain, 0);
	plant_refuses(p, &p->own, "certificate-validity", NULL);
	plant_refuses(p, &p->group, "certificate-validity", NULL);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .from = TEST_DAY, .to = 3 * TEST_DAY});
	p->own.client_primary = chain_der(p->ev.chain, 0);
	plant_refuses(p, &p->own, "certificate-validity", NULL);
	plant_refuses(p, &p->group, "certificate-validity", NULL);
}

/* RULE of device-api.md 8: the operator trusts it by name. */
static void the_certificate_of_an_enrollment_may_have_expired_those_below_it_may_not(void **state)
{
	struct plant *p = *state;
	struct test_certificate old =
		test_make((struct test_wish){.name = "Old CA", .ca = 1, .issuer = &p->line6, .from = -9 * TEST_DAY, .to = -TEST_DAY});
	struct test_certificate leaf = test_make((struct test_wish){.name = "press-07", .issuer = &old});

	PRESENT(p, &leaf, &old, &p->line6);
	plant_refuses(p, &p->group, "certificate-path-expired", NULL);
	p->group.signing_primary = plant_der(p, &old);
	plant_accepts(p, &p->group);
	test_unmake(&leaf);
	test_unmake(&old);
}

/* --- presence and form --- */

static void without_a_certificate_nobody_is_let_in(void **state)
{
	struct plant *p = *state;

	chain_free(&p->ev.chain);
	plant_refuses(p, &p->group, "certificate-missing", "The device presented no certificate in the TLS handshake.");
	assert_string_equal(p->v.message, "Unauthorized");
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct plant *p = *state;
	const struct slice ders[] = {SLICE("no certificate"), plant_der(p, &p->line6)};

	plant_present_ders(p, ders, 2);
	plant_refuses(p, &p->group, "certificate-form", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLANT_TEST(the_common_name_has_no_case),
		PLANT_TEST(a_common_name_that_is_another_device_is_refused),
		PLANT_TEST(an_alternative_name_is_no_common_name),
		PLANT_TEST(a_subject_has_one_common_name_no_more_no_less),
		PLANT_TEST(a_nul_ends_no_name),
		PLANT_TEST(a_leaf_counts_from_its_first_to_its_last_second),
		PLANT_TEST(a_leaf_out_of_date_is_refused_though_it_is_the_enrollment_s_own),
		PLANT_TEST(the_certificate_of_an_enrollment_may_have_expired_those_below_it_may_not),
		PLANT_TEST(without_a_certificate_nobody_is_let_in),
		PLANT_TEST(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
