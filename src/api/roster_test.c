/* Registrations and enrollments side by side, page by page, in a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/roster.h"
#include "api/test_store.h"

#define SCOPE SLICE("0ne00AB12CD")
#define BATCH 100

static struct {
	struct test_store on;

	struct store_change changes[BATCH];
	size_t change_count;

	struct roster *roster;
	struct buf seen; /* "device=enrollment ", or "device " without one */
	size_t devices;
	int waits;
	enum pages_look ended;
} t;

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	assert_true(test_store_begin(&t.on, INSTANT_SECOND, 256 << 20));
	buf_init(&t.seen, 1 << 24);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	roster_close(&t.roster);
	buf_fini(&t.seen);
	return test_store_end(&t.on) ? 0 : -1;
}

/* --- what there is --- */

static void written(void *cookie, enum err e, size_t failed)
{
	(void)cookie, (void)failed;
	assert_int_equal(e, OK);
}

static void write_all(void)
{
	if (t.change_count)
		assert_non_null(store_write(t.on.store, t.on.loop, t.on.arena, t.changes, t.change_count, written, NULL));
	loop_settle(t.on.loop);
	t.change_count = 0;
}

static void put(const struct noun *noun, const void *record)
{
	t.changes[t.change_count++] = (struct store_change){.how = STORE_PUT, .noun = noun, .record = record};
	if (t.change_count == BATCH)
		write_all();
}

static void device(struct slice scope, const char *id, const char *group)
{
	struct registration_record *r = noun_new(&noun_registration, t.on.arena);

	r->scope = scope;
	r->id = r->name = arena_copy(t.on.arena, slice_str(id));
	r->group_id = slice_str(group);
	put(&noun_registration, r);
}

static void enrollment(const struct noun *noun, struct slice scope, const char *id, struct slice twin)
{
	struct enrollment *e = noun_new(noun, t.on.arena);

	e->scope = scope;
	e->id = e->name = arena_copy(t.on.arena, slice_str(id));
	e->initial_twin = twin;
	put(noun, e);
}

static const char *number(int i)
{
	return arena_printf(t.on.arena, "d%05d", i);
}

/* --- looking --- */

static void look(void *cookie)
{
	struct enrolled it;

	(void)cookie;
	while ((t.ended = roster_look(t.roster, &it)) == PAGES_RECORD) {
		buf_add(&t.seen, it.record->id);
		if (it.enrollment)
			buf_printf(&t.seen, "=%.*s", SLICE_ARG(it.enrollment->id));
		buf_add_char(&t.seen, ' ');
		t.devices++;
		/* Asked again it says the same. */
		assert_int_equal(roster_look(t.roster, &it), PAGES_RECORD);
		roster_next(t.roster);
	}
	t.waits += t.ended == PAGES_WAIT;
}

static void open_roster(void)
{
	static const char *const record[] = {"name", "group_id", NULL}, *const entry[] = {"name", "initial_twin", NULL};

	write_all();
	t.roster = roster_open(&(struct roster_conf){.store = t.on.store,
						     .loop = t.on.loop,
						     .scope = SCOPE,
						     .record_columns = record,
						     .enrollment_columns = entry,
						     .more_is_here = look});
	assert_non_null(t.roster);
}

static const char *walk(void)
{
	open_roster();
	look(NULL);
	assert_int_equal(t.ended, PAGES_WAIT);
	loop_settle(t.on.loop);
	buf_add_char(&t.seen, 0);
	return buf_slice(&t.seen).p;
}

static void nobody_is_registered(void **state)
{
	(void)state;
	enrollment(&noun_individual, SCOPE, "d1", NO_SLICE);
	device(SLICE("0ne00ZZZZZZ"), "d1", NULL);
	assert_string_equal(walk(), "");
	assert_int_equal(t.ended, PAGES_END);
}

static void each_device_has_its_own_enrollment_or_its_group_or_none(void **state)
{
	(void)state;
	enrollment(&noun_group, SCOPE, "g", NO_SLICE);
	enrollment(&noun_group, SCOPE, "d9", NO_SLICE);
	enrollment(&noun_group, SLICE("0ne00AB"), "far", NO_SLICE);
	enrollment(&noun_individual, SCOPE, "a", NO_SLICE);
	enrollment(&noun_individual, SCOPE, "d1", NO_SLICE);
	enrollment(&noun_individual, SCOPE, "d10", NO_SLICE);
	enrollment(&noun_individual, SCOPE, "z", NO_SLICE);
	enrollment(&noun_individual, SLICE("0ne00AB"), "d4", NO_SLICE);
	device(SCOPE, "d1", NULL);
	device(SCOPE, "d2", "g");
	device(SCOPE, "d10", "g"); /* its own comes first */
	device(SCOPE, "d3", "gone");
	device(SCOPE, "d4", NULL);
	device(SCOPE, "d5", "far");
	device(SCOPE, "d6", "g");
	assert_string_equal(walk(), "d1=d1 d10=d10 d2=g d3 d4 d5 d6=g ");
	assert_int_equal(t.ended, PAGES_END);
}

/* Dense and sparse against each other, over many pages. */
static void assert_joined(int devices, int device_step, int enrollments, int enrollment_step)
{
	struct buf expected;

	buf_init(&expected, 1 << 24);
	for (int i = 0; i < enrollments; i++)
		enrollment(&noun_individual, SCOPE, number(i * enrollment_step), NO_SLICE);
	for (int i = 0; i < devices; i++) {
		int n = i * device_step;
		bool own = n % enrollment_step == 0 && n / enrollment_step < enrollments;

		device(SCOPE, number(n), NULL);
		buf_printf(&expected, own ? "d%05d=d%05d " : "d%05d ", n, n);
	}
	buf_add_char(&expected, 0);
	assert_string_equal(walk(), buf_slice(&expected).p);
	assert_int_equal(t.ended, PAGES_END);
	assert_int_equal(t.devices, devices);
	buf_fini(&expected);
}

static void many_of_both(void **state)
{
	(void)state;
	assert_joined(2 * PAGES_ROWS_MAX + 1, 1, 2 * PAGES_ROWS_MAX + 1, 1);
}

static void few_devices_among_many_enrollments(void **state)
{
	(void)state;
	assert_joined(3, 2 * PAGES_ROWS_MAX + 7, 6 * PAGES_ROWS_MAX, 1);
}

static void few_enrollments_among_many_devices(void **state)
{
	(void)state;
	assert_joined(3 * PAGES_ROWS_MAX, 1, 4, PAGES_ROWS_MAX - 1);
}

static void every_third_and_every_second(void **state)
{
	(void)state;
	assert_joined(2500, 3, 3000, 2);
}

/* A page of them would not fit: fewer are read at a time. */
static void long_enrollments_come_in_shorter_pages(void **state)
{
	size_t size = 20000;
	char *twin = arena_alloc(t.on.arena, size);

	(void)state;
	memset(twin, ' ', size);
	for (int i = 0; i < 1200; i++) {
		enrollment(&noun_individual, SCOPE, number(i), slice_over(twin, size));
		device(SCOPE, number(i), NULL);
	}
	walk();
	assert_int_equal(t.ended, PAGES_END);
	assert_int_equal(t.devices, 1200);
	assert_non_null(strstr(buf_slice(&t.seen).p, "d01199=d01199 "));
}

static void more_groups_than_are_kept(void **state)
{
	(void)state;
	for (int i = 0; i < ROSTER_GROUPS_MAX + 200; i++) {
		enrollment(&noun_group, SCOPE, arena_printf(t.on.arena, "g%d", i), NO_SLICE);
		device(SCOPE, number(i), arena_printf(t.on.arena, "g%d", i));
		device(SCOPE, arena_printf(t.on.arena, "%sb", number(i)), arena_printf(t.on.arena, "g%d", i));
	}
	walk();
	assert_int_equal(t.ended, PAGES_END);
	assert_int_equal(t.devices, 2 * (ROSTER_GROUPS_MAX + 200));
	assert_non_null(strstr(buf_slice(&t.seen).p, "d01199=g1199 d01199b=g1199 "));
}

/* Closed at any moment, nobody is told any more. */
static void it_may_be_closed_while_it_reads(void **state)
{
	(void)state;
	enrollment(&noun_group, SCOPE, "g", NO_SLICE);
	for (int i = 0; i < 3 * PAGES_ROWS_MAX; i++)
		device(SCOPE, number(i), "g");
	open_roster();
	roster_close(&t.roster);
	loop_settle(t.on.loop);
	open_roster();
	look(NULL);
	roster_close(&t.roster);
	loop_settle(t.on.loop);
	assert_int_equal(t.devices, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_is_registered),
		TEST(each_device_has_its_own_enrollment_or_its_group_or_none),
		TEST(many_of_both),
		TEST(few_devices_among_many_enrollments),
		TEST(few_enrollments_among_many_devices),
		TEST(every_third_and_every_second),
		TEST(long_enrollments_come_in_shorter_pages),
		TEST(more_groups_than_are_kept),
		TEST(it_may_be_closed_while_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
