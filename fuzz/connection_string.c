/*
 * connection_string.c: any text as a connection string.
 *
 * What is refused says why. What is taken lies within the text, has no ';' in it, and is read the same when it is put
 * together again.
 */
#include "base/buf.h"
#include "codec/connection_string.h"
#include "fuzz.h"

static bool within(struct slice part, struct slice text)
{
	return slice_absent(part) || (part.p >= text.p && part.p + part.n <= text.p + text.n);
}

static void put(struct buf *to, const char *name, struct slice value)
{
	if (slice_absent(value))
		return;
	buf_printf(to, "%s=", name);
	buf_add(to, value);
	buf_add_char(to, ';');
}

static void same(struct slice a, struct slice b)
{
	need(slice_absent(a) == slice_absent(b) && slice_eq(a, b));
}

static void there_and_back(const struct connection_string *c)
{
	struct connection_string again;
	const char *why = NULL;
	struct buf text;

	buf_init(&text, 1 << 20);
	put(&text, "sharedaccesssignature", c->signature);
	put(&text, "DEVICEID", c->device_id);
	put(&text, "SharedAccessKey", c->key);
	put(&text, "sharedAccessKeyName", c->key_name);
	put(&text, "HostName", c->host_name);
	need(!buf_failed(&text));
	need(connection_string_read(buf_slice(&text), &again, &why) == OK && why == NULL);
	same(again.host_name, c->host_name);
	same(again.key_name, c->key_name);
	same(again.key, c->key);
	same(again.device_id, c->device_id);
	same(again.signature, c->signature);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_over(data, size);
	struct connection_string c;
	const struct slice *const parts[] = {&c.host_name, &c.key_name, &c.key, &c.device_id, &c.signature};
	const char *why = NULL;
	enum err e = connection_string_read(text, &c, &why);

	need(e == OK || e == ERR_MALFORMED);
	need((e == OK) == (why == NULL));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		need(within(*parts[i], text));
		need(slice_find(*parts[i], ';') < 0);
	}
	if (e != OK)
		return 0;
	need(c.host_name.n > 0);
	there_and_back(&c);
	return 0;
}
