/* Lowest latency: service-api.md 7.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocate/allocate.h"

#define HUBS    3
#define DEVICES 300

struct fixture {
	struct arena *a;
	struct linked_hub hubs[HUBS];
	int64_t round_trips_us[HUBS];
	struct enrollment e;
	struct allocation ask;
	int placed[HUBS];
};

static int set_up(void **state)
{
	static struct fixture f;
	static const char *names[] = {"hub1.example.test", "hub2.example.test", "hub3.example.test"};

	f = (struct fixture){.a = arena_new(16 << 20)};
	noun_clear(&noun_individual, &f.e);
	for (int i = 0; i < HUBS; i++) {
		noun_clear(&noun_linked_hub, &f.hubs[i]);
		f.hubs[i].id = f.hubs[i].name = slice_str(names[i]);
	}
	f.ask = (struct allocation){.hubs = f.hubs,
				    .hub_count = HUBS,
				    .enrollment = &f.e,
				    .service_policy = SLICE("GeoLatency"),
				    .round_trips_us = f.round_trips_us};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static void measure(struct fixture *f, int64_t one, int64_t two, int64_t three)
{
	f->round_trips_us[0] = one;
	f->round_trips_us[1] = two;
	f->round_trips_us[2] = three;
}

static void place_all(struct fixture *f)
{
	struct choice choice;

	memset(f->placed, 0, sizeof(f->placed));
	for (int i = 0; i < DEVICES; i++) {
		f->ask.registration_id = arena_format(f->a, "device-%d", i);
		assert_int_equal(allocate_choose(&f->ask, f->a, &choice), OK);
		assert_non_null(choice.hub);
		assert_string_equal(choice.policy, "geoLatency");
		f->placed[choice.hub - f->hubs]++;
	}
}

static void the_hub_with_the_shortest_round_trip_gets_all(void **state)
{
	struct fixture *f = *state;

	measure(f, 150000, 30000, 90000);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
}

static void hubs_about_as_near_share(void **state)
{
	struct fixture *f = *state;

	measure(f, 150000, 30000, 50000);
	place_all(f);
	assert_int_equal(f->placed[0], 0);
	assert_true(f->placed[1] > DEVICES / 4 && f->placed[2] > DEVICES / 4);
	measure(f, 150000, 30000, 50001);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
}

static void weights_count_among_them(void **state)
{
	struct fixture *f = *state;

	measure(f, 150000, 30000, 30000);
	f->hubs[1].weight = 1000;
	place_all(f);
	assert_true(f->placed[1] > DEVICES * 9 / 10);
}

/* Its first devices measure it. */
static void a_hub_that_was_not_measured_may_be_near(void **state)
{
	struct fixture *f = *state;

	measure(f, 150000, 30000, 0);
	place_all(f);
	assert_int_equal(f->placed[0], 0);
	assert_true(f->placed[2] > DEVICES / 4);
}

static void without_any_measurement_devices_are_hashed(void **state)
{
	struct fixture *f = *state;
	int before[HUBS];

	place_all(f);
	memcpy(before, f->placed, sizeof(before));
	assert_true(before[0] > DEVICES / 6 && before[1] > DEVICES / 6 && before[2] > DEVICES / 6);
	f->ask.round_trips_us = NULL;
	place_all(f);
	assert_memory_equal(before, f->placed, sizeof(before));
}

static void a_device_stays_unless_its_hub_is_known_to_be_farther(void **state)
{
	struct fixture *f = *state;

	f->ask.current_hub = SLICE("HUB1.example.test");
	measure(f, 50000, 30000, 30000);
	place_all(f);
	assert_int_equal(f->placed[0], DEVICES);
	measure(f, 0, 30000, 30000);
	place_all(f);
	assert_int_equal(f->placed[0], DEVICES);
	measure(f, 60000, 30000, 90000);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
}

static void only_candidates_are_compared(void **state)
{
	struct fixture *f = *state;
	struct slice allowed[] = {SLICE("hub1.example.test"), SLICE("hub3.example.test")};

	f->e.allocation_policy = SLICE("geoLatency");
	f->e.iot_hubs = (struct slices){.at = allowed, .n = 2, .given = true};
	measure(f, 150000, 1000, 90000);
	place_all(f);
	assert_int_equal(f->placed[2], DEVICES);
}

static void the_sentence_tells_the_round_trips(void **state)
{
	struct fixture *f = *state;
	struct choice choice;

	measure(f, 150000, 30040, 0);
	f->ask.registration_id = SLICE("press-07");
	assert_int_equal(allocate_choose(&f->ask, f->a, &choice), OK);
	assert_string_equal(choice.sentence, "geoLatency over 3 hubs: hub1.example.test (150.0 ms), hub2.example.test (30.0 ms), "
					     "hub3.example.test (not measured)");
}

static void it_alone_asks_for_round_trips(void **state)
{
	struct fixture *f = *state;

	assert_true(allocate_measures(&f->ask));
	f->e.allocation_policy = SLICE("hashed");
	assert_false(allocate_measures(&f->ask));
	f->e.allocation_policy = SLICE("nonsense");
	assert_false(allocate_measures(&f->ask));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* --- by where the device is --- */

static const struct coordinates zurich = {47.38, 8.54}, osaka = {34.69, 135.5}, boston = {42.36, -71.06};

static void locate(struct fixture *f, const char *one, const char *two, const char *three, const struct coordinates *device)
{
	f->hubs[0].location = slice_str(one);
	f->hubs[1].location = slice_str(two);
	f->hubs[2].location = slice_str(three);
	f->ask.from = device;
}

static void the_nearest_hub_gets_the_device(void **state)
{
	struct fixture *f = *state;

	measure(f, 1000, 90000, 90000); /* what this node measures says nothing of the device */
	locate(f, "East US", "Japan East", "West Europe", &zurich);
	place_all(f);
	assert_int_equal(f->placed[2], DEVICES);
	f->ask.from = &osaka;
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
	f->ask.from = &boston;
	place_all(f);
	assert_int_equal(f->placed[0], DEVICES);
}

static void hubs_about_as_far_share_and_keep_their_devices(void **state)
{
	struct fixture *f = *state;

	/* From Boston Cardiff is 5,030 km away, Birmingham 5,130 and London 5,260. */
	locate(f, "52.5,-1.9", "UK South", "UK West", &boston);
	place_all(f);
	assert_true(f->placed[0] > 0 && f->placed[1] > 0 && f->placed[2] > 0);
	f->ask.current_hub = f->hubs[2].name;
	place_all(f);
	assert_int_equal(f->placed[2], DEVICES);
	locate(f, "UK West", "UK South", "Japan East", &boston);
	f->ask.current_hub = f->hubs[2].name;
	place_all(f);
	assert_int_equal(f->placed[2], 0);
}

static void a_hub_of_an_unknown_place_is_not_near(void **state)
{
	struct fixture *f = *state;

	locate(f, "the cellar", "Japan East", "", &zurich);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
}

static void round_trips_decide_where_no_place_is_known(void **state)
{
	struct fixture *f = *state;

	measure(f, 150000, 30000, 90000);
	locate(f, "the cellar", "local", "", &zurich);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
	locate(f, "East US", "Japan East", "West Europe", NULL);
	place_all(f);
	assert_int_equal(f->placed[1], DEVICES);
}

static void the_sentence_tells_the_distances(void **state)
{
	struct fixture *f = *state;
	struct choice choice;

	locate(f, "East US", "the cellar", "West Europe", &zurich);
	f->ask.registration_id = SLICE("device-1");
	assert_int_equal(allocate_choose(&f->ask, f->a, &choice), OK);
	assert_string_equal(choice.sentence, "geoLatency over 3 hubs: hub1.example.test (6903 km), hub2.example.test (its place is unknown), "
					     "hub3.example.test (613 km)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_hub_with_the_shortest_round_trip_gets_all),
		TEST(hubs_about_as_near_share),
		TEST(weights_count_among_them),
		TEST(a_hub_that_was_not_measured_may_be_near),
		TEST(without_any_measurement_devices_are_hashed),
		TEST(a_device_stays_unless_its_hub_is_known_to_be_farther),
		TEST(only_candidates_are_compared),
		TEST(the_sentence_tells_the_round_trips),
		TEST(it_alone_asks_for_round_trips),
		TEST(the_nearest_hub_gets_the_device),
		TEST(hubs_about_as_far_share_and_keep_their_devices),
		TEST(a_hub_of_an_unknown_place_is_not_near),
		TEST(round_trips_decide_where_no_place_is_known),
		TEST(the_sentence_tells_the_distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
