/*
 * test_arrival.h: a device's arrival over a transport that a script plays, on a clock that is moved by hand. Included by tests only.
 */
#ifndef BERTH_CLI_TEST_ARRIVAL_H
#define BERTH_CLI_TEST_ARRIVAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/token.h"
#include "cli/arrival.h"

#define WALL ((instant)17900000000000000) /* 2026 */
#define ASSIGNED                                                                                                                           \
	"{\"operationId\":\"5.o\",\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":\"hub-a.berth.test\","                    \
	"\"deviceId\":\"d1\",\"substatus\":\"initialAssignment\"}}"
#define ASSIGNING "{\"operationId\":\"5.o\",\"status\":\"assigning\"}"
#define ASKS_MAX  64

/* What the service says to one question after another; the last answer again and again. */
static const struct channel_answer *script;
static size_t script_n;

static struct {
	int open, closed;
	size_t asks;
	struct {
		int64_t at_ms;
		char operation[16], body[256], token[16]; /* as much of the token */
	} asked[ASKS_MAX];
	char token[512];
	const struct credential *credential;
} seen;

struct fake_channel {
	struct channel c;
	const struct channel_conf *conf;
	struct task answer;
	channel_done *done;
	void *cookie;
};

static const struct channel_kind fake;

static inline void on_answer(struct task *t)
{
	struct fake_channel *f = LIST_ITEM(t, struct fake_channel, answer);

	f->done(f->cookie, &script[seen.asks <= script_n ? seen.asks - 1 : script_n - 1]);
}

static inline struct channel *fake_open(const struct channel_conf *conf, const struct channel_device *device)
{
	struct fake_channel *f = calloc(1, sizeof(*f));

	*f = (struct fake_channel){.c.kind = &fake, .conf = conf, .answer.run = on_answer};
	seen.open++;
	seen.credential = device->credential;
	snprintf(seen.token, sizeof(seen.token), "%s", device->token ? device->token : "(none)");
	return &f->c;
}

static inline enum err fake_ask(struct channel *c, const struct channel_ask *ask, channel_done *done, void *cookie)
{
	struct fake_channel *f = (struct fake_channel *)c;

	assert_in_range(seen.asks, 0, ASKS_MAX - 1);
	seen.asked[seen.asks].at_ms = loop_now_ms(f->conf->loop);
	snprintf(seen.asked[seen.asks].operation, sizeof(seen.asked[0].operation), "%s", ask->operation ? ask->operation : "");
	snprintf(seen.asked[seen.asks].body, sizeof(seen.asked[0].body), "%.*s", SLICE_ARG(ask->body));
	snprintf(seen.asked[seen.asks].token, sizeof(seen.asked[0].token), "%.15s", seen.token);
	seen.asks++;
	f->done = done;
	f->cookie = cookie;
	loop_post(f->conf->loop, &f->answer);
	return OK;
}

static inline void fake_close(struct channel *c)
{
	struct fake_channel *f = (struct fake_channel *)c;

	loop_unpost(f->conf->loop, &f->answer);
	seen.closed++;
	free(f);
}

static const struct channel_kind fake = {.name = "fake", .open = fake_open, .ask = fake_ask, .close = fake_close};

/* --- one arrival --- */

struct scene {
	struct arena *arena;
	struct arrival_conf conf;
	struct newcomer device;
	struct arrival *arrival;
	int done;
	int channels; /* that it takes */
};

static inline void on_done(void *cookie, struct newcomer *device)
{
	struct scene *s = cookie;

	assert_ptr_equal(&s->device, device);
	s->arrival = NULL;
	s->done++;
}

static inline void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->channels = 1;
	memset(&seen, 0, sizeof(seen));
	s->arena = arena_new(65536);
	s->conf = (struct arrival_conf){.channel = {.scope = "0ne1"}, .arena = s->arena, .patience_ms = 60000, .keep_answers = true};
	assert_int_equal(OK, loop_new_manual(WALL, &s->conf.channel.loop));
	s->device = (struct newcomer){.id = "d1", .kind = &fake, .key = SLICE("secret")};
}

static inline void scene_start(struct scene *s, const struct channel_answer *answers, size_t n)
{
	script = answers;
	script_n = n;
	s->arrival = arrival_start(&s->conf, &s->device, on_done, s);
	assert_non_null(s->arrival);
	assert_int_equal(0, s->done); /* never inside the call */
	loop_settle(s->conf.channel.loop);
}

static inline void scene_fini(struct scene *s)
{
	assert_int_equal(s->channels, seen.open);
	assert_int_equal(s->channels, seen.closed);
	loop_free(&s->conf.channel.loop);
	arena_free(&s->arena);
}

#define PLAY(s, ...)                                                                                                                       \
	do {                                                                                                                               \
		static const struct channel_answer answers[] = {__VA_ARGS__};                                                              \
		scene_init(s);                                                                                                             \
		scene_start(s, answers, sizeof(answers) / sizeof(answers[0]));                                                             \
	} while (0)

#define ANSWER(number, after, text)                                                                                                        \
	{                                                                                                                                  \
		.status = number, .retry_after = after, .body = { text, sizeof(text) - 1 }                                                 \
	}
#define NO_ANSWER(error, sentence)                                                                                                         \
	{                                                                                                                                  \
		.e = error, .why = sentence, .retry_after = -1                                                                             \
	}

static inline void assert_ended(const struct scene *s, enum arrival_end end, const char *why)
{
	assert_int_equal(1, s->done);
	assert_int_equal(end, s->device.end);
	if (why)
		assert_string_equal(why, s->device.why);
}

#endif
