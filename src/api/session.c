/*
 * session.c: whether a request that comes with a cookie is let in.
 */
#include "base/text.h"
#include "codec/cookie.h"
#include "crypto/digest.h"
#include "api/session.h"

/* --- keys --- */

static void to_hex(const unsigned char bytes[SESSION_KEY_BYTES], char out[SESSION_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SESSION_KEY_BYTES; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[SESSION_HEX - 1] = 0;
}

/* Both follow from the secret, and neither gives away the other or the secret. */
static void derive(struct session_key *key)
{
	struct slice secret = slice_over(key->secret, SESSION_HEX - 1);
	unsigned char digest[SHA256_SIZE];

	sha256(secret, digest);
	to_hex(digest, key->id);
	hmac_sha256(secret, SLICE("csrf"), digest);
	to_hex(digest, key->csrf);
}

void session_key_make(struct session_key *key)
{
	unsigned char bytes[SESSION_KEY_BYTES];

	random_bytes(bytes, sizeof(bytes));
	to_hex(bytes, key->secret);
	explicit_bzero(bytes, sizeof(bytes));
	derive(key);
}

static bool is_key(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return text.n == SESSION_HEX - 1;
}

bool session_key_of(const struct http_head *head, struct session_key *key)
{
	struct slice given = cookie_find(head, SLICE(SESSION_COOKIE));

	if (!is_key(given))
		return false;
	memcpy(key->secret, given.p, given.n);
	key->secret[given.n] = 0;
	derive(key);
	return true;
}

bool session_is_over(const struct session_record *s, instant now)
{
	return now - s->used >= SESSION_IDLE || now - s->created >= SESSION_LIFE;
}

/* --- refusals --- */

static void refuse_session(struct api_call *call, const char *reason)
{
	call->refusal = reason;
	api_refuse(call, 401, 401002, NULL, "You are not signed in, or not any more.");
}

static bool refuse_page(struct api_call *call, const char *sentence)
{
	api_refuse(call, 403, 403000, "CsrfRefused", "%s", sentence);
	return false;
}

/* --- was it a page of ours that asked? --- */

static struct slice without_usual_port(struct slice authority)
{
	return slice_ends_fold(authority, SLICE(":443")) ? slice_to(authority, authority.n - 4) : authority;
}

/* RFC 6454: scheme, host and port of the page that asks. */
static bool origin_is_ours(const struct api_call *call)
{
	struct slice origin = api_header(call, "origin"), host = slice_from(origin, 8);

	if (slice_absent(origin))
		return true;
	return slice_starts(origin, SLICE("https://")) &&
	       slice_eq_fold(without_usual_port(host), without_usual_port(call->q->head->authority));
}

bool session_origin_accepted(struct api_call *call)
{
	return origin_is_ours(call) || refuse_page(call, "A page of another origin has asked for this.");
}

static bool csrf_accepted(struct api_call *call)
{
	enum http_method method = call->q->head->method;
	struct session_key key;

	if (method == HTTP_GET || method == HTTP_HEAD)
		return true;
	if (!session_origin_accepted(call))
		return false;
	if (session_key_of(call->q->head, &key) && same_secret(api_header(call, "x-berth-csrf"), slice_str(key.csrf)))
		return true;
	return refuse_page(call, "X-Berth-CSRF is missing or wrong: GET /berth/session tells it.");
}

/* --- letting in --- */

bool session_wanted(struct api_call *call, struct store_want *want)
{
	struct session_record *like;
	struct session_key key;

	if (!session_key_of(call->q->head, &key) || (like = noun_new(&noun_session, call->arena)) == NULL)
		return false;
	like->id = arena_copy(call->arena, slice_str(key.id));
	*want = (struct store_want){.noun = &noun_session, .by = SESSION_BY_ID, .like = like, .keys = 1};
	return true;
}

bool session_accepted(struct api_call *call, const struct store_want *want)
{
	const struct session_record *s = want->count ? want->records : NULL;

	if (s == NULL || session_is_over(s, loop_wall(call->conf->loop))) {
		refuse_session(call, s ? "the session is over" : "there is no such session");
		return false;
	}
	call->who = arena_printf(call->arena, "operator %.*s", SLICE_ARG(s->name));
	if (!csrf_accepted(call))
		return false;
	if (!rights_suffice(call->route->rights, role_rights(s->role))) {
		api_refuse(call, 403, 403000, NULL, "The role %.*s does not allow this: it sees everything but keys, and changes nothing.",
			   SLICE_ARG(s->role));
		return false;
	}
	api_add_header(call, "Cache-Control", SLICE("no-store"));
	call->session = s;
	return true;
}

static void use_noted(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (e == OK)
		api_go_on(call);
	else if (e == ERR_PRECONDITION)
		refuse_session(call, "the session was ended at the same moment");
	else
		api_refuse_store(call, e);
}

void session_go_on(struct api_call *call)
{
	struct session_record *used;
	struct store_change change;

	if (loop_wall(call->conf->loop) - call->session->used < SESSION_NOTE_AFTER) {
		api_go_on(call);
		return;
	}
	if ((used = noun_copy(&noun_session, call->session, call->arena)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	used->used = loop_wall(call->conf->loop);
	call->session = used;
	change = (struct store_change){.how = STORE_UPDATE, .noun = &noun_session, .record = used};
	api_write(call, &change, 1, use_noted);
}
