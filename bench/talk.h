/*
 * talk.h: what a device says to a provisioning service in one protocol, and what it makes of the answers; bytes only.
 *
 * A device does one thing at a time: it begins with talk_say, and is done when talk_hear says so. What is to be sent was
 * appended to `out`, what has come is eaten from `in`. A server that does not do what it should ends the process.
 */
#ifndef BERTH_BENCH_TALK_H
#define BERTH_BENCH_TALK_H

#include "base/arena.h"
#include "base/buf.h"

#define TALK_BUFFER_MAX 65536

enum talk_wish {
	TALK_LOGIN,    /* until a request could follow */
	TALK_REGISTER, /* until the device is assigned */
	TALK_PING,     /* and be answered */
	TALK_BYE,
};

struct talk;

struct talk_kind {
	const char *subprotocol; /* in a WebSocket; NULL: never there */

	/* Begin with talk->wish. True: that was all. */
	bool (*say)(struct talk *);

	/* Take the next piece of talk->in, and perhaps say more. */
	enum talk_heard { TALK_WAITS, TALK_GOES_ON, TALK_DONE } (*hear)(struct talk *);
};

extern const struct talk_kind talk_https, talk_mqtt, talk_amqp;

/* What is only fetched: a register is a GET of the file with the name of the device. */
extern const struct talk_kind talk_file;

struct talk_device {
	struct slice scope, id;
	struct slice key; /* raw; absent: a certificate in the handshake speaks for it */
};

/* Whose devices they are. */
struct talk_owner {
	/* Device number `number`; what is made for it lies in the arena. */
	struct talk_device (*device)(void *cookie, unsigned number, struct arena *);
	/* What the device registered for. NULL: nobody wants to see it. */
	void (*registered)(void *cookie, struct slice body);
	void *cookie;
};

struct talk {
	const struct talk_kind *kind;
	const struct talk_owner *owner;
	unsigned number; /* of the device */
	struct buf in, out;
	enum talk_wish wish;

	/* The kind's own. */
	unsigned step;       /* how far it is with the wish */
	uint32_t deliveries; /* so far */
};

void talk_init(struct talk *, const struct talk_kind *, const struct talk_owner *, unsigned number);
void talk_fini(struct talk *);

/* Both return true when the wish is fulfilled. */
bool talk_say(struct talk *, enum talk_wish);
bool talk_hear(struct talk *);

/* --- for the kinds --- */

/* The device, for the moment of saying something. */
struct talk_words {
	struct arena *arena;
	struct talk_device device;
	struct slice resource; /* "{scope}/registrations/{id}" */
	struct slice token;    /* absent as the key is */
	struct slice body;     /* of a register */
};

struct talk_words talk_words(const struct talk *);
void talk_words_free(struct talk_words *);

/* What a register is answered with: assigned, and it is done; assigning, and it is asked for again. */
enum talk_heard talk_registered(struct talk *, struct slice body);

#endif
