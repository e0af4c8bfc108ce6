#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "io/websocket.h"
#include "protocol/upgrade.h"

#define ARENA_MAX  16384 /* for a path and a key, decoded */
#define ANSWER_MAX 1024
#define KEY_SIZE   16
#define VERSION    SLICE("13")

/* --- the judge --- */

/* Section 4.2.1. RFC 9110 section 7.8: HTTP/1.0 knows no upgrades. */
bool upgrade_asked(const struct http_head *h)
{
	return h->minor == 1 && http_header_lists(h, "Upgrade", SLICE("websocket"));
}

/* What the clients ask for: device-api.md 11. Some escape the dollar. */
static bool is_known_path(struct arena *a, struct slice path)
{
	static const struct slice paths[] = {SLICE("/"), SLICE("/mqtt"), SLICE("/$iothub/websocket")};
	struct slice plain = percent_decode(a, path);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (slice_eq_fold(plain, paths[i]))
			return true;
	return false;
}

/* The value of a header that may be there once only; otherwise absent. */
static struct slice only(const struct http_head *h, const char *name)
{
	struct slice value = NO_SLICE;
	int count = 0;

	for (size_t i = 0; i < h->header_count; i++)
		if (slice_eq_fold(h->headers[i].name, slice_str(name))) {
			value = h->headers[i].value;
			count++;
		}
	return count == 1 ? value : NO_SLICE;
}

/* Sets `accept`. Section 4.2.1: a key is 16 bytes in base64. */
static bool accept_key(struct arena *a, struct slice key, char accept[UPGRADE_ACCEPT_MAX])
{
	if (base64_decode(a, key).n != KEY_SIZE)
		return false;
	snprintf(accept, UPGRADE_ACCEPT_MAX, "%.*s", SLICE_ARG(websocket_accept(a, key)));
	return true;
}

/* The name of our protocol for a subprotocol; NULL: none. Case does not count: both "mqtt" and "MQTT" are out there. */
static const char *protocol_of(struct slice subprotocol)
{
	static const struct {
		struct slice subprotocol;
		const char *protocol;
	} rows[] = {{SLICE("mqtt"), "mqtts"}, {SLICE("AMQPWSB10"), "amqps"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_eq_fold(subprotocol, rows[i].subprotocol))
			return rows[i].protocol;
	return NULL;
}

/* The first that we know: a client names the one that it likes best first (section 4.1), perhaps over several headers. */
static const char *choose_subprotocol(const struct http_head *h, struct slice *chosen)
{
	const char *protocol;

	for (size_t i = 0; i < h->header_count; i++) {
		struct slice rest = h->headers[i].value;

		if (!slice_eq_fold(h->headers[i].name, SLICE("Sec-WebSocket-Protocol")))
			continue;
		while (slice_next(&rest, ',', chosen)) {
			*chosen = slice_trim(*chosen);
			if ((protocol = protocol_of(*chosen)) != NULL)
				return protocol;
		}
	}
	return NULL;
}

static void refuse(struct upgrade *u, int status, const char *why)
{
	u->status = status;
	u->why = why;
}

static void judge(const struct http_head *h, upgrade_find *find, struct arena *a, struct upgrade *u)
{
	const char *protocol;

	if (h->method != HTTP_GET)
		refuse(u, 400, "A WebSocket begins with GET.");
	else if (!h->upgrade)
		refuse(u, 400, "A WebSocket needs the header Connection: Upgrade; has a proxy on the way removed it?");
	else if (h->chunked || h->length > 0)
		refuse(u, 400, "A request for a WebSocket has no body.");
	else if (!is_known_path(a, h->path))
		refuse(u, 404, "WebSockets are at /, /mqtt and /$iothub/websocket.");
	else if (!slice_eq(only(h, "Sec-WebSocket-Version"), VERSION))
		refuse(u, 426, "The only version of WebSockets understood is 13.");
	else if (!accept_key(a, only(h, "Sec-WebSocket-Key"), u->accept))
		refuse(u, 400, "Sec-WebSocket-Key must be 16 bytes in base64.");
	else if ((protocol = choose_subprotocol(h, &u->subprotocol)) == NULL)
		refuse(u, 400, "Sec-WebSocket-Protocol must offer mqtt or AMQPWSB10.");
	else if ((u->protocol = find(protocol)) == NULL)
		refuse(u, 501, "This protocol is not served in WebSockets here.");
	else
		u->status = 101;
	if (arena_failed(a))
		refuse(u, 500, "Out of memory.");
}

void upgrade_judge(const struct http_head *h, upgrade_find *find, struct upgrade *out)
{
	struct arena *a = arena_new(ARENA_MAX);

	*out = (struct upgrade){0};
	if (a)
		judge(h, find, a, out);
	else
		refuse(out, 500, "Out of memory.");
	arena_free(&a);
}

void upgrade_hint(struct api_header *to)
{
	*to++ = (struct api_header){"Sec-WebSocket-Version", VERSION};
	*to++ = (struct api_header){"Upgrade", SLICE("websocket")};
	*to = (struct api_header){"Connection", SLICE("Upgrade")};
}

/* --- what goes on --- */

struct upgraded {
	const struct protocol *protocol;
	struct connection *connection; /* NULL: it is being opened */
	struct protocol_env env;
	bool ended; /* while it was being opened */
	void (*over)(void *cookie);
	void *cookie;
};

static void on_closed(void *cookie, struct connection *connection)
{
	struct upgraded *u = cookie;
	void (*over)(void *) = u->over;
	void *over_cookie = u->cookie;

	(void)connection;
	if (u->connection == NULL) {
		u->ended = true;
		return;
	}
	free(u);
	over(over_cookie);
}

/* Nothing more than this: device-api.md 11 tells who refuses what. */
static enum err say_switching(const struct upgrade *u, struct stream *stream)
{
	struct buf out;
	enum err e;

	buf_init(&out, ANSWER_MAX + u->subprotocol.n);
	buf_printf(&out, "HTTP/1.1 101 %s\r\n", http_reason(101));
	buf_add_str(&out, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
	buf_printf(&out, "Sec-WebSocket-Accept: %s\r\n", u->accept);
	buf_printf(&out, "Sec-WebSocket-Protocol: %.*s\r\n\r\n", SLICE_ARG(u->subprotocol));
	e = buf_failed(&out) ? ERR_NO_MEMORY : stream_write(stream, buf_slice(&out));
	buf_fini(&out);
	return e;
}

struct upgraded *upgrade_open(const struct upgrade *upgrade, struct stream **stream, const char *client, void *house,
			      void (*over)(void *cookie), void *cookie)
{
	struct upgraded *u = calloc(1, sizeof(*u));
	struct stream *websocket;

	if (u == NULL || say_switching(upgrade, *stream) != OK || websocket_stream_open(stream, WEBSOCKET_SERVER, &websocket) != OK) {
		stream_abort(stream);
		goto fail;
	}
	websocket_stream_from(websocket, client);
	*u = (struct upgraded){.protocol = upgrade->protocol, .over = over, .cookie = cookie};
	u->env = (struct protocol_env){.house = house, .closed = on_closed, .cookie = u};
	log_debug(NULL, "websocket", "peer", websocket->peer_address, "protocol", u->protocol->name, NULL);
	u->connection = u->protocol->open(websocket->loop, &websocket, &u->env);
	if (u->connection && !u->ended)
		return u;
fail:
	free(u);
	return NULL;
}

void upgraded_drain(struct upgraded *u)
{
	u->protocol->drain(u->connection);
}

void upgraded_abort(struct upgraded *u)
{
	u->protocol->abort(u->connection);
}
