/*
 * http_server.c: one connection, request by request.
 *
 * The phases follow each other: IDLE (nothing of the next request is here), HEAD (some of it), BODY, ASKED (the
 * service thinks), ANSWERING (the peer takes its time). STREAMING comes before ANSWERING when the answer is made in pieces. Each has its deadline; meeting it ends the connection, with
 * 408 where the peer might listen. UPGRADED comes instead of BODY, and nothing after it: it has left HTTP.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "io/tls.h"
#include "protocol/http_server.h"

enum phase { IDLE, HEAD, BODY, ASKED, STREAMING, ANSWERING, UPGRADED };

struct connection {
	struct loop *loop;
	struct stream *stream;
	const struct protocol_env *env;
	const struct http_service *service;
	enum phase phase;
	struct timer *deadline;
	struct task start;
	bool draining;
	unsigned requests;

	/* The request. */
	struct http_head *head; /* large, so there is one only while there is a request */
	struct buf head_text;   /* its slices point here */
	struct http_chunks chunks;
	struct buf body;
	size_t body_max;
	char request_id[37];
	struct api_question question;
	char client[ADDRESS_TEXT]; /* who asks, when that is not the peer */
	void *call;

	/* The answer, as far as it has not gone out. */
	struct buf answer;
	size_t sent;
	bool chunked, close_after;
	size_t untaken; /* STREAMING: bytes that the peer has not taken yet */

	struct upgraded *upgraded; /* who has the stream */
};

static void go_on(struct connection *c);

/* --- life --- */

static void forget_head(struct connection *c)
{
	buf_release(&c->head_text);
	free(c->head);
	c->head = NULL;
}

static void connection_free(struct connection *c, bool abort)
{
	const struct protocol_env *env = c->env;

	timer_cancel(&c->deadline);
	loop_unpost(c->loop, &c->start);
	if (c->call)
		c->service->cancel(c->call);
	if (abort)
		stream_abort(&c->stream);
	else
		stream_close(&c->stream);
	forget_head(c);
	buf_fini(&c->body);
	buf_fini(&c->answer);
	env->closed(env->cookie, c);
	free(c);
}

static void refuse(struct connection *c, int status, const char *sentence);

static void deadline_passed(void *cookie)
{
	struct connection *c = cookie;

	c->deadline = NULL;
	if (c->phase == HEAD || c->phase == BODY)
		refuse(c, 408, "The request took too long to arrive.");
	else
		connection_free(c, c->phase == ANSWERING || c->phase == STREAMING);
}

/* Enter a phase; 0: it has no deadline of ours. */
static void enter(struct connection *c, enum phase phase, int ms)
{
	c->phase = phase;
	timer_cancel(&c->deadline);
	if (ms)
		c->deadline = loop_after(c->loop, ms, deadline_passed, c);
}

static void on_broken(void *cookie, enum err why)
{
	struct connection *c = cookie;

	(void)why;
	connection_free(c, true);
}

/* --- the answer --- */

/* What every answer carries (device-api.md 9.3, service-api.md 4.2). */
static void write_head(struct connection *c, const struct api_answer *a, struct buf *to)
{
	char date[INSTANT_TEXT];

	buf_printf(to, "HTTP/1.1 %d %s\r\n", a->status, http_reason(a->status));
	if (!slice_absent(a->body)) {
		buf_printf(to, "Content-Type: %s\r\n", a->content_type ? a->content_type : "application/json; charset=utf-8");
		if (c->chunked)
			buf_add_str(to, "Transfer-Encoding: chunked\r\n");
		else
			buf_printf(to, "Content-Length: %zu\r\n", a->body.n);
	} else if (a->status != 204 && a->status != 304) {
		buf_add_str(to, "Content-Length: 0\r\n");
	}
	for (size_t i = 0; i < sizeof(a->headers) / sizeof(a->headers[0]) && a->headers[i].name; i++)
		buf_printf(to, "%s: %.*s\r\n", a->headers[i].name, SLICE_ARG(a->headers[i].value));
	buf_printf(to, "x-ms-request-id: %s\r\n", c->request_id);
	buf_add_str(to, "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\nX-Content-Type-Options: nosniff\r\n");
	buf_printf(to, "Date: %s\r\n", instant_print(loop_wall(c->loop), INSTANT_HTTP, date));
	if (c->close_after)
		buf_add_str(to, "Connection: close\r\n");
	else if (c->head->minor == 0)
		buf_add_str(to, "Connection: keep-alive\r\n");
	buf_add_str(to, "\r\n");
}

static void request_over(struct connection *c)
{
	forget_head(c);
	buf_release(&c->body);
	buf_release(&c->answer);
	c->sent = 0;
	if (c->close_after || c->draining) {
		connection_free(c, false);
		return;
	}
	enter(c, IDLE, HTTP_IDLE_MS);
	go_on(c);
}

/* The next chunk of a long answer. The outbox is empty when this is called. */
static enum err send_chunk(struct connection *c)
{
	struct slice left = slice_from(buf_slice(&c->answer), c->sent), part = slice_to(left, HTTP_CHUNK);
	char size[24];
	enum err e;

	if (part.n == 0)
		return stream_write(c->stream, SLICE("0\r\n\r\n"));
	snprintf(size, sizeof(size), "%zx\r\n", part.n);
	if ((e = stream_write(c->stream, slice_str(size))) != OK)
		return e;
	if ((e = stream_write(c->stream, part)) != OK)
		return e;
	c->sent += part.n;
	return stream_write(c->stream, SLICE("\r\n"));
}

static void on_drained(void *cookie)
{
	struct connection *c = cookie;

	if (c->phase == STREAMING) {
		c->untaken = 0;
		timer_cancel(&c->deadline);
		if (c->service->room)
			c->service->room(c->call);
		return;
	}
	if (c->phase != ANSWERING)
		return;
	if (!c->chunked || c->sent > c->answer.n) {
		request_over(c);
		return;
	}
	bool last = c->sent == c->answer.n;
	enter(c, ANSWERING, HTTP_WRITE_MS);
	if (send_chunk(c) != OK) {
		connection_free(c, true);
		return;
	}
	if (last)
		c->sent = c->answer.n + 1; /* the end mark is on its way */
}

/* Write the answer; on_drained goes on from there. */
static void answer(struct connection *c, const struct api_answer *a)
{
	struct buf out;

	c->chunked = a->body.n > HTTP_CHUNK && c->head->minor == 1;
	c->close_after |= !c->head->keep_alive || c->draining || c->requests >= HTTP_REQUESTS_MAX;
	buf_init(&out, TLS_OUTBOX_MAX);
	write_head(c, a, &out);
	if (c->head->method == HTTP_HEAD) {
		/* RFC 9110 section 9.3.2: the head of what GET would get; a body would be taken for the next answer. */
		c->chunked = false;
	} else if (c->chunked) {
		buf_init(&c->answer, API_ARENA_MAX);
		buf_add(&c->answer, a->body);
		c->sent = 0;
	} else {
		buf_add(&out, a->body);
	}
	enter(c, ANSWERING, HTTP_WRITE_MS);
	if (buf_failed(&out) || buf_failed(&c->answer) || stream_write(c->stream, buf_slice(&out)) != OK) {
		buf_fini(&out);
		connection_free(c, true);
		return;
	}
	buf_fini(&out);
}

/* A piece of an answer without end. What goes wrong here is found out by on_broken, or by the deadline. */
static bool take_part(void *cookie, const struct api_answer *head, struct slice bytes)
{
	struct connection *c = cookie;
	struct buf out;
	bool taken;

	if ((c->phase != ASKED && c->phase != STREAMING) || c->untaken + bytes.n > HTTP_UNTAKEN_MAX)
		return false;
	buf_init(&out, HTTP_UNTAKEN_MAX + HTTP_HEAD_MAX);
	if (head) {
		struct api_answer begins = *head;

		begins.body = SLICE(""); /* there is one */
		c->chunked = c->close_after = true;
		write_head(c, &begins, &out);
	}
	buf_printf(&out, "%zx\r\n", bytes.n);
	buf_add(&out, bytes);
	buf_add_str(&out, "\r\n");
	if (c->deadline == NULL)
		enter(c, STREAMING, HTTP_WRITE_MS);
	c->phase = STREAMING;
	taken = !buf_failed(&out) && stream_write(c->stream, buf_slice(&out)) == OK;
	if (taken)
		c->untaken += out.n;
	buf_fini(&out);
	return taken;
}

/* An answer without end has one after all: the mark of it, and the connection is closed. */
static void end_stream(struct connection *c)
{
	enter(c, ANSWERING, HTTP_WRITE_MS);
	c->sent = c->answer.n;
	if (send_chunk(c) != OK)
		connection_free(c, true);
	else
		c->sent = c->answer.n + 1;
}

static void answered(void *cookie, const struct api_answer *a)
{
	struct connection *c = cookie;

	c->call = NULL;
	if (c->phase == STREAMING)
		end_stream(c);
	else
		answer(c, a);
}

/* In the words of device-api.md 5.5, which the clients of every surface read. */
static void write_refusal(const struct connection *c, int code, const char *sentence, struct buf *body)
{
	char at[INSTANT_TEXT];
	struct json_out out;

	json_out_init(&out, body);
	json_open(&out, NULL, '{');
	json_int(&out, "errorCode", code);
	json_str(&out, "trackingId", c->request_id);
	json_str(&out, "message", sentence);
	json_str(&out, "timestampUtc", instant_print(loop_wall(c->loop), INSTANT_ISO7, at));
	json_close(&out, '}');
}

/* A request that could not be read is answered, and the connection closed: what follows in the inbox cannot be trusted to
 * be the start of anything. */
static void refuse(struct connection *c, int status, const char *sentence)
{
	struct api_answer a = {.status = status};
	struct api_header *header = a.headers;
	char code[16], seconds[16];
	struct buf body;

	if (c->request_id[0] == 0)
		random_uuid(c->request_id);
	c->close_after = true;
	snprintf(code, sizeof(code), "%d", status * 1000 + 1);
	snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_SECONDS);
	buf_init(&body, 1024);
	write_refusal(c, status * 1000 + 1, sentence, &body);
	a.body = buf_slice(&body);
	*header++ = (struct api_header){"x-ms-error-code", slice_str(code)};
	if (status >= 500)
		*header++ = (struct api_header){"Retry-After", slice_str(seconds)}; /* 9.2 */
	if (status == 426)
		upgrade_hint(header);
	log_info(NULL, "request-refused", "protocol", c->service->protocol, "peer", c->stream->peer_address, "request", c->request_id,
		 "reason", sentence, NULL);
	answer(c, &a);
	buf_fini(&body);
}

/* --- the request --- */

static const char *client_of(struct connection *c)
{
	const char *peer = c->stream->peer_address;

	return c->service->client ? c->service->client(c->env->house, peer, c->head, c->client) : peer;
}

static void ask(struct connection *c)
{
	struct slice host = c->head->authority;
	ptrdiff_t colon = slice_find(host, ':');
	struct api_answer at_hand;

	/* A host name without its port; an address in brackets has colons of its own and is none of our names. */
	if (colon >= 0 && host.p[0] != '[')
		host = slice_to(host, (size_t)colon);
	if (host.n == 0)
		host = slice_str(c->stream->server_name);
	c->question = (struct api_question){
		.head = c->head,
		.host = host,
		.body = buf_slice(&c->body),
		.chain = c->stream->chain,
		.chain_count = c->stream->chain_count,
		.protocol = c->service->protocol,
		.peer = client_of(c),
		.request_id = c->request_id,
		.part = c->head->minor == 1 && (c->head->method == HTTP_GET || c->head->method == HTTP_POST) ? take_part : NULL,
	};
	if (c->service->at_hand && c->service->at_hand(c->env->house, &c->question, &at_hand)) {
		answer(c, &at_hand);
		return;
	}
	enter(c, ASKED, 0);
	c->call = c->service->ask(c->env->house, &c->question, answered, c);
	if (c->call == NULL)
		refuse(c, 500, "Out of memory.");
}

/* Returns false when there is nothing more to do for now. */
static bool read_body(struct connection *c)
{
	struct slice in = stream_inbox(c->stream);
	size_t used = 0;
	enum err e;

	if (c->head->chunked) {
		e = http_read_chunks(&c->chunks, in, &c->body, &used);
	} else {
		used = in.n < c->head->length - c->body.n ? in.n : (size_t)(c->head->length - c->body.n);
		buf_add(&c->body, slice_to(in, used));
		e = buf_failed(&c->body) ? ERR_NO_MEMORY : c->body.n == c->head->length ? OK : ERR_AGAIN;
	}
	stream_eat(c->stream, used);
	switch (e) {
	case OK: ask(c); return false;
	case ERR_AGAIN:
		if (c->stream->ended)
			connection_free(c, true);
		return false;
	case ERR_TOO_BIG: refuse(c, 413, "The body is too large for this operation."); return false;
	case ERR_NO_MEMORY: refuse(c, 500, "Out of memory."); return false;
	default: refuse(c, 400, "The chunked body is malformed."); return false;
	}
}

static int status_of_head(enum err e)
{
	switch (e) {
	case ERR_TOO_BIG: return 431;
	case ERR_UNSUPPORTED: return 501;
	default: return 400;
	}
}

static bool begin_head(struct connection *c)
{
	if ((c->head = calloc(1, sizeof(*c->head))) == NULL) {
		connection_free(c, true);
		return false;
	}
	enter(c, HEAD, HTTP_HEAD_MS);
	c->request_id[0] = 0;
	return true;
}

/* Take the head out of the inbox; true: the body comes next. */
static bool read_head(struct connection *c)
{
	struct slice in = stream_inbox(c->stream);
	size_t used;
	const char *why = NULL;
	enum err e;

	if (in.n == 0) {
		if (c->stream->ended)
			connection_free(c, false);
		return false;
	}
	if (c->phase == IDLE && !begin_head(c))
		return false;
	e = http_read_head(in, c->head, &used, &why);
	if (e == ERR_AGAIN) {
		if (c->stream->ended)
			connection_free(c, true);
		return false;
	}
	if (e == OK) {
		/* The inbox moves on while the body comes: keep the head's bytes and point into those. */
		buf_clear(&c->head_text);
		buf_add(&c->head_text, slice_to(in, used));
		stream_eat(c->stream, used);
		e = buf_failed(&c->head_text) ? ERR_TOO_BIG : http_read_head(buf_slice(&c->head_text), c->head, &used, &why);
	}
	if (e != OK) {
		refuse(c, status_of_head(e), why ? why : "The request cannot be read.");
		return false;
	}
	random_uuid(c->request_id);
	c->requests++;
	return true;
}

static bool begin_body(struct connection *c)
{
	c->body_max = c->service->body_max(c->head->path);
	buf_fini(&c->body);
	buf_init(&c->body, c->body_max);
	http_chunks_init(&c->chunks);
	if (!c->head->chunked && c->head->length > c->body_max) {
		refuse(c, 413, "The body is too large for this operation.");
		return false;
	}
	enter(c, BODY, HTTP_BODY_MS);
	if (c->head->expect_continue && (c->head->chunked || c->head->length > 0) &&
	    stream_write(c->stream, SLICE("HTTP/1.1 100 Continue\r\n\r\n")) != OK) {
		connection_free(c, true);
		return false;
	}
	return true;
}

/* --- leaving HTTP --- */

static void websocket_over(void *cookie)
{
	struct connection *c = cookie;

	c->upgraded = NULL;
	connection_free(c, false);
}

static void become_websocket(struct connection *c, const struct upgrade *u)
{
	const char *client = client_of(c);

	enter(c, UPGRADED, 0);
	c->upgraded = upgrade_open(u, &c->stream, client, c->env->house, websocket_over, c);
	forget_head(c);
	if (c->upgraded == NULL)
		connection_free(c, true);
}

/* False: an ordinary request. */
static bool upgrade(struct connection *c)
{
	struct upgrade u;

	if (c->service->websockets == NULL || !upgrade_asked(c->head))
		return false;
	upgrade_judge(c->head, c->service->websockets, &u);
	if (u.status != 101)
		refuse(c, u.status, u.why);
	else if (c->draining)
		refuse(c, 503, "The server is about to stop.");
	else
		become_websocket(c, &u);
	return true;
}

static void go_on(struct connection *c)
{
	if ((c->phase == IDLE || c->phase == HEAD) && (!read_head(c) || upgrade(c) || !begin_body(c)))
		return;
	if (c->phase == BODY)
		(void)read_body(c);
}

static void on_bytes(void *cookie)
{
	struct connection *c = cookie;

	/* While a request is being answered, what comes next waits in the inbox. A peer that has gone away meanwhile is
	 * noticed when the answer is written. */
	if (c->phase == IDLE || c->phase == HEAD || c->phase == BODY)
		go_on(c);
	else if (c->phase == STREAMING && c->stream->ended)
		connection_free(c, false);
}

/* The first bytes may have come together with the end of the handshake. */
static void start(struct task *task)
{
	go_on(LIST_ITEM(task, struct connection, start));
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_drained = on_drained, .on_broken = on_broken};

struct connection *http_server_open(struct loop *loop, struct stream **stream, const struct protocol_env *env,
				    const struct http_service *service)
{
	struct connection *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		stream_abort(stream);
		return NULL;
	}
	c->loop = loop;
	c->stream = *stream;
	c->env = env;
	c->service = service;
	buf_init(&c->head_text, HTTP_HEAD_MAX);
	buf_init(&c->body, 0);
	buf_init(&c->answer, 0);
	*stream = NULL;
	stream_use(c->stream, &user, c);
	enter(c, IDLE, HTTP_IDLE_MS);
	c->start = (struct task){.run = start};
	loop_post(loop, &c->start);
	return c;
}

void http_server_drain(struct connection *c)
{
	c->draining = true;
	if (c->upgraded)
		upgraded_drain(c->upgraded);
	else if (c->phase == IDLE || c->phase == STREAMING)
		connection_free(c, false);
}

void http_server_abort(struct connection *c)
{
	if (c->upgraded)
		upgraded_abort(c->upgraded);
	else
		connection_free(c, true);
}
