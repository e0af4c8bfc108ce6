#include <stdlib.h>

#include "base/text.h"
#include "crypto/token.h"
#include "devices.h"
#include "give_up.h"
#include "target.h"

#define STRIDE 611953u

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

/* [TRANSPORT:]PORT */
static void read_port(struct slice text, const char *target, struct target *t)
{
	static const struct {
		struct slice name;
		const struct talk_kind *talk;
		bool websocket;
	} transports[] = {{SLICE("https"), &talk_https, false},
			  {SLICE("mqtt"), &talk_mqtt, false},
			  {SLICE("mqtt-ws"), &talk_mqtt, true},
			  {SLICE("amqp"), &talk_amqp, false},
			  {SLICE("amqp-ws"), &talk_amqp, true}};
	ptrdiff_t colon = slice_find(text, ':');
	struct slice name = colon < 0 ? SLICE("https") : slice_to(text, (size_t)colon);
	uint64_t port;

	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (slice_eq(transports[i].name, name)) {
			t->talk = transports[i].talk;
			t->websocket = transports[i].websocket;
		}
	if (t->talk == NULL || !slice_to_u64(slice_from(text, (size_t)(colon + 1)), &port) || port > UINT16_MAX)
		give_up("%s is no target", target);
	t->port = (int)port;
}

void target_read(struct arena *arena, const char *text, struct target *t)
{
	struct slice rest = slice_str(text);

	*t = (struct target){.name = arena_str(arena, piece(&rest, text))};
	t->pid = atoi(arena_str(arena, piece(&rest, text)));
	read_port(piece(&rest, text), text, t);
	t->kind = kind_of(piece(&rest, text), text);
	if (t->kind == TARGET_FILE)
		t->talk = &talk_file;
	else
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

struct talk_device target_device(void *target, unsigned number, struct arena *arena)
{
	const struct target *t = target;
	struct talk_device d = {.scope = t->scope};
	unsigned char key[32];

	switch (t->kind) {
	case TARGET_FILE: d.id = slice_str(t->file); return d;
	case TARGET_X509: d.id = device_name(arena, t->shown.word, number); return d;
	case TARGET_OWN:
		d.id = device_name(arena, "press", (unsigned)((uint64_t)number * STRIDE % t->count));
		device_own_key(d.id, key);
		break;
	case TARGET_GROUP:
		d.id = device_name(arena, "mill", number);
		device_key(t->key, d.id, key);
		break;
	}
	d.key = arena_copy(arena, slice_over(key, sizeof(key)));
	return d;
}

void target_show(const struct target *t, unsigned number, SSL *ssl)
{
	if (t->shown.count > 0)
		identities_show(&t->shown, number % t->shown.count, ssl);
}
