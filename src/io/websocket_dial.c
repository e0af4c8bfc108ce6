#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "codec/http.h"
#include "crypto/digest.h"
#include "io/websocket.h"
#include "io/websocket_dial.h"

#define NONCE_SIZE      16 /* RFC 6455 section 4.1 */
#define ACCEPT_TEXT     32
#define SUBPROTOCOL_MAX 32
#define SCRATCH_MAX     16384

struct websocket_dial {
	struct stream *below;
	dial_done *done;
	void *cookie;
	struct timer *deadline;
	int deadline_ms;
	char accept[ACCEPT_TEXT]; /* what a server that has understood us answers */
	char subprotocol[SUBPROTOCOL_MAX];
	bool telling;
	enum err e;
	char why[DIAL_WHY_MAX];
};

/* --- the end --- */

/* Let go of everything but the memory. */
static void release(struct websocket_dial *d)
{
	timer_cancel(&d->deadline);
	stream_abort(&d->below);
}

static void tell(struct websocket_dial *d, struct stream *stream)
{
	const struct dial_answer answer = {.e = d->e, .why = d->why, .stream = stream};

	release(d);
	d->telling = true;
	d->done(d->cookie, &answer);
	free(d);
}

static void fail(struct websocket_dial *d, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct websocket_dial *d, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	d->e = e;
	tell(d, NULL);
}

static void on_deadline(void *cookie)
{
	struct websocket_dial *d = cookie;

	d->deadline = NULL;
	fail(d, ERR_TIMEOUT, "%s has not answered the request for a WebSocket within %d ms", d->below->peer_address, d->deadline_ms);
}

static void on_broken(void *cookie, enum err why)
{
	struct websocket_dial *d = cookie;

	fail(d, ERR_UNREACHABLE, "the connection to %s ended in the request for a WebSocket: %s", d->below->peer_address, err_text(why));
}

/* --- the answer --- */

/* Section 4.1, what the client must check. Absent: all is well. */
static const char *find_fault(const struct websocket_dial *d, const struct http_head *head)
{
	if (!http_header_lists(head, "Upgrade", SLICE("websocket")) || !http_header_lists(head, "Connection", SLICE("Upgrade")))
		return "it switches to another protocol";
	if (!slice_eq(http_header(head, "Sec-WebSocket-Accept"), slice_str(d->accept)))
		return "it answers another request";
	if (!slice_eq(http_header(head, "Sec-WebSocket-Protocol"), slice_str(d->subprotocol)))
		return "it has not chosen the subprotocol";
	if (!slice_absent(http_header(head, "Sec-WebSocket-Extensions")))
		return "it wants extensions";
	return NULL;
}

static void begin_frames(struct websocket_dial *d)
{
	struct stream *stream;

	if (websocket_stream_open(&d->below, WEBSOCKET_CLIENT, &stream) == OK)
		tell(d, stream);
	else
		fail(d, ERR_NO_MEMORY, "out of memory");
}

static void judge(struct websocket_dial *d, const struct http_head *head, size_t used)
{
	const char *fault;

	if (head->status != 101)
		fail(d, ERR_UNREACHABLE, "%s answers %d to the request for a WebSocket", d->below->peer_address, head->status);
	else if ((fault = find_fault(d, head)) != NULL)
		fail(d, ERR_UNREACHABLE, "%s does not make a WebSocket: %s", d->below->peer_address, fault);
	else {
		stream_eat(d->below, used);
		begin_frames(d);
	}
}

static void on_bytes(void *cookie)
{
	struct websocket_dial *d = cookie;
	struct http_head head;
	const char *why;
	size_t used;
	enum err e = http_read_answer_head(stream_inbox(d->below), &head, &used, &why);

	if (e == OK)
		judge(d, &head, used);
	else if (e != ERR_AGAIN)
		fail(d, ERR_UNREACHABLE, "what %s answers is not HTTP: %s", d->below->peer_address, why);
	else if (d->below->ended)
		on_broken(d, ERR_CLOSED);
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_broken = on_broken};

/* --- the request --- */

static struct slice make_key(struct arena *a)
{
	char nonce[NONCE_SIZE];

	random_bytes(nonce, sizeof(nonce));
	return base64_encode(a, slice_over(nonce, sizeof(nonce)));
}

static enum err ask_for_it(struct websocket_dial *d, const struct websocket_ask *ask)
{
	struct arena *a = arena_new(SCRATCH_MAX);
	struct slice key, request;
	char port[16] = "";
	enum err e = ERR_NO_MEMORY;

	if (a == NULL)
		return e;
	if (ask->port != 443)
		snprintf(port, sizeof(port), ":%d", ask->port);
	key = make_key(a);
	request = arena_format(a,
			       "GET %s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			       "Sec-WebSocket-Key: %.*s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
			       ask->path, ask->host, port, ask->user_agent, SLICE_ARG(key), ask->subprotocol);
	snprintf(d->accept, sizeof(d->accept), "%.*s", SLICE_ARG(websocket_accept(a, key)));
	if (!arena_failed(a))
		e = stream_write(d->below, request);
	arena_free(&a);
	return e;
}

struct websocket_dial *websocket_dial_start(struct stream **below, const struct websocket_ask *ask, dial_done *done, void *cookie)
{
	struct websocket_dial *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct websocket_dial){.below = *below, .done = done, .cookie = cookie, .deadline_ms = ask->deadline_ms};
	snprintf(d->subprotocol, sizeof(d->subprotocol), "%s", ask->subprotocol);
	d->deadline = loop_after(d->below->loop, ask->deadline_ms, on_deadline, d);
	if (d->deadline == NULL || ask_for_it(d, ask) != OK) {
		timer_cancel(&d->deadline);
		free(d);
		return NULL;
	}
	stream_use(d->below, &user, d);
	*below = NULL;
	return d;
}

void websocket_dial_cancel(struct websocket_dial **dial)
{
	struct websocket_dial *d = *dial;

	*dial = NULL;
	if (d == NULL || d->telling) /* else the teller frees it */
		return;
	release(d);
	free(d);
}
