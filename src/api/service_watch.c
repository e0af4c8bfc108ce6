/*
 * service_watch.c: what happens to a service's devices: its curve, and each moment of it as an event stream (text/event-stream, WHATWG
 * HTML 9.2). Ours.
 */
#include <stdio.h>

#include "api/service.h"

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

struct watching {
	struct news_watch *watch;
	struct timer *timer;
	struct buf event;
	bool quiet; /* nothing was sent since the timer was set */
};

static void comment(void *cookie);

static void comment_later(struct api_call *call)
{
	struct watching *w = call->state;

	w->quiet = true;
	w->timer = loop_after(call->conf->loop, COMMENT_MS, comment, call);
}

static void comment(void *cookie)
{
	struct api_call *call = cookie;
	struct watching *w = call->state;

	w->timer = NULL;
	if (w->quiet)
		(void)api_answer_part(call, NULL, SLICE(": still here\n\n"));
	comment_later(call);
}

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

	if (!slice_eq(b->scope, call->service->scope))
		return;
	buf_clear(&w->event);
	buf_add_str(&w->event, "event: batch\ndata: ");
	json_out_init(&out, &w->event);
	write_bulletin(&out, b);
	buf_add_str(&w->event, "\n\n");
	if (!buf_failed(&w->event) && api_answer_part(call, NULL, buf_slice(&w->event)))
		w->quiet = false;
}

static void end_watching(struct api_call *call)
{
	struct watching *w = call->state;

	news_unwatch(&w->watch);
	timer_cancel(&w->timer);
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
	buf_init(&w->event, EVENT_MAX);
	if ((w->watch = news_watch(call->conf->news, told, call)) == NULL) {
		api_add_header(call, "Retry-After", SLICE("60"));
		api_refuse(call, 503, 503001, NULL, "Enough are watching already.");
		return;
	}
	comment_later(call);
	/* A browser whose stream breaks off asks again after a second. */
	(void)api_answer_part(call, &head, SLICE("retry: 1000\n\n"));
}
