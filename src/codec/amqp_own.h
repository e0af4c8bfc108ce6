/*
 * amqp_own.h: a connection, seen from inside: what amqp.c, amqp_read.c, amqp_sasl.c, amqp_link.c and amqp_transfer.c share.
 */
#ifndef BERTH_CODEC_AMQP_OWN_H
#define BERTH_CODEC_AMQP_OWN_H

#include "codec/amqp.h"

#define AMQP_HEADER_SIZE  8
#define AMQP_FRAME_HEADER 8
#define AMQP_FRAME_MIN    512        /* [AMQP-2.7.1] nobody may announce less */
#define AMQP_WINDOW       0x7fffffff /* of sessions: credit is what holds the peer back */
#define HEARTBEAT_MIN_MS  250        /* however impatient the peer */
#define AMQP_PLAIN_HEADER SLICE("AMQP\0\1\0\0")
#define AMQP_SASL_HEADER  SLICE("AMQP\3\1\0\0")

/* Codes of performatives, outcomes and the rest of part 2 and 3 that we speak. */
enum amqp_code {
	CODE_OPEN = 0x10,
	CODE_BEGIN,
	CODE_ATTACH,
	CODE_FLOW,
	CODE_TRANSFER,
	CODE_DISPOSITION,
	CODE_DETACH,
	CODE_END,
	CODE_CLOSE,
	CODE_ERROR = 0x1d,
	CODE_RECEIVED = 0x23,
	CODE_ACCEPTED,
	CODE_REJECTED,
	CODE_SASL_MECHANISMS = 0x40,
	CODE_SASL_INIT,
	CODE_SASL_CHALLENGE,
	CODE_SASL_RESPONSE,
	CODE_SASL_OUTCOME,
};

enum amqp_frame_type { FRAME_AMQP, FRAME_SASL };

enum amqp_phase {
	PHASE_HEADER,        /* the first eight bytes say whether SASL comes first */
	PHASE_SASL_INIT,     /* the mechanism that the peer chooses */
	PHASE_SASL_RESPONSE, /* to our challenge */
	PHASE_SASL_ASKED,    /* the owner thinks */
	PHASE_BARE_ASKED,    /* the same, about a peer without SASL */
	PHASE_HEADER_AGAIN,  /* after SASL */
	PHASE_OPEN,          /* the open performative */
	PHASE_TALK,
	PHASE_END,
};

struct amqp_session {
	bool begun;
	uint16_t peer_channel; /* ours is the place in the table */
	uint32_t next_in;      /* transfer ids: the next one of the peer */
	uint32_t next_out;     /* our next one */
	uint32_t next_delivery;
	uint32_t peer_window; /* transfers that it will still take */
};

enum amqp_link_state { LINK_NONE, LINK_ASKED, LINK_UP, LINK_LEAVING /* our detach is out, the peer's is awaited */ };

struct amqp_link {
	enum amqp_link_state state;
	uint32_t number;
	uint8_t session;
	uint32_t peer_handle; /* ours is the place in the table */
	bool peer_sends;
	bool drain;         /* the peer wants its credit used or given back */
	uint32_t credit;    /* that the sender has left */
	uint32_t count;     /* deliveries sent so far, [AMQP-2.6.7] */
	struct buf message; /* what has come of one so far, or what has not gone out of one */

	/* Of the one that is coming in several transfers, or going. */
	bool more;
	struct amqp_delivery delivery;

	/* While LINK_ASKED: what the answer repeats. */
	struct slice name, source, target;
};

struct amqp {
	const struct amqp_conf *conf;
	enum amqp_phase phase;
	struct buf frame; /* the one that is coming in */
	bool whole;       /* it is here, and has been told */
	struct buf out;
	uint32_t peer_frame_max;
	struct amqp_session sessions[AMQP_SESSIONS_MAX];
	struct amqp_link links[AMQP_LINKS_MAX];
	uint32_t last_number;

	/* What the next amqp_read tells or tidies up first. */
	bool tell_closed;
	const char *condition, *description; /* why we closed */
	uint32_t gone[AMQP_LINKS_MAX];       /* links that went with their session */
	size_t gone_count;
	struct amqp_link *delivered; /* its message has been told */

	/* For amqp_tick. */
	uint64_t frames_in, frames_out, ticked_in, ticked_out;
	int64_t heard_ms, spoke_ms;
	bool ticked;
	uint32_t peer_idle_ms;
};

/* --- amqp.c --- */

/* Frames out: begin, put a performative and its payload, end. One that the peer would not take ends the connection. */
size_t frame_begin(struct amqp *a, enum amqp_frame_type type, uint16_t channel, enum amqp_code code, struct amqp_out *o);
void frame_end(struct amqp *a, size_t at);

void send_open(struct amqp *a);

/* The peer has broken a rule, or a limit: a close with these constants, and AMQP_CLOSED. */
void amqp_fail(struct amqp *a, const char *condition, const char *description);

/* An error, or null when there is no condition. */
void put_error(struct amqp_out *o, const char *condition, struct slice description, int retry_after);

/* --- amqp_sasl.c: a frame returns true when *event is to be told --- */

void sasl_begin(struct amqp *a);
bool sasl_frame(struct amqp *a, struct slice body, struct amqp_event *event);
void sasl_outcome(struct amqp *a, bool good);

/* --- amqp_read.c --- */

/* The next field is an error, or null. */
void read_error(struct amqp_cursor *f, struct amqp_event *event);

/* NULL: the peer has none of that channel. */
struct amqp_session *session_of(struct amqp *a, uint16_t channel);

/* --- amqp_link.c, amqp_transfer.c: a performative's fields; true when *event is to be told --- */

bool read_attach(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event);
bool read_detach(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event);
bool read_flow(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event);
bool read_transfer(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct slice payload, struct amqp_event *event);
void read_disposition(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f);

/* By the peer's handle on a session, or by number; NULL: none. */
struct amqp_link *link_of(struct amqp *a, const struct amqp_session *s, uint32_t peer_handle);
struct amqp_link *link_numbered(struct amqp *a, uint32_t number);

void link_detach(struct amqp *a, struct amqp_link *l, const char *condition, const char *description);
void link_forget(struct amqp_link *l);

/* Those that nobody answered. */
void links_refuse_asked(struct amqp *a);

void send_flow(struct amqp *a, struct amqp_session *s, struct amqp_link *l);

/* What waits on links of the session, as far as its window lets it. */
void send_waiting(struct amqp *a, struct amqp_session *s);

/* Give back the credit of links that drain. */
void links_drain(struct amqp *a);

#endif
