/*
 * store_records.c: what is written comes back, and changes hold together.
 */
#include <stdio.h>

#include "contract/store_scene.h"

/* --- records of any noun, filled from its rows --- */

enum filling { FILL_ALL, FILL_EMPTY, FILL_KEYS };

static struct slice fill_text(struct arena *a, const struct field *f, int seed)
{
	static const unsigned char bytes[] = {0x30, 0x82, 0, 1, 0xff, '\'', '"', 0};

	switch (f->type) {
	case FIELD_JSON: return arena_format(a, "{\"%s\":[%d,null,\"\\u00e4\"]}", f->name, seed);
	case FIELD_KEY: return arena_format(a, "c2VjcmV0IG9mIHRoZSB0ZXN0%08d%s==", seed, f->name);
	case FIELD_CERT: return arena_copy(a, slice_over(bytes, sizeof(bytes)));
	default: return arena_format(a, "%s '%d' \xc3\xa4; --", f->name, seed);
	}
}

static void fill_list(struct arena *a, struct slices *list, enum filling how, int seed)
{
	list->given = true;
	if (how == FILL_EMPTY)
		return;
	list->n = 3;
	list->at = arena_array(a, list->n, sizeof(*list->at));
	list->at[0] = arena_format(a, "with \"quotes\" and \\ %d", seed);
	list->at[1] = SLICE("");
	list->at[2] = SLICE("\xe2\x82\xac");
}

static void fill_member(struct arena *a, const struct field *f, void *record, enum filling how, int seed)
{
	void *member = field_of(f, record);

	switch (f->type) {
	case FIELD_FLAG: *(enum flag *)member = seed % 2 ? FLAG_YES : FLAG_NO; break;
	case FIELD_INT: *(int64_t *)member = how == FILL_EMPTY ? 0 : seed % 2 ? INT64_MAX : -seed; break;
	case FIELD_TIME: *(instant *)member = SCENE_START + seed; break;
	case FIELD_LIST: fill_list(a, member, how, seed); break;
	case FIELD_ENUM: *(struct slice *)member = how == FILL_EMPTY ? SLICE("") : slice_str(f->choices[1]); break;
	default: *(struct slice *)member = how == FILL_EMPTY ? SLICE("") : fill_text(a, f, seed);
	}
}

static void *fill(struct arena *a, const struct noun *noun, enum filling how, int seed)
{
	void *record = noun_new(noun, a);

	for (size_t i = 0; i < noun->count; i++) {
		const struct field *f = &noun->fields[i];

		if (f->rules & FIELD_ID)
			fill_member(a, f, record, FILL_ALL, seed);
		else if (how != FILL_KEYS && !(f->rules & FIELD_UNSTORED))
			fill_member(a, f, record, how, seed + (int)i);
	}
	return record;
}

static bool same_slice(const struct slice *a, const struct slice *b)
{
	return slice_absent(*a) == slice_absent(*b) && slice_eq(*a, *b);
}

static bool same_list(const struct slices *a, const struct slices *b)
{
	if (a->n != b->n || a->given != b->given)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_slice(&a->at[i], &b->at[i]))
			return false;
	return true;
}

static bool same_member(const struct field *f, const void *a, const void *b)
{
	switch (f->type) {
	case FIELD_FLAG: return *(const enum flag *)a == *(const enum flag *)b;
	case FIELD_INT: return *(const int64_t *)a == *(const int64_t *)b;
	case FIELD_TIME: return *(const instant *)a == *(const instant *)b;
	case FIELD_LIST: return same_list(a, b);
	default: return same_slice(a, b);
	}
}

static void assert_same(const struct noun *noun, void *a, void *b)
{
	assert_non_null(a);
	assert_non_null(b);
	for (size_t i = 0; i < noun->count; i++)
		if (!same_member(&noun->fields[i], field_of(&noun->fields[i], a), field_of(&noun->fields[i], b)))
			fail_msg("%s.%s came back differently", noun->name, noun->fields[i].name);
}

static void write_and_compare(struct scene *s, enum filling how)
{
	for (size_t i = 0; nouns[i]; i++) {
		void *in = fill(s->arena, nouns[i], how, (int)i + 3), *other = fill(s->arena, nouns[i], FILL_ALL, 500);

		scene_expect(s, (struct store_change){STORE_INSERT, nouns[i], other}, OK);
		scene_expect(s, (struct store_change){STORE_INSERT, nouns[i], in}, OK);
		assert_same(nouns[i], in, scene_find(s, nouns[i], in));
		assert_same(nouns[i], other, scene_find(s, nouns[i], other));
	}
	scene_reopen(s);
	for (size_t i = 0; nouns[i]; i++) {
		void *in = fill(s->arena, nouns[i], how, (int)i + 3);

		assert_same(nouns[i], in, scene_find(s, nouns[i], in));
	}
}

static void a_record_with_everything_comes_back_as_it_was(void **state)
{
	write_and_compare(*state, FILL_ALL);
}

static void what_is_empty_comes_back_empty_and_not_absent(void **state)
{
	write_and_compare(*state, FILL_EMPTY);
}

static void what_is_absent_comes_back_absent(void **state)
{
	write_and_compare(*state, FILL_KEYS);
}

static void update_and_put_replace_every_column(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; nouns[i]; i++) {
		void *full = fill(s->arena, nouns[i], FILL_ALL, 9), *bare = fill(s->arena, nouns[i], FILL_KEYS, 9);

		scene_expect(s, (struct store_change){STORE_PUT, nouns[i], full}, OK);
		scene_expect(s, (struct store_change){STORE_UPDATE, nouns[i], bare}, OK);
		assert_same(nouns[i], bare, scene_find(s, nouns[i], bare));
		scene_expect(s, (struct store_change){STORE_UPDATE, nouns[i], full}, OK);
		assert_same(nouns[i], full, scene_find(s, nouns[i], bare));
		scene_expect(s, (struct store_change){STORE_PUT, nouns[i], bare}, OK);
		assert_same(nouns[i], bare, scene_find(s, nouns[i], bare));
	}
}

/* --- one change --- */

static void a_taken_key_is_refused_and_stays_as_it_was(void **state)
{
	struct scene *s = *state;
	struct hub *hub = scene_hub(s, "harbour", "1"), *again = scene_hub(s, "harbour", "2");

	scene_expect(s, (struct store_change){STORE_INSERT, &noun_hub, hub}, OK);
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_hub, again}, ERR_EXISTS);
	assert_same(&noun_hub, hub, scene_find(s, &noun_hub, hub));
}

static void an_update_holds_only_with_the_etag_it_names(void **state)
{
	struct scene *s = *state;
	struct hub *one = scene_hub(s, "harbour", "1"), *two = scene_hub(s, "harbour", "2"), *three = scene_hub(s, "harbour", "3");

	scene_expect(s, (struct store_change){STORE_UPDATE, &noun_hub, one}, ERR_PRECONDITION);
	assert_null(scene_find(s, &noun_hub, one));
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_hub, one}, OK);
	scene_expect(s, (struct store_change){STORE_UPDATE, &noun_hub, two, .if_etag = SLICE("0")}, ERR_PRECONDITION);
	assert_same(&noun_hub, one, scene_find(s, &noun_hub, one));
	scene_expect(s, (struct store_change){STORE_UPDATE, &noun_hub, two, .if_etag = SLICE("1")}, OK);
	assert_same(&noun_hub, two, scene_find(s, &noun_hub, one));
	scene_expect(s, (struct store_change){STORE_UPDATE, &noun_hub, three}, OK);
	assert_same(&noun_hub, three, scene_find(s, &noun_hub, one));
}

static void a_delete_says_why_it_could_not_be(void **state)
{
	struct scene *s = *state;
	struct hub *hub = scene_hub(s, "harbour", "1");

	scene_expect(s, (struct store_change){STORE_DELETE, &noun_hub, hub}, ERR_NOT_FOUND);
	scene_expect(s, (struct store_change){STORE_DELETE, &noun_hub, hub, .if_etag = SLICE("1")}, ERR_PRECONDITION);
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_hub, hub}, OK);
	scene_expect(s, (struct store_change){STORE_DELETE, &noun_hub, hub, .if_etag = SLICE("2")}, ERR_PRECONDITION);
	assert_non_null(scene_find(s, &noun_hub, hub));
	scene_expect(s, (struct store_change){STORE_DELETE, &noun_hub, hub, .if_etag = SLICE("1")}, OK);
	assert_null(scene_find(s, &noun_hub, hub));
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_hub, hub}, OK);
	scene_expect(s, (struct store_change){STORE_DELETE, &noun_hub, hub}, OK);
	assert_null(scene_find(s, &noun_hub, hub));
}

static void delete_all_takes_a_tenant_and_leaves_his_neighbours(void **state)
{
	struct scene *s = *state;
	struct policy *policy = noun_new(&noun_policy, s->arena);
	static const char *const owners[] = {"dps/a", "dps/ab", "dps/b"}, *const ids[] = {"x", "y"};
	struct store_want want = {.noun = &noun_policy, .limit = 10};

	for (int i = 0; i < 6; i++) {
		policy->owner = slice_str(owners[i / 2]);
		policy->id = policy->name = slice_str(ids[i % 2]);
		scene_expect(s, (struct store_change){STORE_INSERT, &noun_policy, policy}, OK);
	}
	policy->owner = SLICE("dps/a");
	scene_expect(s, (struct store_change){STORE_DELETE_ALL, &noun_policy, policy, .keys = 1}, OK);
	scene_expect(s, (struct store_change){STORE_DELETE_ALL, &noun_policy, policy, .keys = 1}, OK);
	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_int_equal(want.count, 4);
	assert_true(slice_eq(((struct policy *)want.records)[0].owner, SLICE("dps/ab")));
}

static void a_name_that_must_be_unique_is_refused_however_it_comes(void **state)
{
	struct scene *s = *state;
	struct service *one = fill(s->arena, &noun_service, FILL_ALL, 1), *two = fill(s->arena, &noun_service, FILL_ALL, 2);

	one->name_folded = SLICE("quay");
	two->name_folded = SLICE("quay");
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_service, one}, OK);
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_service, two}, ERR_EXISTS);
	scene_expect(s, (struct store_change){STORE_PUT, &noun_service, two}, ERR_EXISTS);
	two->name_folded = SLICE("pier");
	scene_expect(s, (struct store_change){STORE_PUT, &noun_service, two}, OK);
	two->name_folded = SLICE("quay");
	scene_expect(s, (struct store_change){STORE_UPDATE, &noun_service, two}, ERR_EXISTS);
}

/* --- several changes --- */

static void all_changes_happen_or_none(void **state)
{
	struct scene *s = *state;
	struct name *a = scene_name(s, "a", "1"), *b = scene_name(s, "b", "1"), *c = scene_name(s, "c", "1");
	struct hub *hub = scene_hub(s, "h", "1");
	const struct store_change fine[] = {{STORE_INSERT, &noun_name, a}, {STORE_PUT, &noun_hub, hub}};
	const struct store_change taken[] = {{STORE_INSERT, &noun_name, b}, {STORE_INSERT, &noun_name, a}, {STORE_INSERT, &noun_name, c}};
	const struct store_change stale[] = {
		{STORE_DELETE, &noun_name, a}, {STORE_INSERT, &noun_name, b}, {STORE_UPDATE, &noun_hub, hub, .if_etag = SLICE("0")}};
	const struct store_change gone[] = {{STORE_DELETE, &noun_hub, hub}, {STORE_DELETE, &noun_name, c}};
	size_t failed;

	assert_int_equal(scene_write(s, fine, 2, &failed), OK);
	assert_int_equal(scene_write(s, taken, 3, &failed), ERR_EXISTS);
	assert_int_equal(failed, 1);
	assert_int_equal(scene_write(s, stale, 3, &failed), ERR_PRECONDITION);
	assert_int_equal(failed, 2);
	assert_int_equal(scene_write(s, gone, 2, &failed), ERR_NOT_FOUND);
	assert_int_equal(failed, 1);
	assert_non_null(scene_find(s, &noun_name, a));
	assert_null(scene_find(s, &noun_name, b));
	assert_null(scene_find(s, &noun_name, c));
	assert_non_null(scene_find(s, &noun_hub, hub));
}

#define CROWD 300

/* They share transactions, and must not share fates. */
static void changes_that_fail_do_no_harm_to_those_beside_them(void **state)
{
	struct scene *s = *state;
	struct outcome outcomes[CROWD] = {0};
	struct store_change changes[2];
	struct store_want count = {.noun = &noun_name, .count_only = true};
	struct store_counts counts;
	char id[16];

	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "taken", "1")}, OK);
	for (int i = 0; i < CROWD; i++) {
		snprintf(id, sizeof(id), "n%03d", i);
		changes[0] = (struct store_change){STORE_INSERT, &noun_name, scene_name(s, id, "1")};
		changes[1] = (struct store_change){i % 3 ? STORE_PUT : STORE_INSERT, &noun_name, scene_name(s, "taken", id)};
		assert_non_null(store_write(s->store, s->loop, s->arena, changes, 2, scene_changed, &outcomes[i]));
	}
	loop_settle(s->loop);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(outcomes[i].times, 1);
		assert_int_equal(outcomes[i].e, i % 3 ? OK : ERR_EXISTS);
		assert_int_equal(outcomes[i].failed, 1);
		snprintf(id, sizeof(id), "n%03d", i);
		assert_int_equal(scene_find(s, &noun_name, scene_name(s, id, "1")) != NULL, i % 3 != 0);
	}
	assert_int_equal(scene_read(s, &count, 1), OK);
	assert_int_equal(count.count, CROWD * 2 / 3 + 1);
	store_counts(s->store, &counts);
	assert_true(counts.commits > 0 && counts.commits < counts.writes);
}

static void what_was_asked_was_copied(void **state)
{
	struct scene *s = *state;
	char id[] = "original", *owner = strdup("somebody");
	struct name record;
	struct outcome o = {0};
	struct store_change change = {STORE_INSERT, &noun_name, &record};

	noun_clear(&noun_name, &record);
	record.id = slice_str(id);
	record.owner = slice_str(owner);
	assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, scene_changed, &o));
	memset(id, 'x', sizeof(id) - 1);
	memset(&record, 0xff, sizeof(record));
	free(owner);
	loop_settle(s->loop);
	assert_int_equal(o.e, OK);
	assert_non_null(scene_find(s, &noun_name, scene_name(s, "original", "")));
}

/* --- attempts --- */

static void trimming_keeps_the_latest_attempts(void **state)
{
	struct scene *s = *state;
	struct attempt *attempt = noun_new(&noun_attempt, s->arena);
	struct store_want of_busy = {.noun = &noun_attempt, .like = attempt, .keys = 2, .limit = 100},
			  all = {.noun = &noun_attempt, .count_only = true};
	struct outcome o = {0};
	char id[16];

	attempt->scope = SLICE("scope");
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), i < 20 ? "busy" : "other%d", i);
		attempt->id = slice_str(id);
		attempt->at = SCENE_START + i;
		scene_expect(s, (struct store_change){STORE_INSERT, &noun_attempt, attempt}, OK);
	}
	assert_non_null(store_trim_attempts(s->store, s->loop, s->arena, 5, 1000, scene_changed, &o));
	loop_settle(s->loop);
	assert_int_equal(o.e, OK);
	attempt->id = SLICE("busy");
	assert_int_equal(scene_read(s, &of_busy, 1), OK);
	assert_int_equal(of_busy.count, 5);
	assert_int_equal(((struct attempt *)of_busy.records)[0].at, SCENE_START + 15);
	assert_int_equal(scene_read(s, &all, 1), OK);
	assert_int_equal(all.count, 25);

	assert_non_null(store_trim_attempts(s->store, s->loop, s->arena, 5, 22, scene_changed, &o));
	loop_settle(s->loop);
	assert_int_equal(scene_read(s, &all, 1), OK);
	assert_int_equal(all.count, 22);
	assert_int_equal(scene_read(s, &of_busy, 1), OK);
	assert_int_equal(of_busy.count, 2);
}

const struct CMUnitTest store_record_tests[] = {
	SCENE_TEST(a_record_with_everything_comes_back_as_it_was),
	SCENE_TEST(what_is_empty_comes_back_empty_and_not_absent),
	SCENE_TEST(what_is_absent_comes_back_absent),
	SCENE_TEST(update_and_put_replace_every_column),
	SCENE_TEST(a_taken_key_is_refused_and_stays_as_it_was),
	SCENE_TEST(an_update_holds_only_with_the_etag_it_names),
	SCENE_TEST(a_delete_says_why_it_could_not_be),
	SCENE_TEST(delete_all_takes_a_tenant_and_leaves_his_neighbours),
	SCENE_TEST(a_name_that_must_be_unique_is_refused_however_it_comes),
	SCENE_TEST(all_changes_happen_or_none),
	SCENE_TEST(changes_that_fail_do_no_harm_to_those_beside_them),
	SCENE_TEST(what_was_asked_was_copied),
	SCENE_TEST(trimming_keeps_the_latest_attempts),
};
const size_t store_record_test_count = sizeof(store_record_tests) / sizeof(store_record_tests[0]);
