/* A change of hubs, weights and policy, and what is foretold added up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/whatif.h"

static struct {
	struct arena *arena;
	struct linked_hub hubs[3];
	struct whatif_service service;
	struct placing then;
	struct whatif_tally tally;
} t;

static int set_up(void **state)
{
	static const char *const names[] = {"hub1.berth.test", "hub1.elsewhere.test", "hub3.berth.test"};

	(void)state;
	memset(&t, 0, sizeof(t));
	t.arena = arena_new(1 << 20);
	for (int i = 0; i < 3; i++) {
		noun_clear(&noun_linked_hub, &t.hubs[i]);
		t.hubs[i].id = t.hubs[i].name = slice_str(names[i]);
		t.hubs[i].position = 2 - i;
	}
	t.hubs[2].weight = 7;
	t.service = (struct whatif_service){SLICE("Static"), SLICE("berth.test"), t.hubs, 3};
	return t.arena == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&t.arena);
	return 0;
}

static const char *change(const char *text)
{
	json_t *body = NULL;
	const char *why;

	assert_int_equal(json_read(slice_str(text), t.arena, &body, NULL), OK);
	why = whatif_change(&t.service, body, t.arena, &t.then);
	json_decref(body);
	return why;
}

/* "name:weight:position ..." */
static const char *hubs(void)
{
	const char *text = "";

	for (size_t i = 0; i < t.then.hub_count; i++)
		text = arena_printf(t.arena, "%s%s%.*s:%lld:%lld", text, i ? " " : "", SLICE_ARG(t.then.hubs[i].name),
				    (long long)(t.then.hubs[i].weight == INT_NONE ? 0 : t.then.hubs[i].weight),
				    (long long)t.then.hubs[i].position);
	return text;
}

#define AS_IT_IS "hub1.berth.test:0:2 hub1.elsewhere.test:0:1 hub3.berth.test:7:0"

static void no_change_leaves_all_as_it_is(void **state)
{
	static const char *const nothing[] = {"{}", "{\"iotHubs\":null,\"allocationPolicy\":null}", "{\"iotHubs\":{}}",
					      "{\"iotHubs\":{\"add\":null,\"remove\":[],\"weights\":null},\"other\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		assert_null(change(nothing[i]));
		assert_string_equal(hubs(), AS_IT_IS);
		assert_true(slice_eq(t.then.policy, SLICE("Static")));
	}
}

static void a_hub_is_named_by_its_host_name_or_its_first_label(void **state)
{
	(void)state;
	assert_null(change("{\"iotHubs\":{\"remove\":[\"HUB1.elsewhere.test\"]}}"));
	assert_string_equal(hubs(), "hub1.berth.test:0:2 hub3.berth.test:7:0");
	/* One that is hosted here comes before one elsewhere of the same label. */
	assert_null(change("{\"iotHubs\":{\"remove\":[\"Hub1\"]}}"));
	assert_string_equal(hubs(), "hub1.elsewhere.test:0:1 hub3.berth.test:7:0");
	assert_null(change("{\"iotHubs\":{\"remove\":[\"hub1\",\"hub1\"]}}"));
	assert_string_equal(hubs(), "hub3.berth.test:7:0");
}

/* In the order of their IDs, in which the store gives them; the last to be linked. */
static void a_hub_more_stands_where_the_store_would_have_it(void **state)
{
	(void)state;
	assert_null(change(
		"{\"iotHubs\":{\"add\":[{\"name\":\"Hub2\",\"allocationWeight\":3,\"location\":\"eu\"},{\"name\":\"a.far.test\"}]}}"));
	assert_string_equal(hubs(), "a.far.test:0:4 hub1.berth.test:0:2 hub1.elsewhere.test:0:1 hub2.berth.test:3:3 hub3.berth.test:7:0");
	assert_true(slice_eq(t.then.hubs[3].location, SLICE("eu")));
	assert_true(slice_eq(t.then.hubs[3].id, SLICE("hub2.berth.test")));
}

/* First those that go, then those that come, then the weights of what there is. */
static void all_at_once(void **state)
{
	(void)state;
	assert_null(
		change("{\"allocationPolicy\":\"HASHED\",\"iotHubs\":{\"weights\":{\"hub3\":1000,\"hub9\":2},\"add\":[{\"name\":\"hub9\"},"
		       "{\"name\":\"hub1\"}],\"remove\":[\"hub1.berth.test\"]}}"));
	assert_string_equal(hubs(), "hub1.berth.test:0:3 hub1.elsewhere.test:0:1 hub3.berth.test:1000:0 hub9.berth.test:2:2");
	assert_true(slice_eq(t.then.policy, SLICE("Hashed")));
	assert_int_equal(t.hubs[2].weight, 7);
}

static void what_makes_no_sense_is_said(void **state)
{
	static const struct {
		const char *change, *words;
	} wrong[] = {
		{"{\"allocationPolicy\":7}", "allocationPolicy"},
		{"{\"iotHubs\":[]}", "object with add"},
		{"{\"iotHubs\":{\"add\":{}}}", "list of hubs"},
		{"{\"iotHubs\":{\"add\":[\"hub9\"]}}", "each with a name"},
		{"{\"iotHubs\":{\"add\":[{\"name\":\"\"}]}}", "each with a name"},
		{"{\"iotHubs\":{\"add\":[{\"name\":\"hub9\",\"location\":1}]}}", "location"},
		{"{\"iotHubs\":{\"add\":[{\"name\":\"hub9\",\"allocationWeight\":0}]}}", "not 1 to 1000"},
		{"{\"iotHubs\":{\"add\":[{\"name\":\"HUB3\"}]}}", "hub3.berth.test, which is linked to the service already"},
		{"{\"iotHubs\":{\"remove\":[\"hub\"]}}", "names hub, which is not linked to the service; linked are: hub1.berth.test, "},
		{"{\"iotHubs\":{\"remove\":[\"hub1\",\"hub1\",\"hub3\",\"hub3\"]}}", "linked are: none"},
		{"{\"iotHubs\":{\"weights\":{\"hub3\":\"2\"}}}", "hub3.berth.test must be a number from 1 to 1000"},
		{"{\"iotHubs\":{\"weights\":[]}}", "weights must be an object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *why = change(wrong[i].change);

		assert_non_null(why);
		if (strstr(why, wrong[i].words) == NULL)
			fail_msg("%s: %s", wrong[i].change, why);
	}
}

static void fifty_hubs_are_all(void **state)
{
	const char *list = "";

	(void)state;
	for (int i = 0; i < LINKED_HUBS_MAX - 3; i++)
		list = arena_printf(t.arena, "%s%s{\"name\":\"new%d\"}", list, i ? "," : "", i);
	assert_null(change(arena_printf(t.arena, "{\"iotHubs\":{\"add\":[%s]}}", list)));
	assert_int_equal(t.then.hub_count, LINKED_HUBS_MAX);
	assert_non_null(strstr(change(arena_printf(t.arena, "{\"iotHubs\":{\"add\":[%s,{\"name\":\"x\"}]}}", list)), "more than 50"));
}

/* --- adding up --- */

static void add(enum fate fate, const char *from, const char *to, const char *sentence)
{
	const struct foretold f = {.fate = fate, .from = slice_str(from), .to = slice_str(to), .sentence = sentence};

	assert_int_equal(whatif_tally_add(&t.tally, &f), OK);
}

static void assert_summary(const char *expected)
{
	struct json_out out;
	struct buf text;

	buf_init(&text, 1 << 20);
	json_out_init(&out, &text);
	whatif_tally_write(&t.tally, &out, NULL);
	buf_add_char(&text, 0);
	assert_string_equal(buf_slice(&text).p, expected);
	buf_fini(&text);
}

static void devices_are_counted_where_they_are_and_would_be(void **state)
{
	(void)state;
	assert_null(change("{\"iotHubs\":{\"remove\":[\"hub3\",\"hub1.elsewhere.test\"],\"add\":[{\"name\":\"hub2\"}]}}"));
	whatif_tally_init(&t.tally, t.hubs, 3, &t.then, t.arena);
	add(FATE_STAYS, "hub1.berth.test", NULL, NULL);
	add(FATE_MOVES, "hub3.berth.test", "hub2.berth.test", NULL);
	add(FATE_MOVES, "HUB3.berth.test", "hub2.berth.test", NULL);
	add(FATE_MOVES, "left.behind.test", "hub1.berth.test", NULL);
	add(FATE_UNDECIDED, "hub3.berth.test", NULL, "Nobody knows.");
	add(FATE_UNDECIDED, NULL, NULL, "Nobody knows.");
	add(FATE_REFUSED, "hub1.berth.test", NULL, "It is barred.");
	assert_summary(
		"{\"devices\":7,\"stay\":1,\"move\":3,\"undecided\":2,\"refused\":1,"
		"\"hubs\":[{\"name\":\"hub1.berth.test\",\"now\":2,\"then\":3},{\"name\":\"hub1.elsewhere.test\",\"now\":0,\"then\":0},"
		"{\"name\":\"hub3.berth.test\",\"now\":3,\"then\":1},{\"name\":\"hub2.berth.test\",\"now\":0,\"then\":2},"
		"{\"name\":\"left.behind.test\",\"now\":1,\"then\":0}],"
		"\"moves\":[{\"from\":\"hub3.berth.test\",\"to\":\"hub2.berth.test\",\"devices\":2},"
		"{\"from\":\"left.behind.test\",\"to\":\"hub1.berth.test\",\"devices\":1}],"
		"\"reasons\":[{\"sentence\":\"Nobody knows.\",\"devices\":2},{\"sentence\":\"It is barred.\",\"devices\":1}]}");
}

/* What there is no room to tell apart is counted all the same. */
static void very_many_hubs_and_reasons_are_added_up_in_the_end(void **state)
{
	int64_t now = 0, told = 0;

	(void)state;
	assert_null(change("{}"));
	whatif_tally_init(&t.tally, t.hubs, 3, &t.then, t.arena);
	for (int i = 0; i < 1000; i++) {
		add(FATE_MOVES, arena_printf(t.arena, "old%d.test", i), "hub1.berth.test", NULL);
		add(FATE_REFUSED, "hub1.berth.test", NULL, arena_printf(t.arena, "Reason %d.", i));
	}
	assert_int_equal(t.tally.devices, 2000);
	for (int i = 0; i <= WHATIF_PLACES_MAX; i++)
		now += t.tally.places[i].now;
	for (int i = 0; i <= WHATIF_REASONS_MAX; i++)
		told += t.tally.reasons[i].devices;
	assert_int_equal(now, 2000);
	assert_int_equal(told, 1000);
	assert_true(slice_eq(t.tally.places[WHATIF_PLACES_MAX].name, SLICE("other hubs")));
	assert_int_equal(t.tally.moves[WHATIF_PLACES_MAX][0], 1000 - (WHATIF_PLACES_MAX - 3));
	assert_string_equal(t.tally.reasons[WHATIF_REASONS_MAX].sentence, "Other reasons.");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_change_leaves_all_as_it_is),
		TEST(a_hub_is_named_by_its_host_name_or_its_first_label),
		TEST(a_hub_more_stands_where_the_store_would_have_it),
		TEST(all_at_once),
		TEST(what_makes_no_sense_is_said),
		TEST(fifty_hubs_are_all),
		TEST(devices_are_counted_where_they_are_and_would_be),
		TEST(very_many_hubs_and_reasons_are_added_up_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
