/* Which policy, which candidates: service-api.md 7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocate/allocate.h"

#define ROOM 65536

struct fixture {
	struct arena *a;
	struct linked_hub hubs[3];
	struct slice names[3];
	struct enrollment e;
	struct allocation ask;
	struct choice choice;
};

static int set_up(void **state)
{
	static struct fixture f;
	static const char *names[] = {"hub1.example.test", "hub2.example.test", "hub3.example.test"};

	f = (struct fixture){.a = arena_new(ROOM)};
	noun_clear(&noun_individual, &f.e);
	f.e.name = SLICE("press-07");
	for (int i = 0; i < 3; i++) {
		noun_clear(&noun_linked_hub, &f.hubs[i]);
		f.hubs[i].id = f.hubs[i].name = slice_str(names[i]);
		f.hubs[i].position = 10 - i; /* linked last to first */
	}
	f.ask = (struct allocation){
		.registration_id = SLICE("press-07"),
		.hubs = f.hubs,
		.hub_count = 3,
		.enrollment = &f.e,
		.service_policy = SLICE("Hashed"),
	};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static void allow(struct fixture *f, const char *first, const char *second)
{
	f->names[0] = slice_str(first);
	f->names[1] = slice_str(second);
	f->e.iot_hubs = (struct slices){.at = f->names, .n = second ? 2 : 1, .given = true};
}

/* -1: none, with the code of device-api.md 18. */
static int chosen(struct fixture *f)
{
	assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
	assert_non_null(f->choice.sentence);
	assert_int_equal(f->choice.error_code, f->choice.hub ? 0 : 400208);
	return f->choice.hub ? (int)(f->choice.hub - f->hubs) : -1;
}

static void the_policy_of_the_enrollment_comes_before_that_of_the_service(void **state)
{
	struct fixture *f = *state;

	f->ask.service_policy = SLICE("Static");
	f->e.allocation_policy = SLICE("hashed");
	chosen(f);
	assert_string_equal(f->choice.policy, "hashed");
}

static void without_one_the_policy_of_the_service_decides(void **state)
{
	struct fixture *f = *state;

	f->ask.service_policy = SLICE("Static");
	assert_int_equal(chosen(f), 2);
	assert_string_equal(f->choice.policy, "static");
}

static void without_any_policy_devices_are_hashed(void **state)
{
	struct fixture *f = *state;

	f->ask.service_policy = NO_SLICE;
	chosen(f);
	assert_string_equal(f->choice.policy, "hashed");
}

static void the_old_single_host_name_means_static(void **state)
{
	struct fixture *f = *state;

	f->e.iot_hub_host_name = SLICE("HUB2.example.test");
	assert_int_equal(chosen(f), 1);
	assert_string_equal(f->choice.policy, "static");
	assert_string_equal(f->choice.sentence, "static: hub2.example.test is the only hub to choose from");
}

/* service-api.md 7.1, rule 2 */
static void only_named_hubs_are_candidates(void **state)
{
	struct fixture *f = *state;

	allow(f, "hub2.EXAMPLE.test", NULL);
	assert_int_equal(chosen(f), 1);
	assert_string_equal(f->choice.sentence, "hashed: hub2.example.test is the only hub to choose from");
}

/* The old name is static's alone. */
static void the_old_host_name_does_not_bind_another_policy(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("hashed");
	f->e.iot_hub_host_name = SLICE("hub9.example.test");
	assert_true(chosen(f) >= 0);
}

static void an_empty_list_names_nobody_and_leaves_all(void **state)
{
	struct fixture *f = *state;

	f->e.iot_hubs.given = true;
	assert_true(chosen(f) >= 0);
}

/* rule 3 */
static void a_hub_out_of_the_policy_is_left_out_unless_named(void **state)
{
	struct fixture *f = *state;

	f->hubs[0].apply = f->hubs[1].apply = FLAG_NO;
	f->hubs[2].apply = FLAG_YES;
	assert_int_equal(chosen(f), 2);
	allow(f, "hub1.example.test", NULL);
	assert_int_equal(chosen(f), 0);
}

static void when_all_hubs_are_out_of_the_policy_nobody_is_placed(void **state)
{
	struct fixture *f = *state;

	f->hubs[0].apply = f->hubs[1].apply = f->hubs[2].apply = FLAG_NO;
	assert_int_equal(chosen(f), -1);
	assert_string_equal(f->choice.sentence, "None of the 3 linked hubs takes part: applyAllocationPolicy is false for all, and "
						"enrollment press-07 names none.");
}

/* rule 4 */
static void a_named_hub_that_is_not_linked_is_passed_over(void **state)
{
	struct fixture *f = *state;

	allow(f, "hub9.example.test", "hub3.example.test");
	assert_int_equal(chosen(f), 2);
	allow(f, "hub9.example.test", NULL);
	assert_int_equal(chosen(f), -1);
	assert_string_equal(f->choice.sentence, "Enrollment press-07 allows only hub9.example.test, which is not linked to the service.");
	allow(f, "hub8.example.test", "hub9.example.test");
	assert_int_equal(chosen(f), -1);
	assert_string_equal(f->choice.sentence, "None of the 2 hubs that enrollment press-07 allows is linked to the service.");
}

static void without_linked_hubs_nobody_is_placed(void **state)
{
	struct fixture *f = *state;

	f->ask.hub_count = 0;
	assert_int_equal(chosen(f), -1);
	assert_string_equal(f->choice.sentence, "No hub is linked to the service.");
}

/* RULE: no list is the first linked hub, however the hubs come. */
static void static_without_a_list_is_the_hub_linked_first(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("static");
	assert_int_equal(chosen(f), 2);
	f->hubs[1].position = 0;
	assert_int_equal(chosen(f), 1);
}

static void static_with_a_list_keeps_to_its_order(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("static");
	allow(f, "hub2.example.test", "hub3.example.test");
	assert_int_equal(chosen(f), 1);
	assert_string_equal(f->choice.sentence, "static over 2 hubs: hub2.example.test, hub3.example.test");
}

static void a_policy_that_is_not_built_says_so(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("nearest");
	assert_int_equal(chosen(f), -1);
	assert_string_equal(f->choice.policy, "nearest");
	assert_string_equal(f->choice.sentence, "The allocation policy nearest is not built into this Berth yet.");
}

/* service-api.md 8: its linkedHubs are the candidates of 7.1 */
static void custom_leaves_the_choice_among_the_candidates_to_somebody_else(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("custom");
	allow(f, "hub3.example.test", "hub1.example.test");
	assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
	assert_true(f->choice.elsewhere);
	assert_null(f->choice.hub);
	assert_int_equal(f->choice.error_code, 0);
	assert_int_equal(f->choice.candidate_count, 2);
	assert_ptr_equal(f->choice.candidates[0], &f->hubs[0]);
	assert_ptr_equal(f->choice.candidates[1], &f->hubs[2]);
}

static void custom_without_a_candidate_asks_nobody(void **state)
{
	struct fixture *f = *state;

	f->e.allocation_policy = SLICE("custom");
	allow(f, "gone.example.test", NULL);
	assert_int_equal(chosen(f), -1);
	assert_false(f->choice.elsewhere);
}

static void the_sentence_tells_the_weights(void **state)
{
	struct fixture *f = *state;

	f->ask.hub_count = 2;
	f->hubs[1].weight = 3;
	chosen(f);
	assert_string_equal(f->choice.sentence, "hashed over 2 hubs: hub1.example.test (weight 1), hub2.example.test (weight 3)");
}

static void weights_stay_between_one_and_a_thousand(void **state)
{
	struct linked_hub hub = {.weight = INT_NONE};

	(void)state;
	assert_true(allocate_weight(&hub) == 1);
	hub.weight = 0;
	assert_true(allocate_weight(&hub) == 1);
	hub.weight = 1000;
	assert_true(allocate_weight(&hub) == 1000);
	hub.weight = 1001;
	assert_true(allocate_weight(&hub) == 1000);
}

static void many_hubs_are_told_in_short(void **state)
{
	struct fixture *f = *state;
	struct linked_hub many[LINKED_HUBS_MAX];

	for (int i = 0; i < LINKED_HUBS_MAX; i++)
		many[i] = f->hubs[0];
	f->ask.hubs = many;
	f->ask.hub_count = LINKED_HUBS_MAX;
	assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
	assert_non_null(strstr(f->choice.sentence, "hashed over 50 hubs: "));
	assert_non_null(strstr(f->choice.sentence, " and 42 more"));
}

static void a_choice_is_whole_or_there_is_no_memory(void **state)
{
	struct fixture *f = *state;
	enum err e = ERR_NO_MEMORY;
	int refused = 0;

	for (size_t ceiling = 16; e != OK && ceiling < ROOM; ceiling += 8) {
		struct arena *a = arena_new(ceiling);

		if (a != NULL)
			e = allocate_choose(&f->ask, a, &f->choice);
		if (e == OK)
			assert_non_null(f->choice.sentence);
		else
			refused++;
		arena_free(&a);
	}
	assert_int_equal(e, OK);
	assert_true(refused > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_policy_of_the_enrollment_comes_before_that_of_the_service),
		TEST(without_one_the_policy_of_the_service_decides),
		TEST(without_any_policy_devices_are_hashed),
		TEST(the_old_single_host_name_means_static),
		TEST(only_named_hubs_are_candidates),
		TEST(the_old_host_name_does_not_bind_another_policy),
		TEST(an_empty_list_names_nobody_and_leaves_all),
		TEST(a_hub_out_of_the_policy_is_left_out_unless_named),
		TEST(when_all_hubs_are_out_of_the_policy_nobody_is_placed),
		TEST(a_named_hub_that_is_not_linked_is_passed_over),
		TEST(without_linked_hubs_nobody_is_placed),
		TEST(static_without_a_list_is_the_hub_linked_first),
		TEST(static_with_a_list_keeps_to_its_order),
		TEST(a_policy_that_is_not_built_says_so),
		TEST(custom_leaves_the_choice_among_the_candidates_to_somebody_else),
		TEST(custom_without_a_candidate_asks_nobody),
		TEST(the_sentence_tells_the_weights),
		TEST(weights_stay_between_one_and_a_thousand),
		TEST(many_hubs_are_told_in_short),
		TEST(a_choice_is_whole_or_there_is_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
