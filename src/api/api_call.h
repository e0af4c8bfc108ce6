/*
 * api_call.h: one call, seen from inside the api room.
 *
 * A handler is a chain of small functions: each asks the store (or a hub, or a device's registration) for
 * something and names the function that goes on. Whatever is pending is cancelled when the asker leaves. A call
 * ends with exactly one of the api_answer/api_refuse functions; after it the call must not be touched.
 */
#ifndef BERTH_API_API_CALL_H
#define BERTH_API_API_CALL_H

#include "api/api.h"

#define API_SEGMENTS_MAX   16
#define API_ANSWER_HEADERS 15

struct route;

/* A family of operations that share their way of saying no. */
struct surface {
	const char *name;           /* of the log event: "service-operation" */
	const struct route *routes; /* ended by a NULL pattern */
	size_t body_max;

	/* Find the tenant, check the credentials against route->rights, then call api_go_on(), or refuse. */
	void (*admit)(struct api_call *);

	/* Write the body and the headers of a refusal. `code` is 0 for {status}001; `word` and `sentence` as the
	 * surface wants them. */
	void (*refuse)(struct api_call *, int status, int code, const char *word, const char *sentence);
};

struct route {
	enum http_method method;
	const char *pattern;   /* words and stars between slashes; a star is any one segment, words compare without case */
	unsigned rights;       /* one of these is enough, or with RIGHT_ALL_OF none is missing; 0: the surface's admit decides alone */
	const char *operation; /* its name in logs: "Upsert" */
	void (*handle)(struct api_call *);
};

struct api_call {
	struct api *api;
	const struct api_conf *conf;
	struct arena *arena;
	const struct api_question *q;
	api_done *done;
	void *cookie;

	const struct surface *surface;
	const struct route *route;
	struct slice segment[API_SEGMENTS_MAX]; /* of the path, percent-decoded */
	size_t segments;
	struct log log;
	int64_t started_ms;

	/* Set by admit. */
	struct service *service; /* service API: the tenant */
	struct slice hub;        /* hub API: folded name */
	const char *who;         /* policy name or "administrator", for the log */
	const struct session_record *session; /* of the operator who asks; NULL: somebody else asks */

	/* The handler's own. */
	void *state;

	/* What is pending: cancelled when the asker leaves. */
	void (*end)(struct api_call *); /* ... and what else the handler has begun; NULL: nothing */
	void (*room)(struct api_call *); /* a piece that was left out may be tried again; NULL: nobody waits for that */
	struct store_ask *store_ask;
	struct hub_ask *hub_ask;
	struct provision_ask *provision_ask;
	struct link_ask *link_ask;
	struct password_ask *password_ask;
	void (*next_read)(struct api_call *, enum err);
	void (*next_write)(struct api_call *, enum err, size_t failed);

	/* The answer being made. */
	struct buf body;
	struct json_out out; /* writes into body */
	struct api_answer answer;
	size_t header_count;
	const char *refusal; /* the sentence, for the log */
	struct task finish;
	struct list link;
};

/* After admit: run the handler. */
void api_go_on(struct api_call *);

/* Ask the store, then go on with `next` (ERR_THROTTLED and worse arrive there too). */
void api_read(struct api_call *, struct store_want *, size_t count, void (*next)(struct api_call *, enum err));
/* ... into an arena of the handler's, which lives until then, or until its `end` has cancelled call->store_ask. */
void api_read_into(struct api_call *, struct arena *, struct store_want *, size_t count, void (*next)(struct api_call *, enum err));
void api_write(struct api_call *, const struct store_change *, size_t count, void (*next)(struct api_call *, enum err, size_t failed));

/* The value of a request header, absent when there is none. */
struct slice api_header(const struct api_call *, const char *name);

/* Decoded value of a query parameter; absent when there is none. */
struct slice api_param(const struct api_call *, const char *name);

/* `value` must live in the call's arena or for ever. At most API_ANSWER_HEADERS. */
void api_add_header(struct api_call *, const char *name, struct slice value);

/* End the call: with what was written through call->out, with text at hand, or with nothing. */
void api_answer_out(struct api_call *, int status);
void api_answer_text(struct api_call *, int status, struct slice json);
void api_answer_empty(struct api_call *, int status);

/* A piece of an answer, as api_part says. False also when the asker cannot take one. Once a piece was taken the call still ends with one of
 * the functions above, whose status and body nobody hears. */
bool api_answer_part(struct api_call *, const struct api_answer *head, struct slice bytes);

/* How many calls of this loop have begun what `end` ends. */
size_t api_count_begun(const struct api_call *, void (*end)(struct api_call *));

/* End the call with the surface's error. The sentence is for the one who asks: say what is wrong and what would be
 * right, never a secret. */
void api_refuse(struct api_call *, int status, int code, const char *word, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The store failed us: 429 when it is full, else 500; logged. */
void api_refuse_store(struct api_call *, enum err);

/* --- at.c --- */

/* A question /berth/at/{label}/{path} to the portal becomes the question {path} at {label}.{domain}; true then. What is no such
 * question, and what cannot be one, stays as it is. ERR_NO_MEMORY. */
MUST_USE enum err at_enter(struct api_call *, bool *entered);

/* --- access.c --- */

enum service_right {
	RIGHT_SERVICE_CONFIG = 1,
	RIGHT_ENROLLMENT_READ = 2,
	RIGHT_ENROLLMENT_WRITE = 4,
	RIGHT_REGISTRATION_READ = 8,
	RIGHT_REGISTRATION_WRITE = 16,
	RIGHT_DEVICE_CONNECT = 32,
};
enum hub_right {
	RIGHT_REGISTRY_READ = 64,
	RIGHT_REGISTRY_WRITE = 128,
	RIGHT_SERVICE_CONNECT = 256,
	RIGHT_HUB_DEVICE_CONNECT = 512,
};

/* Of operators alone: no policy grants these. */
enum operator_right {
	RIGHT_ANYBODY = 1024,        /* needs no credentials at all */
	RIGHT_OWN_SESSION = 2048,    /* to end it, to change one's own password */
	RIGHT_OPERATORS = 4096,      /* who may sign in */
	RIGHT_RESOURCE_READ = 8192,  /* services and hubs, without keys */
	RIGHT_RESOURCE_WRITE = 16384,
	RIGHT_RESOURCE_KEYS = 32768,
	RIGHT_HUB_READ = 65536, /* twins, queries and counts, without keys */
};

#define RIGHT_ALL_OF 131072u /* of a route: it needs all that stand beside this */

/* Whether these rights are enough for a route that needs those. */
bool rights_suffice(unsigned needed, unsigned has);

/* Names joined by comma and blank, in any case, into bits with what they include (service-api.md 3.2,
 * hub-api.md 3.2). Unknown names: ERR_INVALID. */
MUST_USE enum err rights_read(struct slice text, bool hub, unsigned *out);

/* Find the tenant of call->q->host and check the credentials: a SharedAccessSignature of one of its policies, the
 * administrator's bearer token, or the session of an operator whose role may. Ends in api_go_on or a refusal: 401, whose reason is
 * logged for the operator and not told; to an operator 403 with a sentence. */
void access_service(struct api_call *);
void access_hub(struct api_call *);

/* The administrator's bearer token, or the session of an operator whose role may. */
void access_operator(struct api_call *);

/* What a role may, as bits. */
unsigned role_rights(struct slice role);

/* The first label of `host` when the rest is our domain; absent otherwise. Folded. */
struct slice host_label(const struct api_call *, struct slice host);

/* The same of any domain, as it was spelled. */
struct slice label_below(struct slice domain, struct slice host);

/* The settings of an api, for files that see it from within. */
const struct api_conf *api_conf_of(const struct api *);

extern const struct surface surface_device, surface_service, surface_manage, surface_hub, surface_portal;

#endif
