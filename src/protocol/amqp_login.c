/*
 * amqp_login.c: who is there: SASL, or a client certificate without it (device-api.md 12.1).
 */
#include "crypto/digest.h"
#include "protocol/amqp_own.h"

static const char *const offered[] = {"PLAIN", "TPM"};

const struct amqp_conf amqps_conf = {
	.container = "berth",
	.mechanisms = offered,
	.mechanism_count = sizeof(offered) / sizeof(offered[0]),
	.idle_announce_ms = AMQPS_IDLE_ANNOUNCE_MS,
	.idle_ms = AMQPS_IDLE_MS,
};

void amqp_login_deny(struct connection *c, const char *reason)
{
	amqps_log_refusal(c, NULL, reason);
	amqp_login_refuse(c->amqp);
}

/* --- asking --- */

void amqp_login_judged(void *cookie, const struct device_answer *answer)
{
	struct connection *c = cookie;

	c->login_ask = NULL;
	/* Whatever else speaks against the device is for its register message to hear, with code and message. */
	if (answer->status == 401)
		amqp_login_deny(c, "the credential is not accepted");
	else
		amqp_login_accept(c->amqp);
	amqps_go_on(c);
}

bool amqp_login_ask(struct connection *c, provision_done *done)
{
	struct device_question q;

	random_uuid(c->login_id);
	q = amqp_question(c, DEVICE_CONNECT, c->login_id);
	c->login_ask = api_ask_device(c->env->house, &q, done, c);
	return c->login_ask != NULL;
}

/* --- PLAIN: a token --- */

/* authzid NUL name NUL token (RFC 4616), the first of them empty or the same as the second. False: it is not that. */
static bool split_plain(struct slice response, struct slice *name, struct slice *token)
{
	struct slice rest = response, as;

	if (!slice_next(&rest, '\0', &as) || !slice_next(&rest, '\0', name) || slice_absent(rest) || rest.n == 0)
		return false;
	*token = rest;
	return slice_find(rest, '\0') < 0 && (as.n == 0 || slice_eq(as, *name));
}

static void plain(struct connection *c, struct slice response)
{
	struct slice name, token, scope, registration_id;

	if (!split_plain(response, &name, &token)) {
		amqp_login_deny(c, "the response is not one of PLAIN");
		return;
	}
	if (!amqp_split_name(name, &scope, &registration_id)) {
		amqp_login_deny(c, "the user name is not {scope}/registrations/{id}");
		return;
	}
	if (!amqp_identify(c, scope, registration_id, token)) {
		amqp_login_deny(c, "user name and token are too long");
		return;
	}
	if (!amqp_login_ask(c, amqp_login_judged))
		amqp_login_deny(c, "out of memory");
}

/* --- certificates --- */

static void external(struct connection *c, struct slice response)
{
	(void)response;
	if (c->stream->chain_count == 0) {
		amqp_login_deny(c, "EXTERNAL without a client certificate");
		return;
	}
	amqp_login_accept(c->amqp);
}

/* The device shows itself by the address of its first link, and is judged when it registers. */
static void bare(struct connection *c)
{
	if (c->stream->chain_count == 0) {
		amqp_login_deny(c, "no SASL and no client certificate");
		return;
	}
	amqp_login_accept(c->amqp);
}

static void anonymous(struct connection *c, struct slice response)
{
	(void)response;
	amqp_login_deny(c, "ANONYMOUS is not for devices");
}

/* --- the table --- */

static const struct mechanism {
	const char *name;
	void (*begin)(struct connection *, struct slice response); /* accepts, refuses, or asks and does so later */
} mechanisms[] = {
	{"PLAIN", plain},
	{"TPM", amqp_tpm_begin},
	{"EXTERNAL", external}, /* never offered, but some libraries choose it when they have a certificate */
	{"ANONYMOUS", anonymous},
};

void amqp_login(struct connection *c, const struct amqp_event *event)
{
	if (slice_absent(event->mechanism)) {
		bare(c);
		return;
	}
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if (slice_eq(event->mechanism, slice_str(mechanisms[i].name))) {
			mechanisms[i].begin(c, event->response);
			return;
		}
	}
	amqp_login_deny(c, "a SASL mechanism that was not offered");
}

/* TPM alone has a second word. */
void amqp_login_response(struct connection *c, const struct amqp_event *event)
{
	amqp_tpm_response(c, event->response);
}
