/*
 * api.c: from a request to the handler of its operation, and the answer's way home.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include "api/api_call.h"
#include "api/api_counts.h"
#include "api/expiry.h"
#include "api/passwords.h"

struct api {
	struct api_conf conf;
	struct list calls; /* under way */
	struct api_counts counts;
	struct expiry *expiry;
};

/* Which family of operations the first words of a path belong to (service-api.md 2). The device API is told by its
 * second word, because the first is an ID scope. What is ours begins with "berth", and is a service's or the portal's. */
static const struct {
	struct slice word;
	const struct surface *surface;
} first_words[] = {
	{SLICE("subscriptions"), &surface_manage},
	{SLICE("providers"), &surface_manage},
	{SLICE("enrollments"), &surface_service},
	{SLICE("enrollmentgroups"), &surface_service},
	{SLICE("registrations"), &surface_service},
	{SLICE("berth"), &surface_service},
	{SLICE("devices"), &surface_hub},
	{SLICE("twins"), &surface_hub},
	{SLICE("statistics"), &surface_hub},
	{SLICE("configurations"), &surface_hub},
	{SLICE("jobs"), &surface_hub},
	{SLICE("digitaltwins"), &surface_hub},
	{SLICE("messages"), &surface_hub},
};

static const struct surface *surface_of(struct slice path, bool portal)
{
	struct slice rest = slice_from(path, 1), first = NO_SLICE, second = NO_SLICE;

	(void)(slice_next(&rest, '/', &first) && slice_next(&rest, '/', &second));
	if (portal && slice_eq_fold(first, SLICE("berth")))
		return &surface_portal;
	for (size_t i = 0; i < sizeof(first_words) / sizeof(first_words[0]); i++)
		if (slice_eq_fold(first, first_words[i].word))
			return first_words[i].surface;
	return slice_eq_fold(second, SLICE("registrations")) ? &surface_device : NULL;
}

size_t api_body_max(struct slice path)
{
	const struct surface *s = surface_of(path, false);

	return s ? s->body_max : API_DEVICE_BODY_MAX;
}

bool api_host_is_portal(const struct api *api, struct slice host)
{
	struct slice label = label_below(slice_str(api->conf.domain), host);

	return slice_absent(label) || slice_eq_fold(label, SLICE("portal"));
}

enum err api_new(const struct api_conf *conf, struct api **out)
{
	struct api *api;

	if ((api = calloc(1, sizeof(*api))) == NULL)
		return ERR_NO_MEMORY;
	if ((api->expiry = expiry_new(conf->loop, conf->store)) == NULL) {
		free(api);
		return ERR_NO_MEMORY;
	}
	api->conf = *conf;
	list_init(&api->calls);
	*out = api;
	return OK;
}

static void call_free(struct api_call *call)
{
	struct arena *arena = call->arena;

	if (call->end)
		call->end(call);
	store_cancel(&call->store_ask);
	hub_cancel(&call->hub_ask);
	provision_cancel(&call->provision_ask);
	link_cancel(&call->link_ask);
	password_cancel(&call->password_ask);
	loop_unpost(call->conf->loop, &call->finish);
	list_remove(&call->link);
	buf_fini(&call->body);
	arena_free(&arena); /* the call itself lies in it */
}

void api_free(struct api **api)
{
	struct list *link;

	if (*api == NULL)
		return;
	while ((link = list_shift(&(*api)->calls)) != NULL)
		call_free(LIST_ITEM(link, struct api_call, link));
	expiry_free(&(*api)->expiry);
	free(*api);
	*api = NULL;
}

void api_cancel(struct api_call **call)
{
	if (*call)
		call_free(*call);
	*call = NULL;
}

const struct api_counts *api_counts_of(const struct api *api)
{
	return &api->counts;
}

struct expiry *api_expiry_of(struct api *api)
{
	return api->expiry;
}

const struct api_conf *api_conf_of(const struct api *api)
{
	return &api->conf;
}

/* --- the way in --- */

/* The path's segments, decoded; an empty last one (a trailing slash) does not count. */
static enum err split_path(struct api_call *call)
{
	struct slice rest = slice_from(call->q->head->path, 1), piece;

	while (slice_next(&rest, '/', &piece)) {
		if (piece.n == 0 && slice_absent(rest))
			break;
		if (call->segments == API_SEGMENTS_MAX)
			return ERR_TOO_BIG;
		struct slice decoded = percent_decode(call->arena, piece);
		if (slice_absent(decoded))
			return ERR_MALFORMED;
		if (memchr(decoded.p, 0, decoded.n))
			return ERR_MALFORMED;
		call->segment[call->segments++] = decoded;
	}
	return OK;
}

static bool pattern_fits(const char *pattern, const struct api_call *call)
{
	struct slice rest = slice_str(pattern + 1), word;
	size_t i = 0;

	for (; slice_next(&rest, '/', &word); i++) {
		if (i == call->segments)
			return false;
		if (!slice_eq(word, SLICE("*")) && !slice_eq_fold(word, call->segment[i]))
			return false;
	}
	return i == call->segments;
}

/* The route for method and path; *other_method tells that the path exists for another method. */
static const struct route *route_find(const struct api_call *call, bool *other_method)
{
	const struct route *r;

	*other_method = false;
	for (r = call->surface->routes; r->pattern; r++) {
		if (!pattern_fits(r->pattern, call))
			continue;
		if (r->method == call->q->head->method)
			return r;
		*other_method = true;
	}
	return NULL;
}

/* What the request is about. NULL: nothing is there, or it has been refused. At another host, by way of the portal, stand services
 * and hubs. */
static const struct surface *find_surface(struct api_call *call)
{
	bool portal = api_host_is_portal(call->api, call->q->host), entered = false;
	const struct surface *s;

	call->surface = &surface_manage;
	if (portal && at_enter(call, &entered) != OK) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	s = surface_of(call->q->head->path, portal && !entered);
	if (s == NULL || (entered && s != &surface_service && s != &surface_hub)) {
		api_refuse(call, 404, 0, "NotFound", "There is nothing at this path.");
		return NULL;
	}
	return s;
}

/* Runs from the loop, after api_ask has returned: so nothing of the answer happens inside the call that asked. */
static void begin(struct task *task)
{
	struct api_call *call = LIST_ITEM(task, struct api_call, finish);
	const struct surface *surface = find_surface(call);
	bool other_method;
	enum err e;

	if (surface == NULL)
		return;
	call->surface = surface;
	if ((e = split_path(call)) != OK) {
		api_refuse(call, 400, 400004, "ArgumentInvalid", "The path is %s.", e == ERR_TOO_BIG ? "too deep" : "not properly escaped");
		return;
	}
	if (call->q->body.n > call->surface->body_max) {
		api_refuse(call, 413, 413001, "MessageTooLarge", "The body is larger than %zu bytes.", call->surface->body_max);
		return;
	}
	if ((call->route = route_find(call, &other_method)) == NULL) {
		if (other_method)
			api_refuse(call, 405, 405001, "GenericMethodNotAllowed", "This path does not take %.*s.",
				   SLICE_ARG(call->q->head->method_text));
		else
			api_refuse(call, 404, 0, "NotFound", "There is nothing at this path.");
		return;
	}
	call->surface->admit(call);
}

struct api_call *api_ask(struct api *api, const struct api_question *q, api_done *done, void *cookie)
{
	struct arena *arena;
	struct api_call *call;

	if ((arena = arena_new(API_ARENA_MAX)) == NULL)
		return NULL;
	if ((call = arena_alloc(arena, sizeof(*call))) == NULL) {
		arena_free(&arena);
		return NULL;
	}
	call->api = api;
	call->conf = &api->conf;
	call->arena = arena;
	call->q = q;
	call->done = done;
	call->cookie = cookie;
	call->log = (struct log){NULL, "request", q->request_id};
	call->started_ms = loop_now_ms(api->conf.loop);
	buf_init(&call->body, API_ARENA_MAX);
	json_out_init(&call->out, &call->body);
	list_append(&api->calls, &call->link);
	call->finish = (struct task){.run = begin};
	loop_post(api->conf.loop, &call->finish);
	return call;
}

void api_go_on(struct api_call *call)
{
	call->route->handle(call);
}

/* --- what handlers use --- */

static void read_done(void *cookie, enum err e)
{
	struct api_call *call = cookie;

	call->store_ask = NULL;
	call->next_read(call, e);
}

void api_read(struct api_call *call, struct store_want *wants, size_t count, void (*next)(struct api_call *, enum err))
{
	api_read_into(call, call->arena, wants, count, next);
}

void api_read_into(struct api_call *call, struct arena *arena, struct store_want *wants, size_t count,
		   void (*next)(struct api_call *, enum err))
{
	call->next_read = next;
	call->store_ask = store_read(call->conf->store, call->conf->loop, arena, wants, count, read_done, call);
	if (call->store_ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

static void write_done(void *cookie, enum err e, size_t failed)
{
	struct api_call *call = cookie;

	call->store_ask = NULL;
	call->next_write(call, e, failed);
}

void api_write(struct api_call *call, const struct store_change *changes, size_t count,
	       void (*next)(struct api_call *, enum err, size_t failed))
{
	call->next_write = next;
	call->store_ask = store_write(call->conf->store, call->conf->loop, call->arena, changes, count, write_done, call);
	if (call->store_ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

struct slice api_header(const struct api_call *call, const char *name)
{
	return http_header(call->q->head, name);
}

struct slice api_param(const struct api_call *call, const char *name)
{
	struct slice raw = http_query(call->q->head->query, name);

	return slice_absent(raw) ? raw : percent_decode(call->arena, raw);
}

void api_add_header(struct api_call *call, const char *name, struct slice value)
{
	if (call->header_count < API_ANSWER_HEADERS && !slice_absent(value))
		call->answer.headers[call->header_count++] = (struct api_header){name, value};
}

/* --- the way home --- */

/* One line per operation: who asked what, and how it ended (service-api.md 12.3). */
static void log_call(const struct api_call *call)
{
	int status = call->answer.status;
	char number[24], took[24];
	const char *path = arena_str(call->arena, call->q->head->path);

	log_event(status >= 500   ? LOG_ERROR
		  : status >= 400 ? LOG_INFO
				  : LOG_DEBUG,
		  &call->log, call->surface->name, "operation", call->route ? call->route->operation : NULL, "method",
		  arena_str(call->arena, call->q->head->method_text), "path", path, "status", log_num(number, status), "ms",
		  log_num(took, loop_now_ms(call->conf->loop) - call->started_ms), "who", call->who, "peer", call->q->peer, "reason",
		  call->refusal, NULL);
}

static void deliver(struct task *task)
{
	struct api_call *call = LIST_ITEM(task, struct api_call, finish);
	api_done *done = call->done;
	void *cookie = call->cookie;

	log_call(call);
	api_count_call(&call->api->counts, call->surface, call->answer.status, loop_now_ms(call->conf->loop) - call->started_ms);
	done(cookie, &call->answer);
	call_free(call);
}

/* The answer goes out in a turn of its own: a handler may then end a call from anywhere. */
static void finish(struct api_call *call, int status, struct slice body)
{
	call->answer.status = status;
	call->answer.body = body;
	call->finish = (struct task){.run = deliver};
	loop_post(call->conf->loop, &call->finish);
}

void api_answer_out(struct api_call *call, int status)
{
	if (buf_failed(&call->body)) {
		buf_clear(&call->body);
		json_out_init(&call->out, &call->body);
		api_refuse(call, 500, 500001, "ServerError", "The answer is too large.");
		return;
	}
	finish(call, status, buf_slice(&call->body));
}

void api_answer_text(struct api_call *call, int status, struct slice json)
{
	finish(call, status, json);
}

void api_answer_empty(struct api_call *call, int status)
{
	finish(call, status, NO_SLICE);
}

bool api_answer_part(struct api_call *call, const struct api_answer *head, struct slice bytes)
{
	return call->q->part && call->q->part(call->cookie, head, bytes);
}

void api_room(struct api_call *call)
{
	if (call->room)
		call->room(call);
}

size_t api_count_begun(const struct api_call *call, void (*end)(struct api_call *))
{
	const struct list *calls = &call->api->calls;
	size_t n = 0;

	for (const struct list *link = calls->next; link != calls; link = link->next)
		n += LIST_ITEM(link, const struct api_call, link)->end == end;
	return n;
}

void api_refuse(struct api_call *call, int status, int code, const char *word, const char *fmt, ...)
{
	const char *sentence;
	va_list ap;

	va_start(ap, fmt);
	sentence = arena_vprintf(call->arena, fmt, ap);
	va_end(ap);
	if (sentence == NULL)
		sentence = "";
	if (call->refusal == NULL)
		call->refusal = sentence;
	buf_clear(&call->body);
	json_out_init(&call->out, &call->body);
	call->surface->refuse(call, status, code ? code : status * 1000 + 1, word, sentence);
	finish(call, status, buf_slice(&call->body));
}

void api_refuse_store(struct api_call *call, enum err e)
{
	if (e == ERR_THROTTLED) {
		api_add_header(call, "Retry-After", SLICE("2"));
		api_refuse(call, 429, 429000, "ThrottlingException", "Too many requests are waiting; try again.");
		return;
	}
	log_error(&call->log, "store-failed", "error", err_text(e), NULL);
	api_refuse(call, 500, 500001, "ServerError", "The store failed: %s.", err_text(e));
}

struct proxies *api_proxies(const struct api *api)
{
	return api->conf.proxies;
}

struct claims *api_claims(const struct api *api)
{
	return api->conf.claims;
}

struct provision_ask *api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie)
{
	return provision_ask(api->conf.provision, q, done, cookie);
}
