/*
 * api.h: what can be asked of Berth, whatever the protocol.
 *
 * A protocol fills in a `struct api_call`, hands it over, and gets one answer. REST surfaces share it:
 * the device API (device-api.md 9), the service API (service-api.md 6), the management API (service-api.md 11), the
 * hosted hubs (hub-api.md 4) and our own additions under /berth/. MQTT and AMQP know only devices: their questions
 * go straight to provision.
 */
#ifndef BERTH_API_API_H
#define BERTH_API_API_H

#include "base/log.h"
#include "codec/http.h"
#include "hub/hub.h"
#include "io/geo.h"
#include "io/proxies.h"
#include "provision/provision.h"

#define API_BODY_MAX        (1024 * 1024) /* any request */
#define API_DEVICE_BODY_MAX 98304         /* device API: 96 KB, device-api.md 18 */
#define API_ARENA_MAX       (16 * 1024 * 1024)

/* What doors got, once they are open. */
struct api_ports {
	int https, mqtts, amqps;
};

struct passwords;
struct claims;

/* What the daemon wires together; read only, but for `admin_token`, replaced on reload. One per loop. */
struct api_conf {
	struct loop *loop;
	struct store *store;
	struct provision *provision;
	struct hubs *hubs;
	struct link *link;
	struct news *news;
	const char *domain;      /* "berth.test" */
	const char *admin_token; /* bearer token of the data folder's administrator */
	struct rate *operations; /* service API calls, by ID scope; all loops share it. NULL: no limit */
	struct passwords *passwords;   /* of operators; all loops share them */
	struct proxies *proxies;       /* who may say where a request came from; all loops share them. NULL: nobody */
	struct geo *geo;               /* where addresses are; likewise. NULL: nobody knows */
	struct claims *claims;         /* on the names of devices, by protocols that allow each one connection; all loops share them */
	const struct api_ports *ports; /* filled before the first question comes */
};

struct api;
struct api_call;

MUST_USE enum err api_new(const struct api_conf *, struct api **);
void api_free(struct api **);

struct api_answer {
	int status;
	struct slice body;        /* absent: none (204) */
	const char *content_type; /* NULL: application/json; charset=utf-8 */
	/* Headers, ended by an absent name. */
	struct api_header {
		const char *name;
		struct slice value;
	} headers[16];
};

/* `answer` lives only while done() runs. */
typedef void api_done(void *cookie, const struct api_answer *answer);

/* A piece of an answer whose length nobody knows: of events, or of very many rows. `head` comes with the first piece, and is NULL
 * afterwards. False: the asker takes no more for now, and the piece is left out; api_room follows when it does. The answer ends when the
 * asker cancels, or with the call. */
typedef bool api_part(void *cookie, const struct api_answer *head, struct slice bytes);

/* The asker fills this; everything is lent until done() or the cancel. */
struct api_question {
	const struct http_head *head; /* method, path, query, headers; still escaped */
	struct slice host;            /* without the port; from SNI when the head has none */
	struct slice body;
	const struct slice *chain; /* client certificates */
	size_t chain_count;
	const char *protocol; /* "https" */
	const char *peer;
	const char *request_id; /* a UUID */
	api_part *part;                /* NULL: the asker cannot take an answer in pieces */
	bool trusted;                  /* asked from within this process, by who needs no credentials */
};

/* done() runs once, later, from the loop. NULL: out of memory. */
struct api_call *api_ask(struct api *, const struct api_question *, api_done *, void *cookie);
void api_cancel(struct api_call **);

/* The asker of an answer in pieces takes more again. */
void api_room(struct api_call *);

/* Who may say where a request came from: io/proxies.h. */
struct proxies *api_proxies(const struct api *);

/* On the names of devices: io/claim.h. */
struct claims *api_claims(const struct api *);

/* What a device asks over a protocol that is not REST; provision.h has the promises, and provision_cancel. */
struct provision_ask *api_ask_device(struct api *, const struct device_question *, provision_done *, void *cookie);

/* Whether the portal is at that host: portal.{domain}, and every name that is not one label below our domain. */
bool api_host_is_portal(const struct api *, struct slice host);

/* The largest body that this request may have: known before it is read. */
size_t api_body_max(struct slice path);

/* The hosted hubs as a link of the same process sees them: fill `link_conf.local` with it. */
void api_local_hubs(struct api *, struct link_local *out);

#endif
