/*
 * test_transport.h: the way to the hubs, played by hand. Included by tests only.
 *
 * Requests are written down and wait; a test answers each, or sets a mood in which a hub answers by itself, in the same
 * moment of the hand-moved clock. What becomes of a question is noted in a `struct heard`.
 */
#ifndef BERTH_LINK_TEST_TRANSPORT_H
#define BERTH_LINK_TEST_TRANSPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/token.h"
#include "link/link.h"

#define START        ((instant)17000000000000000) /* 2023-11-14T22:13:20Z */
#define REQUESTS_MAX 4096
#define ALL_DONE     "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}"
#define EXISTS(id)                                                                                                                         \
	"{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"" id "\",\"errorCode\":\"DeviceAlreadyExists\",\"errorStatus\":\"It is "      \
	"there.\",\"operation\":\"create\"}],\"warnings\":[]}"
#define IDENTITY(id, etag, primary)                                                                                                        \
	"{\"deviceId\":\"" id "\",\"etag\":\"" etag "\",\"status\":\"enabled\",\"authentication\":{\"type\":\"sas\","                      \
	"\"symmetricKey\":{\"primaryKey\":\"" primary "\",\"secondaryKey\":\"c2Vj\"}}}"
#define NOT_THERE "{\"Message\":\"ErrorCode:DeviceNotFound;no such device\",\"ExceptionMessage\":\"\"}"
#define NO_ENTRY  "{\"Message\":\"ErrorCode:IotHubUnauthorized;no\",\"ExceptionMessage\":\"\"}"

/* What a hub says; e other than OK: it says nothing. */
struct reply {
	enum err e;
	int status, retry_after; /* 0: no such header */
	const char *body;
};

struct request {
	struct scene *scene;
	char hub[64], method[8], path[512];
	char *authorization, *if_match, *body; /* NULL: none */
	int64_t at_ms;
	fetch_done *done; /* NULL: answered, or dropped */
	void *cookie;
	bool dropped;
	struct timer *soon;
	const struct reply *reply;
};

struct scene {
	struct loop *loop;
	struct link *link;
	struct request requests[REQUESTS_MAX];
	size_t count;                 /* of them */
	size_t seen;                  /* up to here the test has looked at them */
	bool no_memory;               /* nothing can be sent */
	const struct reply *moods[2]; /* of "hub1..." and "hub2..."; NULL: it waits for the test */
};

struct heard {
	int times;
	enum link_outcome outcome;
	bool existed, may_exist;
	int status;
	char sentence[400], tags[200], desired[200], reported[200];
};

static inline const char *no_header(const struct fetch_answer *answer, const char *name)
{
	(void)answer;
	(void)name;
	return NULL;
}

/* What is still under way when a test ends, ends with it: nobody is there to hear it. */
static bool scene_over;

/* --- the hub's side --- */

static inline void reply_to(struct request *r, const struct reply *reply)
{
	const struct fetch_answer answer = {.e = reply->e,
					    .why = reply->e ? "the line is dead" : NULL,
					    .status = reply->status,
					    .body = slice_str(reply->body ? reply->body : ""),
					    .retry_after = reply->retry_after ? reply->retry_after : -1,
					    .header = no_header};
	fetch_done *done = r->done;

	assert_non_null(done);
	r->done = NULL;
	done(r->cookie, &answer);
}

static inline void reply_soon(void *cookie)
{
	struct request *r = cookie;

	r->soon = NULL;
	reply_to(r, r->reply);
}

static inline char *copy_text(struct slice s)
{
	return slice_absent(s) ? NULL : strndup(s.p, s.n);
}

static inline void *transport_start(void *cookie, const struct link_local_ask *ask, fetch_done *done, void *done_cookie, bool *mine)
{
	struct scene *s = cookie;
	struct request *r = &s->requests[s->count];

	*mine = true;
	if (s->no_memory)
		return NULL;
	assert_true(s->count++ < REQUESTS_MAX);
	*r = (struct request){.scene = s, .at_ms = loop_now_ms(s->loop), .done = done, .cookie = done_cookie};
	snprintf(r->hub, sizeof(r->hub), "%.*s", SLICE_ARG(ask->hub));
	snprintf(r->method, sizeof(r->method), "%s", ask->method);
	snprintf(r->path, sizeof(r->path), "%s", ask->path);
	r->authorization = copy_text(ask->authorization);
	r->if_match = copy_text(ask->if_match);
	r->body = copy_text(ask->body);
	r->reply = s->moods[r->hub[3] == '2'];
	if (r->reply)
		r->soon = loop_after(s->loop, 0, reply_soon, r);
	return r;
}

static inline void transport_cancel(void *cookie, void *request)
{
	struct request *r = request;

	(void)cookie;
	timer_cancel(&r->soon);
	r->done = NULL;
	r->dropped = true;
}

/* --- the test's side --- */

static inline int scene_begin(void **state)
{
	static struct link_local transport;
	struct scene *s = calloc(1, sizeof(*s));

	transport = (struct link_local){transport_start, transport_cancel, s};
	assert_int_equal(loop_new_manual(START, &s->loop), OK);
	assert_int_equal(link_new(&(struct link_conf){.loop = s->loop, .local = &transport}, &s->link), OK);
	scene_over = false;
	*state = s;
	return 0;
}

static inline int scene_end(void **state)
{
	struct scene *s = *state;

	scene_over = true;
	loop_advance(s->loop, 60000); /* all deadlines */
	link_free(&s->link);
	for (size_t i = 0; i < s->count; i++) {
		timer_cancel(&s->requests[i].soon);
		free(s->requests[i].authorization);
		free(s->requests[i].if_match);
		free(s->requests[i].body);
	}
	loop_free(&s->loop);
	free(s);
	return 0;
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

static inline void note(void *cookie, const struct link_answer *a)
{
	struct heard *h = cookie;

	if (scene_over)
		return;
	h->times++;
	h->outcome = a->outcome;
	h->existed = a->existed;
	h->may_exist = a->may_exist;
	h->status = a->status;
	snprintf(h->sentence, sizeof(h->sentence), "%s", a->sentence);
	snprintf(h->tags, sizeof(h->tags), "%.*s", SLICE_ARG(a->tags));
	snprintf(h->desired, sizeof(h->desired), "%.*s", SLICE_ARG(a->desired));
	snprintf(h->reported, sizeof(h->reported), "%.*s", SLICE_ARG(a->reported));
}

static inline struct linked_hub hub_named(const char *name, const char *key)
{
	return (struct linked_hub){.name = slice_str(name), .port = INT_NONE, .key_name = SLICE("iothubowner"), .key = slice_str(key)};
}

#define KEY1 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* 0123456789abcdef, twice */
#define HUB1 hub_named("hub1.elsewhere.test", KEY1)
#define HUB2 hub_named("hub2.elsewhere.test", KEY1)

static inline struct link_ask *ensure_within(struct scene *s, struct linked_hub hub, const char *id, int ms, struct heard *h)
{
	const struct link_identity d = {
		.device_id = slice_str(id), .authentication = "sas", .primary_key = SLICE("cHJp"), .secondary_key = SLICE("c2Vj")};
	struct link_ask *ask = link_ensure(s->link, &hub, &d, ms, note, h);

	assert_non_null(ask);
	return ask;
}

static inline struct link_ask *ensure(struct scene *s, struct linked_hub hub, const char *id, struct heard *h)
{
	return ensure_within(s, hub, id, 45000, h);
}

/* The next request that the test has not looked at; NULL: none. */
static inline struct request *next_request(struct scene *s)
{
	loop_settle(s->loop);
	return s->seen < s->count ? &s->requests[s->seen++] : NULL;
}

/* It is this one. */
static inline struct request *expect(struct scene *s, const char *method, const char *path)
{
	struct request *r = next_request(s);

	assert_non_null(r);
	if (r == NULL)
		abort(); /* the compiler does not know that it has ended already */
	assert_string_equal(r->method, method);
	assert_true(slice_starts(slice_str(r->path), slice_str(path)));
	assert_int_equal(r->path[strlen(path)], '?');
	return r;
}

static inline void expect_silence(struct scene *s)
{
	assert_null(next_request(s));
}

static inline void answer(struct request *r, int status, const char *body)
{
	reply_to(r, &(struct reply){.status = status, .body = body});
	loop_settle(r->scene->loop);
}

static inline void lose(struct request *r, enum err e)
{
	reply_to(r, &(struct reply){.e = e});
	loop_settle(r->scene->loop);
}

static inline void assert_ended(const struct heard *h, enum link_outcome outcome)
{
	assert_int_equal(h->times, 1);
	assert_int_equal(h->outcome, outcome);
}

static inline struct link_state state_of(struct scene *s, const char *hub)
{
	struct link_state state;
	size_t at = 0;

	while (link_each(s->link, &at, &state))
		if (strcmp(state.hub, hub) == 0)
			return state;
	fail_msg("%s is not known", hub);
	return state;
}

#endif
