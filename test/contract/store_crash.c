/*
 * store_crash.c: what outlives a process: kills, migrations, keys and copies.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract/store_scene.h"

/* --- a process that dies at any moment --- */

#define ROUNDS    15
#define IN_FLIGHT 8

/* In the child: each unit inserts the next name and moves the counter with it. */
struct victim {
	struct scene *scene;
	int pipe;
	int64_t next;
};

struct step {
	struct victim *victim;
	int64_t number;
};

static struct slice number_name(struct scene *s, int64_t n)
{
	return arena_format(s->arena, "n%08lld", (long long)n);
}

static void begin_step(struct victim *v, struct step *step);

static void step_is_done(void *cookie, enum err e, size_t failed)
{
	struct step *step = cookie;

	(void)failed;
	if (e != OK || write(step->victim->pipe, &step->number, sizeof(step->number)) != sizeof(step->number))
		_exit(1);
	begin_step(step->victim, step);
}

static void begin_step(struct victim *v, struct step *step)
{
	struct scene *s = v->scene;
	struct hub *counter = scene_hub(s, "counter", "1");
	struct name *name = scene_name(s, "", "x");
	struct store_change changes[] = {{STORE_INSERT, &noun_name, name}, {STORE_PUT, &noun_hub, counter}};

	step->victim = v;
	step->number = v->next++;
	name->id = number_name(s, step->number);
	counter->created = step->number;
	if (store_write(s->store, s->loop, s->arena, changes, 2, step_is_done, step) == NULL)
		_exit(2);
}

static void live_until_killed(struct scene *s, int to, int64_t next)
{
	struct victim v = {.scene = s, .pipe = to, .next = next};
	struct step steps[IN_FLIGHT];

	scene_reopen(s);
	for (int i = 0; i < IN_FLIGHT; i++)
		begin_step(&v, &steps[i]);
	loop_settle(s->loop); /* without end: each answer begins another step */
	_exit(3);
}

/* Returns the highest number that was acknowledged, or `last`. The moment of the kill is counted from the first
 * acknowledgement, so that slow starts do not make empty rounds. */
static int64_t run_victim(struct scene *s, int64_t last, int64_t *acknowledged)
{
	int ends[2], status;
	int64_t number;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	assert_true((child = fork()) >= 0);
	if (child == 0) {
		close(ends[0]);
		live_until_killed(s, ends[1], last + 1);
	}
	close(ends[1]);
	assert_int_equal(poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 20000), 1);
	usleep((useconds_t)(rand() % 30000));
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
		last = number > last ? number : last;
		(*acknowledged)++;
	}
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return last;
}

/* The names are 1 to the counter, without a gap: nothing half done, nothing twice. */
static int64_t check_survivors(struct scene *s, int64_t acknowledged_last)
{
	struct hub *counter = scene_find(s, &noun_hub, scene_hub(s, "counter", ""));
	struct store_want names = {.noun = &noun_name, .count_only = true};

	assert_non_null(counter);
	assert_true(counter->created >= acknowledged_last);
	assert_true(counter->created <= acknowledged_last + IN_FLIGHT);
	assert_int_equal(scene_read(s, &names, 1), OK);
	assert_int_equal(names.count, counter->created);
	for (int64_t n = counter->created; n > 0 && n > counter->created - 50; n--) {
		struct name *name = scene_name(s, "", "");

		name->id = number_name(s, n);
		assert_non_null(scene_find(s, &noun_name, name));
	}
	return counter->created;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
	struct scene *s = *state;
	int64_t last = 0, acknowledged = 0;

	srand((unsigned)time(NULL));
	for (int round = 0; round < ROUNDS; round++) {
		store_close(&s->store); /* no threads while forking */
		last = run_victim(s, last, &acknowledged);
		scene_reopen(s);
		last = check_survivors(s, last);
	}
	assert_true(acknowledged >= ROUNDS);
	assert_true(acknowledged <= last);
}

/* --- versions --- */

static const char *const add_shelf[] = {"ALTER TABLE name ADD COLUMN shelf {text}",
					"CREATE TABLE shelf (id {text} NOT NULL, n {int}, b {blob}, PRIMARY KEY (id)){small}", NULL};
static const char *const fill_shelf[] = {"UPDATE name SET shelf = 'top'", NULL};
static const char *const add_mistake[] = {"ALTER TABLE name ADD COLUMN ladder {text}", "ALTER TABLE nowhere ADD COLUMN n {int}", NULL};
static const struct migration steps[] = {
	{SCHEMA_VERSION + 1, add_shelf}, {SCHEMA_VERSION + 2, fill_shelf}, {SCHEMA_VERSION + 3, add_mistake}};

static void an_older_store_is_led_up_step_by_step(void **state)
{
	struct scene *s = *state;
	const struct schema second = {SCHEMA_VERSION + 1, steps, 1}, third = {SCHEMA_VERSION + 2, steps, 2};
	const char *why;

	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "a", "1")}, OK);
	assert_int_equal(scene_try_open(s, s->seal, &third, &why), OK);
	assert_non_null(scene_find(s, &noun_name, scene_name(s, "a", "")));
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "b", "1")}, OK);
	/* Once is enough, and there is no way back. */
	assert_int_equal(scene_try_open(s, s->seal, &third, &why), OK);
	assert_int_equal(scene_try_open(s, s->seal, &second, &why), ERR_UNSUPPORTED);
	assert_non_null(strstr(why, "newer Berth"));
	assert_int_equal(scene_try_open(s, s->seal, &schema_current, &why), ERR_UNSUPPORTED);
	assert_int_equal(scene_try_open(s, s->seal, &third, &why), OK);
}

static void a_migration_that_fails_leaves_the_store_as_it_was(void **state)
{
	struct scene *s = *state;
	const struct schema third = {SCHEMA_VERSION + 2, steps, 2}, fourth = {SCHEMA_VERSION + 3, steps, 3};
	const char *why;

	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "a", "1")}, OK);
	assert_int_not_equal(scene_try_open(s, s->seal, &fourth, &why), OK);
	/* The steps before the bad one have been made, and each with its version. */
	assert_int_equal(scene_try_open(s, s->seal, &third, &why), OK);
	assert_non_null(scene_find(s, &noun_name, scene_name(s, "a", "")));
	assert_int_not_equal(scene_try_open(s, s->seal, &fourth, &why), OK);
}

/* --- keys --- */

static void another_master_key_is_told_apart(void **state)
{
	struct scene *s = *state;
	struct seal *other;
	const char *why;

	assert_int_equal(seal_from_key((const unsigned char *)"another key of thirty-two bytes.", &other), OK);
	assert_int_equal(scene_try_open(s, other, &schema_current, &why), ERR_CORRUPT);
	assert_non_null(strstr(why, "master key"));
	assert_int_equal(scene_try_open(s, s->seal, &schema_current, &why), OK);
	seal_free(&other);
}

static void a_database_that_nobody_knows_is_refused(void **state)
{
	struct scene *s = *state;
	const char *why, *good = s->conf.url;
	static const char *const urls[] = {"abacus:beads", "sqlite", "", "sqlite:"};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		s->conf.url = urls[i];
		assert_int_equal(scene_try_open(s, s->seal, &schema_current, &why), ERR_INVALID);
	}
	s->conf.url = good;
	assert_int_equal(scene_try_open(s, s->seal, &schema_current, &why), OK);
}

/* --- copies --- */

static void a_copy_is_whole_and_opens(void **state)
{
	struct scene *s = *state;
	const char *path = arena_printf(s->arena, "%s/copy.db", s->place), *why = NULL;
	struct outcome changed[100] = {0};
	struct store_want names = {.noun = &noun_name, .count_only = true}, policies = {.noun = &noun_policy, .limit = 5};
	struct policy *policy = noun_new(&noun_policy, s->arena);
	char id[16];
	enum err e;

	policy->owner = SLICE("dps/a");
	policy->id = policy->name = SLICE("b");
	policy->primary_key = SLICE("c2VjcmV0");
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_policy, policy}, OK);
	for (int i = 0; i < 100; i++) {
		struct store_change change = {STORE_INSERT, &noun_name, NULL};

		snprintf(id, sizeof(id), "n%03d", i);
		change.record = scene_name(s, id, "1");
		assert_non_null(store_write(s->store, s->loop, s->arena, &change, 1, scene_changed, &changed[i]));
	}
	/* While changes are under way. */
	e = store_backup(s->store, path, s->arena, &why);
	loop_settle(s->loop);
	if (e == ERR_UNSUPPORTED)
		return; /* its own tools copy it */
	assert_int_equal(e, OK);
	assert_int_equal(store_backup(s->store, path, s->arena, &why), ERR_EXISTS);
	assert_non_null(why);
	scene_expect(s, (struct store_change){STORE_INSERT, &noun_name, scene_name(s, "later", "1")}, OK);
	s->conf.url = arena_printf(s->arena, "%s:%s", scene_driver, path);
	scene_reopen(s);
	assert_int_equal(scene_read(s, &names, 1), OK);
	assert_true(names.count <= 100);
	assert_null(scene_find(s, &noun_name, scene_name(s, "later", "")));
	assert_int_equal(scene_read(s, &policies, 1), OK);
	assert_int_equal(policies.count, 1);
	assert_true(slice_eq(((struct policy *)policies.records)->primary_key, SLICE("c2VjcmV0")));
}

const struct CMUnitTest store_crash_tests[] = {
	SCENE_TEST(what_was_acknowledged_survives_a_kill),
	SCENE_TEST(an_older_store_is_led_up_step_by_step),
	SCENE_TEST(a_migration_that_fails_leaves_the_store_as_it_was),
	SCENE_TEST(another_master_key_is_told_apart),
	SCENE_TEST(a_database_that_nobody_knows_is_refused),
	SCENE_TEST(a_copy_is_whole_and_opens),
};
const size_t store_crash_test_count = sizeof(store_crash_tests) / sizeof(store_crash_tests[0]);
