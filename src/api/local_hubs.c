/*
 * local_hubs.c: the hosted hubs as a link of the same process sees them: the same questions, through a function instead of
 * a socket. A link made by connection string brings its token and is judged by it; one made by name is trusted.
 */
#include <stdlib.h>

#include "crypto/digest.h"
#include "api/api_call.h"

struct local_call {
	struct arena *arena; /* the call lies in it */
	struct http_head head;
	struct api_question question;
	struct api_call *call;
	char request_id[37];
	fetch_done *done;
	void *cookie;
};

static const char *no_header(const struct fetch_answer *a, const char *name)
{
	(void)a;
	(void)name;
	return NULL;
}

static int retry_after(const struct api_answer *a)
{
	uint64_t n;

	for (size_t i = 0; i < sizeof(a->headers) / sizeof(a->headers[0]) && a->headers[i].name; i++)
		if (strcmp(a->headers[i].name, "Retry-After") == 0 && slice_to_u64(a->headers[i].value, &n))
			return (int)n;
	return -1;
}

static void local_free(struct local_call *l)
{
	struct arena *arena = l->arena;

	api_cancel(&l->call);
	arena_free(&arena);
}

static void answered(void *cookie, const struct api_answer *a)
{
	struct local_call *l = cookie;
	const struct fetch_answer answer = {
		.e = OK, .status = a->status, .body = a->body, .retry_after = retry_after(a), .header = no_header};

	l->call = NULL; /* it ends by itself when this returns */
	l->done(l->cookie, &answer);
	local_free(l);
}

static enum http_method method_of(const char *name)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {{"GET", HTTP_GET}, {"PUT", HTTP_PUT}, {"POST", HTTP_POST}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return HTTP_OTHER;
}

static void fill_head(struct local_call *l, const struct link_local_ask *ask)
{
	struct http_head *h = &l->head;
	struct slice target = arena_copy(l->arena, slice_str(ask->path));
	ptrdiff_t mark = slice_find(target, '?');

	h->method = method_of(ask->method);
	h->method_text = slice_str(ask->method);
	h->target = target;
	h->path = mark < 0 ? target : slice_to(target, (size_t)mark);
	h->query = mark < 0 ? NO_SLICE : slice_from(target, (size_t)mark + 1);
	h->authority = arena_copy(l->arena, ask->hub);
	h->minor = 1;
	if (!slice_absent(ask->authorization))
		h->headers[h->header_count++] = (struct http_header){SLICE("authorization"), arena_copy(l->arena, ask->authorization)};
	if (!slice_absent(ask->if_match))
		h->headers[h->header_count++] = (struct http_header){SLICE("if-match"), arena_copy(l->arena, ask->if_match)};
}

/* Names under our domain are ours: a hub that is not there is refused by the hub API, not asked for elsewhere. */
static bool is_ours(const struct api_conf *conf, struct slice host)
{
	struct slice domain = slice_str(conf->domain);

	return host.n > domain.n + 1 && slice_ends_fold(host, domain) && host.p[host.n - domain.n - 1] == '.';
}

static void *start(void *cookie, const struct link_local_ask *ask, fetch_done *done, void *done_cookie, bool *mine)
{
	struct api *api = cookie;
	struct arena *arena;
	struct local_call *l;

	*mine = is_ours(api_conf_of(api), ask->hub);
	if (!*mine || (arena = arena_new(API_ARENA_MAX)) == NULL)
		return NULL;
	if ((l = arena_alloc(arena, sizeof(*l))) == NULL) {
		arena_free(&arena);
		return NULL;
	}
	l->arena = arena;
	l->done = done;
	l->cookie = done_cookie;
	random_uuid(l->request_id);
	fill_head(l, ask);
	l->question = (struct api_question){
		.head = &l->head,
		.host = l->head.authority,
		.body = ask->body, /* lent by the link until it is answered */
		.trusted = slice_absent(ask->authorization),
		.protocol = "local",
		.peer = "this server",
		.request_id = l->request_id,
	};
	l->call = arena_failed(arena) ? NULL : api_ask(api, &l->question, answered, l);
	if (l->call == NULL) {
		arena_free(&arena);
		return NULL;
	}
	return l;
}

static void cancel(void *cookie, void *ask)
{
	(void)cookie;
	local_free(ask);
}

void api_local_hubs(struct api *api, struct link_local *out)
{
	*out = (struct link_local){start, cancel, api};
}
