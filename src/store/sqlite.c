/*
 * sqlite.c: a store in one SQLite file.
 *
 * Readers are threads with a connection each. All changes go through one writer thread,
 * which commits what has queued up as one transaction: a sync of the disk costs the same
 * for one change as for a hundred. A lock file keeps a second process away, because two
 * writers would wait for each other and each believe to be alone.
 *
 * Nothing here opens the database file but SQLite: closing a second descriptor on it would
 * drop the locks of this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite_connection.h"

#define BATCH_MAX 128

struct sqlite {
	struct db db;
	int lock;
	const char *path;
	struct connection writer;
	struct connection *readers;
	int reader_count;
	struct work_queue *reading, *writing;
	atomic_uint_fast64_t reads, writes, commits, commit_us_sum;
};

static struct sqlite *sqlite_of(struct db *db)
{
	return LIST_ITEM(db, struct sqlite, db);
}

/* --- the file --- */

static enum err take_lock(struct sqlite *s, struct arena *arena, const char **why)
{
	const char *path = arena_printf(arena, "%s-lock", s->path);

	if (path == NULL)
		return ERR_NO_MEMORY;
	if ((s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		*why = arena_printf(arena, "%s cannot be opened: %s", path, strerror(errno));
		return ERR_IO;
	}
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		*why = arena_printf(arena, "%s is in use by another Berth process", s->path);
		return ERR_CONFLICT;
	}
	return OK;
}

/* The entry of a new file in its directory is synced apart from the file. */
static enum err sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum err e = fd >= 0 && fsync(fd) == 0 ? OK : ERR_IO;

	if (fd >= 0)
		close(fd);
	free(directory);
	return e;
}

/* SQLite takes an empty file for a new database; made here, it is nobody else's to read. */
static enum err make_file(const char *path, struct arena *arena, const char **why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return ERR_EXISTS;
	if (fd >= 0)
		close(fd);
	if (fd < 0 || sync_directory(path) != OK) {
		*why = arena_printf(arena, "%s cannot be created: %s", path, strerror(errno));
		return ERR_IO;
	}
	return OK;
}

/* --- the threads --- */

static void read_items(void *cookie, int thread, struct work **items, int count)
{
	struct sqlite *s = cookie;

	for (int i = 0; i < count; i++)
		connection_read(&s->readers[thread], LIST_ITEM(items[i], struct unit, work));
	atomic_fetch_add(&s->reads, (uint64_t)count);
}

static void write_items(void *cookie, int thread, struct work **items, int count)
{
	struct sqlite *s = cookie;
	struct unit *units[BATCH_MAX];

	(void)thread;
	for (int i = 0; i < count; i++)
		units[i] = LIST_ITEM(items[i], struct unit, work);
	/* Before, not after: whoever was committed has his answer before the log is cared for. */
	connection_tidy(&s->writer);
	if (connection_write(&s->writer, units, count)) {
		atomic_fetch_add(&s->writes, (uint64_t)count);
		atomic_fetch_add(&s->commits, 1);
		atomic_fetch_add(&s->commit_us_sum, (uint64_t)s->writer.commit_us);
	}
}

static enum err start_threads(struct sqlite *s, int waiting_max)
{
	const struct work_conf reading = {
		.name = "store-read", .threads = s->reader_count, .batch_max = 1, .depth_max = waiting_max, .run = read_items, .cookie = s};
	const struct work_conf writing = {
		.name = "store-write", .threads = 1, .batch_max = BATCH_MAX, .depth_max = waiting_max, .run = write_items, .cookie = s};
	enum err e;

	if ((e = work_queue_new(&reading, &s->reading)) == OK)
		e = work_queue_new(&writing, &s->writing);
	return e;
}

static void work_is_done(struct work *w)
{
	struct unit *u = LIST_ITEM(w, struct unit, work);

	u->done(u);
}

static struct work_queue *queue_of(struct db *db, const struct unit *u)
{
	return u->writes ? sqlite_of(db)->writing : sqlite_of(db)->reading;
}

static enum err sqlite_start(struct db *db, struct unit *u)
{
	u->work.done = work_is_done;
	u->work.loop = u->loop;
	return work_start(queue_of(db, u), &u->work);
}

static bool sqlite_take_back(struct db *db, struct unit *u)
{
	return work_take_back(queue_of(db, u), &u->work);
}

/* --- the form --- */

static void sqlite_close(struct db **db)
{
	struct sqlite *s = sqlite_of(*db);

	*db = NULL;
	work_queue_free(&s->reading);
	work_queue_free(&s->writing);
	for (int i = 0; s->readers && i < s->reader_count; i++)
		connection_close(&s->readers[i]);
	connection_close(&s->writer);
	free(s->readers);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}

/* Counting every allocation takes a lock that all readers would share. Too late is no harm. */
static void set_up_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err open_connections(struct sqlite *s, struct arena *arena, const char **why)
{
	enum err e;

	if ((s->readers = calloc((size_t)s->reader_count, sizeof(*s->readers))) == NULL)
		return ERR_NO_MEMORY;
	e = connection_open(&s->writer, s->path, true, arena, why);
	for (int i = 0; i < s->reader_count && e == OK; i++)
		e = connection_open(&s->readers[i], s->path, false, arena, why);
	return e;
}

static enum err sqlite_open(const struct db_conf *conf, struct arena *arena, struct db **out, const char **why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite *s = calloc(1, sizeof(*s));
	enum err e = ERR_NO_MEMORY;

	*why = "out of memory";
	if (s == NULL)
		return e;
	pthread_once(&once, set_up_library);
	s->db.driver = &store_sqlite;
	s->lock = -1;
	s->reader_count = conf->readers;
	if ((s->path = arena_str(arena, slice_str(conf->place))) == NULL || (e = take_lock(s, arena, why)) != OK)
		goto fail;
	if ((e = make_file(s->path, arena, why)) != OK && e != ERR_EXISTS)
		goto fail;
	if ((e = open_connections(s, arena, why)) != OK)
		goto fail;
	*why = "the threads of the store cannot be started";
	if ((e = start_threads(s, conf->waiting_max)) != OK)
		goto fail;
	*out = &s->db;
	return OK;

fail:
	*out = &s->db;
	sqlite_close(out);
	return e;
}

static void sqlite_run(struct db *db, struct unit *u)
{
	struct sqlite *s = sqlite_of(db);

	if (u->writes)
		connection_write(&s->writer, &u, 1);
	else
		connection_read(&s->readers[0], u);
}

static void sqlite_counts(const struct db *db, struct store_counts *out)
{
	const struct sqlite *s = LIST_ITEM(db, const struct sqlite, db);

	*out = (struct store_counts){
		.reads_waiting = work_queue_depth(s->reading),
		.writes_waiting = work_queue_depth(s->writing),
		.reads = atomic_load(&s->reads),
		.writes = atomic_load(&s->writes),
		.commits = atomic_load(&s->commits),
		.commit_us_sum = atomic_load(&s->commit_us_sum),
	};
}

static enum err sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? OK : ERR_IO;

	if (fd >= 0)
		close(fd);
	return e == OK ? sync_directory(path) : e;
}

static enum err copy_into(struct connection *c, const char *path, struct arena *arena, const char **why)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(c->db, "VACUUM INTO $1", -1, &stmt, NULL);
	enum err e;

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if ((e = sqlite_meaning(rc)) != OK)
		*why = arena_printf(arena, "%s cannot be written: %s", path, sqlite3_errmsg(c->db));
	sqlite3_finalize(stmt);
	if (e == OK && (e = sync_file(path)) != OK)
		*why = arena_printf(arena, "%s cannot be brought to disk: %s", path, strerror(errno));
	return e;
}

/* With a connection of its own, so neither readers nor the writer wait for it. */
static enum err sqlite_backup(struct db *db, const char *path, struct arena *arena, const char **why)
{
	struct connection c;
	enum err e;

	*why = NULL;
	if ((e = make_file(path, arena, why)) == ERR_EXISTS)
		*why = arena_printf(arena, "%s is there already", path);
	if (e != OK)
		return e;
	if ((e = connection_open(&c, sqlite_of(db)->path, true, arena, why)) == OK) {
		e = copy_into(&c, path, arena, why);
		connection_close(&c);
	}
	if (e != OK)
		unlink(path);
	return e;
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.types = {[VALUE_INT] = "BIGINT", [VALUE_TEXT] = "TEXT", [VALUE_BLOB] = "BLOB"},
	.small_rows = " WITHOUT ROWID",
	.open = sqlite_open,
	.run = sqlite_run,
	.start = sqlite_start,
	.take_back = sqlite_take_back,
	.counts = sqlite_counts,
	.backup = sqlite_backup,
	.close = sqlite_close,
};
