#include "cli/channel.h"

const struct channel_kind *const channel_kinds[] = {
#define CHANNEL(name) &channel_##name,
#include "cli/channels.def"
#undef CHANNEL
	NULL,
};

const struct channel_kind *channel_find(struct slice name)
{
	for (size_t i = 0; channel_kinds[i]; i++)
		if (slice_eq(name, slice_str(channel_kinds[i]->name)))
			return channel_kinds[i];
	return NULL;
}
