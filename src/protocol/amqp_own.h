/*
 * amqp_own.h: a device's AMQP connection, seen from inside: what amqps.c, amqp_login.c, amqp_link.c and amqp_request.c share.
 */
#ifndef BERTH_PROTOCOL_AMQP_OWN_H
#define BERTH_PROTOCOL_AMQP_OWN_H

#include "api/api.h"
#include "base/list.h"
#include "codec/amqp.h"
#include "crypto/tpm.h"
#include "protocol/protocol.h"

#define AMQPS_LOGIN_MS         10000           /* from the handshake to the open performative */
#define AMQPS_TPM_LOGIN_MS     60000           /* the same with a TPM, which takes seconds: device-api.md 14.4 */
#define AMQPS_IDLE_ANNOUNCE_MS (4 * 60 * 1000) /* the peer's heartbeats come at least as often */
#define AMQPS_IDLE_MS          (10 * 60 * 1000)
#define AMQPS_WRITE_MS         30000       /* for the peer to take what is in the outbox */
#define AMQPS_CREDIT           50          /* messages that a client may have under way, device-api.md 12.2 */
#define AMQPS_ASKS_MAX         8           /* of them asked at once; more wait in the inbox */
#define AMQPS_ANSWERS_MAX      (256 << 10) /* bytes that wait for the client's credit */
#define AMQPS_OUTPUT_PAUSE     65536       /* with so much to be sent, nothing more is read or answered */
#define AMQPS_IDENTITY_MAX     8192        /* scope, registration ID and token together */

struct connection {
	struct loop *loop;
	struct stream *stream;
	const struct protocol_env *env;
	struct amqp *amqp;
	struct task start;
	bool draining;

	/* Absolute; 0: none. The deadline is set for the nearest, or earlier. */
	struct deadline deadline;
	int64_t armed_for, login_by, write_by, tick_at;

	/* Who it is: by its login, or by the address of its first link. The slices point into `identity`. */
	struct buf identity;
	struct slice scope, registration_id, token;
	struct provision_ask *login_ask;
	char login_id[37];
	struct tpm_login *tpm; /* NULL: it has not shown a TPM */

	struct list asks; /* requests under way */
	size_t ask_count;
	struct list answers; /* they wait for credit */
	size_t answer_bytes;
	uint32_t answer_link; /* on which the client receives: the latest one, though it may be gone */
};

/* --- amqps.c --- */

/* Read on, send what is to be sent, and see whether it is over: the last thing that a callback does. */
void amqps_go_on(struct connection *c);

/* As questions and log lines name it. */
const char *amqps_name(const struct connection *c);

/* One line for what was refused; `request` NULL: the connection itself. */
void amqps_log_refusal(const struct connection *c, const char *request, const char *reason);

/* --- amqp_login.c --- */

/* With the mechanisms that SASL offers. */
extern const struct amqp_conf amqps_conf;

void amqp_login(struct connection *c, const struct amqp_event *event);
void amqp_login_response(struct connection *c, const struct amqp_event *event);

/* Ask whether what has been shown so far lets the device in; done() is told, and clears login_ask. False: out of memory. */
bool amqp_login_ask(struct connection *c, provision_done *done);

/* Lets the device in, or not: a provision_done. */
void amqp_login_judged(void *connection, const struct device_answer *answer);

/* Outcome 1, and the end. */
void amqp_login_deny(struct connection *c, const char *reason);

/* --- amqp_tpm.c --- */

void amqp_tpm_begin(struct connection *c, struct slice response);
void amqp_tpm_response(struct connection *c, struct slice response);
void amqp_tpm_free(struct tpm_login **tpm);

/* Base64; absent: there is none. */
struct slice amqp_tpm_endorsement_key(const struct connection *c);
struct slice amqp_tpm_storage_root_key(const struct connection *c);

/* --- amqp_link.c --- */

/* "{scope}/registrations/{id}", nothing else, nothing empty. */
bool amqp_split_name(struct slice name, struct slice *scope, struct slice *registration_id);

/* Copied; false: too large, or no memory. */
bool amqp_identify(struct connection *c, struct slice scope, struct slice registration_id, struct slice token);

void amqp_link_attached(struct connection *c, const struct amqp_event *event);

/* --- amqp_request.c --- */

void amqp_request(struct connection *c, const struct amqp_event *event);

/* A question of this device, to be completed. */
struct device_question amqp_question(const struct connection *c, enum device_op op, const char *request_id);

/* What waits, as far as there is credit. */
void amqp_send_answers(struct connection *c);

/* Drop what is under way and what waits. */
void amqp_forget_requests(struct connection *c);

#endif
