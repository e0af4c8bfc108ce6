/*
 * store_scene.c: a store to try.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contract/store_scene.h"

const char *scene_driver;

/* --- where a driver keeps what it is tried with --- */

struct ground {
	const char *driver;
	void (*make)(struct scene *);
	void (*clear)(struct scene *);
};

static void file_make(struct scene *s)
{
	snprintf(s->place, sizeof(s->place), "/tmp/berth-store-XXXXXX");
	assert_non_null(mkdtemp(s->place));
	snprintf(s->url, sizeof(s->url), "%s:%s/store.db", scene_driver, s->place);
}

static void file_clear(struct scene *s)
{
	static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock", "copy.db", "copy.db-lock"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->place, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(s->place), 0);
}

/* A driver that is not named here fails every test: a new line of drivers.def wants one here too. */
static const struct ground grounds[] = {
	{"sqlite", file_make, file_clear},
};

static const struct ground *ground_of(const char *driver)
{
	for (size_t i = 0; i < sizeof(grounds) / sizeof(grounds[0]); i++)
		if (strcmp(grounds[i].driver, driver) == 0)
			return &grounds[i];
	fail_msg("nothing is known about where to try %s", driver);
	return NULL;
}

/* --- begin and end --- */

int scene_begin(void **state)
{
	static const unsigned char key[32] = "a key of thirty-two bytes, no le";
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	ground_of(scene_driver)->make(s);
	assert_int_equal(seal_from_key(key, &s->seal), OK);
	assert_int_equal(loop_new_manual(SCENE_START, &s->loop), OK);
	s->arena = arena_new(64 << 20);
	assert_non_null(s->arena);
	s->conf = (struct store_conf){.url = s->url, .seal = s->seal, .readers = 2};
	scene_reopen(s);
	*state = s;
	return 0;
}

int scene_end(void **state)
{
	struct scene *s = *state;

	store_close(&s->store);
	loop_settle(s->loop);
	loop_free(&s->loop);
	seal_free(&s->seal);
	arena_free(&s->arena);
	ground_of(scene_driver)->clear(s);
	free(s);
	return 0;
}

void scene_reopen(struct scene *s)
{
	const char *why = NULL;
	enum err e;

	store_close(&s->store);
	loop_settle(s->loop);
	if ((e = store_open(&s->conf, s->arena, &s->store, &why)) != OK)
		fail_msg("%s: %s", err_text(e), why);
}

enum err scene_try_open(struct scene *s, const struct seal *seal, const struct schema *schema, const char **why)
{
	struct store_conf conf = s->conf;
	enum err e;

	store_close(&s->store);
	loop_settle(s->loop);
	conf.seal = seal;
	*why = NULL;
	e = store_open_schema(&conf, schema, s->arena, &s->store, why);
	if (e != OK) {
		assert_null(s->store);
		assert_non_null(*why);
	}
	return e;
}

/* --- asking --- */

void scene_read_done(void *cookie, enum err e)
{
	struct outcome *o = cookie;

	o->times++;
	o->e = e;
}

void scene_changed(void *cookie, enum err e, size_t failed)
{
	struct outcome *o = cookie;

	o->times++;
	o->e = e;
	o->failed = failed;
}

enum err scene_read(struct scene *s, struct store_want *wants, size_t count)
{
	struct outcome o = {0};

	assert_non_null(store_read(s->store, s->loop, s->arena, wants, count, scene_read_done, &o));
	assert_int_equal(o.times, 0);
	loop_settle(s->loop);
	assert_int_equal(o.times, 1);
	return o.e;
}

enum err scene_write(struct scene *s, const struct store_change *changes, size_t count, size_t *failed)
{
	struct outcome o = {0};

	assert_non_null(store_write(s->store, s->loop, s->arena, changes, count, scene_changed, &o));
	assert_int_equal(o.times, 0);
	loop_settle(s->loop);
	assert_int_equal(o.times, 1);
	if (failed)
		*failed = o.failed;
	return o.e;
}

void scene_expect(struct scene *s, struct store_change change, enum err expected)
{
	enum err e = scene_write(s, &change, 1, NULL);

	if (e != expected)
		fail_msg("%s: \"%s\" where \"%s\" was expected", change.noun->name, err_text(e), err_text(expected));
}

static int key_count(const struct noun *noun)
{
	int n = 0;

	for (size_t i = 0; i < noun->count; i++)
		n += (noun->fields[i].rules & FIELD_ID) != 0;
	return n;
}

void *scene_find(struct scene *s, const struct noun *noun, const void *like)
{
	struct store_want want = {.noun = noun, .like = like, .keys = key_count(noun)};

	assert_int_equal(scene_read(s, &want, 1), OK);
	assert_true(want.count <= 1);
	assert_false(want.more);
	return want.count ? want.records : NULL;
}

struct name *scene_name(struct scene *s, const char *id, const char *owner)
{
	struct name *n = noun_new(&noun_name, s->arena);

	assert_non_null(n);
	n->id = arena_copy(s->arena, slice_str(id));
	n->kind = SLICE("hub");
	n->owner = arena_copy(s->arena, slice_str(owner));
	return n;
}

struct hub *scene_hub(struct scene *s, const char *id, const char *etag)
{
	struct hub *h = noun_new(&noun_hub, s->arena);

	assert_non_null(h);
	h->name_folded = arena_copy(s->arena, slice_str(id));
	h->name = h->name_folded;
	h->etag = arena_copy(s->arena, slice_str(etag));
	return h;
}
