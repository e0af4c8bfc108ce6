#include <stdlib.h>

#include "base/text.h"
#include "crypto/token.h"
#include "devices.h"
#include "give_up.h"
#include "target.h"

#define ASK_MEMORY 65536
#define STRIDE     611953u

/* --- the command line --- */

static struct slice piece(struct slice *rest, const char *target)
{
	struct slice it;

	if (!slice_next(rest, ',', &it))
		give_up("%s is no target", target);
	return it;
}

static enum target_kind kind_of(struct slice word, const char *target)
{
	static const char *const kinds[] = {"file", "group", "own", "x509"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_eq(word, slice_str(kinds[i])))
			return (enum target_kind)i;
	give_up("%s is no target", target);
}

void target_read(struct arena *arena, const char *text, struct target *t)
{
	struct slice rest = slice_str(text);

	*t = (struct target){.name = arena_str(arena, piece(&rest, text))};
	t->pid = atoi(arena_str(arena, piece(&rest, text)));
	t->port = atoi(arena_str(arena, piece(&rest, text)));
	t->kind = kind_of(piece(&rest, text), text);
	if (t->kind != TARGET_FILE)
		t->scope = piece(&rest, text);
	if (t->kind == TARGET_GROUP)
		t->key = base64_decode(arena, piece(&rest, text));
	if (t->kind == TARGET_OWN)
		t->count = (unsigned)atol(arena_str(arena, piece(&rest, text)));
	if (t->kind == TARGET_X509 || (t->kind == TARGET_FILE && rest.n > 0))
		identities_read(arena, arena_str(arena, piece(&rest, text)), &t->shown);
	if (t->kind == TARGET_X509)
		t->count = t->shown.count;
}

/* --- who comes --- */

static void ask_to_register(const struct target *t, unsigned number, struct buf *request)
{
	struct arena *arena = arena_new(ASK_MEMORY);
	unsigned char key[32];
	struct slice name, raw = slice_over(key, sizeof(key));

	switch (t->kind) {
	case TARGET_OWN:
		name = device_name(arena, "press", (unsigned)((uint64_t)number * STRIDE % t->count));
		device_own_key(name, key);
		break;
	case TARGET_X509:
		name = device_name(arena, t->shown.word, number);
		raw = NO_SLICE;
		break;
	default: name = device_name(arena, "mill", number); device_key(t->key, name, key);
	}
	device_register(arena, t->scope, name, raw, request);
	arena_free(&arena);
}

void target_ask(const struct target *t, unsigned number, const char *file, struct buf *request)
{
	if (t->kind == TARGET_FILE)
		buf_printf(request, "GET /%s HTTP/1.1\r\nHost: global.berth.test\r\nUser-Agent: bench\r\n\r\n", file);
	else
		ask_to_register(t, number, request);
}

void target_show(const struct target *t, unsigned number, SSL *ssl)
{
	identities_show(&t->shown, number % t->shown.count, ssl);
}
