/*
 * attest.c: any text as a token, first as such (services and hubs read theirs so), then as a device's.
 *
 * The keys are in no corpus, so nobody may be let in; and whatever was sent, the operator's words are there and are
 * plain text, for they go to logs and terminals. What a token says is said the same by one that we make of it.
 */
#include "attest/attest.h"
#include "crypto/token.h"
#include "fuzz.h"

#define ROOM (1024 * 1024)
#define NOW  ((instant)1790000000 * INSTANT_SECOND)

static void plain(const char *text)
{
	need(text != NULL);
	for (; *text != '\0'; text++)
		need(*text >= ' ' && *text <= '~');
}

static void refused(const struct verdict *v)
{
	need(v->error_code == 401002);
	need(slice_absent(v->primary_key) && slice_absent(v->secondary_key) && v->hub_authentication == NULL);
	plain(v->message);
	plain(v->check);
	plain(v->seen);
	plain(v->expected);
	plain(v->sentence);
}

static void made_again(const struct token *t, struct arena *a)
{
	const struct slice key = SLICE("nobody has this key");
	struct slice text = token_make(a, t->resource, key, t->key_name, t->expires);
	struct token again;
	const char *why;

	if (slice_absent(text) || text.n > TOKEN_MAX) {
		/* Escapes have made it too long: three bytes of one. */
		need(!arena_failed(a) && 3 * (t->resource.n + t->key_name.n) > TOKEN_MAX - 128);
		return;
	}
	need(token_read(text, a, &again, &why) == OK && why == NULL);
	need(slice_eq(again.resource, t->resource) && again.expires == t->expires);
	need(slice_absent(again.key_name) == slice_absent(t->key_name) && slice_eq(again.key_name, t->key_name));
	need(token_signed_by(&again, key) && !token_signed_by(t, key));
	need(token_expired(&again, NOW) == token_expired(t, NOW));
}

static void read_alone(struct slice text, struct arena *a)
{
	const char *why = NULL;
	struct token t;
	enum err e = token_read(text, a, &t, &why);

	need(e == OK || e == ERR_MALFORMED || arena_failed(a));
	need((e == OK) == (why == NULL));
	if (e == OK)
		made_again(&t, a);
	else if (why)
		plain(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(ROOM);
	struct enrollment e;
	struct evidence ev = {
		.scope = SLICE("0ne00AB12CD"),
		.registration_id = SLICE("Dev-1"),
		.token = slice_over(data, size),
		.now = NOW,
	};
	struct verdict v;

	need(a != NULL);
	read_alone(ev.token, a);
	noun_clear(&noun_individual, &e);
	e.name = SLICE("dev-1");
	e.attestation = SLICE("symmetricKey");
	e.primary_key = SLICE("dGhlIGZ1enplciBkb2VzIG5vdCBrbm93IG1l");
	e.secondary_key = SLICE("bm9yIGRvZXMgaXQga25vdyBtZSwgcmVhbGx5");
	need(attest_judge(&e, false, &ev, a, &v) == OK);
	refused(&v);
	need(attest_judge(&e, true, &ev, a, &v) == OK);
	refused(&v);
	need(attest_group_of(&e, 1, 0, &ev, a, &v) == -1);
	refused(&v);
	arena_free(&a);
	return 0;
}
