/*
 * registration.h: inside the room: one question of a device, and what it sets in motion.
 *
 * register.c is the way it goes, step by step; the others help it along. registration.c: birth, waiting, answering
 * and end. lookup.c: what the store knows. record.c: what the store is told. places.c: identities on hubs. status.c:
 * questions about how it went. answer.c: the JSON. attempt.c: why it was refused. resume.c: what an earlier run left.
 * revoked.c: certificates that were withdrawn, by lists.h; fetch_lists.c: the lists of them, from elsewhere. choose.c: the choice of
 * a hub; foretell.c: the same for a device that does not ask; consult.c: the webhook that makes it in a custom allocation, asked through webhook.h.
 */
#ifndef BERTH_PROVISION_REGISTRATION_H
#define BERTH_PROVISION_REGISTRATION_H

#include <stdatomic.h>

#include "allocate/custom.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "provision/foretell.h"
#include "provision/lists.h"
#include "provision/provision.h"

#define REGISTRATION_MAGIC   0x72656769u
#define ASK_MAGIC            0x61736b3fu
#define REGISTRATION_MEMORY  (8 << 20)   /* of one registration and all that it reads */
#define GROUPS_MEMORY        (16 << 20)  /* while the key groups of a service are tried */
#define QUESTION_MAX         (192 << 10) /* a copied question: body and token have lower limits of their own */
#define CLEAR_MS             10000       /* for the removal of what is left over, once the device is recorded */
#define SWEEP_CLEAR_MS       5000        /* ... long after that: a device that registers meanwhile has to wait */
#define LEFTOVERS_MAX        16          /* identities remembered for removal, of one device */
#define MOVES_KEPT           10          /* places that a record remembers */
#define ATTEMPTS_WAITING_MAX 1000        /* refusals on their way to the store; more are counted, not kept */
#define ATTEMPTS_IN_ALL      100000
#define ATTEMPTS_KEPT        10 /* per registration ID, when nothing else is said */
#define TRIM_EVERY_MS        60000
#define COUNTS_MAX           2048 /* combinations of labels */
#define SWEEP_EVERY_MS       15000
#define SWEEP_PAGE           64     /* unfinished registrations taken up at once */
#define UNCLAIMED_MS         600000 /* an interrupted registration waits that long for its device */
#define ANSWER_MAX           65536  /* device-api.md 5.7, rule 6 */

#define CODE_NO_HUB           400208 /* device-api.md 18 */
#define CODE_HUB_UNAUTHORIZED 400209
#define CODE_BAD_ARGUMENT     400004 /* service-api.md 4.7 */
#define CODE_UNAUTHORIZED     401002
#define CODE_DISABLED         401003 /* RULE: no code is known */
#define CODE_UNKNOWN          404001 /* from here on {status}001: RULE of device-api.md 18 */
#define CODE_NO_ENROLLMENT    404201
#define CODE_NO_RECORD        404202
#define CODE_CONCURRENT       409203
#define CODE_THROTTLED        429001
#define CODE_INTERNAL         500001
#define CODE_HUB_SILENT       503001 /* the hub could not be reached: 503 says that trying again may help */

/* --- the room --- */

struct counts {
	struct map *map; /* of struct counter */
	struct provision_latency latency[PROVISION_TIMES];
	size_t webhooks;     /* being asked */
	uint64_t rule_steps; /* taken in all */
};

struct attempts {
	struct list waiting;
	int count;
	uint64_t dropped;
};

/* Going through the records that say "unfinished", page by page. */
struct sweep {
	bool running, from_start; /* from_start: everything found was left by an earlier run */
	struct timer *timer;
	struct store_ask *ask;
	struct store_want want;
	struct arena *arena; /* of the page */
	char *scope, *id;    /* the last of the page before; id NULL: all of that scope is done */
	bool more;
	size_t active; /* registrations taken up and not ended */
};

struct list_fetcher;
struct webhook_ask;

struct provision {
	struct provision_conf conf;
	struct provision **all;
	size_t all_count, index;
	struct provision *alone[1];
	struct map *leaders; /* "scope/id" -> the registration that leads */
	struct list registrations, asks;
	size_t count;
	atomic_size_t running; /* of them, those that a drain waits for */
	struct counts counts;
	struct attempts attempts;
	struct sweep sweep;
	struct lists_cache *lists_cache;
	struct list_fetcher *list_fetcher; /* NULL: another loop fetches them */
	struct timer *trim_timer;
	struct store_ask *trim_ask;
};

/* A question on its way from the loop that asks to the loop of the device, and back. */
struct provision_ask {
	unsigned magic;
	struct provision *from, *home;
	struct list link; /* in from->asks */
	struct task trip;
	bool returning;
	provision_done *done; /* NULL: the client has left */
	void *cookie;
	struct arena *arena; /* of the question: the registration takes it over */
	struct device_question q;
	struct device_answer answer;
	struct buf body;
};

/* Send it home with its answer. */
void ask_return(struct provision_ask *);

/* --- a registration --- */

/* The way to the enrollment that vouches for a chain: lookup_signers.c. */
struct signers {
	enum { SIGNERS_MARKS, SIGNERS_REFERENCES, SIGNERS_HINTS } stage;
	size_t marks; /* wants of each kind that are being read */
	struct enrollment *groups;
	size_t group_count;
	struct ca_certificate *authorities;
	size_t authority_count;
	bool roots_read; /* of TPMs */
	const struct endorsement_root *roots;
	size_t root_count;
	bool authorities_read; /* those that an individual enrollment names */
};

/* A device's identity on a hub. */
struct place {
	struct slice hub, device;
};

/* What the asker is told. */
struct result {
	enum {
		SHAPE_REFUSAL,   /* device-api.md 5.5 */
		SHAPE_STARTED,   /* 5.3, the first example of 5.8 */
		SHAPE_OPERATION, /* 5.3 */
		SHAPE_RECORD,    /* 5.4 */
		SHAPE_JUDGEMENT, /* of a check: ours */
		SHAPE_WELCOME,   /* the credential is good */
		SHAPE_CHALLENGE, /* 14.3: not yet */
	} shape;
	const struct registration *judged; /* JUDGEMENT: whose verdict is told */
	int code;                          /* REFUSAL */
	const char *message;               /* REFUSAL, CHALLENGE */
	struct slice challenge;            /* CHALLENGE: base64 */
	int retry_after;                          /* seconds, of a 429 or 5xx; 0: RETRY_AFTER_SECONDS */
	const struct registration_record *record; /* the others */
	struct slice operation_id;
	struct slice group; /* name of the key group that serves the device; absent: none */
	bool x509;
	const struct certificate_info *leaf_info; /* as in struct verdict */
	struct slice signer;                      /* DER */
	const struct enrollment *tpm;             /* of a device with a TPM; NULL: it has none */
	struct slice storage_root_key, hub_key;   /* ... for which its hub key is wrapped, and that */
};

enum aim { AIM_ASSIGN, AIM_FAIL, AIM_BAR, AIM_CLEAR };

struct registration {
	unsigned magic;
	struct provision *p;
	struct list link; /* in p->registrations */
	struct arena *arena;
	int at; /* an enum step of register.c */

	/* Who asks, and what is owed. */
	struct device_question q;
	struct slice scope, id;    /* as the store spells them */
	struct slice key;          /* "scope/id" */
	struct provision_ask *ask; /* NULL: answered, or nobody has asked */
	bool taken_up;             /* an earlier run left it: nobody has asked */
	bool counted;              /* in p->running */
	bool late;                 /* the first answer is due, but nothing could be promised yet */
	int64_t asked_ms;
	struct timer *first_answer;
	struct result result;

	/* A device registers once at a time: one leads, those who come meanwhile follow. */
	bool leads;
	struct registration *leader;
	struct list followers, follow;

	/* What it waits for. */
	struct store_ask *read_ask, *write_ask;
	struct link_ask *link_ask;
	struct webhook_ask *webhook;
	int64_t webhook_ms;        /* when it was asked */
	bool replied;              /* a reply lies here for the step that asked */
	struct link_answer told;   /* ... the hub's */
	struct custom_reply heard; /* ... the webhook's */
	struct registration_record *writing;

	/* What is known. */
	struct store_want *wants; /* being read, in the arena */
	const struct service *service;
	const struct enrollment *enrollment;
	bool by_group;
	struct geo_place where; /* the device is, once a policy has asked for it */
	bool uses_challenge; /* of its TPM: the next record that is written says so */
	const struct registration_record *record; /* as it is on disk; NULL: none */
	const struct linked_hub *hubs;
	size_t hub_count;
	struct arena *groups_arena; /* while groups are tried */
	bool groups_tried;          /* the remembered one did not fit: all are to be tried */
	struct chain *chain;        /* what the device presented in the handshake; NULL: nothing */
	struct signers signers;     /* ... and who may have signed it */
	struct {
		const struct revocation_list *lists; /* what is known of them; NULL: not read yet */
		size_t count;
		struct arena *arena; /* of what they list, while that is read */
	} revoked;
	const struct presented *presented_before; /* by this device, when it was assigned last; NULL: nothing */
	struct verdict verdict;                   /* and, once refused or failed, the reason */
	struct explanation explanation;

	/* What is decided. */
	enum aim aim;
	struct choice choice;
	struct slice device_payload;      /* what the webhook is told that the device said; absent: nothing */
	struct slice given_twin, payload; /* what the webhook gave: in place of the enrollment's twin, and for the device */
	const struct linked_hub *hub;
	struct place target;
	bool moves, migrate; /* migrate: the twin below is that of the former hub */
	struct slice tags, desired, reported;
	struct slice substatus;
	const char *why; /* this hub, for the operator */
	struct slice operation_id, former_operation;
	struct slices suspects; /* places beside assigned and target where an identity of ours may lie */
	struct place made;      /* created by us, and named by no record yet */
	bool recording;         /* the result is being written */
	bool settled;           /* it is on disk: the answer is known */
	int restarts;

	/* Clearing up. */
	bool clearing;
	size_t cleared;     /* how many of `suspects` have been looked at */
	struct slices kept; /* those that stay */
	int64_t clear_until;
};

/* --- registration.c --- */

/* A question has arrived on the loop of its device. */
void registration_begin(struct provision *, struct provision_ask *);
/* Take up what is recorded as unfinished. */
MUST_USE enum err registration_take_up(struct provision *, struct slice scope, struct slice id);
/* Drops what it waits for, and frees it; nobody is told. */
void registration_free(struct registration *);
/* The asker is told the result, the followers hear the same, and all is freed. */
void registration_end(struct registration *);
/* The asker is told; the registration may go on. Nobody there is fine. */
void registration_tell(struct registration *, const struct result *);
/* Tell those for whom the first answer is due, as soon as anything may be said. */
void registration_promise(struct registration *leader);
/* Be the one that registers this device. False: refused. */
bool registration_lead(struct registration *);
/* Wait for what another one finds out. False: it is known already, and is the result. */
bool registration_follow(struct registration *, struct registration *leader);

/* Wait for the reply: true. False: it could not start, and the registration is refused. */
bool registration_read(struct registration *, struct arena *, size_t wants);
bool registration_write(struct registration *, struct registration_record *);
bool registration_await_link(struct registration *); /* after link_ask was set */
/* The reply is here: take it. */
bool registration_replied(struct registration *);
/* The callback of every question to a hub. */
void registration_hub_told(void *cookie, const struct link_answer *);

/* Refuse: the result, the log and the attempt. */
void registration_refuse(struct registration *, const struct verdict *);
/* For so many milliseconds: more was asked than the setting `check` lets in. */
void registration_throttle(struct registration *, int wait_ms, const char *check, const char *message, const char *sentence);
void registration_refuse_store(struct registration *, enum err);
/* Ask for another round; nothing is noted. `challenge` is base64. */
void registration_challenge(struct registration *, struct slice challenge);
/* It will be recorded as failed, for this reason. */
void registration_fail(struct registration *, const struct verdict *);

/* What the record that was just written, or read, says to the device. */
struct result registration_result(const struct registration *);
void registration_log_assigned(const struct registration *, const char *why);

int registration_left_ms(const struct registration *); /* until the deadline; at least 1 */
instant registration_now(const struct registration *);

/* --- register.c --- */

/* Go on from where it is. */
void registration_run(struct registration *);
/* Go to the end; go back to the start. */
void registration_conclude(struct registration *);
void registration_again(struct registration *);

/* --- lookup.c --- */

/* The form of the question: false when it is refused. */
bool lookup_examine(struct registration *);
/* The scope as the store spells it: "0ne" and upper-case digits (device-api.md 4). */
struct slice scope_key(struct arena *, struct slice scope);
bool lookup_gather(struct registration *);
bool lookup_gathered(struct registration *);
bool lookup_groups(struct registration *);
enum lookup { LOOKUP_FOUND, LOOKUP_REFUSED, LOOKUP_GO_ON };
enum lookup lookup_match(struct registration *);
struct evidence lookup_evidence(const struct registration *);
const struct linked_hub *lookup_hub(const struct registration *, struct slice name);

/* --- lookup_signers.c --- */

/* Whether it is by its certificates that a device without an enrollment of its own is recognised. */
bool signers_decide(const struct registration *);
/* The individual enrollment relies on CA certificates: whether they are still to be read, reading them, and taking them. */
/* Whether its enrollment is judged by what manufacturers of TPMs say, which must be read first. */
bool signers_wants_roots(const struct registration *);
bool signers_read_roots(struct registration *);
enum lookup signers_take_roots(struct registration *);
bool signers_wants_authorities(const struct registration *);
bool signers_read_authorities(struct registration *);
bool signers_take_authorities(struct registration *);
/* Those who have certificates of the chain's issuers, step by step, until one vouches for the device or nobody does. */
bool signers_read(struct registration *);
enum lookup signers_match(struct registration *);

/* --- revoked.c --- */

/* Whether the enrollment that vouched for the device may have revocation lists. */
bool revoked_applies(const struct registration *);
/* Read what is known of its lists, then what they list unless that is at hand: until the verdict is final. LOOKUP_FOUND: nothing was
 * revoked. */
bool revoked_read(struct registration *);
enum lookup revoked_judge(struct registration *);
/* Of certificates of TPMs, which are judged with all else (attest.h): what is known of their lists is here. Whether what they list
 * must be read, reading it, and taking it; false: refused. */
bool revoked_wants_bodies(const struct registration *);
bool revoked_read_bodies(struct registration *);
bool revoked_take_bodies(struct registration *);
/* What they list; NULL: nothing is at hand. */
const struct revocations *revoked_at_hand(const struct registration *);

/* --- fetch_lists.c --- */

/* NULL: out of memory. */
struct list_fetcher *list_fetcher_new(struct loop *, struct store *, struct fetcher *);
void list_fetcher_free(struct list_fetcher **);

/* --- choose.c --- */

/* What the device sent along; absent: nothing. */
struct slice choose_payload(const struct registration *);
/* What a policy is to know of a device, but for what only the device can say; the record may be NULL. Whoever registers and whoever is
 * foretold (foretell.h, whose columns are to have what this reads) is judged by this one. */
struct allocation choose_allocation(const struct placing *, const struct enrollment *, const struct registration_record *);
/* Whether it stays where it is, whatever a policy would say: service-api.md 9.1, "never". */
bool choose_stays(const struct enrollment *, const struct registration_record *);
/* From where it asks, or did when its registration began, without a port; absent: nobody knows. */
struct slice choose_address(const struct registration *);
/* What every policy is to know. */
struct allocation choose_question(const struct registration *);
/* The policy's choice, or that it is made elsewhere. False: refused. */
bool choose_hub(struct registration *);
/* The policy has chosen no hub: it will be recorded as failed. */
void choose_none(struct registration *);
/* A custom choice was made, or was not: CUSTOM_CHOSEN ... CUSTOM_BAD. */
void choose_count(struct registration *, const char *by, const char *how);
/* It names r->choice.hub: count it, and take what it gives beside the hub. */
void choose_take(struct registration *, const struct custom_choice *, const char *who);

/* --- consult.c --- */

/* Ask the webhook which of the candidates of `choice` it shall be. False: it could not start, and the registration is refused. */
bool consult_webhook(struct registration *);
/* It stays silent, if it is being asked. */
void consult_cancel(struct registration *);
/* Its reply is here. LOOKUP_FOUND: the choice is made. LOOKUP_GO_ON: it will be recorded as failed. LOOKUP_REFUSED: refused. */
enum lookup consult_judge(struct registration *);

/* --- record.c --- */

/* Write what is about to happen, or what came of it. */
bool record_intend(struct registration *);
bool record_result(struct registration *);
bool record_cleared(struct registration *);
/* Whether the record on disk says already what record_intend would write. */
bool record_intends(const struct registration *);
/* Whether it allows the answer "assigning". */
bool record_promises(const struct registration *);
bool record_has_status(const struct registration_record *, const char *status);
/* Where the device is; hub absent: nowhere. */
struct place record_place(const struct registration_record *);
/* Whether it was left unfinished long ago. */
bool record_abandoned(const struct registration *);
/* What is remembered of the certificate that the device presents now; NULL: there is none, or no memory for it. */
struct presented *record_presented(struct registration *);

/* --- places.c --- */

bool place_same(struct place, struct place);
struct place place_read(struct slice text); /* "hub/device" */
bool places_have(const struct slices *, struct place);
/* The list with it, or without; out of memory shows in the arena. */
struct slices places_with(struct arena *, struct slices, struct place);
struct slices places_without(struct arena *, struct slices, struct place);

/* --- status.c --- */

/* The result of a question about the status. */
void status_report(struct registration *);

/* --- answer.c --- */

/* HTTP status, code and body; the arena is for what must be worked out. False: out of memory. */
bool answer_write(const struct result *, const char *request_id, instant now, struct arena *, struct device_answer *, struct buf *body);

/* --- attempt.c --- */

/* Log the reason, and keep it with the registration ID. */
void attempt_note(struct registration *);
/* Whether the verdict is nothing to tell of yet: a device that connects will hear it when it registers. */
bool attempt_waits(const struct registration *);
void attempts_free(struct provision *);
void attempts_trim(void *provision);

/* --- resume.c --- */

/* Make the evidence that the device would present. False: only the device can. */
bool resume_vouch(struct registration *);
/* The device has not come back for too long: refused, true. */
bool resume_gives_up(struct registration *);
void resume_ended(struct provision *); /* one that was taken up has ended */
void resume_arm(struct provision *);
void resume_free(struct provision *);

/* --- count.c --- */

/* One more with these labels, which are copied. */
void count_one(struct provision *, const struct provision_count *labels);
void count_latency(struct provision *, enum provision_time, int64_t ms);
void counts_free(struct provision *);

#endif
