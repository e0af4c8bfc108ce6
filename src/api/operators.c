/*
 * operators.c: who may sign in at the portal. There is always an administrator among them.
 */
#include "crypto/password.h"
#include "api/passwords.h"
#include "api/session.h"

enum { SEGMENT_NAME = 2 };

struct operators {
	struct operator_record like;
	struct store_want want;            /* all of them */
	const struct operator_record *old; /* the one of the path; NULL: there is none */
	struct operator_record *given;
	struct slice password; /* absent: it stays */
	struct session_record sessions;
	struct store_change change[3];
	size_t changes;
	void (*then)(struct api_call *);
};

static void operators_read(struct api_call *call, enum err e)
{
	struct operators *o = call->state;
	const struct operator_record *all = o->want.records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	for (size_t i = 0; i < o->want.count; i++)
		if (call->segments > SEGMENT_NAME && slice_eq_fold(all[i].id, call->segment[SEGMENT_NAME]))
			o->old = &all[i];
	o->then(call);
}

static struct operators *begin(struct api_call *call, void (*then)(struct api_call *))
{
	struct operators *o = arena_alloc(call->arena, sizeof(*o));

	if (o == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = o;
	o->then = then;
	noun_clear(&noun_operator, &o->like);
	o->want = (struct store_want){.noun = &noun_operator, .like = &o->like, .limit = OPERATORS_MAX};
	return o;
}

static void answer_operator(struct api_call *call, const struct operator_record *one)
{
	noun_write(&noun_operator, one, VIEW_PLAIN, &call->out, NULL, call->arena);
}

/* --- there is always an administrator --- */

static bool administers(const struct operator_record *one)
{
	return slice_eq(one->role, slice_str(operator_roles[0]));
}

/* When an administrator is to go, another one must be there to the end: it is written as it is, on the condition that nobody has
 * changed it meanwhile. Two who take each other's role away at one moment do not both succeed. False: refused. */
static bool keep_another(struct api_call *call)
{
	struct operators *o = call->state;
	const struct operator_record *all = o->want.records;

	for (size_t i = 0; i < o->want.count; i++)
		if (&all[i] != o->old && administers(&all[i])) {
			o->change[o->changes++] = (struct store_change){
				.how = STORE_UPDATE, .noun = &noun_operator, .record = &all[i], .if_etag = all[i].etag};
			return true;
		}
	api_refuse(call, 409, 409000, "LastAdministrator", "%.*s is the last administrator.", SLICE_ARG(o->old->name));
	return false;
}

/* What holds of an operator in a session holds no more. */
static void end_sessions(struct operators *o)
{
	noun_clear(&noun_session, &o->sessions);
	o->sessions.operator_id = o->old->id;
	o->change[o->changes++] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_session, .record = &o->sessions, .keys = 1};
}

static bool refused_write(struct api_call *call, enum err e)
{
	if (e == ERR_PRECONDITION || e == ERR_EXISTS || e == ERR_NOT_FOUND)
		api_refuse(call, 409, 409000, NULL, "Operators were changed at the same moment. Try again.");
	else if (e != OK)
		api_refuse_store(call, e);
	return e != OK;
}

/* --- GET --- */

static void list(struct api_call *call)
{
	struct operators *o = call->state;
	const struct operator_record *all = o->want.records;

	json_open(&call->out, NULL, '[');
	for (size_t i = 0; i < o->want.count; i++)
		answer_operator(call, &all[i]);
	json_close(&call->out, ']');
	api_answer_out(call, 200);
}

void operator_list(struct api_call *call)
{
	struct operators *o = begin(call, list);

	if (o)
		api_read(call, &o->want, 1, operators_read);
}

/* --- PUT --- */

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct operators *o = call->state;

	(void)failed;
	if (refused_write(call, e))
		return;
	log_info(&call->log, "operator-written", "operator", arena_str(call->arena, o->given->name), "role",
		 arena_str(call->arena, o->given->role), "by", call->who, NULL);
	answer_operator(call, o->given);
	api_answer_out(call, o->old ? 200 : 201);
}

static void put_write(struct api_call *call)
{
	struct operators *o = call->state;

	o->given->etag = etag_make(call->arena, loop_wall(call->conf->loop));
	if (o->old && administers(o->old) && !administers(o->given) && !keep_another(call))
		return;
	o->change[o->changes++] = (struct store_change){.how = o->old ? STORE_UPDATE : STORE_INSERT,
							.noun = &noun_operator,
							.record = o->given,
							.if_etag = o->old ? o->old->etag : NO_SLICE};
	if (o->old)
		end_sessions(o);
	api_write(call, o->change, o->changes, put_written);
}

static void put_password_made(void *cookie, enum err e, struct slice hash)
{
	struct api_call *call = cookie;
	struct operators *o = call->state;

	call->password_ask = NULL;
	if (e == OK && slice_absent(o->given->password_hash = arena_copy(call->arena, hash)))
		e = ERR_NO_MEMORY;
	if (e != OK)
		api_refuse_store(call, e);
	else
		put_write(call);
}

/* What was not given stays, or is missing. False: refused. */
static bool complete(struct api_call *call)
{
	struct operators *o = call->state;
	struct operator_record *given = o->given;

	given->id = arena_fold(call->arena, call->segment[SEGMENT_NAME]);
	given->name = call->segment[SEGMENT_NAME];
	given->created = loop_wall(call->conf->loop);
	if (o->old) {
		given->name = o->old->name;
		given->created = o->old->created;
		given->last_sign_in = o->old->last_sign_in;
		given->password_hash = o->old->password_hash;
		if (slice_absent(given->role))
			given->role = o->old->role;
	} else if (slice_absent(given->role) || slice_absent(o->password)) {
		api_refuse(call, 400, 0, NULL, "There is no operator %.*s yet: give role (administrator or reader) and password.",
			   SLICE_ARG(given->name));
		return false;
	} else if (o->want.count >= OPERATORS_MAX) {
		api_refuse(call, 409, 409000, NULL, "There are no more than %d operators.", OPERATORS_MAX);
		return false;
	}
	return true;
}

static void put(struct api_call *call)
{
	struct operators *o = call->state;
	enum err e;

	if (!complete(call))
		return;
	if (slice_absent(o->password)) {
		put_write(call);
		return;
	}
	e = password_keep(call->conf->passwords, call->conf->loop, o->password, put_password_made, call, &call->password_ask);
	if (e != OK)
		api_refuse_store(call, e);
}

/* The password, if it is given: a string that is fit to be one. False: refused. */
static bool read_password(struct api_call *call, struct slice *out)
{
	json_t *json = NULL, *given = NULL;
	bool fit;

	*out = NO_SLICE;
	if (json_read(call->q->body, call->arena, &json, NULL) == OK)
		given = json_object_get(json, "password");
	if (json_is_string(given))
		*out = arena_copy(call->arena, slice_over(json_string_value(given), json_string_length(given)));
	fit = given == NULL || json_is_null(given) || password_is_good(*out);
	json_decref(json);
	if (!fit)
		api_refuse(call, 400, 0, "PasswordUnfit", "A password has 12 to 128 characters.");
	return fit;
}

void operator_put(struct api_call *call)
{
	struct operator_record *given = noun_new(&noun_operator, call->arena);
	struct slice password;
	struct operators *o;
	const char *why = NULL;

	if (given == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
	} else if (!operator_name_is_good(call->segment[SEGMENT_NAME])) {
		api_refuse(call, 400, 0, NULL,
			   "The name of an operator is 1 to 64 letters, digits, '-', '.', '_', '@' or '+', the first one a letter or a "
			   "digit.");
	} else if (noun_read(&noun_operator, call->q->body, call->arena, given, &why) != OK) {
		api_refuse(call, 400, 0, NULL, "%s", why ? why : "The body is not a JSON object.");
	} else if (read_password(call, &password) && (o = begin(call, put)) != NULL) {
		o->given = given;
		o->password = password;
		api_read(call, &o->want, 1, operators_read);
	}
}

/* --- DELETE --- */

static void deleted(struct api_call *call, enum err e, size_t failed)
{
	struct operators *o = call->state;

	(void)failed;
	if (refused_write(call, e))
		return;
	log_info(&call->log, "operator-deleted", "operator", arena_str(call->arena, o->old->name), "by", call->who, NULL);
	api_answer_empty(call, 204);
}

static void delete (struct api_call *call)
{
	struct operators *o = call->state;

	if (o->old == NULL) {
		api_refuse(call, 404, 0, NULL, "There is no operator of that name.");
		return;
	}
	if (administers(o->old) && !keep_another(call))
		return;
	o->change[o->changes++] =
		(struct store_change){.how = STORE_DELETE, .noun = &noun_operator, .record = o->old, .if_etag = o->old->etag};
	end_sessions(o);
	api_write(call, o->change, o->changes, deleted);
}

void operator_delete(struct api_call *call)
{
	struct operators *o = begin(call, delete);

	if (o)
		api_read(call, &o->want, 1, operators_read);
}
