/*
 * amqp_client_tpm.c: the mechanism TPM of SASL, a device's side (device-api.md 14.4).
 *
 *	init       0 scope 0 registration 0 endorsement key
 *	challenge  0                                        response  0 storage root key
 *	challenge  80 first part of a wrapped key           response  0
 *	challenge  c1 the last part                         response  0 token, signed with that key
 */
#include "codec/amqp_client_own.h"

/* The first byte of what a server says. */
#define SEGMENT  0x80 /* a part follows */
#define LAST     0x40 /* of the parts */
#define SEQUENCE 0x03 /* the number of the part */

void client_tpm_begin(const struct amqp_client *c, struct buf *response)
{
	const struct amqp_client_tpm *tpm = &c->conf.tpm;

	buf_add_char(response, '\0');
	buf_add(response, tpm->scope);
	buf_add_char(response, '\0');
	buf_add(response, tpm->registration_id);
	buf_add_char(response, '\0');
	buf_add(response, tpm->endorsement_key);
}

static void respond(struct amqp_client *c, struct slice content)
{
	struct buf response;

	buf_init(&response, AMQP_SASL_FRAME_MAX);
	buf_add_char(&response, '\0'); /* in one piece: neither a key nor a token needs more */
	buf_add(&response, content);
	client_say_response(c, buf_slice(&response));
	buf_fini(&response);
}

/* NULL: taken. The parts are gathered where messages are, of which there are none before the login. */
static const char *take_part(struct amqp_client *c, unsigned char control, struct slice part)
{
	int number = c->challenges - 1;

	if (!(control & SEGMENT) || (control & SEQUENCE) != (number & SEQUENCE))
		return "the parts of its challenge come out of turn";
	if (part.n == 0)
		return "a part of its challenge is empty";
	if (part.n > AMQP_CHALLENGE_MAX - c->message.n)
		return "its challenge is too long for a TPM";
	buf_add(&c->message, part);
	return buf_failed(&c->message) ? "there is no memory for its challenge" : NULL;
}

bool client_tpm_take(struct amqp_client *c, struct slice challenge, struct amqp_client_event *event, const char **why)
{
	unsigned char control = challenge.n ? (unsigned char)challenge.p[0] : 0;

	if (challenge.n == 0 || c->proving || (c->challenges == 0 && (control & SEGMENT)))
		*why = "it challenges the TPM out of turn";
	else if (c->challenges > 0)
		*why = take_part(c, control, slice_from(challenge, 1));
	if (*why)
		return false;
	if (c->challenges > 0 && (control & LAST)) {
		c->proving = true;
		event->kind = AMQP_CLIENT_CHALLENGE;
		event->challenge = buf_slice(&c->message);
		return true;
	}
	respond(c, c->challenges == 0 ? c->conf.tpm.storage_root_key : NO_SLICE);
	c->challenges++;
	return false;
}

void amqp_client_prove(struct amqp_client *c, struct slice token)
{
	if (c->phase != CLIENT_CHALLENGE || !c->proving)
		return;
	buf_clear(&c->message);
	respond(c, token);
	c->proving = false;
	c->phase = CLIENT_OUTCOME;
}
