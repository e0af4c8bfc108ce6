/*
 * x509.c: devices with certificates: no chain reaches the enrollment of another device or of another service, and what an operator changes
 * counts from the next attempt on.
 */
#include "crypto/test_der.h"
#include "scenario/scene.h"

/* The scene's clock stands years before today's. */
#define YEARS (20 * 365L * TEST_DAY)

static struct test_certificate make(const char *name, const struct test_certificate *issuer, bool ca)
{
	return test_make((struct test_wish){.name = name, .issuer = issuer, .ca = ca, .full = 1, .from = -YEARS, .to = YEARS});
}

/* A root, two lines under it, and a press of the one and of the other. */
struct line {
	struct test_certificate root, line6, line7, press6, press7;
};

static struct line build(const char *press6, const char *press7)
{
	struct line l;

	l.root = make("Plant root", NULL, true);
	l.line6 = make("Line 6 CA", &l.root, true);
	l.line7 = make("Line 7 CA", &l.root, true);
	l.press6 = make(press6, &l.line6, false);
	l.press7 = make(press7, &l.line7, false);
	return l;
}

static void dismantle(struct line *l)
{
	struct test_certificate *const all[] = {&l->root, &l->line6, &l->line7, &l->press6, &l->press7};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		test_unmake(all[i]);
}

/* --- what is enrolled --- */

static struct enrollment *blank(struct scene *s, const struct noun *noun, const char *scope, const char *name)
{
	struct enrollment *e = noun_new(noun, s->arena);

	e->scope = slice_str(scope);
	e->name = slice_str(name);
	e->id = arena_fold(s->arena, e->name);
	e->attestation = SLICE("x509");
	e->etag = SLICE("1");
	return e;
}

static struct enrollment *enroll(struct scene *s, const char *scope, const char *id, const struct test_certificate *leaf)
{
	struct enrollment *e = blank(s, &noun_individual, scope, id);

	e->client_primary = test_der_of(s->arena, leaf->x);
	scene_put(s, &noun_individual, e);
	return e;
}

static struct enrollment *group(struct scene *s, const char *scope, const char *name, const struct test_certificate *signer)
{
	struct enrollment *e = blank(s, &noun_group, scope, name);

	e->signing_primary = test_der_of(s->arena, signer->x);
	e->signing_primary_mark = certificate_subject_mark(e->signing_primary, s->arena);
	scene_put(s, &noun_group, e);
	return e;
}

static struct enrollment *group_of_ca(struct scene *s, const char *name, const char *ca)
{
	struct enrollment *e = blank(s, &noun_group, SCOPE, name);

	e->ca_primary = e->ca_primary_id = slice_str(ca);
	scene_put(s, &noun_group, e);
	return e;
}

static struct ca_certificate *upload(struct scene *s, const char *scope, const char *name, const struct test_certificate *certificate)
{
	struct ca_certificate *ca = noun_new(&noun_ca_certificate, s->arena);

	ca->scope = slice_str(scope);
	ca->id = ca->name = slice_str(name);
	ca->certificate = test_der_of(s->arena, certificate->x);
	ca->subject_mark = certificate_subject_mark(ca->certificate, s->arena);
	ca->verified = FLAG_YES;
	ca->etag = SLICE("1");
	scene_put(s, &noun_ca_certificate, ca);
	return ca;
}

static void switch_off(struct scene *s, const struct noun *noun, struct enrollment *e, bool off)
{
	e->provisioning_status = off ? SLICE("disabled") : SLICE("enabled");
	scene_put(s, noun, e);
}

/* --- what a device asks, and hears --- */

static struct heard *show(struct scene *s, const char *scope, const char *id, const struct test_certificate *leaf,
			  const struct test_certificate *above)
{
	const struct slice chain[] = {test_der_of(s->arena, leaf->x), above ? test_der_of(s->arena, above->x) : NO_SLICE};
	struct device_question q = {.op = DEVICE_REGISTER,
				    .scope = slice_str(scope),
				    .registration_id = slice_str(id),
				    .chain = chain,
				    .chain_count = above ? 2 : 1,
				    .protocol = "https",
				    .peer = "192.0.2.1",
				    .request_id = "2d1c7e43-6f04-4b8e-9a53-1f0a2b6c9d10"};
	struct heard *h = scene_ask(s, &q);

	scene_advance(s, 10);
	return h;
}

static const char *group_told(const struct heard *h)
{
	const json_t *x509 = json_object_get(json_object_get(h->json, "registrationState"), "x509");
	const char *name = json_string_value(json_object_get(x509, "enrollmentGroupId"));

	return name ? name : "(none)";
}

/* 401, and the check that failed is on record in that service. */
static void refused_in(struct scene *s, const char *scope, const char *id, const struct heard *h, const char *check)
{
	struct attempt *a;

	assert_refused(h, 401002);
	assert_non_null(a = scene_attempt_in(s, scope, id));
	if (!slice_eq(a->check_name, slice_str(check)))
		fail_msg("%.*s instead of %s: %.*s", SLICE_ARG(a->check_name), check, SLICE_ARG(a->sentence));
}

static void refused(struct scene *s, const char *id, const struct heard *h, const char *check)
{
	refused_in(s, SCOPE, id, h, check);
}

static void barred(const struct heard *h)
{
	assert_int_equal(h->times, 1);
	if (h->status != 200 || strcmp(heard_text(h, "status"), "disabled") != 0)
		fail_msg("%d %s", h->status, h->body);
}

/* --- other services --- */

static void a_group_of_one_service_is_nobody_s_in_another(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");

	scene_open_other(s);
	group(s, SCOPE, "presses", &l.line6);
	refused_in(s, OTHER_SCOPE, "press-6", show(s, OTHER_SCOPE, "press-6", &l.press6, &l.line6), "certificate-known");
	assert_null(scene_record_in(s, OTHER_SCOPE, "press-6"));
	assert_null(scene_attempt(s, "press-6")); /* and the other operator hears nothing of it */
	assert_true(slice_search(scene_attempt_in(s, OTHER_SCOPE, "press-6")->sentence, SLICE("presses")) < 0);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, NULL), NULL, "press-6", "initialAssignment");
	dismantle(&l);
}

/* Names are anybody's to choose: keys are not. */
static void two_services_whose_cas_are_called_alike_do_not_know_each_other_s_devices(void **state)
{
	struct scene *s = *state;
	struct line ours = build("press-6", "press-7"), theirs = build("press-6", "press-7");

	scene_open_other(s);
	group(s, SCOPE, "presses", &ours.line6);
	group(s, OTHER_SCOPE, "presses", &theirs.line6);
	refused_in(s, SCOPE, "press-6", show(s, SCOPE, "press-6", &theirs.press6, &theirs.line6), "certificate-path-other-key");
	refused_in(s, OTHER_SCOPE, "press-6", show(s, OTHER_SCOPE, "press-6", &ours.press6, &ours.line6), "certificate-path-other-key");
	assert_assigned(show(s, SCOPE, "press-6", &ours.press6, &ours.line6), NULL, "press-6", "initialAssignment");
	assert_assigned(show(s, OTHER_SCOPE, "press-6", &theirs.press6, &theirs.line6), HUB3, "press-6", "initialAssignment");
	dismantle(&ours);
	dismantle(&theirs);
}

static void uploaded_cas_of_one_name_are_those_of_their_service(void **state)
{
	struct scene *s = *state;
	struct line ours = build("press-6", "press-7"), theirs = build("press-6", "press-7");

	scene_open_other(s);
	upload(s, SCOPE, "root", &ours.root);
	upload(s, OTHER_SCOPE, "root", &theirs.root);
	group_of_ca(s, "presses", "root");
	assert_assigned(show(s, SCOPE, "press-6", &ours.press6, &ours.line6), NULL, "press-6", NULL);
	refused(s, "press-7", show(s, SCOPE, "press-7", &theirs.press7, &theirs.line7), "certificate-path-other-key");
	/* A CA alone lets nobody in. */
	refused_in(s, OTHER_SCOPE, "press-6", show(s, OTHER_SCOPE, "press-6", &theirs.press6, &theirs.line6), "certificate-known");
	dismantle(&ours);
	dismantle(&theirs);
}

static void one_ca_in_two_services_vouches_in_each_for_itself(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct enrollment *ours;

	scene_open_other(s);
	ours = group(s, SCOPE, "ours", &l.root);
	group(s, OTHER_SCOPE, "theirs", &l.root);
	assert_string_equal(group_told(show(s, SCOPE, "press-6", &l.press6, &l.line6)), "ours");
	assert_string_equal(group_told(show(s, OTHER_SCOPE, "press-6", &l.press6, &l.line6)), "theirs");
	assert_true(slice_eq(scene_record_in(s, OTHER_SCOPE, "press-6")->assigned_hub, SLICE(HUB3)));
	switch_off(s, &noun_group, ours, true);
	barred(show(s, SCOPE, "press-6", &l.press6, &l.line6));
	assert_assigned(show(s, OTHER_SCOPE, "press-6", &l.press6, &l.line6), HUB3, "press-6", NULL);
	dismantle(&l);
}

static void an_individual_enrollment_of_one_service_is_none_in_another(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");

	scene_open_other(s);
	enroll(s, SCOPE, "press-6", &l.press6);
	refused_in(s, OTHER_SCOPE, "press-6", show(s, OTHER_SCOPE, "press-6", &l.press6, &l.line6), "certificate-known");
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, NULL), NULL, "press-6", NULL);
	dismantle(&l);
}

/* --- other devices --- */

static void a_leaf_of_the_same_ca_is_not_another_device(void **state)
{
	struct scene *s = *state;
	struct line l = build("dev-1", "dev-2");
	struct test_certificate second = make("dev-2", &l.line6, false);

	enroll(s, SCOPE, "dev-1", &l.press6);
	refused(s, "dev-1", show(s, SCOPE, "dev-1", &second, &l.line6), "certificate-common-name");
	refused(s, "dev-2", show(s, SCOPE, "dev-2", &second, &l.line6), "certificate-known");
	refused(s, "dev-2", show(s, SCOPE, "dev-2", &l.press6, &l.line6), "certificate-common-name");
	/* Not with the enrolled one above it either. */
	refused(s, "dev-1", show(s, SCOPE, "dev-1", &second, &l.press6), "certificate-common-name");
	assert_null(scene_record(s, "dev-1"));
	assert_null(scene_record(s, "dev-2"));
	test_unmake(&second);
	dismantle(&l);
}

/* The search ends at the first match (service-api.md 9.2): a group is no way around an entry of its own. */
static void an_entry_of_its_own_stands_before_the_group(void **state)
{
	struct scene *s = *state;
	struct line l = build("dev-1", "dev-2");
	struct test_certificate again = make("dev-1", &l.line6, false);
	struct enrollment *own = enroll(s, SCOPE, "dev-1", &l.press6);

	group(s, SCOPE, "presses", &l.line6);
	refused(s, "dev-1", show(s, SCOPE, "dev-1", &again, &l.line6), "certificate-match");
	assert_assigned(show(s, SCOPE, "dev-1", &l.press6, &l.line6), NULL, "dev-1", NULL);
	scene_delete(s, &noun_individual, own);
	assert_string_equal(group_told(show(s, SCOPE, "dev-1", &again, &l.line6)), "presses");
	test_unmake(&again);
	dismantle(&l);
}

static void a_device_of_a_group_gets_no_other_s_name(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");

	group(s, SCOPE, "presses", &l.root);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, &l.line6), NULL, "press-6", NULL);
	refused(s, "press-6", show(s, SCOPE, "press-6", &l.press7, &l.line7), "certificate-common-name");
	assert_assigned(show(s, SCOPE, "press-7", &l.press7, &l.line7), NULL, "press-7", NULL);
	dismantle(&l);
}

/* A key of a group's is not its certificate, and the other way round. */
static void a_certificate_opens_no_enrollment_of_keys(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct heard *h;

	scene_enrollment(s, "press-6", HUB1);
	refused(s, "press-6", show(s, SCOPE, "press-6", &l.press6, &l.line6), "token-missing");
	enroll(s, SCOPE, "press-7", &l.press7);
	h = scene_register(s, "press-7");
	scene_advance(s, 10);
	refused(s, "press-7", h, "certificate-missing");
	dismantle(&l);
}

/* --- at the next attempt --- */

static void a_device_of_a_group_is_barred_by_an_entry_of_its_own(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct enrollment *own;

	group(s, SCOPE, "presses", &l.line6);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, NULL), NULL, "press-6", "initialAssignment");
	own = enroll(s, SCOPE, "press-6", &l.press6);
	switch_off(s, &noun_individual, own, true);
	barred(show(s, SCOPE, "press-6", &l.press6, NULL));
	barred(show(s, SCOPE, "press-6", &l.press6, &l.line6));
	scene_delete(s, &noun_individual, own);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, NULL), NULL, "press-6", NULL);
	dismantle(&l);
}

static void a_group_that_is_switched_off_bars_its_devices_though_the_group_above_it_is_not(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct enrollment *narrow;

	group(s, SCOPE, "plant", &l.root);
	assert_string_equal(group_told(show(s, SCOPE, "press-6", &l.press6, &l.line6)), "plant");
	narrow = group(s, SCOPE, "line-6", &l.line6);
	switch_off(s, &noun_group, narrow, true);
	barred(show(s, SCOPE, "press-6", &l.press6, &l.line6));
	assert_string_equal(group_told(show(s, SCOPE, "press-7", &l.press7, &l.line7)), "plant");
	switch_off(s, &noun_group, narrow, false);
	assert_string_equal(group_told(show(s, SCOPE, "press-6", &l.press6, &l.line6)), "line-6");
	scene_delete(s, &noun_group, narrow);
	assert_string_equal(group_told(show(s, SCOPE, "press-6", &l.press6, &l.line6)), "plant");
	dismantle(&l);
}

static void a_ca_that_is_deleted_vouches_no_more(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct ca_certificate *ca = upload(s, SCOPE, "root", &l.root);
	struct enrollment *own = blank(s, &noun_individual, SCOPE, "press-7");

	group_of_ca(s, "plant", "root");
	own->ca_primary = own->ca_primary_id = SLICE("root");
	scene_put(s, &noun_individual, own);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, &l.line6), NULL, "press-6", NULL);
	assert_assigned(show(s, SCOPE, "press-7", &l.press7, &l.line7), NULL, "press-7", NULL);
	scene_delete(s, &noun_ca_certificate, ca);
	refused(s, "press-6", show(s, SCOPE, "press-6", &l.press6, &l.line6), "certificate-known");
	refused(s, "press-7", show(s, SCOPE, "press-7", &l.press7, &l.line7), "certificate-authority");
	upload(s, SCOPE, "root", &l.root);
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, &l.line6), NULL, "press-6", NULL);
	dismantle(&l);
}

static void a_ca_that_is_not_verified_any_more_vouches_no_more(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct ca_certificate *ca = upload(s, SCOPE, "root", &l.root);

	group_of_ca(s, "plant", "root");
	assert_assigned(show(s, SCOPE, "press-6", &l.press6, &l.line6), NULL, "press-6", NULL);
	ca->verified = FLAG_NO;
	scene_put(s, &noun_ca_certificate, ca);
	refused(s, "press-6", show(s, SCOPE, "press-6", &l.press6, &l.line6), "certificate-authority");
	dismantle(&l);
}

static void a_group_whose_signer_is_exchanged_takes_only_those_of_the_new_one(void **state)
{
	struct scene *s = *state;
	struct line l = build("press-6", "press-7");
	struct enrollment *presses = group(s, SCOPE, "presses", &l.line6);

	assert_assigned(show(s, SCOPE, "press-6", &l.press6, NULL), NULL, "press-6", NULL);
	scene_delete(s, &noun_group, presses);
	group(s, SCOPE, "presses", &l.line7);
	refused(s, "press-6", show(s, SCOPE, "press-6", &l.press6, &l.line6), "certificate-known");
	assert_assigned(show(s, SCOPE, "press-7", &l.press7, NULL), NULL, "press-7", NULL);
	dismantle(&l);
}

const struct CMUnitTest x509_tests[] = {
	SCENE_TEST(a_group_of_one_service_is_nobody_s_in_another),
	SCENE_TEST(two_services_whose_cas_are_called_alike_do_not_know_each_other_s_devices),
	SCENE_TEST(uploaded_cas_of_one_name_are_those_of_their_service),
	SCENE_TEST(one_ca_in_two_services_vouches_in_each_for_itself),
	SCENE_TEST(an_individual_enrollment_of_one_service_is_none_in_another),
	SCENE_TEST(a_leaf_of_the_same_ca_is_not_another_device),
	SCENE_TEST(an_entry_of_its_own_stands_before_the_group),
	SCENE_TEST(a_device_of_a_group_gets_no_other_s_name),
	SCENE_TEST(a_certificate_opens_no_enrollment_of_keys),
	SCENE_TEST(a_device_of_a_group_is_barred_by_an_entry_of_its_own),
	SCENE_TEST(a_group_that_is_switched_off_bars_its_devices_though_the_group_above_it_is_not),
	SCENE_TEST(a_ca_that_is_deleted_vouches_no_more),
	SCENE_TEST(a_ca_that_is_not_verified_any_more_vouches_no_more),
	SCENE_TEST(a_group_whose_signer_is_exchanged_takes_only_those_of_the_new_one),
};
const size_t x509_test_count = sizeof(x509_tests) / sizeof(x509_tests[0]);
