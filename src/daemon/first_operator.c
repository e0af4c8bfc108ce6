#include "daemon/first_operator.h"

#define FIRST_MEMORY (1 << 20)

struct waiting {
	struct loop *loop;
	enum err e;
};

static void read_done(void *cookie, enum err e)
{
	struct waiting *w = cookie;

	w->e = e;
	loop_stop(w->loop);
}

static void written(void *cookie, enum err e, size_t failed)
{
	(void)failed;
	read_done(cookie, e);
}

static enum err wait_for(struct waiting *w, const struct store_ask *ask)
{
	if (ask == NULL)
		return ERR_NO_MEMORY;
	loop_run(w->loop);
	return w->e;
}

static enum err are_there_any(struct waiting *w, struct store *store, struct arena *arena, bool *any)
{
	struct operator_record like;
	struct store_want want = {.noun = &noun_operator, .like = &like, .limit = 1};
	enum err e;

	noun_clear(&noun_operator, &like);
	e = wait_for(w, store_read(store, w->loop, arena, &want, 1, read_done, w));
	*any = want.count > 0;
	return e;
}

static enum err make(struct waiting *w, struct store *store, struct arena *arena, char password[PASSWORD_MADE_SIZE])
{
	struct operator_record *one = noun_new(&noun_operator, arena);
	const struct store_change change = {.how = STORE_INSERT, .noun = &noun_operator, .record = one};
	char hash[PASSWORD_HASH_SIZE];
	enum err e;

	if (one == NULL)
		return ERR_NO_MEMORY;
	password_make(password);
	if ((e = password_hash(slice_str(password), hash)) != OK)
		return e;
	one->id = one->name = SLICE(FIRST_OPERATOR);
	one->role = slice_str(operator_roles[0]);
	one->password_hash = slice_str(hash);
	one->created = loop_wall(w->loop);
	one->etag = etag_make(arena, one->created);
	return wait_for(w, store_write(store, w->loop, arena, &change, 1, written, w));
}

enum err first_operator(struct loop *loop, struct store *store, char password[PASSWORD_MADE_SIZE])
{
	struct waiting w = {.loop = loop};
	struct arena *arena = arena_new(FIRST_MEMORY);
	bool any = false;
	enum err e;

	password[0] = 0;
	if (arena == NULL)
		return ERR_NO_MEMORY;
	if ((e = are_there_any(&w, store, arena, &any)) == OK && !any)
		e = make(&w, store, arena, password);
	if (e != OK)
		password[0] = 0;
	arena_free(&arena);
	return e;
}
