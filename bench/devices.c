#include "base/clock.h"
#include "crypto/token.h"
#include "devices.h"

#define API_VERSION   "2021-06-01"
#define TOKEN_SECONDS 3600

/* An odd factor scatters the numbers and meets none twice. */
struct slice device_name(struct arena *arena, const char *word, unsigned number)
{
	return arena_format(arena, "%s-%08x", word, number * 0x9e3779b1u);
}

void device_own_key(struct slice name, unsigned char out[32])
{
	device_key(SLICE("the devices of the bench"), name, out);
}

struct slice device_token(struct arena *arena, struct slice resource, struct slice key)
{
	instant expires = clock_wall() + TOKEN_SECONDS * INSTANT_SECOND;

	return token_make(arena, resource, key, SLICE("registration"), expires);
}

void device_register(struct arena *arena, struct slice scope, struct slice name, struct slice key, struct buf *request)
{
	struct slice resource = arena_format(arena, "%.*s/registrations/%.*s", SLICE_ARG(scope), SLICE_ARG(name));
	struct slice body = arena_format(arena, "{\"registrationId\":\"%.*s\"}", SLICE_ARG(name));

	buf_printf(request, "PUT /%.*s/register?api-version=" API_VERSION " HTTP/1.1\r\nHost: global.berth.test\r\n", SLICE_ARG(resource));
	if (!slice_absent(key))
		buf_printf(request, "Authorization: %.*s\r\n", SLICE_ARG(device_token(arena, resource, key)));
	buf_add_str(request, "Content-Type: application/json; charset=utf-8\r\nAccept: application/json\r\nUser-Agent: bench\r\n");
	buf_printf(request, "Content-Length: %zu\r\n\r\n%.*s", body.n, SLICE_ARG(body));
}
