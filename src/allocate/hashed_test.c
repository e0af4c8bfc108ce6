/* How the devices spread: 100,000 registration IDs over 2, 3 and 7 hubs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "allocate/allocate.h"

#define DEVICES  100000
#define HUBS_MAX 8
#define ROOM     65536

/* The upper 0.001 points of the chi-square distribution, by degrees of freedom: NIST/SEMATECH e-Handbook of
 * Statistical Methods, table 1.3.6.7.4. */
static const double critical[] = {[1] = 10.828, [2] = 13.816, [3] = 16.266, [4] = 18.467, [5] = 20.515, [6] = 22.458, [7] = 24.322};

struct world {
	struct linked_hub hubs[HUBS_MAX];
	char names[HUBS_MAX][48];
	size_t count;
};

static struct enrollment anybody;

/* A weight of 0 stands for none given. */
static void make_world(struct world *w, const int *weights, size_t count)
{
	w->count = count;
	for (size_t i = 0; i < count; i++) {
		noun_clear(&noun_linked_hub, &w->hubs[i]);
		snprintf(w->names[i], sizeof(w->names[i]), "hub%zu.example.test", i + 1);
		w->hubs[i].id = w->hubs[i].name = slice_str(w->names[i]);
		w->hubs[i].position = (int64_t)i;
		if (weights[i] != 0)
			w->hubs[i].weight = weights[i];
	}
}

static struct slice registration_id(char out[32], int i)
{
	snprintf(out, 32, "press-%06d", i);
	return slice_str(out);
}

/* The number of the hub in the world. */
static size_t place(const struct world *w, struct slice id, struct arena *a)
{
	const struct allocation ask = {.registration_id = id, .hubs = w->hubs, .hub_count = w->count, .enrollment = &anybody};
	struct choice choice;

	assert_int_equal(allocate_choose(&ask, a, &choice), OK);
	assert_int_equal(choice.error_code, 0);
	assert_string_equal(choice.policy, "hashed");
	return (size_t)(choice.hub - w->hubs);
}

static void place_all(const struct world *w, int devices, unsigned char *out)
{
	char id[32];

	for (int i = 0; i < devices; i++) {
		struct arena *a = arena_new(ROOM);

		out[i] = (unsigned char)place(w, registration_id(id, i), a);
		arena_free(&a);
	}
}

static unsigned char before[DEVICES], after[DEVICES];

static void count_each(const unsigned char *placed, int devices, int *counts)
{
	memset(counts, 0, HUBS_MAX * sizeof(*counts));
	for (int i = 0; i < devices; i++)
		counts[placed[i]]++;
}

static void the_spread_is_fair(const int *weights, size_t count)
{
	struct world w;
	int counts[HUBS_MAX], all = 0;
	double chi = 0;

	make_world(&w, weights, count);
	place_all(&w, DEVICES, before);
	count_each(before, DEVICES, counts);
	for (size_t i = 0; i < count; i++)
		all += weights[i] ? weights[i] : 1;
	for (size_t i = 0; i < count; i++) {
		double expected = (double)DEVICES * (weights[i] ? weights[i] : 1) / all;

		chi += (counts[i] - expected) * (counts[i] - expected) / expected;
	}
	print_message("%zu hubs: chi-square %.3f, limit %.3f\n", count, chi, critical[count - 1]);
	assert_true(chi < critical[count - 1]);
}

static void two_hubs_share_alike(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){0, 0}, 2);
}

static void three_hubs_share_alike(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){1, 0, 1}, 3);
}

static void seven_hubs_share_alike(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){5, 5, 5, 5, 5, 5, 5}, 7);
}

static void two_hubs_share_by_weight(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){1, 9}, 2);
}

static void three_hubs_share_by_weight(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){1, 2, 3}, 3);
}

static void seven_hubs_share_by_weight(void **state)
{
	(void)state;
	the_spread_is_fair((const int[]){0, 2, 3, 5, 8, 13, 1000}, 7);
}

/* service-api.md 14 check 17 */
static void ten_thousand_devices_over_one_to_three_are_within_three_percent(void **state)
{
	struct world w;
	int counts[HUBS_MAX];

	(void)state;
	make_world(&w, (const int[]){1, 3}, 2);
	place_all(&w, 10000, before);
	count_each(before, 10000, counts);
	assert_in_range(counts[0], 2500 - 300, 2500 + 300);
	assert_in_range(counts[1], 7500 - 300, 7500 + 300);
}

static void a_new_hub_takes_its_share_and_nobody_else_moves(void **state)
{
	static const int weights[] = {2, 3, 1, 2};
	struct world w;
	int moved = 0;

	(void)state;
	make_world(&w, weights, 3);
	place_all(&w, DEVICES, before);
	make_world(&w, weights, 4);
	place_all(&w, DEVICES, after);
	for (int i = 0; i < DEVICES; i++) {
		if (before[i] == after[i])
			continue;
		assert_int_equal(after[i], 3);
		moved++;
	}
	/* Its share is 2 of 8, and 1 % of all is allowed on top. */
	assert_true(moved <= DEVICES * 2 / 8 + DEVICES / 100);
	assert_true(moved >= DEVICES * 2 / 8 - DEVICES / 100);
}

static void a_hub_that_goes_moves_only_its_devices(void **state)
{
	static const int weights[] = {1, 1, 4, 2};
	struct world w;

	(void)state;
	make_world(&w, weights, 4);
	place_all(&w, DEVICES, before);
	w.count = 3;
	place_all(&w, DEVICES, after);
	for (int i = 0; i < DEVICES; i++)
		assert_true(before[i] == 3 ? after[i] < 3 : after[i] == before[i]);
}

static void the_order_of_the_hubs_does_not_matter(void **state)
{
	static const int weights[] = {1, 2, 3, 4, 5};
	struct world w, turned;
	char text[32];

	(void)state;
	make_world(&w, weights, 5);
	turned = w;
	for (size_t i = 0; i < 5; i++)
		turned.hubs[i] = w.hubs[4 - i];
	for (int i = 0; i < 1000; i++) {
		struct arena *a = arena_new(ROOM);
		struct slice id = registration_id(text, i);

		assert_int_equal(place(&turned, id, a), 4 - place(&w, id, a));
		arena_free(&a);
	}
}

static void the_spelling_of_the_id_and_of_the_hub_does_not_matter(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct world w, loud;

	(void)state;
	make_world(&w, (const int[]){0, 0, 0}, 3);
	make_world(&loud, (const int[]){0, 0, 0}, 3);
	for (size_t i = 0; i < 3; i++)
		memcpy(loud.names[i], "HUB", 3);
	assert_int_equal(place(&w, SLICE("press-07"), a), place(&loud, SLICE("PRESS-07"), a));
	assert_int_equal(place(&w, SLICE("press-08"), a), place(&loud, SLICE("Press-08"), a));
	assert_int_equal(place(&w, SLICE("press-09"), a), place(&loud, SLICE("pRESS-09"), a));
	arena_free(&a);
}

/* Promise 4: every node chooses alike, and so does every version. The places were
 * worked out from the RULE by another program, in another language. */
static void these_devices_stay_where_they_always_were(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct world w;

	(void)state;
	make_world(&w, (const int[]){1, 3, 2}, 3);
	assert_int_equal(place(&w, SLICE("press-07"), a), 2);
	assert_int_equal(place(&w, SLICE("press-08"), a), 1);
	assert_int_equal(place(&w, SLICE("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"), a), 2);
	assert_int_equal(place(&w, SLICE("c"), a), 0);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hubs_share_alike),
		cmocka_unit_test(three_hubs_share_alike),
		cmocka_unit_test(seven_hubs_share_alike),
		cmocka_unit_test(two_hubs_share_by_weight),
		cmocka_unit_test(three_hubs_share_by_weight),
		cmocka_unit_test(seven_hubs_share_by_weight),
		cmocka_unit_test(ten_thousand_devices_over_one_to_three_are_within_three_percent),
		cmocka_unit_test(a_new_hub_takes_its_share_and_nobody_else_moves),
		cmocka_unit_test(a_hub_that_goes_moves_only_its_devices),
		cmocka_unit_test(the_order_of_the_hubs_does_not_matter),
		cmocka_unit_test(the_spelling_of_the_id_and_of_the_hub_does_not_matter),
		cmocka_unit_test(these_devices_stay_where_they_always_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
