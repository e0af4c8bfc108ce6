/*
 * sqlite_test.c: what is special about a store that is a file. What every database must do
 * is in test/contract/.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/question.h"
#include "store/schema.h"
#include "store/sqlite_connection.h"

/* --- a folder with a store in it --- */

struct scene {
	char folder[32];
	const char *path;
	struct seal *seal;
	struct loop *loop;
	struct arena *arena;
	struct store_conf conf;
	struct store *store;
};

struct outcome {
	int times;
	enum err e;
};

static const char *in_folder(struct scene *s, const char *name)
{
	return arena_printf(s->arena, "%s/%s", s->folder, name);
}

static void reopen(struct scene *s)
{
	const char *why = NULL;

	store_close(&s->store);
	loop_settle(s->loop);
	if (store_open(&s->conf, s->arena, &s->store, &why) != OK)
		fail_msg("%s", why);
}

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	strcpy(s->folder, "/tmp/berth-sqlite-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	s->arena = arena_new(256 << 20);
	s->path = in_folder(s, "store.db");
	assert_int_equal(seal_from_key((const unsigned char *)"a key of thirty-two bytes, no le", &s->seal), OK);
	assert_int_equal(loop_new_manual(INSTANT_SECOND, &s->loop), OK);
	s->conf = (struct store_conf){.url = arena_printf(s->arena, "sqlite:%s", s->path), .seal = s->seal, .readers = 2};
	reopen(s);
	*state = s;
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock", "old.db", "old.db-lock"};
	struct scene *s = *state;

	store_close(&s->store);
	loop_settle(s->loop);
	loop_free(&s->loop);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(s, names[i]));
	assert_int_equal(rmdir(s->folder), 0);
	seal_free(&s->seal);
	arena_free(&s->arena);
	free(s);
	return 0;
}

static void changed(void *cookie, enum err e, size_t failed)
{
	struct outcome *o = cookie;

	(void)failed;
	o->times++;
	o->e = e;
}

static void answered(void *cookie, enum err e)
{
	changed(cookie, e, 0);
}

static enum err write_now(struct scene *s, enum store_how how, const struct noun *noun, const void *record)
{
	struct store_change change = {.how = how, .noun = noun, .record = record};
	struct outcome o = {0};

	assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, changed, &o));
	loop_settle(s->loop);
	assert_int_equal(o.times, 1);
	return o.e;
}

static enum err read_now(struct scene *s, struct store_want *want)
{
	struct outcome o = {0};

	assert_non_null(store_read(s->store, s->loop, s->arena, want, 1, answered, &o));
	loop_settle(s->loop);
	assert_int_equal(o.times, 1);
	return o.e;
}

static size_t count_of(struct scene *s, const struct noun *noun)
{
	struct store_want want = {.noun = noun, .count_only = true};

	assert_int_equal(read_now(s, &want), OK);
	return want.count;
}

static struct name *a_name(struct scene *s, int number, size_t bytes)
{
	struct name *n = noun_new(&noun_name, s->arena);
	char *owner = arena_alloc(s->arena, bytes);

	assert_non_null(owner);
	memset(owner, 'a' + number % 26, bytes);
	n->id = arena_format(s->arena, "n%06d", number);
	n->owner = slice_over(owner, bytes);
	return n;
}

/* Only while no store is open: closing a descriptor of the file would drop its locks. */
static struct slice whole_file(struct scene *s, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = arena_alloc(s->arena, (size_t)st.st_size);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return slice_over(bytes, (size_t)st.st_size);
}

static void overwrite(const char *path, long at, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void run_sql(struct scene *s, const char *path, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_null(s->store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* --- secrets --- */

#define SECRET "this is the secret of the device"

static struct policy *a_policy(struct scene *s, const char *id)
{
	struct policy *p = noun_new(&noun_policy, s->arena);

	p->owner = SLICE("dps/quay");
	p->id = slice_str(id);
	p->name = SLICE("a name that may be seen");
	p->primary_key = base64_encode(s->arena, arena_format(s->arena, "%s %s", SECRET, id));
	return p;
}

static void assert_hidden(struct slice bytes, const struct policy *p)
{
	assert_true(slice_search(bytes, p->name) >= 0); /* it is there ... */
	assert_int_equal(slice_search(bytes, slice_to(p->primary_key, 40)), -1);
	assert_int_equal(slice_search(bytes, SLICE(SECRET)), -1);
}

static void keys_do_not_lie_readable_in_the_file(void **state)
{
	struct scene *s = *state;
	struct policy *p = a_policy(s, "one");

	assert_int_equal(write_now(s, STORE_INSERT, &noun_policy, p), OK);
	assert_hidden(whole_file(s, in_folder(s, "store.db-wal")), p);
	store_close(&s->store);
	assert_hidden(whole_file(s, s->path), p);
}

static void a_key_that_was_moved_to_another_record_does_not_open(void **state)
{
	struct scene *s = *state;
	struct policy *one = a_policy(s, "one"), *two = a_policy(s, "two");
	struct store_want want = {.noun = &noun_policy, .like = two, .keys = 2};

	assert_int_equal(write_now(s, STORE_INSERT, &noun_policy, one), OK);
	assert_int_equal(write_now(s, STORE_INSERT, &noun_policy, two), OK);
	store_close(&s->store);
	run_sql(s, s->path, "UPDATE policy SET primary_key = (SELECT primary_key FROM policy WHERE id = 'one') WHERE id = 'two'");
	reopen(s);
	assert_int_equal(read_now(s, &want), ERR_CORRUPT);
	assert_null(want.records);
	want.like = one;
	assert_int_equal(read_now(s, &want), OK);
	assert_int_equal(want.count, 1);
}

static void the_file_is_only_the_owners(void **state)
{
	struct scene *s = *state;
	struct stat st;

	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_folder(s, "store.db-wal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- two at once --- */

static void a_second_process_is_refused(void **state)
{
	struct scene *s = *state;
	struct store *second = NULL;
	const char *why = NULL;
	int status;
	pid_t child;

	assert_int_equal(write_now(s, STORE_INSERT, &noun_name, a_name(s, 1, 10)), OK);
	assert_true((child = fork()) >= 0);
	if (child == 0) {
		enum err e = store_open(&s->conf, s->arena, &second, &why);

		_exit(e == ERR_CONFLICT && why && strstr(why, "in use by another Berth") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(store_open(&s->conf, s->arena, &second, &why), ERR_CONFLICT);
	assert_null(second);
	assert_int_equal(write_now(s, STORE_INSERT, &noun_name, a_name(s, 2, 10)), OK);
	reopen(s);
}

/* --- damage --- */

static void assert_refused_as_damaged(struct scene *s)
{
	const char *why = NULL;

	assert_int_equal(store_open(&s->conf, s->arena, &s->store, &why), ERR_CORRUPT);
	assert_null(s->store);
	assert_non_null(why);
	assert_non_null(strstr(why, s->path));
}

static void a_file_that_is_no_store_is_told_in_a_sentence(void **state)
{
	struct scene *s = *state;

	store_close(&s->store);
	overwrite(s->path, 0, "Dear diary, today ", 18);
	assert_refused_as_damaged(s);
}

static void a_folder_that_is_not_there_is_told_in_a_sentence(void **state)
{
	struct scene *s = *state;
	const char *why = NULL;

	store_close(&s->store);
	s->conf.url = "sqlite:/nowhere/at/all/store.db";
	assert_int_equal(store_open(&s->conf, s->arena, &s->store, &why), ERR_IO);
	assert_non_null(strstr(why, "/nowhere/at/all/store.db"));
}

static void a_damaged_page_is_an_error_and_not_the_end(void **state)
{
	struct scene *s = *state;
	struct store_want all = {.noun = &noun_name, .limit = 2000};
	char noise[4096];
	struct slice bytes;
	ptrdiff_t at;

	for (int i = 0; i < 200; i++)
		assert_int_equal(write_now(s, STORE_INSERT, &noun_name, a_name(s, i, 900)), OK);
	assert_int_equal(write_now(s, STORE_INSERT, &noun_policy, a_policy(s, "one")), OK);
	store_close(&s->store);
	bytes = whole_file(s, s->path);
	at = slice_search(bytes, SLICE("n000100"));
	assert_true(at > 0);
	memset(noise, 0xa5, sizeof(noise));
	overwrite(s->path, at / 4096 * 4096, noise, sizeof(noise));
	reopen(s);
	assert_int_equal(read_now(s, &all), ERR_CORRUPT);
	assert_int_equal(count_of(s, &noun_policy), 1);
	assert_int_equal(write_now(s, STORE_INSERT, &noun_policy, a_policy(s, "two")), OK);
}

/* --- a full disk --- */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define BURST 60

static void a_full_disk_fails_the_change_and_nothing_else(void **state)
{
	struct scene *s = *state;
	struct outcome outcomes[BURST] = {0};
	int number = 0, good = 0, bad = 0;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	while (number < 20)
		assert_int_equal(write_now(s, STORE_INSERT, &noun_name, a_name(s, number++, 20000)), OK);
	assert_int_equal(stat(in_folder(s, "store.db-wal"), &st), 0);
	limit_files((rlim_t)st.st_size + 200000); /* room for a few more */
	while (write_now(s, STORE_INSERT, &noun_name, a_name(s, number, 20000)) == OK)
		number++;
	assert_true(number > 20);
	/* Many at once, so that they share transactions. */
	for (int i = 0; i < BURST; i++) {
		struct store_change change = {STORE_INSERT, &noun_name, a_name(s, 1000 + i, 20000)};

		assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, changed, &outcomes[i]));
	}
	loop_settle(s->loop);
	for (int i = 0; i < BURST; i++) {
		assert_true(outcomes[i].times == 1 && (outcomes[i].e == OK || outcomes[i].e == ERR_IO));
		good += outcomes[i].e == OK;
		bad += outcomes[i].e == ERR_IO;
	}
	assert_true(bad > 0);
	assert_int_equal(count_of(s, &noun_name), number + good);
	limit_files(RLIM_INFINITY);
	assert_int_equal(write_now(s, STORE_INSERT, &noun_name, a_name(s, number, 20000)), OK);
	assert_int_equal(count_of(s, &noun_name), number + good + 1);
	reopen(s);
	assert_int_equal(count_of(s, &noun_name), number + good + 1);
}

/* --- the log --- */

static void the_log_does_not_grow_without_end(void **state)
{
	struct scene *s = *state;
	struct outcome o = {0};
	off_t largest = 0, written = 0;
	struct stat st;

	for (int i = 0; i < 4000; i++) {
		struct store_change change = {STORE_PUT, &noun_name, a_name(s, i % 50, 16000 + (size_t)i % 7)};

		assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, changed, &o));
		written += 16000;
		if (i % 50 == 49) {
			loop_settle(s->loop);
			assert_int_equal(stat(in_folder(s, "store.db-wal"), &st), 0);
			largest = st.st_size > largest ? st.st_size : largest;
		}
	}
	assert_int_equal(o.times, 4000);
	assert_true(written > 60000000);
	assert_true(largest < 24000000);
}

static void a_read_that_takes_too_long_is_broken_off(void **state)
{
	struct scene *s = *state;
	struct connection c;
	struct statement endless = {.sql = SLICE("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c"),
				    .rare = true};
	struct statement short_one = {.sql = SLICE("SELECT COUNT(*) FROM name")};
	struct unit unit = {.statements = &endless, .count = 1, .arena = s->arena},
		    next = {.statements = &short_one, .count = 1, .arena = s->arena};
	const char *why = NULL;

	assert_int_equal(connection_open(&c, s->path, false, s->arena, &why), OK);
	c.read_ms_max = 30;
	connection_read(&c, &unit);
	assert_int_equal(unit.result, ERR_TIMEOUT);
	connection_read(&c, &next);
	assert_int_equal(next.result, OK);
	connection_close(&c);
}

/* --- plans --- */

static void assert_walks_an_index(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	char text[8192];

	snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(stmt, 3);

		if (strstr(step, "TEMP B-TREE") || (strncmp(step, "SCAN", 4) == 0 && !strstr(step, "INDEX")))
			fail_msg("%s: %s", sql, step);
	}
	sqlite3_finalize(stmt);
}

static int columns_of(const struct noun *noun, int by)
{
	int n = 0;

	for (size_t i = 0; by == 0 && i < noun->count; i++)
		n += (noun->fields[i].rules & FIELD_ID) != 0;
	while (by > 0 && n < KEYS_MAX && noun->indexes[by - 1].columns[n])
		n++;
	return n;
}

/* A record with something in every column that a question may go by. */
static void *filled(struct scene *s, const struct noun *noun)
{
	void *record = noun_new(noun, s->arena);

	for (size_t i = 0; i < noun->count; i++) {
		void *member = field_of(&noun->fields[i], record);

		switch (noun->fields[i].type) {
		case FIELD_INT: *(int64_t *)member = 1; break;
		case FIELD_TIME: *(instant *)member = 1; break;
		case FIELD_TEXT:
		case FIELD_ENUM: *(struct slice *)member = SLICE("x"); break;
		default: break;
		}
	}
	return record;
}

static void check_plans(struct scene *s, sqlite3 *db, const struct table *table, int by)
{
	for (int keys = by ? 0 : 1; keys <= columns_of(table->noun, by); keys++)
		for (int backwards = 0; backwards < 2; backwards++) {
			struct store_want want = {.noun = table->noun,
						  .by = by,
						  .like = filled(s, table->noun),
						  .keys = keys,
						  .limit = 10,
						  .backwards = backwards};
			struct statement out;

			assert_int_equal(question_write(table, table, &want, s->arena, &out), OK);
			assert_walks_an_index(db, out.sql.p);
		}
}

/* However many records there are: no question by keys sorts, or looks at all rows. */
static void every_question_by_keys_walks_an_index(void **state)
{
	struct scene *s = *state;
	struct table table;
	sqlite3 *db;

	store_close(&s->store);
	assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
	for (size_t i = 0; nouns[i]; i++) {
		assert_int_equal(table_init(&table, nouns[i], s->arena), OK);
		for (int by = 0; by <= (int)nouns[i]->index_count; by++)
			check_plans(s, db, &table, by);
	}
	sqlite3_close(db);
}

/* --- the schema's history --- */

#include "store/schema_1.inc"

/* Columns and indexes of a file, one a line, sorted. */
static const char *shape_of(struct scene *s, const char *path)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	const char *shape = "";

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk"
					    " FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
					    " UNION ALL SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		shape = arena_printf(s->arena, "%s%s\n", shape, sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return shape;
}

/* Changing a row of a noun without a step in schema.c fails here. */
static void a_store_of_version_1_becomes_like_a_fresh_one(void **state)
{
	struct scene *s = *state;
	const char *old = in_folder(s, "old.db"), *fresh;
	struct slice check = hex_lower(s->arena, seal_close(s->seal, s->arena, SLICE("meta/check"), SLICE("berth")));

	store_close(&s->store);
	fresh = shape_of(s, s->path);
	for (size_t i = 0; i < sizeof(schema_1) / sizeof(schema_1[0]); i++)
		run_sql(s, old, schema_1[i]);
	run_sql(s, old, arena_printf(s->arena, "INSERT INTO meta (name, value) VALUES ('schema', '1'), ('check', '%s')", check.p));
	s->conf.url = arena_printf(s->arena, "sqlite:%s", old);
	reopen(s);
	store_close(&s->store);
	assert_string_equal(shape_of(s, old), fresh);
	assert_true(strlen(fresh) > 5000);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(keys_do_not_lie_readable_in_the_file),
		FILE_TEST(a_key_that_was_moved_to_another_record_does_not_open),
		FILE_TEST(the_file_is_only_the_owners),
		FILE_TEST(a_second_process_is_refused),
		FILE_TEST(a_file_that_is_no_store_is_told_in_a_sentence),
		FILE_TEST(a_folder_that_is_not_there_is_told_in_a_sentence),
		FILE_TEST(a_damaged_page_is_an_error_and_not_the_end),
		FILE_TEST(a_full_disk_fails_the_change_and_nothing_else),
		FILE_TEST(the_log_does_not_grow_without_end),
		FILE_TEST(a_read_that_takes_too_long_is_broken_off),
		FILE_TEST(every_question_by_keys_walks_an_index),
		FILE_TEST(a_store_of_version_1_becomes_like_a_fresh_one),
	};

	return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
