/*
 * hub.c: the life of a call, and the refusals that all operations share.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hub/hub_own.h"

/* .NET ticks at 1970-01-01, hub-api.md 4.3. */
#define TICKS_1970 INT64_C(621355968000000000)

enum err hubs_new(struct loop *loop, struct store *store, struct hubs **out)
{
	struct hubs *hubs;

	if ((hubs = calloc(1, sizeof(*hubs))) == NULL)
		return ERR_NO_MEMORY;
	hubs->loop = loop;
	hubs->store = store;
	list_init(&hubs->asks);
	*out = hubs;
	return OK;
}

static void ask_free(struct hub_ask *ask)
{
	struct arena *arena = ask->arena;

	if (ask->fini)
		ask->fini(ask);
	loop_unpost(ask->hubs->loop, &ask->finish);
	list_remove(&ask->link);
	buf_fini(&ask->body);
	arena_free(&arena);
}

void hubs_free(struct hubs **hubs)
{
	if (*hubs == NULL)
		return;
	while (!list_empty(&(*hubs)->asks))
		ask_free(LIST_ITEM((*hubs)->asks.next, struct hub_ask, link));
	free(*hubs);
	*hubs = NULL;
}

void hub_cancel(struct hub_ask **ask)
{
	if (*ask && !(*ask)->delivering)
		ask_free(*ask);
	*ask = NULL;
}

struct hub_ask *ask_new(struct hubs *hubs, struct slice hub, size_t state_size, void (*fini)(struct hub_ask *), hub_done *done,
			void *cookie)
{
	struct arena *arena;
	struct hub_ask *ask;

	if ((arena = arena_new(HUB_ARENA_MAX)) == NULL)
		return NULL;
	if ((ask = arena_alloc(arena, sizeof(*ask))) == NULL || (ask->state = arena_alloc(arena, state_size)) == NULL) {
		arena_free(&arena);
		return NULL;
	}
	ask->hubs = hubs;
	ask->arena = arena;
	ask->hub = hub;
	ask->fini = fini;
	ask->done = done;
	ask->cookie = cookie;
	buf_init(&ask->body, HUB_BODY_MAX);
	json_out_init(&ask->out, &ask->body);
	list_append(&hubs->asks, &ask->link);
	return ask;
}

static void deliver(struct task *task)
{
	struct hub_ask *ask = LIST_ITEM(task, struct hub_ask, finish);

	ask->delivering = true;
	ask->done(ask->cookie, &ask->answer);
	ask_free(ask);
}

static void finish(struct hub_ask *ask)
{
	ask->finish = (struct task){.run = deliver};
	loop_post(ask->hubs->loop, &ask->finish);
}

void ask_answer(struct hub_ask *ask)
{
	if (buf_failed(&ask->body) || arena_failed(ask->arena)) {
		ask_refuse(ask, (struct hub_no){ERR_TOO_BIG, "ServerError", "The answer is too large."});
		return;
	}
	ask->answer.body = ask->body.n ? buf_slice(&ask->body) : NO_SLICE;
	finish(ask);
}

void ask_refuse(struct hub_ask *ask, struct hub_no no)
{
	ask->answer = (struct hub_answer){.e = no.e, .code = no.code, .sentence = no.sentence ? no.sentence : err_text(no.e)};
	finish(ask);
}

/* --- refusals --- */

struct hub_no hub_no_invalid(struct arena *arena, const char *fmt, ...)
{
	struct hub_no no = {ERR_INVALID, "ArgumentInvalid", NULL};
	va_list ap;

	va_start(ap, fmt);
	no.sentence = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return no;
}

struct hub_no hub_no_device(struct arena *arena, struct slice device_id)
{
	return (struct hub_no){ERR_NOT_FOUND, "DeviceNotFound",
			       arena_printf(arena, "There is no device with ID '%.*s'.", SLICE_ARG(device_id))};
}

struct hub_no hub_no_exists(struct arena *arena, struct slice device_id)
{
	return (struct hub_no){ERR_EXISTS, "DeviceAlreadyExists",
			       arena_printf(arena, "A device with ID '%.*s' is already registered.", SLICE_ARG(device_id))};
}

struct hub_no hub_no_etag(void)
{
	return (struct hub_no){ERR_PRECONDITION, "PreconditionFailed", "Precondition failed: Invalid ETag"};
}

struct hub_no hub_no_store(enum err e)
{
	if (e == ERR_THROTTLED)
		return (struct hub_no){e, "ThrottlingException", "Too many requests are waiting. Try again."};
	return (struct hub_no){e, "ServerError", "The store failed."};
}

struct hub_no hub_no_memory(void)
{
	return (struct hub_no){ERR_NO_MEMORY, "ServerError", "The request needs more memory than one request may have."};
}

/* --- what the operations share --- */

struct slice generation_make(struct hubs *hubs, struct arena *arena)
{
	int64_t now = loop_wall(hubs->loop) + TICKS_1970;

	hubs->last_generation = now > hubs->last_generation ? now : hubs->last_generation + 1;
	return arena_format(arena, "%018" PRId64, hubs->last_generation);
}

struct device *device_like(struct hub_ask *ask, struct slice device_id)
{
	struct device *like = noun_new(&noun_device, ask->arena);

	if (like) {
		like->hub = ask->hub;
		like->device_id = device_id;
	}
	return like;
}

void row_open(struct device *d, struct slice *version)
{
	ptrdiff_t end = slice_find(d->etag, ' ');

	if (version)
		*version = d->etag;
	if (end >= 0)
		d->etag = slice_to(d->etag, (size_t)end);
}

struct slice row_version(const struct device *d, struct arena *arena)
{
	return arena_format(arena, "%.*s %" PRId64 " %" PRId64, SLICE_ARG(d->etag), d->twin_writes, d->reported_version);
}
