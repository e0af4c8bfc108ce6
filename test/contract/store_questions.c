/*
 * store_questions.c: finding, listing, counting, and the manners of asking.
 */
#include <pthread.h>
#include <unistd.h>

#include "contract/store_scene.h"

/* --- finding --- */

static void what_is_not_there_is_not_an_error(void **state)
{
	struct scene *s = *state;
	struct store_want wants[] = {
		{.noun = &noun_name, .like = scene_name(s, "nobody", ""), .keys = 1},
		{.noun = &noun_name, .like = scene_name(s, "nobody", ""), .keys = 1, .limit = 5},
		{.noun = &noun_name, .like = scene_name(s, "nobody", ""), .keys = 1, .count_only = true},
	};

	assert_int_equal(scene_read(s, wants, 3), OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(wants[i].count, 0);
		assert_false(wants[i].more);
	}
}

/* Letters are not folded and texts not padded: the keys of a store are bytes. */
static void keys_are_compared_by_their_bytes(void **state)
{
	struct scene *s = *state;

	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "abc", "1")}, OK);
	assert_null(scene_find(s, &noun_name, scene_name(s, "ABC", "")));
	assert_null(scene_find(s, &noun_name, scene_name(s, "abc ", "")));
	assert_null(scene_find(s, &noun_name, scene_name(s, "ab", "")));
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "ABC", "2")}, OK);
	assert_true(slice_eq(((struct name *)scene_find(s, &noun_name, scene_name(s, "abc", "")))->owner, SLICE("1")));
}

/* --- lists --- */

static struct registration_record *registration(struct scene *s, const char *id, const char *group)
{
	struct registration_record *r = noun_new(&noun_registration, s->arena);

	r->scope = SLICE("scope");
	r->id = arena_copy(s->arena, slice_str(id));
	r->group_id = slice_str(group);
	return r;
}

/* Devices d00 to d29; every third is in the group "odd", the others in "even"; every fifth is pending. */
static void add_registrations(struct scene *s)
{
	char id[16];

	for (int i = 0; i < 30; i++) {
		struct registration_record *r;

		snprintf(id, sizeof(id), "d%02d", i);
		r = registration(s, id, i % 3 ? "even" : "odd");
		r->pending = i % 5 ? INT_NONE : 1;
		r->error_code = i;
		r->status = i % 2 ? slice_str(registration_states[2]) : NO_SLICE;
		r->target_migrate = i % 2 ? FLAG_YES : FLAG_NO;
		r->updated = SCENE_START + i * INSTANT_SECOND;
		scene_expect(s, (struct store_change){STORE_INSERT, &noun_registration, r}, OK);
	}
	/* A neighbour, whom nobody asked for. */
	struct registration_record *other = registration(s, "d00", "even");

	other->scope = SLICE("scope2");
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_registration, other}, OK);
}

/* The answer's IDs, one word. */
static const char *ids_of(struct scene *s, const struct store_want *want)
{
	const struct registration_record *r = want->records;
	const char *text = "";

	for (size_t i = 0; i < want->count; i++)
		text = arena_printf(s->arena, "%s%s%.*s", text, i ? " " : "", SLICE_ARG(r[i].id));
	return text;
}

static void assert_answer(struct scene *s, struct store_want want, const char *ids, bool more)
{
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_string_equal(ids_of(s, &want), ids);
	assert_int_equal(want.more, more);
}

static void a_list_comes_page_by_page_in_the_order_of_keys(void **state)
{
	struct scene *s = *state;
	struct store_want want = {.noun = &noun_registration, .like = registration(s, "", NULL), .keys = 1, .limit = 7};
	size_t pages = 0, seen = 0;

	add_registrations(s);
	do {
		char first[24];

		assert_int_equal(scene_read(s, &want, 1), OK);
		snprintf(first, sizeof(first), "d%02zu", seen);
		assert_true(slice_eq(((struct registration_record *)want.records)[0].id, slice_str(first)));
		seen += want.count;
		pages++;
		want.after = ((struct registration_record *)want.records)[want.count - 1].id;
	} while (want.more);
	assert_int_equal(seen, 30);
	assert_int_equal(pages, 5);
	assert_answer(s, want, "", false);
}

static void a_page_that_just_holds_all_says_that_there_is_no_more(void **state)
{
	struct scene *s = *state;
	struct store_want want = {
		.noun = &noun_registration, .like = registration(s, "", NULL), .keys = 1, .limit = 3, .after = SLICE("d26")};

	add_registrations(s);
	assert_answer(s, want, "d27 d28 d29", false);
	want.after = SLICE("d25");
	assert_answer(s, want, "d26 d27 d28", true);
}

/* The key comes along always; a sealed column is revealed to who asks for it, and bound to its key also then. */
static void only_the_columns_that_are_wanted_are_read(void **state)
{
	static const char *const some[] = {"error_code", "status", NULL}, *const none[] = {NULL}, *const sealed[] = {"primary_key", NULL};
	struct scene *s = *state;
	struct store_want want = {.noun = &noun_registration, .like = registration(s, "d07", NULL), .keys = 2, .only = some};
	struct enrollment *e = noun_new(&noun_individual, s->arena);
	const struct registration_record *r;

	add_registrations(s);
	assert_int_equal(scene_read(s, &want, 1), OK);
	r = want.records;
	assert_true(slice_eq(r->scope, SLICE("scope")) && slice_eq(r->id, SLICE("d07")));
	assert_int_equal(r->error_code, 7);
	assert_true(slice_eq(r->status, slice_str(registration_states[2])));
	assert_true(slice_absent(r->group_id) && r->updated == 0 && r->target_migrate == FLAG_NONE && r->pending == INT_NONE);
	want = (struct store_want){
		.noun = &noun_registration,
		.like = r,
		.keys = 1,
		.limit = 3,
		.after = SLICE("d03"),
		.only = none,
		.where = &(struct store_where){.op = WHERE_EQ, .field = noun_field(&noun_registration, "group_id"), .value = SLICE("odd")}};
	assert_answer(s, want, "d06 d09 d12", true);

	e->scope = SLICE("scope");
	e->id = e->name = SLICE("e");
	e->primary_key = e->secondary_key = SLICE("c2VjcmV0");
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_individual, e}, OK);
	want = (struct store_want){.noun = &noun_individual, .like = e, .keys = 2, .only = sealed};
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_true(slice_eq(((struct enrollment *)want.records)->primary_key, SLICE("c2VjcmV0")));
	assert_true(slice_absent(((struct enrollment *)want.records)->secondary_key));
}

static void a_list_can_be_walked_backwards(void **state)
{
	struct scene *s = *state;
	struct store_want want = {.noun = &noun_registration, .like = registration(s, "", NULL), .keys = 1, .limit = 3, .backwards = true};

	add_registrations(s);
	assert_answer(s, want, "d29 d28 d27", true);
	want.after = SLICE("d02");
	assert_answer(s, want, "d01 d00", false);
}

static void a_list_can_end_at_a_key(void **state)
{
	struct scene *s = *state;
	struct store_want want = {
		.noun = &noun_registration, .like = registration(s, "", NULL), .keys = 1, .limit = 10, .until = SLICE("d02")};

	add_registrations(s);
	assert_answer(s, want, "d00 d01 d02", false);
	want.after = SLICE("d00");
	assert_answer(s, want, "d01 d02", false);
	want.backwards = true;
	want.after = NO_SLICE;
	want.until = SLICE("d28");
	assert_answer(s, want, "d29 d28", false);
	want.backwards = false;
	want.until = SLICE("d09");
	want.count_only = true;
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(want.count, 10);
}

static void a_list_by_an_index_sees_only_its_own(void **state)
{
	struct scene *s = *state;
	struct store_want want = {
		.noun = &noun_registration, .by = REGISTRATION_BY_GROUP, .like = registration(s, "", "odd"), .keys = 2, .limit = 4};

	add_registrations(s);
	assert_answer(s, want, "d00 d03 d06 d09", true);
	want.after = SLICE("d18");
	assert_answer(s, want, "d21 d24 d27", false);
	want.after = NO_SLICE;
	want.backwards = true;
	assert_answer(s, want, "d27 d24 d21 d18", true);
}

static void a_partial_index_finds_what_is_in_it(void **state)
{
	struct scene *s = *state;
	struct registration_record *like = registration(s, "", NULL);
	struct store_want want = {.noun = &noun_registration, .by = REGISTRATION_BY_PENDING, .like = like, .keys = 1, .limit = 10};

	add_registrations(s);
	like->pending = 1;
	assert_answer(s, want, "d00 d05 d10 d15 d20 d25", false);
}

static void a_list_by_time_goes_on_behind_a_time(void **state)
{
	struct scene *s = *state;
	struct attempt *a = noun_new(&noun_attempt, s->arena);
	struct store_want want = {.noun = &noun_attempt, .by = ATTEMPT_BY_TIME, .limit = 3, .backwards = true};
	char text[INSTANT_TEXT];

	a->scope = a->id = SLICE("x");
	for (int i = 0; i < 8; i++) {
		a->at = SCENE_START + i;
		scene_expect(s, (struct store_change){STORE_INSERT, &noun_attempt, a}, OK);
	}
	instant_print(SCENE_START + 5, INSTANT_ISO7, text);
	want.after = slice_str(text);
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(want.count, 3);
	assert_true(want.more);
	for (int i = 0; i < 3; i++)
		assert_int_equal(((struct attempt *)want.records)[i].at, SCENE_START + 4 - i);
}

/* --- conditions --- */

static struct store_where leaf(int op, const char *field, const char *value)
{
	return (struct store_where){op, noun_field(&noun_registration, field), slice_str(value)};
}

static size_t count_where(struct scene *s, const struct store_where *where)
{
	struct store_want want = {
		.noun = &noun_registration, .like = registration(s, "", NULL), .keys = 1, .where = where, .count_only = true};
	struct store_want list = want;

	list.count_only = false;
	list.limit = 100;
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(scene_read(s, &list, 1), OK);
	assert_int_equal(want.count, list.count);
	return want.count;
}

static void a_condition_compares_as_json_spells_it(void **state)
{
	struct scene *s = *state;
	static const struct {
		int op;
		const char *field, *value;
		size_t count;
	} rows[] = {
		{WHERE_EQ, "group_id", "odd", 10},        {WHERE_NE, "group_id", "odd", 20},
		{WHERE_EQ, "group_id", "ODD", 0},         {WHERE_EQ, "status", "ASSIGNED", 15},
		{WHERE_NE, "status", "assigned", 15},     {WHERE_EQ, "status", NULL, 15},
		{WHERE_NE, "status", NULL, 15},           {WHERE_EQ, "status", "", 0},
		{WHERE_EQ, "error_code", "7", 1},         {WHERE_NE, "error_code", "7", 29},
		{WHERE_EQ, "error_code", "seven", 0},     {WHERE_NE, "error_code", "seven", 30},
		{WHERE_EQ, "target_migrate", "true", 15}, {WHERE_EQ, "target_migrate", "maybe", 0},
		{WHERE_EQ, "pending", NULL, 24},          {WHERE_NE, "pending", "1", 24},
		{WHERE_EQ, "pending", "-1", 0},           {WHERE_NE, "assigned_hub", NULL, 0},
		{WHERE_EQ, "name", "' OR '1' = '1", 0},
	};
	char text[INSTANT_TEXT];
	struct store_where by_time;

	add_registrations(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_where where = leaf(rows[i].op, rows[i].field, rows[i].value);
		size_t count = count_where(s, &where);

		if (count != rows[i].count)
			fail_msg("%s, row %zu: %zu where %zu were expected", rows[i].field, i, count, rows[i].count);
	}
	instant_print(SCENE_START + 3 * INSTANT_SECOND, INSTANT_ISO, text);
	by_time = leaf(WHERE_EQ, "updated", text);
	assert_int_equal(count_where(s, &by_time), 1);
}

static void conditions_join_with_and_and_or(void **state)
{
	struct scene *s = *state;
	struct store_where odd = leaf(WHERE_EQ, "group_id", "odd"), pending = leaf(WHERE_EQ, "pending", "1"),
			   seven = leaf(WHERE_EQ, "error_code", "7");
	struct store_where both = {.op = WHERE_AND, .left = &odd, .right = &pending};
	struct store_where either = {.op = WHERE_OR, .left = &seven, .right = &both};
	struct store_where inner = {.op = WHERE_OR, .left = &seven, .right = &odd};
	struct store_where outer = {.op = WHERE_AND, .left = &inner, .right = &pending};

	add_registrations(s);
	assert_int_equal(count_where(s, &both), 2);   /* d00, d15 */
	assert_int_equal(count_where(s, &either), 3); /* and d07 */
	assert_int_equal(count_where(s, &outer), 2);
}

static void a_condition_narrows_a_page_and_paging_goes_on(void **state)
{
	struct scene *s = *state;
	struct store_where assigned = leaf(WHERE_EQ, "status", "assigned");
	struct store_want want = {.noun = &noun_registration,
				  .by = REGISTRATION_BY_GROUP,
				  .like = registration(s, "", "odd"),
				  .keys = 2,
				  .limit = 2,
				  .where = &assigned};

	add_registrations(s);
	assert_answer(s, want, "d03 d09", true);
	want.after = SLICE("d09");
	assert_answer(s, want, "d15 d21", true);
	want.after = SLICE("d21");
	assert_answer(s, want, "d27", false);
}

static void a_question_that_cannot_be_asked_is_answered_so(void **state)
{
	struct scene *s = *state;
	struct store_where secret = {WHERE_EQ, noun_field(&noun_policy, "primary_key"), SLICE("x")};
	struct store_where list = {WHERE_EQ, noun_field(&noun_registration, "leftovers"), SLICE("x")};
	struct store_where foreign = {WHERE_EQ, noun_field(&noun_hub, "name"), SLICE("x")};
	struct store_where deep[200];
	struct store_want wants[] = {
		{.noun = &noun_policy, .limit = 5, .where = &secret},
		{.noun = &noun_registration, .limit = 5, .where = &list},
		{.noun = &noun_registration, .limit = 5, .where = &foreign},
		{.noun = &noun_attempt, .by = ATTEMPT_BY_TIME, .limit = 5, .after = SLICE("yesterday")},
		{.noun = &noun_registration, .limit = 5, .where = &deep[0]},
	};

	for (int i = 0; i < 200; i++) {
		deep[i] = leaf(WHERE_EQ, "name", "x");
		if (i < 199)
			deep[i] = (struct store_where){.op = WHERE_AND, .left = &deep[i + 1], .right = &deep[199]};
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(scene_read(s, &wants[i], 1), ERR_INVALID);
	assert_int_equal(scene_read(s, &wants[4], 1), ERR_TOO_BIG);
}

static void an_answer_that_does_not_fit_says_so(void **state)
{
	struct scene *s = *state;
	struct arena *small = arena_new(4096), *whole = s->arena;
	struct store_want want = {.noun = &noun_registration, .limit = 100};

	add_registrations(s);
	s->arena = small;
	assert_int_equal(scene_read(s, &want, 1), ERR_TOO_BIG);
	s->arena = whole;
	arena_free(&small);
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(want.count, 31);
}

/* --- one view --- */

#define VIEWS 200

struct look {
	struct store_want wants[3];
	struct outcome outcome;
};

/* Two records are always changed together; whoever reads both must never see one without the other. */
static void a_question_sees_one_moment(void **state)
{
	struct scene *s = *state;
	struct look *views = calloc(VIEWS, sizeof(*views));
	struct outcome changed[VIEWS] = {0};
	size_t different = 0;
	instant last = -1;

	for (int i = 0; i < VIEWS; i++) {
		struct hub *left = scene_hub(s, "left", "1"), *right = scene_hub(s, "right", "1");
		struct store_change both[] = {{STORE_PUT, &noun_hub, left}, {STORE_PUT, &noun_hub, right}};
		struct look *v = &views[i];

		left->created = right->created = i + 1;
		v->wants[0] = (struct store_want){.noun = &noun_hub, .like = left, .keys = 1};
		v->wants[1] = (struct store_want){.noun = &noun_hub, .count_only = true};
		v->wants[2] = (struct store_want){.noun = &noun_hub, .like = right, .keys = 1};
		assert_non_null(store_write(s->store, s->loop, s->arena, both, 2, scene_changed, &changed[i]));
		assert_non_null(store_read(s->store, s->loop, s->arena, v->wants, 3, scene_read_done, &v->outcome));
		if (i % 10 == 0)
			usleep(500); /* let the threads meet */
	}
	loop_settle(s->loop);
	for (int i = 0; i < VIEWS; i++) {
		struct store_want *w = views[i].wants;

		assert_int_equal(changed[i].e, OK);
		assert_int_equal(views[i].outcome.e, OK);
		assert_int_equal(w[0].count, w[2].count);
		assert_int_equal(w[1].count, w[0].count + w[2].count);
		if (w[0].count == 0)
			continue;
		assert_int_equal(((struct hub *)w[0].records)->created, ((struct hub *)w[2].records)->created);
		different += ((struct hub *)w[0].records)->created != last;
		last = ((struct hub *)w[0].records)->created;
	}
	assert_true(different > 1); /* it did see the change going on */
	free(views);
}

/* --- many loops --- */

#define LOOPS      3
#define LOOP_TURNS 60

/* A thread with a loop and memory of its own, and a share in the store. cmocka's asserts belong to the main
 * thread, so it only counts what went wrong. */
struct guest {
	struct scene scene;
	int number, wrong;
};

static void *ask_from_own_loop(void *cookie)
{
	struct guest *g = cookie;
	struct scene *s = &g->scene;
	struct outcome changed, asked, dropped = {0};
	char id[32];

	for (int i = 0; i < LOOP_TURNS; i++) {
		struct name *name;
		struct store_change change = {.how = STORE_INSERT, .noun = &noun_name};
		struct store_want want = {.noun = &noun_name, .keys = 1}, other = {.noun = &noun_name, .limit = 10};
		struct store_ask *silent;

		changed = asked = (struct outcome){0};
		snprintf(id, sizeof(id), "g%d-%03d", g->number, i);
		name = scene_name(s, id, "1");
		change.record = want.like = name;
		store_write(s->store, s->loop, s->arena, &change, 1, scene_changed, &changed);
		loop_settle(s->loop);
		silent = store_read(s->store, s->loop, s->arena, &other, 1, scene_read_done, &dropped);
		store_cancel(&silent);
		store_read(s->store, s->loop, s->arena, &want, 1, scene_read_done, &asked);
		loop_settle(s->loop);
		g->wrong += changed.e != OK || asked.e != OK || changed.times != 1 || asked.times != 1 || want.count != 1;
	}
	g->wrong += dropped.times != 0;
	return NULL;
}

static void many_loops_share_a_store(void **state)
{
	struct scene *s = *state;
	struct guest guests[LOOPS] = {0};
	pthread_t threads[LOOPS];
	struct store_want all = {.noun = &noun_name, .count_only = true};

	for (int i = 0; i < LOOPS; i++) {
		guests[i] = (struct guest){.scene = *s, .number = i};
		guests[i].scene.arena = arena_new(8 << 20);
		assert_int_equal(loop_new_manual(SCENE_START, &guests[i].scene.loop), OK);
		assert_int_equal(pthread_create(&threads[i], NULL, ask_from_own_loop, &guests[i]), 0);
	}
	for (int i = 0; i < LOOPS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(guests[i].wrong, 0);
		loop_free(&guests[i].scene.loop);
		arena_free(&guests[i].scene.arena);
	}
	assert_int_equal(scene_read(s, &all, 1), OK);
	assert_int_equal(all.count, LOOPS * LOOP_TURNS);
}

/* --- too much --- */

/* The limit is met, and meeting it is an answer like any other: later, once. */
static void too_much_waiting_is_answered_with_throttled(void **state)
{
	struct scene *s = *state;
	struct outcome changed[200] = {0}, asked[200] = {0};
	struct store_want want[200];
	size_t refused = 0;
	char id[16];

	s->conf.waiting_max = 2;
	scene_reopen(s);
	for (int i = 0; i < 200; i++) {
		struct store_change change = {STORE_INSERT, &noun_name, NULL};

		snprintf(id, sizeof(id), "n%03d", i);
		change.record = scene_name(s, id, "1");
		want[i] = (struct store_want){.noun = &noun_name, .count_only = true};
		assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, scene_changed, &changed[i]));
		assert_non_null(store_read(s->store, s->loop, s->arena, &want[i], 1, scene_read_done, &asked[i]));
		assert_int_equal(changed[i].times + asked[i].times, 0);
	}
	loop_settle(s->loop);
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "n%03d", i);
		assert_int_equal(changed[i].times, 1);
		assert_int_equal(asked[i].times, 1);
		assert_true(changed[i].e == OK || changed[i].e == ERR_THROTTLED);
		assert_true(asked[i].e == OK || asked[i].e == ERR_THROTTLED);
		assert_int_equal(scene_find(s, &noun_name, scene_name(s, id, "")) != NULL, changed[i].e == OK);
		refused += changed[i].e == ERR_THROTTLED;
	}
	assert_true(refused > 0 && refused < 200);
}

/* --- cancelling --- */

/* The question's memory is gone as soon as it is cancelled; the sanitizers watch. */
struct passing {
	struct arena *arena;
	struct store_want *want;
	struct store_ask *read, *write;
	struct outcome *outcome; /* outlives it, to be looked at */
};

static void passing_ask(struct scene *s, struct passing *p, struct outcome *outcome)
{
	struct name *name;
	struct store_change change = {STORE_PUT, &noun_name, NULL};

	p->arena = arena_new(1 << 20);
	p->want = arena_alloc(p->arena, sizeof(*p->want));
	name = noun_new(&noun_name, p->arena);
	name->id = arena_copy(p->arena, SLICE("passing"));
	*p->want = (struct store_want){.noun = &noun_name, .like = name, .keys = 1};
	change.record = name;
	p->outcome = outcome;
	p->write = store_write(s->store, s->loop, p->arena, &change, 1, scene_changed, outcome);
	p->read = store_read(s->store, s->loop, p->arena, p->want, 1, scene_read_done, outcome);
	assert_non_null(p->read);
	assert_non_null(p->write);
}

static void passing_cancel(struct passing *p)
{
	store_cancel(&p->read);
	store_cancel(&p->write);
	assert_null(p->read);
	assert_null(p->write);
	store_cancel(&p->read);
	arena_free(&p->arena);
}

static void a_cancelled_question_stays_silent(void **state)
{
	struct scene *s = *state;
	struct passing passing[50];
	struct outcome outcomes[50] = {0};

	for (int i = 0; i < 50; i++) {
		passing_ask(s, &passing[i], &outcomes[i]);
		if (i % 2)
			passing_cancel(&passing[i]); /* some wait, some are at work by now */
	}
	for (int i = 0; i < 50; i += 2)
		passing_cancel(&passing[i]);
	loop_settle(s->loop);
	for (int i = 0; i < 50; i++)
		assert_int_equal(outcomes[i].times, 0);
}

static void a_question_whose_answer_is_on_its_way_can_be_cancelled(void **state)
{
	struct scene *s = *state;
	struct store_counts counts;
	struct passing passing;
	struct outcome outcome = {0};
	int waited = 0;

	passing_ask(s, &passing, &outcome);
	do {
		usleep(1000);
		store_counts(s->store, &counts);
	} while ((counts.reads == 0 || counts.writes == 0) && ++waited < 5000);
	assert_true(waited < 5000);
	passing_cancel(&passing);
	loop_settle(s->loop);
	assert_int_equal(outcome.times, 0);
}

/* As when a server stops: nobody turns the loop any more. What is left is freed; the sanitizers watch. */
static void a_cancelled_question_may_end_with_its_loop(void **state)
{
	struct scene *s = *state;
	struct loop *before = s->loop;
	struct store_counts counts;
	struct passing passing;
	struct outcome outcome = {0};

	assert_int_equal(loop_new_manual(SCENE_START, &s->loop), OK);
	passing_ask(s, &passing, &outcome);
	do {
		usleep(1000);
		store_counts(s->store, &counts);
	} while (counts.reads == 0 || counts.writes == 0);
	passing_cancel(&passing);
	store_close(&s->store);
	loop_free(&s->loop);
	s->loop = before;
	assert_int_equal(outcome.times, 0);
}

static void a_question_that_found_no_room_can_be_cancelled(void **state)
{
	struct scene *s = *state;
	struct passing passing[100];
	struct outcome outcomes[100] = {0};

	s->conf.waiting_max = 1;
	scene_reopen(s);
	for (int i = 0; i < 100; i++)
		passing_ask(s, &passing[i], &outcomes[i]);
	for (int i = 0; i < 100; i++)
		passing_cancel(&passing[i]);
	loop_settle(s->loop);
	for (int i = 0; i < 100; i++)
		assert_int_equal(outcomes[i].times, 0);
}

static void cancel_the_other(void *cookie, enum err e)
{
	struct store_ask **other = cookie;

	assert_int_equal(e, OK);
	assert_non_null(*other);
	store_cancel(other);
}

static void one_callback_can_cancel_another_question(void **state)
{
	struct scene *s = *state;
	struct store_want wants[2] = {{.noun = &noun_name, .count_only = true}, {.noun = &noun_name, .count_only = true}};
	struct outcome outcome = {0};
	struct store_counts counts;
	struct store_ask *other;

	s->conf.readers = 1; /* so that the answers come in the order of the questions */
	scene_reopen(s);
	assert_non_null(store_read(s->store, s->loop, s->arena, &wants[0], 1, cancel_the_other, &other));
	other = store_read(s->store, s->loop, s->arena, &wants[1], 1, scene_read_done, &outcome);
	do {
		usleep(1000);
		store_counts(s->store, &counts);
	} while (counts.reads < 2); /* both answers lie ready */
	loop_settle(s->loop);
	assert_null(other);
	assert_int_equal(outcome.times, 0);
}

/* --- the end --- */

static void closing_finishes_what_waits(void **state)
{
	struct scene *s = *state;
	struct outcome outcomes[100] = {0}, asked = {0};
	struct store_want want = {.noun = &noun_name, .limit = 200};
	struct passing dropped;
	struct outcome silent = {0};
	char id[16];

	for (int i = 0; i < 100; i++) {
		struct store_change change = {STORE_INSERT, &noun_name, NULL};

		snprintf(id, sizeof(id), "n%03d", i);
		change.record = scene_name(s, id, "1");
		assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, scene_changed, &outcomes[i]));
	}
	assert_non_null(store_read(s->store, s->loop, s->arena, &want, 1, scene_read_done, &asked));
	passing_ask(s, &dropped, &silent);
	store_close(&s->store);
	assert_null(s->store);
	assert_int_equal(outcomes[0].times, 0);
	passing_cancel(&dropped); /* even now */
	loop_settle(s->loop);
	assert_int_equal(silent.times, 0);
	assert_int_equal(asked.times, 1);
	assert_int_equal(asked.e, OK);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(outcomes[i].times, 1);
		assert_int_equal(outcomes[i].e, OK);
	}
	scene_reopen(s);
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(want.count, 101 - (scene_find(s, &noun_name, scene_name(s, "passing", "")) == NULL));
}

const struct CMUnitTest store_question_tests[] = {
	SCENE_TEST(what_is_not_there_is_not_an_error),
	SCENE_TEST(keys_are_compared_by_their_bytes),
	SCENE_TEST(a_list_comes_page_by_page_in_the_order_of_keys),
	SCENE_TEST(a_page_that_just_holds_all_says_that_there_is_no_more),
	SCENE_TEST(only_the_columns_that_are_wanted_are_read),
	SCENE_TEST(a_list_can_be_walked_backwards),
	SCENE_TEST(a_list_can_end_at_a_key),
	SCENE_TEST(a_list_by_an_index_sees_only_its_own),
	SCENE_TEST(a_partial_index_finds_what_is_in_it),
	SCENE_TEST(a_list_by_time_goes_on_behind_a_time),
	SCENE_TEST(a_condition_compares_as_json_spells_it),
	SCENE_TEST(conditions_join_with_and_and_or),
	SCENE_TEST(a_condition_narrows_a_page_and_paging_goes_on),
	SCENE_TEST(a_question_that_cannot_be_asked_is_answered_so),
	SCENE_TEST(an_answer_that_does_not_fit_says_so),
	SCENE_TEST(a_question_sees_one_moment),
	SCENE_TEST(many_loops_share_a_store),
	SCENE_TEST(too_much_waiting_is_answered_with_throttled),
	SCENE_TEST(a_cancelled_question_stays_silent),
	SCENE_TEST(a_question_whose_answer_is_on_its_way_can_be_cancelled),
	SCENE_TEST(a_cancelled_question_may_end_with_its_loop),
	SCENE_TEST(a_question_that_found_no_room_can_be_cancelled),
	SCENE_TEST(one_callback_can_cancel_another_question),
	SCENE_TEST(closing_finishes_what_waits),
};
const size_t store_question_test_count = sizeof(store_question_tests) / sizeof(store_question_tests[0]);
