#include "base/clock.h"
#include "crypto/token.h"
#include "devices.h"

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
