#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/fetch_own.h"
#include "io/trust.h"

#define CONNECTIONS_KEPT 256 /* open and idle, over all hosts */

/* --- the asker is told --- */

static void fetcher_destroy(struct fetcher *r);

static void tell(struct fetch *f)
{
	struct fetch_answer answer;

	f->state = FETCH_TELLING;
	fetch_answer_fill(f, &answer);
	f->done(f->cookie, &answer);
	f->state = FETCH_ENDED;
	fetch_free(f);
}

/* Whatever an asker does in done() is fine: start, cancel this or another, free the fetcher. */
static void tell_all(struct fetcher *r)
{
	struct list *link;

	if (r->telling)
		return;
	r->telling = true;
	while (!r->freed && (link = list_shift(&r->ended)) != NULL)
		tell(LIST_ITEM(link, struct fetch, link));
	r->telling = false;
	if (r->freed)
		fetcher_destroy(r);
}

static void end(struct fetcher *r, struct fetch *f)
{
	curl_multi_remove_handle(r->multi, f->easy);
	timer_cancel(&f->deadline);
	list_remove(&f->link);
	list_append(&r->ended, &f->link);
	f->state = FETCH_ENDED;
}

void fetcher_tell(struct fetcher *r, struct fetch *f)
{
	end(r, f);
	tell_all(r);
}

/* --- libcurl's side --- */

/* Collect before telling: what is told may change what libcurl has. */
static void after_action(struct fetcher *r)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(r->multi, &left)) != NULL) {
		struct fetch *f = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &f);
		f->result = message->data.result; /* `message` dies with the next line */
		end(r, f);
	}
	tell_all(r);
}

static void on_timer(void *cookie)
{
	struct fetcher *r = cookie;
	int running;

	r->timer = NULL;
	curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	after_action(r);
}

static int on_timer_wanted(CURLM *multi, long ms, void *cookie)
{
	struct fetcher *r = cookie;

	(void)multi;
	timer_cancel(&r->timer);
	if (ms < 0)
		return 0;
	return (r->timer = loop_after(r->loop, ms, on_timer, r)) ? 0 : -1;
}

/* One descriptor that libcurl waits for. */
struct wait {
	struct fetcher *fetcher;
	curl_socket_t fd;
	struct watch *watch;
};

static void on_ready(void *cookie, int events)
{
	struct wait *w = cookie;
	struct fetcher *r = w->fetcher;
	int running;

	curl_multi_socket_action(r->multi, w->fd,
				 (events & WATCH_READ ? CURL_CSELECT_IN : 0) | (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0), &running);
	after_action(r);
}

static int wait_begin(struct fetcher *r, curl_socket_t fd, int events)
{
	struct wait *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	w->fetcher = r;
	w->fd = fd;
	if ((w->watch = loop_watch(r->loop, fd, events, on_ready, w)) == NULL) {
		free(w);
		return -1;
	}
	curl_multi_assign(r->multi, fd, w);
	return 0;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *cookie, void *waiting)
{
	struct wait *w = waiting;
	int events = (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			watch_stop(&w->watch);
		free(w);
		return 0;
	}
	if (w == NULL)
		return wait_begin(cookie, fd, events);
	watch_change(w->watch, events);
	return 0;
}

/* --- handles --- */

CURL *fetcher_take_handle(struct fetcher *r)
{
	return r->handle_count ? r->handles[--r->handle_count] : curl_easy_init();
}

void fetcher_give_handle(struct fetcher *r, CURL **easy)
{
	CURL *it = *easy;

	*easy = NULL;
	if (it == NULL)
		return;
	if (r->handle_count == HANDLES_KEPT) {
		curl_easy_cleanup(it);
		return;
	}
	curl_easy_reset(it);
	r->handles[r->handle_count++] = it;
}

/* --- the fetcher --- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_libcurl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_up_multi(struct fetcher *r, const struct fetcher_conf *conf)
{
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)conf->connections_per_host);
	curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	curl_multi_setopt(r->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

enum err fetcher_new(struct loop *loop, const struct fetcher_conf *conf, struct fetcher **out)
{
	struct fetcher *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_NO_MEMORY;
	pthread_once(&once, init_libcurl);
	if ((e = trust_get(conf->ca_files, &r->trust)) != OK)
		goto fail_fetcher;
	e = ERR_NO_MEMORY;
	if ((r->multi = curl_multi_init()) == NULL)
		goto fail_trust;
	r->magic = FETCHER_MAGIC;
	r->loop = loop;
	list_init(&r->running);
	list_init(&r->ended);
	snprintf(r->user_agent, sizeof(r->user_agent), "%s", conf->user_agent ? conf->user_agent : "berth");
	set_up_multi(r, conf);
	*out = r;
	return OK;

fail_trust:
	trust_drop(&r->trust);
fail_fetcher:
	free(r);
	return e;
}

static void drop_all(struct list *fetches)
{
	struct list *link;

	while ((link = list_shift(fetches)) != NULL)
		fetch_free(LIST_ITEM(link, struct fetch, link));
}

static void fetcher_destroy(struct fetcher *r)
{
	drop_all(&r->running);
	drop_all(&r->ended);
	while (r->handle_count > 0)
		curl_easy_cleanup(r->handles[--r->handle_count]);
	curl_multi_cleanup(r->multi);
	timer_cancel(&r->timer);
	trust_drop(&r->trust);
	r->magic = 0;
	free(r);
}

void fetcher_free(struct fetcher **r)
{
	struct fetcher *it = *r;

	*r = NULL;
	if (it == NULL)
		return;
	assert(it->magic == FETCHER_MAGIC);
	if (it->telling)
		it->freed = true;
	else
		fetcher_destroy(it);
}
