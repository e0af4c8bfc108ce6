/*
 * sqlite_fault_test.c: what if it fails here? And here? And here?
 *
 * SQLite is given a file system whose n-th write, sync, truncation or opening fails, once or
 * from then on, n = 1, 2, 3 ... until nothing is left that could. Whatever happened, what was
 * acknowledged is there, a unit is whole or not there at all, and the store works again as
 * soon as the disk does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/list.h"
#include "base/log.h"
#include "store/store.h"

/* --- a disk that fails --- */

static atomic_int fault_in;     /* operations until the fault; 0: none is planned */
static atomic_bool fault_stays; /* from then on, not once */
static atomic_bool fault_came;

static bool fails_now(void)
{
	if (atomic_load(&fault_in) == 0)
		return false;
	if (atomic_fetch_sub(&fault_in, 1) > 1)
		return false;
	atomic_store(&fault_came, true);
	atomic_store(&fault_in, atomic_load(&fault_stays) ? 1 : 0);
	return true;
}

static void plan_fault(int in, bool stays)
{
	atomic_store(&fault_stays, stays);
	atomic_store(&fault_came, false);
	atomic_store(&fault_in, in);
}

/* True: it did come. */
static bool end_fault(void)
{
	atomic_store(&fault_in, 0);
	return atomic_load(&fault_came);
}

/* The methods of real files, some of them led through fails_now(). The database has others than its log. */
struct disguise {
	sqlite3_io_methods faulty;
	const sqlite3_io_methods *real;
};

static struct disguise disguises[2];
static sqlite3_vfs faulty_vfs;

static const sqlite3_io_methods *real_of(sqlite3_file *f)
{
	return LIST_ITEM(f->pMethods, const struct disguise, faulty)->real;
}

static int faulty_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
	if (!fails_now())
		return real_of(f)->xWrite(f, bytes, n, at);
	/* Half of it may have arrived. */
	real_of(f)->xWrite(f, bytes, n / 2, at);
	return SQLITE_FULL;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails_now() ? SQLITE_IOERR_TRUNCATE : real_of(f)->xTruncate(f, size);
}

static int faulty_sync(sqlite3_file *f, int flags)
{
	return fails_now() ? SQLITE_IOERR_FSYNC : real_of(f)->xSync(f, flags);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct disguise *d = &disguises[(flags & SQLITE_OPEN_MAIN_DB) != 0];
	int rc = fails_now() ? SQLITE_CANTOPEN : sqlite3_vfs_find("unix")->xOpen(vfs, name, f, flags, out_flags);

	if (rc != SQLITE_OK) {
		f->pMethods = NULL;
		return rc;
	}
	if (d->real == NULL) {
		d->real = f->pMethods;
		d->faulty = *d->real;
		d->faulty.xWrite = faulty_write;
		d->faulty.xTruncate = faulty_truncate;
		d->faulty.xSync = faulty_sync;
	}
	assert_ptr_equal(f->pMethods, d->real);
	f->pMethods = &d->faulty;
	return rc;
}

static int use_faulty_disk(void **state)
{
	(void)state;
	faulty_vfs = *sqlite3_vfs_find("unix");
	faulty_vfs.zName = "faulty";
	faulty_vfs.xOpen = faulty_open;
	log_set_level(LOG_ERROR + 1); /* hundreds of complaints, as there should be */
	return sqlite3_vfs_register(&faulty_vfs, 1);
}

/* --- a store on it --- */

#define UNITS 8

struct scene {
	char folder[32];
	struct arena *arena;
	struct seal *seal;
	struct loop *loop;
	struct store_conf conf;
	struct store *store;
	enum err results[UNITS];
};

static void scene_new(struct scene *s)
{
	*s = (struct scene){.folder = "/tmp/berth-fault-XXXXXX"};
	assert_non_null(mkdtemp(s->folder));
	s->arena = arena_new(64 << 20);
	assert_int_equal(seal_from_key((const unsigned char *)"a key of thirty-two bytes, no le", &s->seal), OK);
	assert_int_equal(loop_new_manual(INSTANT_SECOND, &s->loop), OK);
	s->conf = (struct store_conf){.url = arena_printf(s->arena, "sqlite:%s/store.db", s->folder), .seal = s->seal, .readers = 1};
}

static void scene_free(struct scene *s)
{
	static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"};

	store_close(&s->store);
	loop_settle(s->loop);
	loop_free(&s->loop);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(arena_printf(s->arena, "%s/%s", s->folder, names[i]));
	assert_int_equal(rmdir(s->folder), 0);
	seal_free(&s->seal);
	arena_free(&s->arena);
}

static enum err try_open(struct scene *s)
{
	const char *why = NULL;
	enum err e;

	store_close(&s->store);
	loop_settle(s->loop);
	e = store_open(&s->conf, s->arena, &s->store, &why);
	assert_true(e == OK || why != NULL);
	return e;
}

static void unit_done(void *cookie, enum err e, size_t failed)
{
	(void)failed;
	*(enum err *)cookie = e;
}

/* Unit number n: two names that belong together, too long for one page. */
static struct name *name_of(struct scene *s, int n, char side)
{
	struct name *name = noun_new(&noun_name, s->arena);
	char *owner = arena_alloc(s->arena, 2000);

	memset(owner, 'a' + n, 2000);
	name->id = arena_format(s->arena, "%c%02d", side, n);
	name->owner = slice_over(owner, 2000);
	return name;
}

static void write_unit(struct scene *s, int n)
{
	struct store_change both[] = {{STORE_PUT, &noun_name, name_of(s, n, 'l')}, {STORE_PUT, &noun_name, name_of(s, n, 'r')}};

	s->results[n] = ERR_AGAIN;
	assert_non_null(store_write(s->store, s->loop, s->arena, both, 2, unit_done, &s->results[n]));
}

/* Some alone, some together. */
static void write_units(struct scene *s)
{
	for (int n = 0; n < UNITS; n++) {
		write_unit(s, n);
		if (n < 2 || n % 4 == 0)
			loop_settle(s->loop);
	}
	loop_settle(s->loop);
}

static void count_done(void *cookie, enum err e)
{
	*(enum err *)cookie = e;
}

static bool is_there(struct scene *s, int n, char side)
{
	struct store_want want = {.noun = &noun_name, .like = name_of(s, n, side), .keys = 1};
	enum err e = ERR_AGAIN;

	assert_non_null(store_read(s->store, s->loop, s->arena, &want, 1, count_done, &e));
	loop_settle(s->loop);
	assert_int_equal(e, OK);
	if (want.count)
		assert_true(slice_eq(((struct name *)want.records)->owner, ((const struct name *)want.like)->owner));
	return want.count == 1;
}

/* A change that failed may be there after all, for nobody knows what a disk did that says it failed. */
static void check_units(struct scene *s)
{
	for (int n = 0; n < UNITS; n++) {
		bool left = is_there(s, n, 'l'), right = is_there(s, n, 'r');

		assert_int_equal(left, right);
		if (s->results[n] == OK)
			assert_true(left);
		else
			assert_int_equal(s->results[n], ERR_IO);
	}
}

/* --- the trials --- */

/* Returns whether the fault came: the trials end with the first one in which it did not. */
static bool try_writing(int in, bool stays)
{
	struct scene s;
	bool came;

	scene_new(&s);
	assert_int_equal(try_open(&s), OK);
	plan_fault(in, stays);
	write_units(&s);
	came = end_fault();
	check_units(&s);
	if (!came)
		for (int n = 0; n < UNITS; n++)
			assert_int_equal(s.results[n], OK);
	write_units(&s); /* the disk works again, and so does the store */
	for (int n = 0; n < UNITS; n++)
		assert_int_equal(s.results[n], OK);
	check_units(&s);
	assert_int_equal(try_open(&s), OK);
	check_units(&s);
	scene_free(&s);
	return came;
}

/* The process ends while the disk still fails: what was acknowledged must be in the log. */
static bool try_closing(int in)
{
	struct scene s;
	bool came;

	scene_new(&s);
	assert_int_equal(try_open(&s), OK);
	plan_fault(in, true);
	write_units(&s);
	store_close(&s.store);
	loop_settle(s.loop);
	came = end_fault();
	assert_int_equal(try_open(&s), OK);
	check_units(&s);
	scene_free(&s);
	return came;
}

static bool try_opening(int in, bool stays)
{
	struct scene s;
	enum err e;
	bool came;

	scene_new(&s);
	plan_fault(in, stays);
	e = try_open(&s);
	came = end_fault();
	assert_true(came || e == OK);
	assert_int_equal(try_open(&s), OK);
	write_units(&s);
	check_units(&s);
	scene_free(&s);
	return came;
}

#define TRIALS_MAX 2000

static void a_write_that_fails_anywhere_loses_nothing_acknowledged(void **state)
{
	int n;

	(void)state;
	for (n = 1; n < TRIALS_MAX && try_writing(n, false); n++)
		;
	assert_true(n > 20 && n < TRIALS_MAX);
}

static void a_disk_that_fails_for_a_while_loses_nothing_acknowledged(void **state)
{
	int n;

	(void)state;
	for (n = 1; n < TRIALS_MAX && try_writing(n, true); n++)
		;
	assert_true(n > 20 && n < TRIALS_MAX);
}

static void closing_on_a_failing_disk_loses_nothing_acknowledged(void **state)
{
	int n;

	(void)state;
	for (n = 1; n < TRIALS_MAX && try_closing(n); n++)
		;
	assert_true(n > 20 && n < TRIALS_MAX);
}

static void an_opening_that_fails_anywhere_can_be_repeated(void **state)
{
	int once, stays;

	(void)state;
	for (once = 1; once < TRIALS_MAX && try_opening(once, false); once++)
		;
	for (stays = 1; stays < TRIALS_MAX && try_opening(stays, true); stays++)
		;
	assert_true(once > 10 && stays > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_fails_anywhere_loses_nothing_acknowledged),
		cmocka_unit_test(a_disk_that_fails_for_a_while_loses_nothing_acknowledged),
		cmocka_unit_test(closing_on_a_failing_disk_loses_nothing_acknowledged),
		cmocka_unit_test(an_opening_that_fails_anywhere_can_be_repeated),
	};

	return cmocka_run_group_tests_name("sqlite faults", tests, use_faulty_disk, NULL);
}
