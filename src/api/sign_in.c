/*
 * sign_in.c: signing in and out, and one's own password.
 */
#include "crypto/password.h"
#include "api/passwords.h"
#include "api/session.h"

#define SESSIONS_READ (2 * SESSIONS_MAX) /* sign-ins at one moment may have made a few more than there should be */

struct sign_in {
	struct slice password, fresh; /* as given; the new one, if there shall be one */
	struct operator_record like;
	const struct operator_record *found; /* NULL: nobody */
	struct session_record sessions_like;
	struct store_want want[2]; /* the operator; his sessions */
	struct session_key key;
	struct session_record made;
	struct operator_record changed;
	struct store_change change[2 + SESSIONS_READ];
	size_t changes;
};

/* --- what is said --- */

static void write_session(struct api_call *call, const struct session_record *s, const struct session_key *key)
{
	const struct api_ports *ports = call->conf->ports;
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	json_text(out, "name", s->name);
	json_text(out, "role", s->role);
	json_str(out, "csrf", key->csrf);
	json_str(out, "domain", call->conf->domain);
	json_str(out, "version", BERTH_VERSION);
	json_text(out, "deviceEndpoint", arena_format(call->arena, "global.%s", call->conf->domain));
	json_open(out, "ports", '{');
	json_int(out, "https", ports ? ports->https : 0);
	json_int(out, "mqtts", ports ? ports->mqtts : 0);
	json_int(out, "amqps", ports ? ports->amqps : 0);
	json_close(out, '}');
	json_close(out, '}');
	api_answer_out(call, 200);
}

#define COOKIE_RULES "; Path=/; Secure; HttpOnly; SameSite=Strict"

static void set_cookie(struct api_call *call, const struct session_key *key)
{
	api_add_header(call, "Set-Cookie", arena_format(call->arena, SESSION_COOKIE "=%s" COOKIE_RULES, key->secret));
}

static void clear_cookie(struct api_call *call)
{
	api_add_header(call, "Set-Cookie", SLICE(SESSION_COOKIE "=" COOKIE_RULES "; Max-Age=0"));
}

/* --- what is given --- */

/* Two strings of the body's object. False: refused. */
static bool read_two(struct api_call *call, const char *first, struct slice *one, const char *second, struct slice *other)
{
	const char *why = NULL;
	json_t *json = NULL, *a, *b;
	bool good;

	if (json_read(call->q->body, call->arena, &json, &why) != OK) {
		api_refuse(call, 400, 0, NULL, "%s", why ? why : "The body is not JSON.");
		return false;
	}
	a = json_object_get(json, first);
	b = json_object_get(json, second);
	good = json_is_string(a) && json_is_string(b);
	if (good) {
		*one = arena_copy(call->arena, slice_over(json_string_value(a), json_string_length(a)));
		*other = arena_copy(call->arena, slice_over(json_string_value(b), json_string_length(b)));
	}
	json_decref(json);
	if (!good)
		api_refuse(call, 400, 0, NULL, "The body must be an object with the strings %s and %s.", first, second);
	else if (arena_failed(call->arena))
		api_refuse_store(call, ERR_NO_MEMORY);
	return good && !arena_failed(call->arena);
}

/* No more tries than a person mistypes. False: refused. */
static bool may_try(struct api_call *call, struct slice name)
{
	int wait_ms = passwords_try(call->conf->passwords, name, call->q->peer, loop_now_ms(call->conf->loop));

	if (wait_ms == 0)
		return true;
	api_add_header(call, "Retry-After", arena_format(call->arena, "%d", (wait_ms + 999) / 1000));
	api_refuse(call, 429, 429000, NULL, "Too many wrong passwords. Try again in %d seconds.", (wait_ms + 999) / 1000);
	return false;
}

/* Read the operator of that name and his sessions, then go on. NULL: refused. */
static struct sign_in *begin(struct api_call *call, struct slice id, struct slice password)
{
	struct sign_in *s = arena_alloc(call->arena, sizeof(*s));

	if (s == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = s;
	s->password = password;
	noun_clear(&noun_operator, &s->like);
	noun_clear(&noun_session, &s->sessions_like);
	s->like.id = s->sessions_like.operator_id = id;
	s->want[0] = (struct store_want){.noun = &noun_operator, .like = &s->like, .keys = 1};
	s->want[1] = (struct store_want){.noun = &noun_session, .like = &s->sessions_like, .keys = 1, .limit = SESSIONS_READ};
	return s;
}

static void add_change(struct sign_in *s, enum store_how how, const struct noun *noun, const void *record, struct slice if_etag, int keys)
{
	s->change[s->changes++] = (struct store_change){.how = how, .noun = noun, .record = record, .if_etag = if_etag, .keys = keys};
}

/* Wait for a thread. */
static void wait_for(struct api_call *call, enum err e)
{
	if (e != OK)
		api_refuse_store(call, e);
}

/* --- signing in --- */

static void refuse_sign_in(struct api_call *call, const char *reason)
{
	call->refusal = reason;
	api_refuse(call, 401, 401002, "SignInFailed", "The name or the password is wrong.");
}

static void signed_in(struct api_call *call, enum err e, size_t failed)
{
	struct sign_in *s = call->state;

	(void)failed;
	if (e == ERR_PRECONDITION) {
		refuse_sign_in(call, "the operator was changed at the same moment");
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else {
		log_info(&call->log, "signed-in", "operator", arena_str(call->arena, s->made.name), "peer", call->q->peer, NULL);
		api_add_header(call, "Cache-Control", SLICE("no-store"));
		set_cookie(call, &s->key);
		write_session(call, &s->made, &s->key);
	}
}

/* The live session that was used least lately. */
static size_t oldest_of(const struct session_record *all, const bool *gone, size_t count)
{
	size_t oldest = count;

	for (size_t i = 0; i < count; i++)
		if (!gone[i] && (oldest == count || all[i].used < all[oldest].used))
			oldest = i;
	return oldest;
}

/* Sessions that are over go, and then the oldest, until there is room for one more. */
static void make_room(struct api_call *call)
{
	struct sign_in *s = call->state;
	const struct session_record *all = s->want[1].records;
	size_t count = s->want[1].count, left = count;
	bool gone[SESSIONS_READ] = {false};

	for (size_t i = 0; i < count; i++)
		if (session_is_over(&all[i], loop_wall(call->conf->loop))) {
			gone[i] = true;
			left--;
		}
	for (; left >= SESSIONS_MAX; left--)
		gone[oldest_of(all, gone, count)] = true;
	for (size_t i = 0; i < count; i++)
		if (gone[i])
			add_change(s, STORE_DELETE_ALL, &noun_session, &all[i], NO_SLICE, 2);
}

/* The etag of the operator, which stays as it is, vouches that role and password are still those that were judged. */
static void enter(struct api_call *call)
{
	struct sign_in *s = call->state;
	instant now = loop_wall(call->conf->loop);

	session_key_make(&s->key);
	s->made = (struct session_record){.operator_id = s->found->id,
					  .id = slice_str(s->key.id),
					  .name = s->found->name,
					  .role = s->found->role,
					  .created = now,
					  .used = now};
	s->changed = *s->found;
	s->changed.last_sign_in = now;
	add_change(s, STORE_UPDATE, &noun_operator, &s->changed, s->found->etag, 0);
	add_change(s, STORE_INSERT, &noun_session, &s->made, NO_SLICE, 0);
	make_room(call);
	api_write(call, s->change, s->changes, signed_in);
}

static void sign_in_judged(void *cookie, enum err e, struct slice hash)
{
	struct api_call *call = cookie;
	struct sign_in *s = call->state;

	(void)hash;
	call->password_ask = NULL;
	if (e == ERR_UNAUTHORIZED) {
		refuse_sign_in(call, s->found ? "the password is wrong" : "there is no operator of that name");
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else {
		passwords_was_right(call->conf->passwords, s->like.id, call->q->peer);
		enter(call);
	}
}

/* Nobody's password is judged too, so that an unknown name takes as long as a wrong password. */
static void judge_found(struct api_call *call, enum err e, password_done *judged)
{
	struct sign_in *s = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	s->found = s->want[0].count ? s->want[0].records : NULL;
	wait_for(call, password_judge(call->conf->passwords, call->conf->loop, s->password, s->found ? s->found->password_hash : NO_SLICE,
				      judged, call, &call->password_ask));
}

static void sign_in_read(struct api_call *call, enum err e)
{
	judge_found(call, e, sign_in_judged);
}

void session_sign_in(struct api_call *call)
{
	struct slice name, password;
	struct sign_in *s;

	if (!session_origin_accepted(call) || !read_two(call, "name", &name, "password", &password))
		return;
	/* A name that nobody can have still counts, and is looked for: it must not be told apart by the time it takes. */
	name = arena_fold(call->arena, operator_name_is_good(name) ? name : SLICE(""));
	if (may_try(call, name) && (s = begin(call, name, password)) != NULL)
		api_read(call, s->want, 2, sign_in_read);
}

/* --- being signed in --- */

/* The key of the session that asks. False: it is not a session, and has been refused. */
static bool own_key(struct api_call *call, struct session_key *key)
{
	if (call->session && session_key_of(call->q->head, key))
		return true;
	api_refuse(call, 401, 401002, NULL, "There is no session: you came with the administrator's bearer token.");
	return false;
}

void session_show(struct api_call *call)
{
	struct session_key key;

	if (own_key(call, &key))
		write_session(call, call->session, &key);
}

static void signed_out(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	clear_cookie(call);
	api_answer_empty(call, 204);
}

void session_sign_out(struct api_call *call)
{
	struct store_change change = {.how = STORE_DELETE_ALL, .noun = &noun_session, .record = call->session, .keys = 2};
	struct session_key key;

	if (!own_key(call, &key))
		return;
	if (slice_eq(api_param(call, "everywhere"), SLICE("true")))
		change.keys = 1;
	api_write(call, &change, 1, signed_out);
}

/* --- one's own password --- */

static void password_written(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (e == ERR_PRECONDITION)
		api_refuse(call, 409, 409000, NULL, "The operator, or this session, was changed at the same moment.");
	else if (e != OK)
		api_refuse_store(call, e);
	else
		api_answer_empty(call, 204);
}

/* All sessions end but the one that asks, if it has not ended meanwhile. */
static void password_made(void *cookie, enum err e, struct slice hash)
{
	struct api_call *call = cookie;
	struct sign_in *s = call->state;

	call->password_ask = NULL;
	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	s->changed = *s->found;
	s->changed.password_hash = arena_copy(call->arena, hash);
	s->changed.etag = etag_make(call->arena, loop_wall(call->conf->loop));
	add_change(s, STORE_UPDATE, &noun_operator, &s->changed, s->found->etag, 0);
	add_change(s, STORE_UPDATE, &noun_session, call->session, NO_SLICE, 0);
	add_change(s, STORE_DELETE_ALL, &noun_session, call->session, NO_SLICE, 1);
	add_change(s, STORE_INSERT, &noun_session, call->session, NO_SLICE, 0);
	api_write(call, s->change, s->changes, password_written);
}

static void password_judged(void *cookie, enum err e, struct slice hash)
{
	struct api_call *call = cookie;
	struct sign_in *s = call->state;

	(void)hash;
	call->password_ask = NULL;
	if (e == ERR_UNAUTHORIZED) {
		api_refuse(call, 403, 403000, "WrongPassword", "The current password is wrong.");
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else {
		passwords_was_right(call->conf->passwords, s->like.id, call->q->peer);
		wait_for(call, password_keep(call->conf->passwords, call->conf->loop, s->fresh, password_made, call, &call->password_ask));
	}
}

static void password_read(struct api_call *call, enum err e)
{
	judge_found(call, e, password_judged);
}

void session_password(struct api_call *call)
{
	struct slice current, fresh;
	struct session_key key;
	struct sign_in *s;

	if (!own_key(call, &key) || !read_two(call, "current", &current, "new", &fresh))
		return;
	if (!password_is_good(fresh)) {
		api_refuse(call, 400, 0, "PasswordUnfit", "A password has 12 to 128 characters.");
		return;
	}
	if (may_try(call, call->session->operator_id) && (s = begin(call, call->session->operator_id, current)) != NULL) {
		s->fresh = fresh;
		api_read(call, s->want, 1, password_read);
	}
}
