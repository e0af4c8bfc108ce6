/*
 * channel.h: how one device asks the provisioning service, whatever the transport (device-api.md 9 to 13).
 *
 * There are two questions, "where do I belong" and "what has become of it", and an answer means the same however it
 * travelled. A channel connects when it is first asked, and again if its connection has ended between two questions.
 * A kind of channel is a filled-in form and a line in channels.def.
 */
#ifndef BERTH_CLI_CHANNEL_H
#define BERTH_CLI_CHANNEL_H

#include "io/dial.h"
#include "io/fetch.h"

#define CHANNEL_CONNECT_MS 10000
#define CHANNEL_ANSWER_MS  60000 /* for a question, connecting included */
#define CHANNEL_ANSWER_MAX 98304 /* bytes: 96 KB, device-api.md 18 */
#define CHANNEL_LINGER_MS  2000  /* of its goodbye */

#define DEVICE_API_VERSION "2021-06-01"
#define DEVICE_CLIENT      "berth/" BERTH_VERSION

/* Where devices go: the same for all of them, and there as long as any channel. */
struct channel_conf {
	struct loop *loop;
	struct fetcher *fetcher; /* for HTTPS */
	struct dialer *dialer;   /* for all others */
	const char *host;        /* "global.berth.test" */
	const char *address;     /* in place of what the host resolves to; NULL: resolve it */
	int https_port, mqtts_port, amqps_port;
	const char *scope;
};

/* A device's TPM (device-api.md 14): what it shows of itself, and what it does with the keys that the service wraps for it. Each call
 * takes as long as the TPM does, and what it gives lives as long as the device. */
struct channel_tpm {
	struct slice endorsement_key, storage_root_key; /* TPM2B_PUBLIC */

	/* A token, signed with the key in the challenge. NULL: with a sentence in `why`. */
	const char *(*prove)(void *cookie, struct slice challenge, const char **why);

	/* The key for the hub, from the last answer. False: with a sentence in `why`. */
	bool (*keep)(void *cookie, struct slice wrapped, const char *hub, const char *device_id, const char **why);
	void *cookie;
};

/* Who asks; lent as long as the channel. */
struct channel_device {
	const char *id;
	const char *token;                   /* "SharedAccessSignature ..."; NULL: the certificate speaks */
	const struct credential *credential; /* NULL: the token */
	const struct channel_tpm *tpm;       /* for who logs in before it may ask; NULL: no TPM */
};

struct channel_ask {
	const char *operation; /* its id; NULL: register */
	struct slice body;     /* of a register: JSON */
};

struct channel_answer {
	enum err e;        /* OK: the service has answered. ERR_UNAUTHORIZED: it does not take the token; others: no answer */
	const char *why;   /* a sentence when e is not OK */
	int status;        /* as HTTP numbers them */
	int retry_after;   /* seconds; -1: none */
	struct slice body; /* JSON, if all is well */
};

/* `answer` lives only while done() runs; then the channel may be asked again, or closed. */
typedef void channel_done(void *cookie, const struct channel_answer *answer);

struct channel;

struct channel_kind {
	const char *name; /* "mqtt-ws", for --transport */
	bool tpm;         /* a TPM may register by it */

	/* Nothing is connected yet. NULL: out of memory. */
	struct channel *(*open)(const struct channel_conf *, const struct channel_device *);

	/* One question at a time, lent until done() runs: once, later, from the loop. ERR_NO_MEMORY: it does not. */
	enum err (*ask)(struct channel *, const struct channel_ask *, channel_done *, void *cookie);

	/* With the goodbye of the protocol; a question that waits is dropped, silently. */
	void (*close)(struct channel *);
};

/* The head of every channel: the kind's own struct begins with it. */
struct channel {
	const struct channel_kind *kind;
};

static inline struct channel *channel_open(const struct channel_kind *kind, const struct channel_conf *conf,
					   const struct channel_device *device)
{
	return kind->open(conf, device);
}

MUST_USE static inline enum err channel_ask(struct channel *c, const struct channel_ask *ask, channel_done *done, void *cookie)
{
	return c->kind->ask(c, ask, done, cookie);
}

/* Sets *c to NULL; NULL inside is welcome. */
static inline void channel_close(struct channel **c)
{
	if (*c)
		(*c)->kind->close(*c);
	*c = NULL;
}

#define CHANNEL(name) extern const struct channel_kind channel_##name;
#include "cli/channels.def"
#undef CHANNEL

/* NULL: no transport has that name. */
const struct channel_kind *channel_find(struct slice name);

/* All of them, ended by NULL. */
extern const struct channel_kind *const channel_kinds[];

#endif
