/*
 * News: what is gathered in a moment, who hears of it, and the curve it leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "provision/news.h"

#define START  ((instant)17000000000000000)
#define MINUTE (60 * INSTANT_SECOND)

static struct loop *loop;
static struct news_desk *desk;
static struct news *part, *other;

static int told;
static unsigned assigned, refused, names, refusals;
static size_t hubs;
static char last[64];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(loop_new_manual(START, &loop), OK);
	desk = news_desk_new(loop);
	assert_non_null(desk);
	part = news_new(loop, desk);
	other = news_new(loop, desk);
	assert_non_null(part);
	assert_non_null(other);
	told = 0;
	assigned = refused = names = refusals = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	news_free(&part);
	news_free(&other);
	news_desk_free(&desk);
	loop_free(&loop);
	return 0;
}

static void on_told(void *cookie, const struct bulletin *b)
{
	(void)cookie;
	told++;
	assigned += b->n[NEWS_ASSIGNED];
	refused += b->n[NEWS_REFUSED];
	names += (unsigned)b->sample_count;
	refusals += (unsigned)b->refusal_count;
	hubs = b->hub_count;
	snprintf(last, sizeof(last), "%.*s", SLICE_ARG(b->sample_count ? b->sample[0].id : b->refusals[0].id));
}

static void assign(struct news *at, const char *scope, const char *device, const char *hub)
{
	news_report(at, &(struct news_item){.what = NEWS_ASSIGNED,
					    .scope = slice_str(scope),
					    .service = SLICE("dps1"),
					    .device = slice_str(device),
					    .hub = slice_str(hub),
					    .protocol = "mqtt",
					    .ms = 7});
}

static void refuse(struct news *at, const char *scope, const char *device)
{
	news_report(at, &(struct news_item){.what = NEWS_REFUSED,
					    .scope = slice_str(scope),
					    .service = SLICE("dps1"),
					    .device = slice_str(device),
					    .protocol = "mqtt",
					    .code = 401002,
					    .sentence = "no"});
}

static void what_happens_in_a_moment_is_told_together(void **state)
{
	struct news_watch *watch = news_watch(part, on_told, NULL);

	(void)state;
	for (int i = 0; i < 3; i++)
		assign(part, "s1", "dev-1", i ? "hub2" : "hub1");
	refuse(part, "s1", "dev-2");
	loop_advance(loop, NEWS_EVERY_MS - 1);
	assert_int_equal(told, 0);
	loop_advance(loop, 1);
	assert_int_equal(told, 1);
	assert_int_equal(assigned, 3);
	assert_int_equal(refused, 1);
	assert_int_equal(hubs, 2);
	assert_string_equal(last, "dev-1");
	assert_int_equal(names, 3);
	assert_int_equal(refusals, 1);
	loop_advance(loop, 10000);
	assert_int_equal(told, 1); /* nothing more happens, so nothing more is told */
	news_unwatch(&watch);
	assert_null(watch);
}

static void each_service_has_its_own(void **state)
{
	struct news_watch *watch = news_watch(part, on_told, NULL);

	(void)state;
	assign(part, "s1", "a", "hub1");
	assign(part, "s2", "b", "hub1");
	loop_advance(loop, 1000);
	assert_int_equal(told, 2);
	news_unwatch(&watch);
}

static void what_happens_on_another_loop_is_heard_here(void **state)
{
	struct news_watch *watch = news_watch(part, on_told, NULL), *second = news_watch(other, on_told, NULL);

	(void)state;
	assign(other, "s1", "far", "hub1");
	loop_advance(loop, 1000);
	assert_int_equal(told, 2);
	assert_string_equal(last, "far");
	news_unwatch(&watch);
	news_unwatch(&second);
	assign(other, "s1", "far", "hub1");
	loop_advance(loop, 1000);
	assert_int_equal(told, 2);
}

static void a_flood_keeps_its_numbers_and_tells_some_names(void **state)
{
	struct news_watch *watch = news_watch(part, on_told, NULL);
	char name[32], hub[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "dev-%d", i);
		snprintf(hub, sizeof(hub), "hub-%d", i % 200);
		assign(part, "s1", name, hub);
		refuse(part, "s1", name);
	}
	loop_advance(loop, 1000);
	assert_int_equal(told, 1);
	assert_int_equal(assigned, 5000);
	assert_int_equal(refused, 5000);
	assert_int_equal(names, NEWS_SAMPLE);
	assert_int_equal(refusals, NEWS_REFUSALS);
	assert_int_equal(hubs, NEWS_HUBS);
	news_unwatch(&watch);
}

/* --- curves --- */

static struct news_watch *chained;

static void unwatch_another(void *cookie, const struct bulletin *b)
{
	(void)cookie;
	(void)b;
	told++;
	news_unwatch(&chained);
}

static void one_watcher_may_end_another(void **state)
{
	struct news_watch *first = news_watch(part, unwatch_another, NULL);

	(void)state;
	chained = news_watch(part, unwatch_another, NULL);
	assign(part, "s1", "a", "hub1");
	loop_advance(loop, 1000);
	assert_null(chained);
	assert_int_equal(told, 1);
	news_unwatch(&first);
}

static unsigned curve[NEWS_KINDS][NEWS_MINUTES];
static int minutes;
static instant from;

static void on_curve(void *cookie, const struct news_curve *c)
{
	(void)cookie;
	told++;
	minutes = c->minutes;
	from = c->from;
	for (int kind = 0; kind < NEWS_KINDS; kind++)
		for (int i = 0; i < c->minutes; i++)
			curve[kind][i] = c->n[kind][i];
}

static void ask_curve(const char *scope, int of)
{
	told = 0;
	assert_non_null(news_ask_curve(part, slice_str(scope), of, on_curve, NULL));
	loop_settle(loop);
	assert_int_equal(told, 1);
}

static void the_curve_has_a_place_for_each_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k <= i; k++)
			assign(part, "s1", "a", "hub1");
		loop_advance(loop, 1000);
		loop_advance(loop, 119000); /* two minutes further, one of them empty */
	}
	ask_curve("s1", 7);
	assert_int_equal(minutes, 7);
	assert_true(from == (loop_wall(loop) / MINUTE - 6) * MINUTE);
	const unsigned expected[] = {1, 0, 2, 0, 3, 0, 0};
	for (int i = 0; i < 7; i++)
		assert_int_equal(curve[NEWS_ASSIGNED][i], expected[i]);
	ask_curve("nobody", 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(curve[NEWS_ASSIGNED][i] + curve[NEWS_REFUSED][i], 0);
}

static void after_more_than_a_day_the_curve_is_empty(void **state)
{
	unsigned sum = 0;

	(void)state;
	assign(part, "s1", "a", "hub1");
	loop_advance(loop, 1000);
	loop_advance(loop, (int64_t)(NEWS_MINUTES + 5) * 60000);
	ask_curve("s1", NEWS_MINUTES * 2);
	assert_int_equal(minutes, NEWS_MINUTES);
	for (int i = 0; i < minutes; i++)
		sum += curve[NEWS_ASSIGNED][i];
	assert_int_equal(sum, 0);
}

static void a_question_that_was_cancelled_is_not_answered(void **state)
{
	struct news_ask *ask = news_ask_curve(part, SLICE("s1"), 5, on_curve, NULL);

	(void)state;
	news_cancel(&ask);
	loop_advance(loop, 1000);
	assert_int_equal(told, 0);
	ask = news_ask_curve(part, SLICE("s1"), 5, on_curve, NULL); /* under way when everything ends */
	assert_non_null(ask);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(what_happens_in_a_moment_is_told_together),
		SCENE(each_service_has_its_own),
		SCENE(what_happens_on_another_loop_is_heard_here),
		SCENE(a_flood_keeps_its_numbers_and_tells_some_names),
		SCENE(one_watcher_may_end_another),
		SCENE(the_curve_has_a_place_for_each_minute),
		SCENE(after_more_than_a_day_the_curve_is_empty),
		SCENE(a_question_that_was_cancelled_is_not_answered),
	};

	return cmocka_run_group_tests_name("news", tests, NULL, NULL);
}
