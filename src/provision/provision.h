/*
 * provision.h: a device asks, and is told its place.
 *
 * Each loop has one `struct provision`. A registration lives on the loop that its registration ID
 * hashes to, whichever connection asked: so two registers of one device at the same time meet and
 * become one operation (device-api.md 16.2), without a lock. The others' questions travel there and
 * back as tasks. A question that waits is found again by its id; a client that left is not found.
 *
 * Order of a registration that changes something (promise 2): the intent is recorded, the hub is told,
 * the assignment is recorded, the former hub is cleared. After a crash provision_resume takes up what
 * was recorded and not finished.
 */
#ifndef BERTH_PROVISION_PROVISION_H
#define BERTH_PROVISION_PROVISION_H

#include "attest/attest.h"
#include "io/geo.h"
#include "link/link.h"
#include "provision/news.h"
#include "store/store.h"

#define REGISTRATION_FIRST_ANSWER_MS 2000  /* promise 3: then the answer is "assigning" */
#define REGISTRATION_DEADLINE_MS     45000 /* device-api.md 16.1 */
#define REGISTRATIONS_MAX            50000 /* under way on one loop; more are throttled */
#define RETRY_AFTER_SECONDS          3     /* device-api.md 16.1 */

struct provision;
struct provision_ask;
struct lists_cache;

enum device_op {
	DEVICE_REGISTER,
	DEVICE_OPERATION_STATUS,
	DEVICE_REGISTRATION_STATUS,
	/* Is the credential good? What a protocol with a login asks before it lets a device in: 401 says no. Whatever else
	 * speaks against the device is left for its register to hear (device-api.md 10.1), and is neither noted nor counted here. */
	DEVICE_CONNECT,
	DEVICE_CHECK, /* the operator's: how would this be judged? Nothing is written, counted or noted; the answer is a judgement */
};

/* What a device asks, whatever the protocol. Everything is copied. */
struct device_question {
	enum device_op op;
	struct slice scope, registration_id; /* decoded */
	struct slice operation_id;           /* OPERATION_STATUS */
	struct slice token;                  /* absent: none */
	const struct slice *chain;           /* client certificates, DER, leaf first */
	size_t chain_count;
	struct slice endorsement_key, storage_root_key; /* of its TPM, base64, from a login; absent: they may stand in the body */
	struct slice body;      /* DeviceRegistration, device-api.md 5.2; empty equals {} */
	const char *protocol;   /* "https" */
	const char *peer;       /* address of the asker */
	const char *request_id; /* the tracking ID of a refusal */
};

/* The numbers are those of HTTP, which MQTT and AMQP use too (device-api.md 18). */
struct device_answer {
	int status;        /* 200: finished; 202: still assigning; 4xx, 5xx: refused */
	int error_code;    /* of a refusal; 0 */
	struct slice body; /* JSON, always: 5.3, 5.4, 5.5, or with a 401 the challenge of 14.3 */
	int retry_after;   /* seconds; 0: none */
};

/* `answer` lives only while done() runs. */
typedef void provision_done(void *cookie, const struct device_answer *answer);

#define POLLS_WINDOW_MS 10000 /* in which so many polls of a device are let in: device-api.md 18 */

struct provision_conf {
	struct loop *loop;
	struct store *store;
	struct link *link;
	struct fetcher *fetcher;  /* brings revocation lists; one loop is enough. NULL: this loop fetches none */
	struct fetcher *webhooks; /* asks those of custom allocations */
	struct news *news;        /* hears what happens; NULL: nobody does */
	struct rate *registers;   /* by ID scope; all loops share it. NULL: no limit */
	struct rate *polls;       /* by ID scope and device; likewise */
	struct geo *geo;          /* where addresses are; all loops share it. NULL: nobody knows */
	int max_attempts_kept;    /* per registration ID */
	struct slice secret;       /* ATTEST_SECRET_SIZE bytes, the same for all servers of a store; lent */
};

MUST_USE enum err provision_new(const struct provision_conf *, struct provision **);
void provision_free(struct provision **);

/* Drop what is under way, when its loop stands still. Rooms that know each other drop all before the first is freed, for a device is
 * often asked about from a loop that is not its own. */
void provision_halt(struct provision *);

/* To each of the hubs, as this loop's links have measured them: microseconds, 0 where none was. NULL: no memory; then they are as if never
 * measured. */
const int64_t *provision_round_trips(const struct provision *, const struct linked_hub *hubs, size_t count, struct arena *);

/* The revocation lists that this loop keeps decoded (provision/lists.h). */
struct lists_cache *provision_lists(struct provision *);

/* Make them know each other: call once, before the loops run. Ownership stays with the caller. */
void provision_join(struct provision **all, size_t count);

/* Ask on the loop of `p`; done() runs there. NULL: out of memory. */
struct provision_ask *provision_ask(struct provision *p, const struct device_question *, provision_done *, void *cookie);

/* The client has left: done() stays silent, the registration goes on. NULL inside is welcome. */
void provision_cancel(struct provision_ask **);

/* Take up what an earlier run has left unfinished (those that hash to this loop); goes on in the background. */
void provision_resume(struct provision *);

/* How many registrations are under way: a drain waits until it is 0. */
size_t provision_running(const struct provision *);

/* --- what it has seen, for /metrics: counters per service, added up by the reader --- */

#define LATENCY_BUCKETS 14
extern const double latency_bounds[LATENCY_BUCKETS]; /* seconds, the last is infinity */

struct provision_count {      /* one combination of labels; NULL: it has no such label */
	struct slice service; /* its name, "" when the scope is nobody's */
	const char *what;     /* "registration", "attestation", "assignment", "custom allocation" */
	const char *status;   /* "assigned", "failed", "401002", ...; how a custom allocation went: CUSTOM_ below */
	const char *protocol;
	const char *hub;
	const char *by; /* who chose in a custom allocation: "webhook", "rule" */
	uint64_t n;
};

#define CUSTOM_CHOSEN    "chosen"
#define CUSTOM_DECLINED  "declined"   /* the rule says that there is no hub for the device */
#define CUSTOM_FAULT     "fault"      /* the rule went wrong, or named no hub of ours */
#define CUSTOM_NO_ANSWER "no answer"  /* of the webhook: unreachable, or too late */
#define CUSTOM_BAD       "bad answer" /* ... one that is not 200, or that cannot be used */

/* Start with *at = 0; false at the end. */
bool provision_each_count(const struct provision *, size_t *at, struct provision_count *out);

enum provision_time { TIME_REGISTER, TIME_WEBHOOK, PROVISION_TIMES }; /* each from question to answer */

struct provision_latency {
	uint64_t bucket[LATENCY_BUCKETS];
	double sum;
	uint64_t n;
};
void provision_latency(const struct provision *, enum provision_time, struct provision_latency *out);

/* Webhooks that are being asked. */
size_t provision_webhooks_running(const struct provision *);

/* Instructions that rules have taken. */
uint64_t provision_rule_steps(const struct provision *);

#endif
