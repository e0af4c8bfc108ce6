/*
 * protocol.c: the list of protocols.
 */
#include "protocol/protocol.h"

#define PROTOCOL(p) extern const struct protocol protocol_##p;
#include "protocol/protocols.def"
#undef PROTOCOL

static const struct protocol *const protocols[] = {
#define PROTOCOL(p) &protocol_##p,
#include "protocol/protocols.def"
#undef PROTOCOL
};

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	return NULL;
}
