/*
 * amqp_client_own.h: a device's side of an AMQP connection, seen from inside: amqp_client.c reads, amqp_client_write.c writes,
 * amqp_client_tpm.c logs in by a TPM.
 */
#ifndef BERTH_CODEC_AMQP_CLIENT_OWN_H
#define BERTH_CODEC_AMQP_CLIENT_OWN_H

#include "codec/amqp_client.h"
#include "codec/amqp_own.h"

/* Our links: by handle, and by name. */
#define RECEIVER      0
#define SENDER        1
#define RECEIVER_NAME SLICE("answers")
#define SENDER_NAME   SLICE("questions")

enum client_phase {
	CLIENT_SASL_HEADER, /* what is awaited next */
	CLIENT_MECHANISMS,
	CLIENT_CHALLENGE, /* or an outcome, if it refuses */
	CLIENT_OUTCOME,
	CLIENT_HEADER,
	CLIENT_OPEN,
	CLIENT_TALK,
	CLIENT_END,
};

struct amqp_client {
	struct amqp_client_conf conf;
	enum client_phase phase;
	struct buf out;
	uint32_t peer_frame_max;
	int challenges;                 /* to a TPM, up to the one that is awaited */
	bool proving;                   /* all of them have come, and the token has not gone yet */
	bool begun, attached[2], ready; /* by the peer too; `ready` was told */

	/* the link on which we ask */
	uint32_t sender_handle; /* the peer's */
	uint32_t granted;       /* deliveries that the peer takes, from the first one on */
	uint32_t asked;         /* deliveries, from the first one on: also the id of the next */
	uint32_t transfers;     /* frames */

	/* the link on which we are answered */
	uint32_t next_in; /* the id of the peer's next transfer */
	uint32_t heard;   /* deliveries */
	bool more;        /* of a message */
	bool settled;
	uint32_t delivery;
	struct buf message;
	const char *fault; /* why we ended it */
};

static inline bool client_has_credit(const struct amqp_client *c)
{
	return (int32_t)(c->granted - c->asked) > 0;
}

static inline bool client_has_tpm(const struct amqp_client *c)
{
	return c->conf.tpm.endorsement_key.n > 0;
}

/* "PLAIN", with user and password, or "TPM". */
void client_say_init(struct amqp_client *c, const char *mechanism, struct slice response);

void client_say_response(struct amqp_client *c, struct slice response);

/* The first words of a TPM, in an empty buffer. */
void client_tpm_begin(const struct amqp_client *c, struct buf *response);

/* What a TPM is told or asked. True: it is an event. A sentence in `why`: it breaks a rule. */
bool client_tpm_take(struct amqp_client *c, struct slice challenge, struct amqp_client_event *event, const char **why);

/* Open, begin, both links, and credit: none of it needs an answer before the next. */
void client_introduce(struct amqp_client *c);

/* The message that has just come is accepted. */
void client_say_accepted(struct amqp_client *c);

void client_say_close(struct amqp_client *c);

#endif
