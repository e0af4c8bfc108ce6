/*
 * attest.c: any text as a device's token.
 *
 * The keys are in no corpus, so nobody may be let in; and whatever was sent, the operator's words are there and are
 * plain text, for they go to logs and terminals.
 */
#include "attest/attest.h"
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
