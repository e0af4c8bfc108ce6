/*
 * channel_stream.h: what channels over a stream have in common: they connect when there is something to ask, by TLS or a
 * WebSocket in TLS; a question has a deadline; and a connection that ends between two questions is made anew.
 *
 * What is spoken on the stream is for the kind to say: it begins with a greeting, after which questions may be put.
 */
#ifndef BERTH_CLI_CHANNEL_STREAM_H
#define BERTH_CLI_CHANNEL_STREAM_H

#include "base/buf.h"
#include "cli/channel.h"
#include "io/lookup.h"
#include "io/websocket_dial.h"

struct stream_channel;

/* None of these is called after the stream has gone. */
struct speech {
	size_t size;                             /* of the kind's own struct */
	void (*greet)(struct stream_channel *);  /* at the beginning of each connection */
	void (*hear)(struct stream_channel *);   /* more is in `in` */
	void (*ask)(struct stream_channel *);    /* put `question`, once stream_channel_ready was called */
	void (*leave)(struct stream_channel *);  /* what a goodbye takes, before the stream is closed */
	void (*forget)(struct stream_channel *); /* what was known about the connection that has gone */
};

/* The kind's own struct begins with it. */
struct stream_channel {
	struct channel c;
	const struct speech *speech;
	const struct channel_conf *conf;
	const struct channel_device *device;
	int port;
	const char *subprotocol; /* of a WebSocket; NULL: TLS alone */

	struct dial *dial;
	struct websocket_dial *upgrade;
	struct stream *stream;
	bool ready;    /* greeted */
	struct buf in; /* heard and not eaten yet; of a stream that has gone, until the next */

	struct channel_ask question;
	channel_done *done; /* NULL: nothing is asked */
	void *cookie;
	struct timer *deadline;
	struct task turn;

	bool busy; /* being called: if it is closed meanwhile, the memory goes afterwards */
	bool gone;
};

/* A zeroed struct of the kind's own, with its head filled in; `subprotocol` as above. NULL: out of memory. */
struct channel *stream_channel_open(const struct channel_kind *, const struct speech *, const struct channel_conf *,
				    const struct channel_device *, int port, const char *subprotocol);
enum err stream_channel_ask(struct channel *, const struct channel_ask *, channel_done *, void *cookie);
void stream_channel_close(struct channel *);

/* --- for the kind, from greet, hear and ask --- */

/* The greeting is over: the question is put. */
void stream_channel_ready(struct stream_channel *);

/* The answer. Who asked may close the channel meanwhile: afterwards, as after the calls below, `stream` may be NULL, and then
 * there is nothing left to do. */
void stream_channel_tell(struct stream_channel *, const struct channel_answer *);

/* No connection any more. A question waits on. */
void stream_channel_disconnect(struct stream_channel *);

/* No answer, and no connection any more. */
void stream_channel_fail(struct stream_channel *, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
