/*
 * api.c: one request through the api. The first byte says what the store has: bit 0 the device and its enrollment, bit 1 a CA certificate
 * and a group that refers to it, bit 3 operators who are readers, not administrators; with bit 2 the client has shown a certificate. The
 * rest is a head and the body behind it.
 *
 * Services, hubs, policies, operators and sessions of any name are there, so that a request gets past the door with a token, with
 * a cookie, or with the administrator's word "Bearer fuzz". Whatever is asked, there is one answer, its headers are single
 * lines, and its body is JSON.
 */
#include "api/passwords.h"
#include "api/api.h"
#include "authority.h"
#include "crypto/certificate.h"
#include "fuzz.h"
#include "hub/twin.h"

#define START ((instant)1790000000 * INSTANT_SECOND)
#define KEY   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define GONE  (24 * 3600 * 1000) /* ms */

/* --- a store that has what it is asked for (ld --wrap) --- */

struct store_ask {
	struct task task;
	struct arena *arena;
	struct store_want *wants;
	size_t count;
	store_done *done;
	store_changed *changed;
	void *cookie;
};

static struct loop *the_loop;
static bool has_device, has_authority, has_readers;

struct store_ask *__wrap_store_read(struct store *, struct loop *, struct arena *, struct store_want *, size_t, store_done *, void *);
struct store_ask *__wrap_store_write(struct store *, struct loop *, struct arena *, const struct store_change *, size_t, store_changed *,
				     void *);
struct store_ask *__wrap_store_trim_attempts(struct store *, struct loop *, struct arena *, int, int, store_changed *, void *);
void __wrap_store_cancel(struct store_ask **);

static struct slice or_else(struct slice given, const char *other)
{
	return given.n ? given : slice_str(other);
}

static void tenant(const struct noun *noun, const void *like, void *record)
{
	struct service *service = record;
	struct hub *hub = record;
	struct policy *policy = record;

	if (noun == &noun_service) {
		service->scope = or_else(((const struct service *)like)->scope, "0ne00AB12CD");
		service->name = service->name_folded = or_else(((const struct service *)like)->name_folded, "plant");
		service->subscription = SLICE("s");
		service->resource_group = SLICE("g");
		service->allocation_policy = SLICE("Hashed");
		service->etag = SLICE("MTAw");
	} else if (noun == &noun_hub) {
		hub->name = hub->name_folded = or_else(((const struct hub *)like)->name_folded, "hub1");
		hub->subscription = SLICE("s");
		hub->resource_group = SLICE("g");
		hub->etag = SLICE("MTAw");
	} else {
		policy->owner = ((const struct policy *)like)->owner;
		policy->id = policy->name = or_else(((const struct policy *)like)->id, "owner");
		policy->primary_key = policy->secondary_key = SLICE(KEY);
		policy->rights = SLICE("EnrollmentWrite");
	}
}

static void operators(const struct noun *noun, const void *like, void *record)
{
	struct operator_record *operator= record;
	struct session_record *session = record;
	struct slice role = slice_str(operator_roles[has_readers]);

	if (noun == &noun_operator) {
		operator->id = operator->name = or_else(((const struct operator_record *)like)->id, "ada");
		operator->role = role;
		operator->password_hash = SLICE("hash");
		operator->etag = SLICE("MTAw");
		return;
	}
	session->operator_id = session->name = SLICE("ada");
	session->id = or_else(((const struct session_record *)like)->id, "5e55");
	session->role = role;
	session->created = session->used = START;
}

static void enrolled(const struct noun *noun, const void *like, void *record)
{
	struct enrollment *e = record;
	struct device *d = record;

	if (noun == &noun_individual) {
		e->scope = ((const struct enrollment *)like)->scope;
		e->id = e->name = or_else(((const struct enrollment *)like)->id, "dev-1");
		e->attestation = SLICE("symmetricKey");
		e->primary_key = e->secondary_key = SLICE(KEY);
		e->etag = SLICE("MTAw");
		return;
	}
	d->hub = ((const struct device *)like)->hub;
	d->device_id = or_else(((const struct device *)like)->device_id, "pump-17");
	d->etag = SLICE("MTAw");
	twin_start(d);
}

static struct slice certificate(const char *text, struct arena *a)
{
	struct slice der = NO_SLICE;
	const char *why;

	(void)!certificate_read(slice_str(text), a, &der, &why);
	return der;
}

static void vouched(const struct noun *noun, const void *like, void *record, struct arena *a)
{
	struct enrollment *group = record;
	struct ca_certificate *ca = record;

	if (noun == &noun_group) {
		group->scope = ((const struct enrollment *)like)->scope;
		group->id = group->name = or_else(((const struct enrollment *)like)->id, "presses");
		group->attestation = SLICE("x509");
		group->ca_primary = group->ca_primary_id = SLICE("ca1");
		group->etag = SLICE("MTAw");
		return;
	}
	ca->scope = ((const struct ca_certificate *)like)->scope;
	ca->id = ca->name = or_else(((const struct ca_certificate *)like)->id, "ca1");
	ca->certificate = certificate(AUTHORITY, a);
	ca->verified = FLAG_YES;
	ca->code = SLICE(CODE);
	ca->etag = SLICE("MTAw");
}

static void fill(struct store_want *w, struct arena *a)
{
	bool always = w->noun == &noun_service || w->noun == &noun_hub || w->noun == &noun_policy;
	bool people = w->noun == &noun_operator || w->noun == &noun_session;
	bool sometimes = has_device && (w->noun == &noun_individual || w->noun == &noun_device);
	bool vouches = has_authority && (w->noun == &noun_group || w->noun == &noun_ca_certificate);

	w->count = 0;
	w->records = NULL;
	w->more = false;
	if (w->where || !slice_absent(w->after) || !(always || people || sometimes || vouches) ||
	    (w->records = noun_new(w->noun, a)) == NULL)
		return;
	w->count = 1;
	if (vouches)
		vouched(w->noun, w->like, w->records, a);
	else
		(always ? tenant : people ? operators : enrolled)(w->noun, w->like, w->records);
}

static void land(struct task *task)
{
	struct store_ask ask = *LIST_ITEM(task, struct store_ask, task);

	free(LIST_ITEM(task, struct store_ask, task));
	for (size_t i = 0; i < ask.count; i++)
		fill(&ask.wants[i], ask.arena);
	if (ask.done)
		ask.done(ask.cookie, OK);
	else if (ask.changed)
		ask.changed(ask.cookie, OK, 0);
}

static struct store_ask *begin(struct store_ask ask)
{
	struct store_ask *kept = malloc(sizeof(*kept));

	need(kept != NULL);
	*kept = ask;
	kept->task = (struct task){.run = land};
	loop_post(the_loop, &kept->task);
	return kept;
}

struct store_ask *__wrap_store_read(struct store *store, struct loop *loop, struct arena *a, struct store_want *wants, size_t count,
				    store_done *done, void *cookie)
{
	need(store == NULL && loop == the_loop);
	return begin((struct store_ask){.arena = a, .wants = wants, .count = count, .done = done, .cookie = cookie});
}

struct store_ask *__wrap_store_write(struct store *store, struct loop *loop, struct arena *a, const struct store_change *changes,
				     size_t count, store_changed *done, void *cookie)
{
	need(store == NULL && loop == the_loop && (count == 0 || changes != NULL));
	return begin((struct store_ask){.arena = a, .changed = done, .cookie = cookie});
}

struct store_ask *__wrap_store_trim_attempts(struct store *store, struct loop *loop, struct arena *a, int per_id, int in_all,
					     store_changed *done, void *cookie)
{
	need(store == NULL && loop == the_loop && per_id >= 0 && in_all >= 0);
	return begin((struct store_ask){.arena = a, .changed = done, .cookie = cookie});
}

void __wrap_store_cancel(struct store_ask **ask)
{
	if (*ask) {
		loop_unpost(the_loop, &(*ask)->task);
		free(*ask);
	}
	*ask = NULL;
}

/* --- passwords that cost nothing: the right one is "right", and the third try is one too many --- */

struct password_ask {
	struct task task;
	bool right, judges;
	password_done *done;
	void *cookie;
};

static int tries;

int __wrap_passwords_try(struct passwords *, struct slice, const char *, int64_t);
void __wrap_passwords_was_right(struct passwords *, struct slice, const char *);
enum err __wrap_password_judge(struct passwords *, struct loop *, struct slice, struct slice, password_done *, void *,
			       struct password_ask **);
enum err __wrap_password_keep(struct passwords *, struct loop *, struct slice, password_done *, void *, struct password_ask **);
void __wrap_password_cancel(struct password_ask **);

int __wrap_passwords_try(struct passwords *p, struct slice name, const char *peer, int64_t now_ms)
{
	(void)p, (void)name, (void)now_ms;
	need(peer != NULL);
	return ++tries > 2 ? 12000 : 0;
}

void __wrap_passwords_was_right(struct passwords *p, struct slice name, const char *peer)
{
	(void)p, (void)name, (void)peer;
	tries--;
}

static void judged(struct task *task)
{
	struct password_ask ask = *LIST_ITEM(task, struct password_ask, task);

	free(LIST_ITEM(task, struct password_ask, task));
	ask.done(ask.cookie, ask.right || !ask.judges ? OK : ERR_UNAUTHORIZED, ask.judges ? NO_SLICE : SLICE("hash"));
}

static enum err begin_password(struct password_ask ask, struct password_ask **out)
{
	need((*out = malloc(sizeof(**out))) != NULL);
	**out = ask;
	(*out)->task = (struct task){.run = judged};
	loop_post(the_loop, &(*out)->task);
	return OK;
}

enum err __wrap_password_judge(struct passwords *p, struct loop *loop, struct slice password, struct slice hash, password_done *done,
			       void *cookie, struct password_ask **out)
{
	need(p == NULL && loop == the_loop);
	return begin_password(
		(struct password_ask){
			.right = slice_eq(password, SLICE("right")) && !slice_absent(hash), .judges = true, .done = done, .cookie = cookie},
		out);
}

enum err __wrap_password_keep(struct passwords *p, struct loop *loop, struct slice password, password_done *done, void *cookie,
			      struct password_ask **out)
{
	need(p == NULL && loop == the_loop && password_is_good(password));
	return begin_password((struct password_ask){.done = done, .cookie = cookie}, out);
}

void __wrap_password_cancel(struct password_ask **ask)
{
	if (*ask) {
		loop_unpost(the_loop, &(*ask)->task);
		free(*ask);
	}
	*ask = NULL;
}

/* --- the house, without sockets --- */

struct house {
	struct provision *provision;
	struct hubs *hubs;
	struct link *link;
	struct api *api;
	bool answered;
};

/* No hub can be reached. */
static void *nobody(void *cookie, const struct link_local_ask *ask, fetch_done *done, void *done_cookie, bool *mine)
{
	(void)cookie, (void)ask, (void)done, (void)done_cookie;
	*mine = true;
	return NULL;
}

static void nothing(void *cookie, void *ask)
{
	(void)cookie, (void)ask;
}

static const struct link_local local = {nobody, nothing, NULL};

static void house_open(struct house *h)
{
	struct api_conf conf = {.domain = "berth.test", .admin_token = "fuzz"};

	*h = (struct house){0};
	need(loop_new_manual(START, &the_loop) == OK);
	need(link_new(&(struct link_conf){.loop = the_loop, .local = &local}, &h->link) == OK);
	need(provision_new(&(struct provision_conf){.loop = the_loop, .link = h->link, .max_attempts_kept = 10}, &h->provision) == OK);
	provision_join(&h->provision, 1);
	need(hubs_new(the_loop, NULL, &h->hubs) == OK);
	conf.loop = the_loop;
	conf.provision = h->provision;
	conf.hubs = h->hubs;
	conf.link = h->link;
	need(api_new(&conf, &h->api) == OK);
}

static void house_close(struct house *h)
{
	api_free(&h->api);
	provision_free(&h->provision);
	hubs_free(&h->hubs);
	link_free(&h->link);
	loop_settle(the_loop);
	loop_free(&the_loop);
}

static void one_line(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		need((unsigned char)value.p[i] >= ' ' && value.p[i] != 0x7f);
}

static void answered(void *cookie, const struct api_answer *a)
{
	struct house *h = cookie;
	json_t *json;

	need(!h->answered);
	h->answered = true;
	need(a->status >= 200 && a->status <= 599);
	for (size_t i = 0; i < sizeof(a->headers) / sizeof(a->headers[0]) && a->headers[i].name; i++)
		one_line(a->headers[i].value);
	if (slice_absent(a->body) || a->content_type)
		return;
	need((json = json_loadb(a->body.p, a->body.n, JSON_DECODE_ANY, NULL)) != NULL);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_over(data + 1, size ? size - 1 : 0), host;
	struct slice chain[2];
	struct http_head head;
	struct arena *a;
	struct house h;
	const char *why;
	size_t used;

	if (size < 1 || http_read_head(in, &head, &used, &why) != OK)
		return 0;
	has_device = data[0] & 1;
	has_authority = data[0] & 2;
	has_readers = data[0] >> 3 & 1;
	tries = 0;
	need((a = arena_new(65536)) != NULL);
	chain[0] = certificate(LEAF, a);
	chain[1] = certificate(LINE, a);
	log_set_level(LOG_ERROR + 1);
	host = head.authority;
	if (slice_find(host, ':') >= 0)
		host = slice_to(host, (size_t)slice_find(host, ':'));
	house_open(&h);
	const struct api_question q = {
		.head = &head,
		.host = host,
		.body = slice_from(in, used),
		.chain = chain,
		.chain_count = data[0] & 4 ? 2 : 0,
		.protocol = "https",
		.peer = "192.0.2.7:5123",
		.request_id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
	};
	need(api_ask(h.api, &q, answered, &h) != NULL && !h.answered);
	loop_settle(the_loop);
	if (!h.answered)
		loop_advance(the_loop, GONE);
	need(h.answered);
	house_close(&h);
	arena_free(&a);
	return 0;
}
