/*
 * amqp_client.h: AMQP 1.0, a device's side of a connection, as bytes in, events out, bytes out (OASIS AMQP 1.0; device-api.md 12).
 *
 * PLAIN, TPM (device-api.md 14.4) or no SASL at all, one session, a link each way to one address, and one question at a time: it is accepted and answered by
 * a message, or rejected. No sockets, no clock, and no heartbeats: a connection on which nothing happens is the server's to end.
 */
#ifndef BERTH_CODEC_AMQP_CLIENT_H
#define BERTH_CODEC_AMQP_CLIENT_H

#include "codec/amqp_message.h"

#define AMQP_CLIENT_FRAME_MAX   65536  /* that we take */
#define AMQP_CLIENT_MESSAGE_MAX 131072 /* the same, of a message; and of a question */
#define AMQP_CHALLENGE_MAX      4096   /* bytes of a key that is wrapped for a TPM, which has 972 at most */

struct amqp_client;

/* Who logs in by the keys of a TPM, and is challenged for that. */
struct amqp_client_tpm {
	struct slice scope, registration_id;
	struct slice endorsement_key, storage_root_key; /* TPM2B_PUBLIC */
};

struct amqp_client_conf {
	const char *container, *host; /* how we name ourselves, and the server */
	struct slice user, password;  /* for PLAIN; absent: no SASL, a certificate speaks */
	struct amqp_client_tpm tpm;   /* in place of PLAIN; absent keys: not that */
	struct slice address;         /* of both links */
	const char *api, *client;     /* what the links are told of us: device-api.md 12.2 */
};

/* The texts of `conf` live as long. NULL: out of memory. */
struct amqp_client *amqp_client_new(const struct amqp_client_conf *conf);

/* Sets *c to NULL; NULL inside is welcome. */
void amqp_client_free(struct amqp_client **c);

enum amqp_client_event_kind {
	AMQP_CLIENT_CHALLENGE, /* prove that the TPM is there: amqp_client_prove */
	AMQP_CLIENT_READY,     /* it may be asked; once more when amqp_client_ask had to say ERR_AGAIN */
	AMQP_CLIENT_ANSWER,    /* a message has come */
	AMQP_CLIENT_REJECTED,  /* the last question was not accepted */
	AMQP_CLIENT_REFUSED,   /* the user is not let in; nothing follows */
	AMQP_CLIENT_CLOSED,    /* by the server, or because it broke a rule; nothing follows */
};

/* Slices live until the next call. */
struct amqp_client_event {
	enum amqp_client_event_kind kind;
	struct amqp_message message;         /* ANSWER */
	int retry_after;                     /* ANSWER, REJECTED: seconds; -1: none */
	struct slice condition, description; /* REJECTED, CLOSED; absent: none */
	struct slice challenge;              /* CHALLENGE: the wrapped key, whole */
};

/* Eats whole frames from *in, up to the one that makes an event. False: it wants more bytes behind those left, or is at its end. */
bool amqp_client_read(struct amqp_client *c, struct slice *in, struct amqp_client_event *event);

/* What is to be sent now, until the next call; then say that it was taken. */
struct slice amqp_client_output(const struct amqp_client *c);
void amqp_client_output_taken(struct amqp_client *c);

/* After CHALLENGE: a token, signed with the key in it. */
void amqp_client_prove(struct amqp_client *c, struct slice token);

struct amqp_question {
	const char *correlation;  /* comes back with the answer */
	const char *operation;    /* "iotdps-register" */
	const char *operation_id; /* NULL: none */
	struct slice body;
};

/* When it is ready, and the last question has come to its end. ERR_AGAIN: it is not ready, or the server grants no credit;
 * ERR_TOO_BIG: AMQP_CLIENT_MESSAGE_MAX. */
MUST_USE enum err amqp_client_ask(struct amqp_client *c, const struct amqp_question *question);

/* Farewell. No event follows. */
void amqp_client_close(struct amqp_client *c);

#endif
