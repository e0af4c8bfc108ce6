/*
 * amqp.h: AMQP 1.0, the server's side of a connection, as bytes in, events out, bytes out (OASIS AMQP 1.0).
 *
 * The owner feeds what arrives to amqp_read, which tells what happened, one event at a time; it answers with the commands
 * below, and sends what amqp_output shows. No sockets, no clock. A peer that breaks a rule gets a close with the condition
 * that the standard has for it, and AMQP_CLOSED tells the owner why. Everything is bounded by the limits here.
 */
#ifndef BERTH_CODEC_AMQP_H
#define BERTH_CODEC_AMQP_H

#include "codec/amqp_message.h"

#define AMQP_FRAME_MAX      65536 /* device-api.md 12.1 */
#define AMQP_SASL_FRAME_MAX 4096  /* [AMQP-5.3.1] says 512, but a token with a long registration ID does not fit */
#define AMQP_MESSAGE_MAX    98304 /* 96 KB, device-api.md 18 */
#define AMQP_ANSWER_MAX     65536 /* the body of a message that we send: the C SDK takes no more */
#define AMQP_SESSIONS_MAX   4
#define AMQP_LINKS_MAX      8 /* of all sessions */
#define AMQP_OUTPUT_MAX     (512 * 1024)

struct amqp;

struct amqp_conf {
	const char *container;         /* how we name ourselves */
	const char *const *mechanisms; /* of SASL, offered in this order */
	size_t mechanism_count;
	int idle_announce_ms; /* the peer should send a frame more often than this */
	int idle_ms;          /* and must before this is over, twice this at the latest */
};

/* `conf` lives as long. NULL: out of memory. */
struct amqp *amqp_new(const struct amqp_conf *conf);

/* Sets *a to NULL; NULL inside is welcome. */
void amqp_free(struct amqp **a);

enum amqp_event_kind {
	AMQP_LOGIN,    /* answer with amqp_login_accept, _challenge or _refuse, now or later; nothing is read until then */
	AMQP_RESPONSE, /* to a challenge; the same */
	AMQP_OPENED,
	AMQP_ATTACHED, /* answer with amqp_link_accept or _refuse before the next amqp_read; what is not answered is refused */
	AMQP_DETACHED, /* a link is gone, by itself, with its session, or because its message was too large */
	AMQP_MESSAGE,  /* settle it with amqp_accept or amqp_reject, now or later */
	AMQP_CREDIT,   /* amqp_send may succeed now where it did not */
	AMQP_CLOSED,   /* nothing follows */
};

struct amqp_delivery {
	uint32_t link, id;
	bool settled; /* the peer does not want to hear of it */
};

/* Slices live until the next amqp_read. */
struct amqp_event {
	enum amqp_event_kind kind;

	struct slice mechanism; /* LOGIN; absent: the peer skips SASL */
	struct slice response;  /* LOGIN, RESPONSE; absent: none */

	uint32_t link; /* ATTACHED, DETACHED, MESSAGE: a number that this connection uses once */
	struct slice name;
	bool peer_sends;         /* ATTACHED: its role; we grant credit, or it does */
	struct slice address;    /* of the terminus at our end: the target if the peer sends; absent or empty: none */
	struct slice properties; /* what the attach properties hold, for amqp_map_find */

	struct amqp_delivery delivery; /* MESSAGE */
	struct amqp_message message;
	bool malformed; /* the message cannot be read */

	bool by_us; /* DETACHED, CLOSED: we ended it */
	struct slice condition, description;
};

/* Eats from *in what belongs to the next event. False: it wants more bytes, or an answer to AMQP_LOGIN, or is at its end. */
bool amqp_read(struct amqp *a, struct slice *in, struct amqp_event *event);

/* What is to be sent now, until the next call; then say how much was taken. */
struct slice amqp_output(struct amqp *a);
void amqp_output_taken(struct amqp *a, size_t n);

/* How much that is, for who wants to know when to stop. */
size_t amqp_output_waiting(const struct amqp *a);

/* Nothing more will be read, and nothing written beyond amqp_output. An AMQP_CLOSED may still wait to be told. */
bool amqp_ended(const struct amqp *a);

/* Call it after AMQP_OPENED and then at the time it returns, or sooner: it sends heartbeats, and ends an idle connection (the
 * next amqp_read tells). */
int64_t amqp_tick(struct amqp *a, int64_t now_ms);

/* --- commands --- */

void amqp_login_accept(struct amqp *a);
void amqp_login_challenge(struct amqp *a, struct slice challenge); /* not when SASL was skipped */
void amqp_login_refuse(struct amqp *a);                            /* outcome 1 (auth), then the end */

/* With the peer's own words for name, source and target. */
void amqp_link_accept(struct amqp *a, uint32_t link);
void amqp_link_refuse(struct amqp *a, uint32_t link, const char *condition, const char *description);

/* So many more messages may come. A link or delivery that is gone is passed over, here and below. */
void amqp_link_credit(struct amqp *a, uint32_t link, uint32_t more);

void amqp_accept(struct amqp *a, const struct amqp_delivery *delivery);

struct amqp_refusal {
	const char *condition;
	struct slice description;
	int retry_after; /* seconds, for the info map; 0: none */
};

void amqp_reject(struct amqp *a, const struct amqp_delivery *delivery, const struct amqp_refusal *refusal);

/* Copied. ERR_AGAIN: there is no credit, or the last one is still waiting for the peer's window; ERR_NOT_FOUND: no such link;
 * ERR_TOO_BIG: AMQP_ANSWER_MAX; ERR_NO_MEMORY. */
MUST_USE enum err amqp_send(struct amqp *a, uint32_t link, const struct amqp_answer *answer);

/* The end. No AMQP_CLOSED follows. A NULL condition is a farewell in peace. */
void amqp_close(struct amqp *a, const char *condition, const char *description);

#endif
