#include <stdlib.h>

#include "protocol/admin.h"
#include "protocol/http_server.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PLAIN_TYPE   "text/plain; charset=utf-8"

struct exchange {
	struct admin_house *house;
	const struct api_question *question;
	api_done *done;
	void *cookie;
	struct task begin;
	void *collect;
};

static void exchange_free(struct exchange *x)
{
	loop_unpost(x->house->loop, &x->begin);
	if (x->collect)
		x->house->collect_cancel(x->collect);
	free(x);
}

static void end(struct exchange *x, int status, const char *type, struct slice body)
{
	struct api_answer a = {.status = status, .content_type = type, .body = body};
	api_done *done = x->done;
	void *cookie = x->cookie;

	x->collect = NULL;
	done(cookie, &a);
	exchange_free(x);
}

static void collected(void *cookie, struct slice text)
{
	end(cookie, 200, METRICS_TYPE, text);
}

static void begin(struct task *task)
{
	struct exchange *x = LIST_ITEM(task, struct exchange, begin);
	struct slice path = x->question->head->path;
	const char *why = "";

	if (x->question->head->method != HTTP_GET) {
		end(x, 405, PLAIN_TYPE, SLICE("only GET\n"));
	} else if (slice_eq(path, SLICE("/healthz"))) {
		end(x, 200, PLAIN_TYPE, SLICE("ok\n"));
	} else if (slice_eq(path, SLICE("/readyz"))) {
		if (x->house->ready(x->house->cookie, &why))
			end(x, 200, PLAIN_TYPE, SLICE("ready\n"));
		else
			end(x, 503, PLAIN_TYPE, slice_str(why));
	} else if (slice_eq(path, SLICE("/metrics"))) {
		x->collect = x->house->collect(x->house->cookie, collected, x);
		if (x->collect == NULL)
			end(x, 500, PLAIN_TYPE, SLICE("out of memory\n"));
	} else {
		end(x, 404, PLAIN_TYPE, SLICE("/healthz, /readyz or /metrics\n"));
	}
}

static void *ask(void *house, const struct api_question *q, api_done *done, void *cookie)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->house = house;
	x->question = q;
	x->done = done;
	x->cookie = cookie;
	x->begin.run = begin;
	loop_post(x->house->loop, &x->begin);
	return x;
}

static void cancel(void *call)
{
	exchange_free(call);
}

static size_t no_body(struct slice path)
{
	(void)path;
	return 0;
}

static const struct http_service service = {no_body, ask, cancel, "admin"};

static struct connection *open_connection(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	return http_server_open(loop, stream, env, &service);
}

const struct protocol protocol_admin = {"admin", 9464, open_connection, http_server_drain, http_server_abort};
