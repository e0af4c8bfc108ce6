/*
 * test_store.h: for tests of the room: a loop whose clock is moved by hand, and an empty store in a folder of its own.
 */
#ifndef BERTH_API_TEST_STORE_H
#define BERTH_API_TEST_STORE_H

#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

struct test_store {
	char folder[40];
	struct loop *loop;
	struct arena *arena;
	struct seal *seal;
	struct store *store;
};

/* False: it could not be made. */
static inline bool test_store_begin(struct test_store *s, instant now, size_t memory)
{
	unsigned char key[32] = {1};
	const char *why;
	char url[80];

	snprintf(s->folder, sizeof(s->folder), "/tmp/berth_api_test.XXXXXX");
	if (mkdtemp(s->folder) == NULL || (s->arena = arena_new(memory)) == NULL)
		return false;
	snprintf(url, sizeof(url), "sqlite:%s/berth.db", s->folder);
	return loop_new_manual(now, &s->loop) == OK && seal_from_key(key, &s->seal) == OK &&
	       store_open(&(struct store_conf){.url = url, .seal = s->seal, .readers = 1}, s->arena, &s->store, &why) == OK;
}

/* What asks of it must have ended. True: nothing is left of it. */
static inline bool test_store_end(struct test_store *s)
{
	char command[64];

	store_close(&s->store);
	loop_free(&s->loop);
	seal_free(&s->seal);
	arena_free(&s->arena);
	snprintf(command, sizeof(command), "rm -r %s", s->folder);
	return system(command) == 0;
}

#endif
