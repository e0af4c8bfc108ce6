/*
 * service_watch.c: what happens to a service's devices: its curve, and each moment of it as an event stream (text/event-stream, WHATWG
 * HTML 9.2). Ours.
 */
#include <stdio.h>

#include "api/service.h"
#include "api/session.h"

#define MINUTES_DEFAULT 60
#define COMMENT_MS      15000 /* something goes by at least so often, or proxies and browsers give up */
#define EVENT_MAX       32768

/* --- statistics --- */

enum { WANT_ENROLLMENTS, WANT_GROUPS, WANT_REGISTRATIONS, WANT_FAILED, WANT_DISABLED, WANTS };

struct statistics {
	struct enrollment entry_like;
	struct registration_record record_like, failed_like, disabled_like;
	struct store_want want[WANTS];
	struct news_ask *ask;
	int minutes;
};

static void write_curve(struct json_out *out, const char *name, const unsigned *n, int minutes)
{
	json_open(out, name, '[');
	for (int i = 0; n && i < minutes; i++)
		json_int(out, NULL, n[i]);
	json_close(out, ']');
}

static void write_totals(struct json_out *out, const struct store_want *want)
{
	size_t wrong = want[WANT_FAILED].count + want[WANT_DISABLED].count, all = want[WANT_REGISTRATIONS].count;

	json_open(out, "totals", '{');
	json_int(out, "enrollments", (int64_t)want[WANT_ENROLLMENTS].count);
	json_int(out, "enrollmentGroups", (int64_t)want[WANT_GROUPS].count);
	json_int(out, "registrations", (int64_t)all);
	json_open(out, "byStatus", '{');
	json_int(out, "assigned", (int64_t)(all - wrong)); /* those that are on their way with them */
	json_int(out, "failed", (int64_t)want[WANT_FAILED].count);
	json_int(out, "disabled", (int64_t)want[WANT_DISABLED].count);
	json_close(out, '}');
	json_close(out, '}');
}

static void curve_is_here(void *cookie, const struct news_curve *curve)
{
	struct api_call *call = cookie;
	struct statistics *s = call->state;
	struct json_out *out = &call->out;
	char from[INSTANT_TEXT];

	s->ask = NULL;
	json_open(out, NULL, '{');
	json_str(out, "from", instant_print(curve->from, INSTANT_ISO7, from));
	json_int(out, "stepSeconds", 60);
	write_curve(out, "assigned", curve->n[NEWS_ASSIGNED], curve->minutes);
	write_curve(out, "refused", curve->n[NEWS_REFUSED], curve->minutes);
	write_curve(out, "failed", curve->n[NEWS_FAILED], curve->minutes);
	write_totals(out, s->want);
	json_close(out, '}');
	api_answer_out(call, 200);
}

static void end_statistics(struct api_call *call)
{
	struct statistics *s = call->state;

	news_cancel(&s->ask);
}

static void totals_read(struct api_call *call, enum err e)
{
	struct statistics *s = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	s->ask = news_ask_curve(call->conf->news, call->service->scope, s->minutes, curve_is_here, call);
	if (s->ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

static void want_totals(struct statistics *s, struct slice scope)
{
	noun_clear(&noun_individual, &s->entry_like);
	noun_clear(&noun_registration, &s->record_like);
	s->entry_like.scope = s->record_like.scope = scope;
	s->failed_like = s->disabled_like = s->record_like;
	s->failed_like.status = SLICE("failed");
	s->disabled_like.status = SLICE("disabled");
	s->want[WANT_ENROLLMENTS] = (struct store_want){.noun = &noun_individual, .like = &s->entry_like, .keys = 1};
	s->want[WANT_GROUPS] = (struct store_want){.noun = &noun_group, .like = &s->entry_like, .keys = 1};
	s->want[WANT_REGISTRATIONS] = (struct store_want){.noun = &noun_registration, .like = &s->record_like, .keys = 1};
	s->want[WANT_FAILED] =
		(struct store_want){.noun = &noun_registration, .by = REGISTRATION_BY_TROUBLE, .like = &s->failed_like, .keys = 2};
	s->want[WANT_DISABLED] =
		(struct store_want){.noun = &noun_registration, .by = REGISTRATION_BY_TROUBLE, .like = &s->disabled_like, .keys = 2};
	for (size_t i = 0; i < WANTS; i++)
		s->want[i].count_only = true;
}

void service_statistics(struct api_call *call)
{
	struct statistics *s = arena_alloc(call->arena, sizeof(*s));
	struct slice given = api_param(call, "minutes");
	uint64_t minutes = MINUTES_DEFAULT;

	if (given.n && (!slice_to_u64(given, &minutes) || minutes == 0 || minutes > NEWS_MINUTES)) {
		api_refuse(call, 400, 400004, NULL, "minutes must be a number from 1 to %d.", NEWS_MINUTES);
		return;
	}
	if (s == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = s;
	call->end = end_statistics;
	s->minutes = (int)minutes;
	want_totals(s, call->service->scope);
	api_read(call, s->want, WANTS, totals_read);
}

/* --- events --- */

#define WATCHED_MAX 100   /* services whose numbers one watcher is told; bulletins come of all */
#define STATE_MS    10000 /* between those numbers */
#define SESSION_MS  5000  /* whoever was signed out watches no longer than this */

struct watching {
	struct news_watch *watch;
	struct timer *comment_timer, *state_timer;
	struct buf event;
	bool quiet;         /* nothing was sent since the timer was set */
	struct slice names; /* "dps1,dps2": only these; absent: all */

	/* The numbers, while they are read. */
	struct arena *arena;
	struct store_ask *ask;
	struct service service_like;
	struct store_want services;
	struct registration_record *likes;
	struct store_want *counts;
	size_t watched;

	/* The operator's session, while it is read again. */
	struct timer *session_timer;
	struct arena *session_arena;
	struct store_ask *session_ask;
	struct store_want session, session_read;
};

static void comment(void *cookie);

static void comment_later(struct api_call *call)
{
	struct watching *w = call->state;

	w->quiet = true;
	w->comment_timer = loop_after(call->conf->loop, COMMENT_MS, comment, call);
}

static void comment(void *cookie)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;

	w->comment_timer = NULL;
	if (w->quiet)
		(void)api_answer_part(call, NULL, SLICE(": still here\n\n"));
	comment_later(call);
}

static bool is_watched(const struct api_call *call, const struct watching *w, struct slice scope, struct slice name)
{
	struct slice rest = w->names, one;

	if (call->service)
		return slice_eq(scope, call->service->scope);
	if (rest.n == 0)
		return true;
	while (slice_next(&rest, ',', &one))
		if (slice_eq_fold(slice_trim(one), name))
			return true;
	return false;
}

static void begin_event(struct watching *w, const char *name, struct json_out *out)
{
	buf_clear(&w->event);
	buf_printf(&w->event, "event: %s\ndata: ", name);
	json_out_init(out, &w->event);
}

static void send_event(struct api_call *call)
{
	struct watching *w = call->state;

	buf_add_str(&w->event, "\n\n");
	if (!buf_failed(&w->event) && api_answer_part(call, NULL, buf_slice(&w->event)))
		w->quiet = false;
}

/* --- what happens --- */

static void write_device(struct json_out *out, const struct bulletin_device *d, bool fine)
{
	json_open(out, NULL, '{');
	json_text(out, "id", d->id);
	if (fine) {
		json_text(out, "hub", d->hub);
		json_int(out, "ms", d->ms);
	} else {
		json_int(out, "code", d->code);
		json_text(out, "sentence", d->sentence);
	}
	json_text(out, "protocol", d->protocol);
	json_close(out, '}');
}

static void write_bulletin(struct json_out *out, const struct bulletin *b)
{
	char at[INSTANT_TEXT];

	json_open(out, NULL, '{');
	json_str(out, "at", instant_print(b->at, INSTANT_ISO7, at));
	json_text(out, "service", b->service);
	json_int(out, "assigned", b->n[NEWS_ASSIGNED]);
	json_int(out, "refused", b->n[NEWS_REFUSED]);
	json_int(out, "failed", b->n[NEWS_FAILED]);
	json_open(out, "hubs", '{');
	for (size_t i = 0; i < b->hub_count; i++) {
		char name[256];

		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(b->hubs[i].name));
		json_int(out, name, b->hubs[i].n);
	}
	json_close(out, '}');
	json_open(out, "sample", '[');
	for (size_t i = 0; i < b->sample_count; i++)
		write_device(out, &b->sample[i], true);
	json_close(out, ']');
	json_open(out, "refusals", '[');
	for (size_t i = 0; i < b->refusal_count; i++)
		write_device(out, &b->refusals[i], false);
	json_close(out, ']');
	json_close(out, '}');
}

static void told(void *cookie, const struct bulletin *b)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;
	struct json_out out;

	if (!is_watched(call, w, b->scope, b->service))
		return;
	begin_event(w, "batch", &out);
	write_bulletin(&out, b);
	send_event(call);
}

/* --- how many there are by now --- */

static void state_again(void *cookie);

static void state_over(struct api_call *call)
{
	struct watching *w = call->state;

	arena_free(&w->arena);
	w->state_timer = loop_after(call->conf->loop, STATE_MS, state_again, call);
}

static void counted(void *cookie, enum err e)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;
	const struct service *services = w->services.records;
	struct json_out out;

	w->ask = NULL;
	for (size_t i = 0, n = 0; e == OK && i < w->services.count && n < w->watched; i++) {
		if (!is_watched(call, w, services[i].scope, services[i].name))
			continue;
		begin_event(w, "state", &out);
		json_open(&out, NULL, '{');
		json_text(&out, "service", services[i].name);
		json_int(&out, "registrations", (int64_t)w->counts[n++].count);
		json_close(&out, '}');
		send_event(call);
	}
	state_over(call);
}

static void services_known(void *cookie, enum err e)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;
	const struct service *services = w->services.records;

	w->ask = NULL;
	w->watched = 0;
	w->likes = arena_array(w->arena, WATCHED_MAX, sizeof(*w->likes));
	w->counts = arena_array(w->arena, WATCHED_MAX, sizeof(*w->counts));
	for (size_t i = 0; e == OK && w->likes && w->counts && i < w->services.count && w->watched < WATCHED_MAX; i++) {
		if (!is_watched(call, w, services[i].scope, services[i].name))
			continue;
		noun_clear(&noun_registration, &w->likes[w->watched]);
		w->likes[w->watched].scope = services[i].scope;
		w->counts[w->watched] =
			(struct store_want){.noun = &noun_registration, .like = &w->likes[w->watched], .keys = 1, .count_only = true};
		w->watched++;
	}
	if (w->watched > 0)
		w->ask = store_read(call->conf->store, call->conf->loop, w->arena, w->counts, w->watched, counted, call);
	if (w->ask == NULL)
		state_over(call);
}

static void state_again(void *cookie)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;

	w->state_timer = NULL;
	if ((w->arena = arena_new(API_ARENA_MAX)) != NULL) {
		noun_clear(&noun_service, &w->service_like);
		w->services = (struct store_want){
			.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &w->service_like, .limit = WATCHED_MAX * 10};
		w->ask = store_read(call->conf->store, call->conf->loop, w->arena, &w->services, 1, services_known, call);
	}
	if (w->ask == NULL)
		state_over(call);
}

/* --- whether the one who watches is still signed in --- */

static void session_again(void *cookie);

static void session_later(struct api_call *call)
{
	struct watching *w = call->state;

	arena_free(&w->session_arena);
	w->session_timer = loop_after(call->conf->loop, SESSION_MS, session_again, call);
}

/* A session that is over ends the stream: the browser asks again, and hears why it gets none. */
static void session_known(void *cookie, enum err e)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;
	const struct session_record *s = w->session_read.count ? w->session_read.records : NULL;

	w->session_ask = NULL;
	if (e == OK && (s == NULL || session_is_over(s, loop_wall(call->conf->loop))))
		api_answer_empty(call, 200);
	else
		session_later(call);
}

static void session_again(void *cookie)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;

	w->session_timer = NULL;
	w->session_read = w->session;
	if ((w->session_arena = arena_new(API_ARENA_MAX)) != NULL)
		w->session_ask =
			store_read(call->conf->store, call->conf->loop, w->session_arena, &w->session_read, 1, session_known, call);
	if (w->session_ask == NULL)
		session_later(call);
}

/* --- life --- */

static void end_watching(struct api_call *call)
{
	struct watching *w = call->state;

	news_unwatch(&w->watch);
	timer_cancel(&w->comment_timer);
	timer_cancel(&w->state_timer);
	timer_cancel(&w->session_timer);
	store_cancel(&w->ask);
	store_cancel(&w->session_ask);
	arena_free(&w->arena);
	arena_free(&w->session_arena);
	buf_fini(&w->event);
}

void service_events(struct api_call *call)
{
	struct watching *w = arena_alloc(call->arena, sizeof(*w));
	const struct api_answer head = {.status = 200,
					.content_type = "text/event-stream",
					.headers = {{"Cache-Control", SLICE("no-store")}, {"X-Accel-Buffering", SLICE("no")}}};

	if (call->q->part == NULL) {
		api_refuse(call, 406, 406001, NULL, "Events come over HTTP/1.1 only.");
		return;
	}
	if (w == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = w;
	call->end = end_watching;
	w->names = api_param(call, "services");
	buf_init(&w->event, EVENT_MAX);
	if ((w->watch = news_watch(call->conf->news, told, call)) == NULL) {
		api_add_header(call, "Retry-After", SLICE("60"));
		api_refuse(call, 503, 503001, NULL, "Enough are watching already.");
		return;
	}
	comment_later(call);
	/* A browser whose stream breaks off asks again after a second. */
	(void)api_answer_part(call, &head, SLICE("retry: 1000\n\n"));
	state_again(call);
	if (call->session && session_wanted(call, &w->session))
		session_later(call);
}
