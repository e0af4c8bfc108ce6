/* What becomes of a device that registers again, without the device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/test_mmdb.h"
#include "provision/foretell.h"

#define HUB1 "hub1.example.net"
#define HUB2 "hub2.example.net"

static struct {
	struct arena *arena;
	struct linked_hub hubs[2];
	int64_t round_trips_us[2];
	struct placing placing;
	struct registration_record record;
	struct enrollment enrollment;
	struct foretold told;
} t;

static int set_up(void **state)
{
	static const char *const names[] = {HUB1, HUB2};

	(void)state;
	memset(&t, 0, sizeof(t));
	t.arena = arena_new(4 << 20);
	for (int i = 0; i < 2; i++) {
		noun_clear(&noun_linked_hub, &t.hubs[i]);
		t.hubs[i].id = t.hubs[i].name = slice_str(names[i]);
		t.hubs[i].position = i;
	}
	t.placing = (struct placing){.policy = SLICE("Static"), .hubs = t.hubs, .hub_count = 2};
	noun_clear(&noun_registration, &t.record);
	noun_clear(&noun_individual, &t.enrollment);
	t.record.id = t.record.name = t.record.device_id = SLICE("press-07");
	t.record.assigned_hub = SLICE(HUB2);
	t.record.status = SLICE("assigned");
	t.enrollment.name = SLICE("presses");
	return t.arena == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	geo_free(&t.placing.geo);
	arena_free(&t.arena);
	return 0;
}

static enum fate fate(void)
{
	assert_int_equal(foretell(&t.placing, &t.record, &t.enrollment, t.arena, &t.told), OK);
	if (t.told.fate == FATE_MOVES)
		assert_true(t.told.to.n > 0 && !slice_eq_fold(t.told.to, t.told.from));
	else
		assert_int_equal(t.told.to.n, 0);
	if (t.told.fate == FATE_UNDECIDED || t.told.fate == FATE_REFUSED)
		assert_true(strlen(t.told.sentence) > 10);
	return t.told.fate;
}

static void assert_moves_to(const char *hub)
{
	assert_int_equal(fate(), FATE_MOVES);
	assert_true(slice_eq(t.told.to, slice_str(hub)));
	assert_true(slice_eq(t.told.from, t.record.assigned_hub));
}

static void the_policy_decides(void **state)
{
	(void)state;
	assert_moves_to(HUB1);
	t.record.assigned_hub = SLICE("HUB1.example.net");
	assert_int_equal(fate(), FATE_STAYS);
	t.enrollment.allocation_policy = SLICE("static");
	t.enrollment.iot_hub_host_name = SLICE(HUB2);
	assert_moves_to(HUB2);
	t.enrollment.iot_hub_host_name = SLICE("hub9.example.net");
	assert_int_equal(fate(), FATE_REFUSED);
	assert_non_null(strstr(t.told.sentence, "presses allows only hub9.example.net"));
	t.placing.hub_count = 0;
	assert_int_equal(fate(), FATE_REFUSED);
}

static void who_is_not_let_in_is_refused(void **state)
{
	(void)state;
	t.enrollment.provisioning_status = SLICE("Disabled");
	assert_int_equal(fate(), FATE_REFUSED);
	assert_int_equal(foretell(&t.placing, &t.record, NULL, t.arena, &t.told), OK);
	assert_int_equal(t.told.fate, FATE_REFUSED);
	assert_true(slice_eq(t.told.from, SLICE(HUB2)));
}

static void who_is_never_to_be_moved_stays(void **state)
{
	(void)state;
	t.enrollment.update_hub = FLAG_NO;
	assert_int_equal(fate(), FATE_STAYS);
	t.record.assigned_hub = SLICE("gone.example.net");
	assert_int_equal(fate(), FATE_STAYS);
	t.enrollment.provisioning_status = SLICE("disabled");
	assert_int_equal(fate(), FATE_REFUSED);
	t.enrollment.provisioning_status = NO_SLICE;
	t.enrollment.update_hub = FLAG_YES;
	assert_moves_to(HUB1);
}

/* A failure or a ban of yesterday does not count: what it would hear today does. */
static void what_is_unfinished_is_undecided(void **state)
{
	(void)state;
	t.record.status = SLICE("failed");
	assert_moves_to(HUB1);
	t.record.status = SLICE("disabled");
	assert_moves_to(HUB1);
	t.record.status = SLICE("assigning");
	assert_int_equal(fate(), FATE_UNDECIDED);
	t.record.status = SLICE("failed");
	t.record.assigned_hub = NO_SLICE;
	assert_int_equal(fate(), FATE_UNDECIDED);
}

/* service-api.md 7.2: about as near is near enough to stay. */
static void the_nearest_hub_unless_its_own_is_as_near(void **state)
{
	(void)state;
	t.placing.policy = SLICE("GeoLatency");
	t.placing.round_trips_us = t.round_trips_us;
	t.round_trips_us[0] = 1000;
	t.round_trips_us[1] = 15000;
	assert_int_equal(fate(), FATE_STAYS);
	t.round_trips_us[1] = 150000;
	assert_moves_to(HUB1);
	t.record.assigned_hub = SLICE("gone.example.net");
	assert_moves_to(HUB1);
}

static void know_places(void)
{
	static const struct mmdb_row rows[] = {{"203.0.113.0/24", 47.38, 8.54, "CH", "Zurich"}};
	char path[64];
	const char *why;
	struct buf bytes;
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/berth-foretell-%d.mmdb", getpid());
	buf_init(&bytes, 1 << 20);
	assert_true(mmdb_make(&bytes, rows, 1));
	assert_non_null(file = fopen(path, "wb"));
	assert_int_equal(fwrite(buf_slice(&bytes).p, 1, bytes.n, file), bytes.n);
	fclose(file);
	buf_fini(&bytes);
	assert_non_null(t.placing.geo = geo_new());
	assert_int_equal(geo_load(t.placing.geo, path, t.arena, &why), OK);
	unlink(path);
	t.hubs[0].location = SLICE("westeurope");
	t.hubs[1].location = SLICE("japaneast");
}

/* By the address from which it registered last; an address that is nowhere leaves it to the round trips, as then. */
static void the_nearest_hub_is_that_to_where_it_registered(void **state)
{
	(void)state;
	know_places();
	t.placing.policy = SLICE("GeoLatency");
	t.placing.round_trips_us = t.round_trips_us;
	t.round_trips_us[0] = 150000;
	t.round_trips_us[1] = 1000;
	assert_int_equal(fate(), FATE_UNDECIDED);
	t.record.source_address = SLICE("203.0.113.7");
	assert_moves_to(HUB1);
	t.record.source_address = SLICE("198.51.100.7");
	assert_int_equal(fate(), FATE_STAYS);
	t.record.source_address = NO_SLICE;
	t.enrollment.allocation_policy = SLICE("custom");
	t.enrollment.rule = SLICE("nearest(hubs)");
	assert_int_equal(fate(), FATE_UNDECIDED);
	t.enrollment.rule = SLICE("'hub1'");
	assert_moves_to(HUB1);
}

static void a_webhook_is_not_asked(void **state)
{
	(void)state;
	t.enrollment.allocation_policy = SLICE("custom");
	t.enrollment.webhook_url = SLICE("https://place.example.net/");
	assert_int_equal(fate(), FATE_UNDECIDED);
	assert_null(strstr(t.told.sentence, "not linked"));
	t.record.assigned_hub = SLICE("gone.example.net");
	assert_int_equal(fate(), FATE_UNDECIDED);
	assert_non_null(strstr(t.told.sentence, "not linked"));
	t.placing.hub_count = 0; /* it would not be asked either */
	assert_int_equal(fate(), FATE_REFUSED);
}

static void a_rule_decides_unless_it_asks_what_the_device_says(void **state)
{
	(void)state;
	t.enrollment.allocation_policy = SLICE("custom");
	t.enrollment.rule = SLICE("starts(device.id, 'press') and 'hub1'");
	assert_moves_to(HUB1);
	t.enrollment.rule = SLICE("device.hub");
	assert_int_equal(fate(), FATE_STAYS);
	t.enrollment.rule = SLICE("twin.tags.site == 'north' and 'hub1' or 'hub2'");
	t.enrollment.initial_twin = SLICE("{\"tags\":{\"site\":\"north\"}}");
	assert_moves_to(HUB1);
	t.enrollment.rule = SLICE("nil");
	assert_int_equal(fate(), FATE_REFUSED);
	t.enrollment.rule = SLICE("payload.model == 'P9' and 'hub1' or 'hub2'");
	assert_int_equal(fate(), FATE_UNDECIDED);
	t.enrollment.rule = SLICE("_ENV['pay' .. 'load'].model and 'hub1'");
	assert_int_equal(fate(), FATE_UNDECIDED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_policy_decides),
		TEST(who_is_not_let_in_is_refused),
		TEST(who_is_never_to_be_moved_stays),
		TEST(what_is_unfinished_is_undecided),
		TEST(the_nearest_hub_unless_its_own_is_as_near),
		TEST(the_nearest_hub_is_that_to_where_it_registered),
		TEST(a_webhook_is_not_asked),
		TEST(a_rule_decides_unless_it_asks_what_the_device_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
