/*
 * scene.c: the stage, and how it is played on.
 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/token.h"
#include "scenario/lint.h"
#include "scenario/scene.h"

#define HEARD_MAX 512

/* The store's functions as the room calls them pass through here (ld --wrap). */
static struct scene *scene_now;

/* --- crashing --- */

/* Something was remembered. False: the world ends here, before anybody hears of it. */
static bool witness(void *cookie)
{
	struct scene *s = cookie;

	s->events++;
	if (s->crash_at > 0 && s->events >= s->crash_at)
		s->crashed = true;
	return !s->crashed;
}

/* A store write whose done() the scene looks at before the room does, and may keep to itself. */
struct watched {
	struct store_ask *ask;
	struct task late;
	enum err e;
	store_changed *done;
	void *cookie;
	bool dropped, landed;
};

struct store_ask *__real_store_write(struct store *, struct loop *, struct arena *, const struct store_change *, size_t, store_changed *,
				     void *);
struct store_ask *__wrap_store_write(struct store *, struct loop *, struct arena *, const struct store_change *, size_t, store_changed *,
				     void *);
void __real_store_cancel(struct store_ask **);
void __wrap_store_cancel(struct store_ask **);

#define WATCHED_MAX 4096
static struct watched *watched[WATCHED_MAX];

static bool is_watched(const void *ask)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (watched[i] == ask)
			return ask != NULL;
	return false;
}

static void unwatch(struct watched *w)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (watched[i] == w)
			watched[i] = NULL;
	free(w);
}

static void watched_end(struct watched *w, enum err e, size_t failed)
{
	store_changed *done = w->done;
	void *cookie = w->cookie;
	bool tell = !w->dropped && (e != OK || witness(scene_now));

	w->landed = true;
	if (!tell && !w->dropped)
		return; /* the crash: whoever waits is thrown away, and cancels */
	unwatch(w);
	if (tell)
		done(cookie, e, failed);
}

static void write_landed(void *cookie, enum err e, size_t failed)
{
	watched_end(cookie, e, failed);
}

static void write_fails(struct task *task)
{
	struct watched *w = LIST_ITEM(task, struct watched, late);

	watched_end(w, w->e, 0);
}

struct store_ask *__wrap_store_write(struct store *store, struct loop *loop, struct arena *arena, const struct store_change *changes,
				     size_t count, store_changed *done, void *cookie)
{
	struct scene *s = scene_now;
	struct watched *w;
	size_t i = 0;

	/* Only what is written of registrations counts; the scene's own writes do not. */
	if (changes[0].noun != &noun_registration || done == NULL || cookie == s)
		return __real_store_write(store, loop, arena, changes, count, done, cookie);
	while (watched[i])
		i++;
	w = watched[i] = calloc(1, sizeof(*w));
	w->done = done;
	w->cookie = cookie;
	if (s->crashed)
		return (struct store_ask *)w;
	if (s->spare_writes > 0) {
		s->spare_writes--;
	} else if (s->fail_writes > 0) {
		s->fail_writes--;
		w->e = ERR_IO;
		w->late.run = write_fails;
		loop_post(loop, &w->late);
		return (struct store_ask *)w;
	}
	w->ask = __real_store_write(store, loop, arena, changes, count, write_landed, w);
	return (struct store_ask *)w;
}

void __wrap_store_cancel(struct store_ask **ask)
{
	struct watched *w = (struct watched *)*ask;

	if (!is_watched(w)) {
		__real_store_cancel(ask);
		return;
	}
	*ask = NULL;
	w->dropped = true;
	if (w->late.run) {
		loop_unpost(scene_now->loop, &w->late);
		unwatch(w);
	} else if (w->ask == NULL || w->landed) {
		unwatch(w);
	}
}

/* --- measuring --- */

bool __real_link_each(const struct link *, size_t *, struct link_state *);
bool __wrap_link_each(const struct link *, size_t *, struct link_state *);

bool __wrap_link_each(const struct link *link, size_t *at, struct link_state *out)
{
	if (!__real_link_each(link, at, out))
		return false;
	for (size_t i = 0; i < HUBS; i++)
		if (strcmp(scene_now->hubs[i].name, out->hub) == 0 && scene_now->round_trips_us[i] > 0)
			out->smoothed_us = scene_now->round_trips_us[i];
	return true;
}

/* --- the stage --- */

static void *local_start(void *cookie, const struct link_local_ask *ask, fetch_done *done, void *done_cookie, bool *mine)
{
	struct scene *s = cookie;
	char *name = arena_str(s->arena, ask->hub);

	*mine = true;
	return fake_hub_ask(scene_hub(s, name), ask, done, done_cookie);
}

static void local_cancel(void *cookie, void *ask)
{
	(void)cookie;
	fake_hub_cancel(ask);
}

static void open_room(struct scene *s)
{
	const struct link_conf link = {.loop = s->loop, .local = &s->local};
	struct provision_conf conf = {
		.loop = s->loop,
		.store = s->store,
		.secret = SLICE("thirty-two bytes of this house.."),
		.webhooks = fake_webhook_fetcher(&s->webhook),
	};

	assert_int_equal(link_new(&link, &s->link), OK);
	conf.link = s->link;
	assert_int_equal(provision_new(&conf, &s->provision), OK);
}

static void open_store(struct scene *s)
{
	const struct store_conf conf = {.url = s->url, .seal = s->seal, .readers = 1};
	const char *why = NULL;

	if (store_open(&conf, s->arena, &s->store, &why) != OK)
		fail_msg("%s", why);
}

static void open_service(struct scene *s, const char *scope, const char *name)
{
	struct service *service = noun_new(&noun_service, s->arena);

	service->scope = slice_str(scope);
	service->name = service->name_folded = slice_str(name);
	service->allocation_policy = SLICE("Hashed");
	service->etag = SLICE("1");
	scene_put(s, &noun_service, service);
}

static void furnish(struct scene *s)
{
	open_service(s, SCOPE, "plant");
	scene_link(s, HUB1);
	scene_link(s, HUB2);
}

int scene_begin(void **state)
{
	static const unsigned char key[32] = "a key of thirty-two bytes, no le";
	static const char *const names[HUBS] = {HUB1, HUB2, HUB3};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	scene_now = s;
	snprintf(s->place, sizeof(s->place), "/tmp/berth-scene-XXXXXX");
	assert_non_null(mkdtemp(s->place));
	snprintf(s->url, sizeof(s->url), "sqlite:%s/store.db", s->place);
	assert_int_equal(seal_from_key(key, &s->seal), OK);
	assert_int_equal(loop_new_manual(SCENE_START, &s->loop), OK);
	s->arena = arena_new(256 << 20);
	s->told = calloc(HEARD_MAX, sizeof(*s->told));
	for (size_t i = 0; i < HUBS; i++) {
		fake_hub_init(&s->hubs[i], s->loop, names[i]);
		s->hubs[i].witness = witness;
		s->hubs[i].cookie = s;
		s->hubs[i].ended = &s->crashed;
	}
	fake_webhook_init(&s->webhook, s->loop);
	s->webhook.ended = &s->crashed;
	s->local = (struct link_local){local_start, local_cancel, s};
	open_store(s);
	open_room(s);
	furnish(s);
	*state = s;
	return 0;
}

static void clear_place(const struct scene *s)
{
	static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->place, names[i]);
		unlink(path);
	}
	rmdir(s->place);
}

static void close_room(struct scene *s)
{
	provision_free(&s->provision);
	link_free(&s->link);
	loop_settle(s->loop); /* what is out on threads comes back, and finds nobody */
}

int scene_end(void **state)
{
	struct scene *s = *state;

	close_room(s);
	store_close(&s->store);
	loop_settle(s->loop);
	for (size_t i = 0; i < HUBS; i++)
		fake_hub_fini(&s->hubs[i]);
	fake_webhook_fini(&s->webhook);
	loop_free(&s->loop);
	for (size_t i = 0; i < s->told_count; i++)
		json_decref(s->told[i].json);
	free(s->told);
	seal_free(&s->seal);
	arena_free(&s->arena);
	clear_place(s);
	free(s);
	return 0;
}

void scene_restart(struct scene *s)
{
	close_room(s);
	s->crashed = false;
	s->crash_at = 0;
	open_room(s);
	provision_resume(s->provision);
	loop_settle(s->loop);
}

void scene_crash_at(struct scene *s, int event)
{
	s->events = 0;
	s->crash_at = event;
	s->crashed = false;
}

/* --- what there is --- */

struct fake_hub *scene_hub(struct scene *s, const char *name)
{
	for (size_t i = 0; i < HUBS; i++)
		if (strcmp(s->hubs[i].name, name) == 0)
			return &s->hubs[i];
	fail_msg("nobody plays %s", name);
	return NULL;
}

static struct linked_hub *linked_hub(struct scene *s, const char *name)
{
	struct linked_hub *hub = noun_new(&noun_linked_hub, s->arena);

	hub->scope = SLICE(SCOPE);
	hub->id = hub->name = slice_str(name);
	hub->hosted = FLAG_YES;
	hub->location = SLICE("north");
	return hub;
}

void scene_link(struct scene *s, const char *hub)
{
	scene_put(s, &noun_linked_hub, linked_hub(s, hub));
}

void scene_open_other(struct scene *s)
{
	struct linked_hub *hub = linked_hub(s, HUB3);

	open_service(s, OTHER_SCOPE, "mill");
	hub->scope = SLICE(OTHER_SCOPE);
	scene_put(s, &noun_linked_hub, hub);
}

void scene_unlink(struct scene *s, const char *hub)
{
	scene_delete(s, &noun_linked_hub, linked_hub(s, hub));
}

struct slice scene_key(struct scene *s, const char *name)
{
	unsigned char bytes[64] = {1};

	memcpy(bytes + 1, name, strlen(name));
	return base64_encode(s->arena, slice_over(bytes, sizeof(bytes)));
}

static struct enrollment *enrollment(struct scene *s, const struct noun *noun, const char *id)
{
	struct enrollment *e = noun_new(noun, s->arena);
	struct slice name = arena_copy(s->arena, slice_str(id));

	e->scope = SLICE(SCOPE);
	e->name = name;
	e->id = arena_fold(s->arena, name);
	e->attestation = SLICE("symmetricKey");
	e->primary_key = scene_key(s, id);
	e->secondary_key = scene_key(s, "another");
	e->initial_twin = SLICE(INITIAL_TWIN);
	e->etag = SLICE("1");
	return e;
}

struct enrollment *scene_enrollment(struct scene *s, const char *id, const char *hub)
{
	struct enrollment *e = enrollment(s, &noun_individual, id);

	if (hub) {
		e->allocation_policy = SLICE("static");
		e->iot_hubs.at = arena_array(s->arena, 1, sizeof(struct slice));
		e->iot_hubs.at[0] = slice_str(hub);
		e->iot_hubs.n = 1;
	}
	scene_put(s, &noun_individual, e);
	return e;
}

struct enrollment *scene_group(struct scene *s, const char *id)
{
	struct enrollment *e = enrollment(s, &noun_group, id);

	scene_put(s, &noun_group, e);
	return e;
}

void scene_customize(struct scene *s, const struct noun *noun, struct enrollment *e)
{
	e->allocation_policy = SLICE("custom");
	e->iot_hubs = (struct slices){0};
	e->webhook_url = SLICE(WEBHOOK);
	e->webhook_version = SLICE("2021-10-01");
	scene_put(s, noun, e);
}

struct outcome {
	bool came;
	enum err e;
};

static void changed(void *cookie, enum err e, size_t failed)
{
	(void)failed;
	*(struct outcome *)cookie = (struct outcome){true, e};
}

static void read_done(void *cookie, enum err e)
{
	*(struct outcome *)cookie = (struct outcome){true, e};
}

static void change(struct scene *s, enum store_how how, const struct noun *noun, const void *record)
{
	const struct store_change c = {.how = how, .noun = noun, .record = record};
	struct outcome o = {0};

	assert_non_null(__real_store_write(s->store, s->loop, s->arena, &c, 1, changed, &o));
	loop_settle(s->loop);
	assert_true(o.came);
	assert_int_equal(o.e, OK);
}

void scene_put(struct scene *s, const struct noun *noun, const void *record)
{
	change(s, STORE_PUT, noun, record);
}

void scene_delete(struct scene *s, const struct noun *noun, const void *record)
{
	change(s, STORE_DELETE, noun, record);
}

static void *find(struct scene *s, struct store_want want)
{
	struct outcome o = {0};

	assert_non_null(store_read(s->store, s->loop, s->arena, &want, 1, read_done, &o));
	loop_settle(s->loop);
	assert_true(o.came);
	assert_int_equal(o.e, OK);
	return want.count ? want.records : NULL;
}

struct registration_record *scene_record_in(struct scene *s, const char *scope, const char *id)
{
	struct registration_record *like = noun_new(&noun_registration, s->arena);

	like->scope = slice_str(scope);
	like->id = arena_fold(s->arena, slice_str(id));
	return find(s, (struct store_want){.noun = &noun_registration, .like = like, .keys = 2});
}

struct registration_record *scene_record(struct scene *s, const char *id)
{
	return scene_record_in(s, SCOPE, id);
}

struct attempt *scene_attempt_in(struct scene *s, const char *scope, const char *id)
{
	struct attempt *like = noun_new(&noun_attempt, s->arena);

	like->scope = slice_str(scope);
	like->id = arena_fold(s->arena, slice_str(id));
	return find(s, (struct store_want){.noun = &noun_attempt, .like = like, .keys = 2, .limit = 1, .backwards = true});
}

struct attempt *scene_attempt(struct scene *s, const char *id)
{
	return scene_attempt_in(s, SCOPE, id);
}

int scene_count(struct scene *s, const struct noun *noun, const void *like, int keys)
{
	struct store_want want = {.noun = noun, .like = like, .keys = keys, .count_only = true};
	struct outcome o = {0};

	assert_non_null(store_read(s->store, s->loop, s->arena, &want, 1, read_done, &o));
	loop_settle(s->loop);
	assert_int_equal(o.e, OK);
	return (int)want.count;
}

uint64_t scene_counted(struct scene *s, const char *what, const char *status)
{
	struct provision_count c;
	size_t at = 0;
	uint64_t n = 0;

	while (provision_each_count(s->provision, &at, &c))
		if (strcmp(c.what, what) == 0 && strcmp(c.status ? c.status : "", status) == 0)
			n += c.n;
	return n;
}

/* --- what happens --- */

struct slice scene_token(struct scene *s, const char *id, const char *enrollment_id, bool group)
{
	struct slice key = base64_decode(s->arena, scene_key(s, enrollment_id));
	unsigned char derived[32];

	if (group) {
		device_key(key, slice_str(id), derived);
		key = slice_over(derived, sizeof(derived));
	}
	return token_make(s->arena, arena_format(s->arena, SCOPE "/registrations/%s", id), key, SLICE("registration"),
			  loop_wall(s->loop) + 3600 * INSTANT_SECOND);
}

struct listening {
	enum device_op op;
	struct heard *heard;
};

static void answered(void *cookie, const struct device_answer *answer)
{
	struct listening *l = cookie;
	struct heard *h = l->heard;

	h->times++;
	h->status = answer->status;
	h->code = answer->error_code;
	h->retry_after = answer->retry_after;
	assert_true(answer->body.n < sizeof(h->body));
	memcpy(h->body, answer->body.p, answer->body.n);
	h->json = json_loads(h->body, 0, NULL);
	lint_answer(l->op, answer);
}

struct heard *scene_ask(struct scene *s, const struct device_question *q)
{
	struct listening *l = arena_alloc(s->arena, sizeof(*l));

	assert_true(s->told_count < HEARD_MAX);
	l->op = q->op;
	l->heard = &s->told[s->told_count++];
	assert_non_null(provision_ask(s->provision, q, answered, l));
	return l->heard;
}

static struct device_question question(struct scene *s, enum device_op op, const char *id, struct slice token)
{
	return (struct device_question){.op = op,
					.scope = SLICE(SCOPE),
					.registration_id = slice_str(id),
					.token = token,
					.body = op == DEVICE_REGISTER ? arena_format(s->arena, "{\"registrationId\":\"%s\"}", id)
								      : NO_SLICE,
					.protocol = "https",
					.peer = "192.0.2.1",
					.request_id = "2d1c7e43-6f04-4b8e-9a53-1f0a2b6c9d10"};
}

struct heard *scene_register_with(struct scene *s, const char *id, struct slice token)
{
	struct device_question q = question(s, DEVICE_REGISTER, id, token);

	return scene_ask(s, &q);
}

struct heard *scene_register_saying(struct scene *s, const char *id, const char *payload)
{
	struct device_question q = question(s, DEVICE_REGISTER, id, scene_token(s, id, id, false));

	q.body = arena_format(s->arena, "{\"registrationId\":\"%s\",\"payload\":%s}", id, payload);
	return scene_ask(s, &q);
}

struct heard *scene_register(struct scene *s, const char *id)
{
	return scene_register_with(s, id, scene_token(s, id, id, false));
}

struct heard *scene_poll(struct scene *s, const char *id, const char *operation)
{
	struct device_question q = question(s, DEVICE_OPERATION_STATUS, id, scene_token(s, id, id, false));

	q.operation_id = slice_str(operation);
	return scene_ask(s, &q);
}

struct heard *scene_status(struct scene *s, const char *id)
{
	struct device_question q = question(s, DEVICE_REGISTRATION_STATUS, id, scene_token(s, id, id, false));

	return scene_ask(s, &q);
}

struct heard *scene_register_fully(struct scene *s, const char *id)
{
	struct heard *h = scene_register(s, id);

	loop_settle(s->loop);
	for (int polls = 0; polls < 20 && (h->times == 0 || h->status == 202); polls++) {
		loop_advance(s->loop, RETRY_AFTER_SECONDS * 1000);
		if (h->times) {
			h = scene_poll(s, id, heard_text(h, "operationId"));
			loop_settle(s->loop);
		}
	}
	return h;
}

void scene_advance(struct scene *s, int64_t ms)
{
	loop_advance(s->loop, ms);
}

const char *heard_text(const struct heard *h, const char *member)
{
	return json_string_value(json_object_get(h->json, member));
}

const char *heard_state(const struct heard *h, const char *member)
{
	return json_string_value(json_object_get(json_object_get(h->json, "registrationState"), member));
}

/* --- what must hold --- */

static bool is_linked(struct scene *s, const char *name)
{
	return find(s, (struct store_want){.noun = &noun_linked_hub, .like = linked_hub(s, name), .keys = 2}) != NULL;
}

struct fake_hub *scene_only_hub(struct scene *s, const char *device)
{
	struct fake_hub *only = NULL;

	for (size_t i = 0; i < HUBS; i++) {
		if (fake_hub_find(&s->hubs[i], device) == NULL || !is_linked(s, s->hubs[i].name))
			continue;
		if (only)
			fail_msg("%s is on %s and on %s", device, only->name, s->hubs[i].name);
		only = &s->hubs[i];
	}
	if (only == NULL)
		fail_msg("%s is on no hub", device);
	return only;
}

void assert_assigned(const struct heard *h, const char *hub, const char *device, const char *substatus)
{
	assert_int_equal(h->times, 1);
	if (h->status != 200 || strcmp(heard_text(h, "status"), "assigned") != 0)
		fail_msg("%d %s", h->status, h->body);
	if (hub)
		assert_string_equal(heard_state(h, "assignedHub"), hub);
	assert_string_equal(heard_state(h, "deviceId"), device);
	if (substatus)
		assert_string_equal(heard_state(h, "substatus"), substatus);
}

void assert_refused(const struct heard *h, int code)
{
	assert_int_equal(h->times, 1);
	if (h->code != code)
		fail_msg("expected %d: %s", code, h->body);
}

void assert_json(const json_t *json, const char *expected)
{
	json_t *other = json_loads(expected, JSON_DECODE_ANY, NULL);

	if (!json_equal(json, other))
		fail_msg("%s instead of %s", json_dumps(json, JSON_COMPACT), expected);
	json_decref(other);
}
