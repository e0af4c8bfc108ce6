/*
 * store_scene.h: a store to try, on a loop whose clock stands still.
 *
 * Asking and waiting in one call: the loop is turned until the answer is there. Every test
 * begins with an empty store of the driver that is being tried.
 */
#ifndef BERTH_TEST_CONTRACT_STORE_SCENE_H
#define BERTH_TEST_CONTRACT_STORE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/schema.h"

#define SCENE_START ((instant)17000000000000000) /* some day in 2023 */

struct scene {
	char place[64]; /* a directory of its own */
	char url[128];
	struct seal *seal;
	struct loop *loop;
	struct arena *arena;
	struct store_conf conf;
	struct store *store;
};

/* What a callback was told. */
struct outcome {
	int times;
	enum err e;
	size_t failed;
};

/* The driver that the scenes are for. */
extern const char *scene_driver;

/* cmocka's fixtures: an open store, and its end. */
int scene_begin(void **state);
int scene_end(void **state);

/* Close it, if it is open, and open it again. */
void scene_reopen(struct scene *);
/* ... or see how that fails. */
enum err scene_try_open(struct scene *, const struct seal *, const struct schema *, const char **why);

/* The callbacks, for tests that ask without waiting. The cookie is a struct outcome. */
void scene_read_done(void *cookie, enum err e);
void scene_changed(void *cookie, enum err e, size_t failed);

/* Ask, and turn the loop until it is answered. */
enum err scene_read(struct scene *, struct store_want *wants, size_t count);
enum err scene_write(struct scene *, const struct store_change *changes, size_t count, size_t *failed);

/* One change, which must come out so. */
void scene_expect(struct scene *, struct store_change change, enum err e);

/* The only record with that key; NULL: there is none. */
void *scene_find(struct scene *, const struct noun *, const void *like);

/* Records to play with, in the scene's arena. */
struct name *scene_name(struct scene *, const char *id, const char *owner);
struct hub *scene_hub(struct scene *, const char *id, const char *etag);

/* The tests, by file. */
extern const struct CMUnitTest store_record_tests[], store_question_tests[], store_crash_tests[];
extern const size_t store_record_test_count, store_question_test_count, store_crash_test_count;

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

#endif
