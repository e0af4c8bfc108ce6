#include "attest/words.h"

const char *words_duration(struct arena *arena, instant d)
{
	long long seconds = d / INSTANT_SECOND;

	if (seconds < 120)
		return arena_printf(arena, "%lld seconds", seconds);
	if (seconds < 120 * 60)
		return arena_printf(arena, "%lld minutes", seconds / 60);
	if (seconds < 48 * 3600)
		return arena_printf(arena, "%lld hours", seconds / 3600);
	return arena_printf(arena, "%lld days", seconds / 86400);
}

void words_out_of_memory(struct verdict *v, const char *sentence)
{
	*v = (struct verdict){
		.error_code = 500001,
		.message = "Internal error.",
		.check = "memory",
		.seen = "a full arena",
		.expected = "room",
		.sentence = sentence,
	};
}
