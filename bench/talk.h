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
	TALK_PING,     /* and be answered */
	TALK_REGISTER, /* until the device is assigned */
	TALK_BYE,      /* which nobody answers */
};

struct talk;

struct talk_kind {
	const char *name;        /* "mqtt" */
	const char *subprotocol; /* in a WebSocket; NULL: never there */

	/* Begin with talk->wish. True: that was all. */
	bool (*say)(struct talk *);

	/* Take the next piece of talk->in, and perhaps say more. */
	enum talk_heard { TALK_WAITS, TALK_GOES_ON, TALK_DONE } (*hear)(struct talk *);
};

/* The devices of one symmetric key group, each known by its number. */
struct talk_group {
	struct slice scope, key; /* the key raw */
};

struct talk {
	const struct talk_kind *kind;
	const struct talk_group *group;
	unsigned number;
	struct buf in, out;
	enum talk_wish wish;

	/* The kind's own. */
	unsigned step;       /* how far it is with the wish */
	uint32_t deliveries; /* so far */
};

/* "mqtt", "amqp"; ends the process when there is none of that name. */
const struct talk_kind *talk_find(const char *name);

void talk_init(struct talk *, const struct talk_kind *, const struct talk_group *, unsigned number);
void talk_fini(struct talk *);

/* Both return true when the wish is fulfilled. */
bool talk_say(struct talk *, enum talk_wish);
bool talk_hear(struct talk *);

/* --- for the kinds --- */

/* Who the device is; the arena is for one moment. */
struct talk_name {
	struct arena *arena;
	struct slice id, resource, token; /* "{scope}/registrations/{id}" */
};

struct talk_name talk_name(const struct talk *);
void talk_forget(struct talk_name *);

/* What became of a register: assigned, and it is done; assigning, and it is asked for again. */
enum talk_heard talk_registered(struct talk *, struct slice body);

#endif
