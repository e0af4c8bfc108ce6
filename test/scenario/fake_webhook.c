/*
 * fake_webhook.c: the webhook of a custom allocation, played by a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scenario/fake_webhook.h"

struct fake_fetch {
	struct list link;
	struct fake_webhook *webhook;
	struct timer *timer;
	struct fetch_answer answer;
	fetch_done *done;
	void *cookie;
};

/* The room's calls come here (ld --wrap). */
struct fetch *__wrap_fetch_start(struct fetcher *, const struct fetch_ask *, fetch_done *, void *);
void __wrap_fetch_cancel(struct fetch **);

void fake_webhook_init(struct fake_webhook *w, struct loop *loop)
{
	*w = (struct fake_webhook){.loop = loop, .status = 500};
	list_init(&w->asks);
}

static void drop(struct fake_fetch *f)
{
	list_remove(&f->link);
	timer_cancel(&f->timer);
	free(f);
}

void fake_webhook_fini(struct fake_webhook *w)
{
	assert_true(list_empty(&w->asks)); /* whoever asks and goes has cancelled */
	json_decref(w->heard);
}

void fake_webhook_says(struct fake_webhook *w, const char *answer)
{
	w->e = OK;
	w->status = 200;
	w->answer = answer;
}

struct fetcher *fake_webhook_fetcher(struct fake_webhook *w)
{
	return (struct fetcher *)w;
}

static const char *header(const struct fetch_answer *answer, const char *name)
{
	const struct fake_fetch *f = answer->own;

	return strcmp(name, "Location") == 0 ? f->webhook->location : NULL;
}

static void say(void *cookie)
{
	struct fake_fetch *f = cookie;
	struct fetch_answer answer = f->answer;
	fetch_done *done = f->done;
	void *done_cookie = f->cookie;

	f->timer = NULL;
	if (*f->webhook->ended)
		return;
	done(done_cookie, &answer);
	drop(f);
}

static void listen(struct fake_webhook *w, const struct fetch_ask *ask)
{
	w->calls++;
	snprintf(w->url, sizeof(w->url), "%s %s", ask->method, ask->url);
	json_decref(w->heard);
	w->heard = json_loadb(ask->body.p, ask->body.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(w->heard);
	assert_string_equal(ask->headers[0], "Content-Type: application/json; charset=utf-8");
}

struct fetch *__wrap_fetch_start(struct fetcher *fetcher, const struct fetch_ask *ask, fetch_done *done, void *cookie)
{
	struct fake_webhook *w = (struct fake_webhook *)fetcher;
	struct fake_fetch *f = calloc(1, sizeof(*f));
	int delay_ms = w->delay_ms;

	*f = (struct fake_fetch){.webhook = w, .done = done, .cookie = cookie};
	f->answer = (struct fetch_answer){.e = w->e, .why = w->why, .retry_after = -1, .header = header, .own = f};
	if (w->unreachable > 0) {
		w->unreachable--;
		w->calls++;
		f->answer.e = ERR_UNREACHABLE;
		f->answer.why = "connection refused";
	} else {
		listen(w, ask);
	}
	if (delay_ms > ask->deadline_ms) {
		delay_ms = ask->deadline_ms;
		f->answer.e = ERR_TIMEOUT;
		f->answer.why = "no answer within so many ms";
	}
	if (f->answer.e == OK) {
		f->answer.status = w->status;
		f->answer.body = slice_str(w->answer ? w->answer : "");
	}
	f->timer = loop_after(w->loop, delay_ms, say, f);
	list_append(&w->asks, &f->link);
	return (struct fetch *)f;
}

void __wrap_fetch_cancel(struct fetch **fetch)
{
	struct fake_fetch *f = (struct fake_fetch *)*fetch;

	*fetch = NULL;
	if (f)
		drop(f);
}
