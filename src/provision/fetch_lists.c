/*
 * fetch_lists.c: revocation lists that others publish, fetched in the background.
 *
 * Those that are due are found by an index, fetched side by side, and written back: a list that reads, and that has been signed by who
 * may (lists.h), or else the reason why there is none. What was there before stays until there is something better.
 */
#include <stdlib.h>

#include "crypto/digest.h"
#include "io/fetch.h"
#include "provision/registration.h"

#define LOOK_EVERY_MS    2000
#define SIDE_BY_SIDE     8
#define CONNECT_MS       10000
#define FETCH_MS         60000
#define REFRESH_STANDARD 60 /* minutes */
#define RETRY_MINUTES    5  /* after a failure, unless it is to be fetched more often anyway */
#define ERRAND_MEMORY    (12 << 20)
#define PAGE_MEMORY      (4 << 20)
#define MINUTE           (60 * INSTANT_SECOND)

struct errand {
	struct list_fetcher *of;
	struct arena *arena;
	struct revocation_list list;
	struct revocation_body body;
	struct store_want signers[LIST_SIGNERS_WANTS];
	struct store_change changes[2];
	struct fetch *fetch;
	struct store_ask *ask;
};

struct list_fetcher {
	struct loop *loop;
	struct store *store;
	struct fetcher *fetcher;
	struct timer *timer;
	struct arena *arena; /* of the page */
	struct store_ask *ask;
	struct store_want want;
	struct revocation_list like;
	struct errand *errands[SIDE_BY_SIDE];
	size_t running;
};

static void look(void *cookie);

static void look_later(struct list_fetcher *f)
{
	store_cancel(&f->ask);
	arena_free(&f->arena);
	f->timer = loop_after(f->loop, LOOK_EVERY_MS, look, f);
}

/* --- one list --- */

static void errand_free(struct errand **it)
{
	struct errand *x = *it;

	*it = NULL;
	if (x == NULL)
		return;
	fetch_cancel(&x->fetch);
	store_cancel(&x->ask);
	arena_free(&x->arena);
	free(x);
}

static void errand_over(struct errand *x)
{
	struct list_fetcher *f = x->of;

	for (size_t i = 0; i < SIDE_BY_SIDE; i++)
		if (f->errands[i] == x)
			errand_free(&f->errands[i]);
	if (--f->running == 0)
		look_later(f);
}

static void written(void *cookie, enum err e, size_t failed)
{
	struct errand *x = cookie;

	(void)failed;
	x->ask = NULL;
	/* Somebody has changed the list meanwhile: then it is due by his word. */
	if (e != OK && e != ERR_PRECONDITION)
		log_warn(NULL, "revocation-list-not-written", "error", err_text(e), NULL);
	errand_over(x);
}

static void write_back(struct errand *x, bool with_body)
{
	struct list_fetcher *f = x->of;

	x->changes[0] =
		(struct store_change){.how = STORE_UPDATE, .noun = &noun_revocation_list, .record = &x->list, .if_etag = x->list.etag};
	x->changes[1] = (struct store_change){.how = STORE_PUT, .noun = &noun_revocation_body, .record = &x->body};
	x->ask = arena_failed(x->arena) ? NULL : store_write(f->store, f->loop, x->arena, x->changes, with_body ? 2 : 1, written, x);
	if (x->ask == NULL)
		errand_over(x);
}

static int64_t refresh_of(const struct revocation_list *list)
{
	return list->refresh == INT_NONE ? REFRESH_STANDARD : list->refresh;
}

static void failed(struct errand *x, const char *why)
{
	int64_t minutes = refresh_of(&x->list) < RETRY_MINUTES ? refresh_of(&x->list) : RETRY_MINUTES;

	log_warn(NULL, "revocation-list-not-fetched", "scope", arena_str(x->arena, x->list.scope), "group",
		 arena_str(x->arena, x->list.group_id), "list", arena_str(x->arena, x->list.name), "url", arena_str(x->arena, x->list.url),
		 "reason", why, NULL);
	x->list.trouble = slice_str(why ? why : "out of memory");
	x->list.due = loop_wall(x->of->loop) + minutes * MINUTE;
	write_back(x, false);
}

static void taken(struct errand *x, const struct revocation_info *info)
{
	instant now = loop_wall(x->of->loop), due = now + refresh_of(&x->list) * MINUTE;
	char version[37];

	/* A list that announces its successor for an earlier time than ours is fetched then. */
	if (info->next_update > now && info->next_update < due)
		due = info->next_update;
	random_uuid(version);
	x->list.version = arena_copy(x->arena, slice_str(version));
	x->list.issuer = info->issuer;
	x->list.entries = info->entries;
	x->list.this_update = info->this_update;
	x->list.next_update = info->next_update;
	x->list.trouble = NO_SLICE;
	x->list.fetched = now;
	x->list.due = due;
	write_back(x, true);
}

static void signers_known(void *cookie, enum err e)
{
	struct errand *x = cookie;
	struct revocation_info info;
	const char *why = NULL;

	x->ask = NULL;
	if (e != OK || (x->signers[0].noun == &noun_group && x->signers[0].count == 0)) {
		errand_over(x); /* the group has gone, and its lists with it */
		return;
	}
	if (revocation_describe(x->body.list, x->arena, &info, &why) != OK)
		failed(x, arena_printf(x->arena, "What is published there cannot be used: %s.", why));
	else if (x->list.version.n && info.this_update < x->list.this_update)
		failed(x, "What is published there is older than the list that is known already.");
	else if (!lists_are_signed(x->body.list, &x->list, x->signers))
		failed(x, arena_printf(x->arena,
				       "What is published there was issued by %.*s, and %s; name the certificate of its issuer if that is "
				       "right.",
				       SLICE_ARG(info.issuer), lists_signers_words(x->list.group_id)));
	else
		taken(x, &info);
}

static void read_signers(struct errand *x)
{
	struct list_fetcher *f = x->of;
	size_t n = lists_want_signers(x->list.scope, x->list.group_id, x->arena, x->signers);

	if (!arena_failed(x->arena))
		x->ask = store_read(f->store, f->loop, x->arena, x->signers, n, signers_known, x);
	if (x->ask == NULL)
		errand_over(x);
}

static void fetched(void *cookie, const struct fetch_answer *a)
{
	struct errand *x = cookie;
	const char *why = NULL;

	x->fetch = NULL;
	if (a->e == ERR_TOO_BIG)
		failed(x, "What is published there is too large.");
	else if (a->e != OK)
		failed(x, arena_str(x->arena, slice_str(a->why ? a->why : err_text(a->e))));
	else if (a->status != 200)
		failed(x, arena_printf(x->arena, "The server answered with status %d.", a->status));
	else if (revocation_read(a->body, x->arena, &x->body.list, &why) != OK)
		failed(x, arena_printf(x->arena, "What is published there cannot be used: %s.", why));
	else
		read_signers(x);
}

static bool errand_begin(struct list_fetcher *f, const struct revocation_list *due, struct errand **out)
{
	struct errand *x = calloc(1, sizeof(*x));
	struct revocation_list *copy;
	struct fetch_ask ask = {.method = "GET", .answer_max = REVOCATION_LIST_MAX * 2, .connect_ms = CONNECT_MS, .deadline_ms = FETCH_MS};

	*out = x;
	if (x == NULL)
		return false;
	x->of = f;
	if ((x->arena = arena_new(ERRAND_MEMORY)) == NULL || (copy = noun_copy(&noun_revocation_list, due, x->arena)) == NULL) {
		errand_free(out);
		return false;
	}
	x->list = *copy;
	noun_clear(&noun_revocation_body, &x->body);
	x->body.scope = x->list.scope;
	x->body.group_id = x->list.group_id;
	x->body.id = x->list.id;
	ask.url = arena_str(x->arena, x->list.url);
	x->fetch = fetch_start(f->fetcher, &ask, fetched, x);
	if (x->fetch == NULL)
		errand_free(out);
	return x->fetch != NULL;
}

/* --- which are due --- */

static void due_known(void *cookie, enum err e)
{
	struct list_fetcher *f = cookie;
	const struct revocation_list *due = f->want.records;

	f->ask = NULL;
	for (size_t i = 0; e == OK && i < f->want.count; i++)
		if (errand_begin(f, &due[i], &f->errands[f->running]))
			f->running++;
	if (f->running == 0)
		look_later(f);
}

static void look(void *cookie)
{
	struct list_fetcher *f = cookie;
	char now[INSTANT_TEXT];

	f->timer = NULL;
	arena_free(&f->arena);
	if ((f->arena = arena_new(PAGE_MEMORY)) != NULL) {
		instant_print(loop_wall(f->loop), INSTANT_ISO7, now);
		noun_clear(&noun_revocation_list, &f->like);
		f->want = (struct store_want){.noun = &noun_revocation_list,
					      .by = REVOCATION_BY_DUE,
					      .like = &f->like,
					      .until = arena_copy(f->arena, slice_str(now)),
					      .limit = SIDE_BY_SIDE};
		f->ask = store_read(f->store, f->loop, f->arena, &f->want, 1, due_known, f);
	}
	if (f->ask == NULL)
		look_later(f);
}

/* --- life --- */

struct list_fetcher *list_fetcher_new(struct loop *loop, struct store *store, struct fetcher *fetcher)
{
	struct list_fetcher *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	*f = (struct list_fetcher){.loop = loop, .store = store, .fetcher = fetcher};
	if ((f->timer = loop_after(loop, LOOK_EVERY_MS, look, f)) == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void list_fetcher_free(struct list_fetcher **it)
{
	struct list_fetcher *f = *it;

	*it = NULL;
	if (f == NULL)
		return;
	timer_cancel(&f->timer);
	store_cancel(&f->ask);
	for (size_t i = 0; i < SIDE_BY_SIDE; i++)
		errand_free(&f->errands[i]);
	arena_free(&f->arena);
	free(f);
}
