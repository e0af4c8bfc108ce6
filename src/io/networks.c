/*
 * networks.c: a handful of them, gone through one by one.
 */
#include <string.h>

#include "io/networks.h"

static bool read_network(struct slice text, struct address *address, int *bits)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	struct slice alone = slash ? slice_to(text, (size_t)(slash - text.p)) : text;
	uint64_t n;

	if (!address_read(alone, address) || address_alone(alone).n != slice_trim(alone).n)
		return false;
	*bits = address->six ? 128 : 32;
	if (slash == NULL)
		return true;
	if (!slice_to_u64(slice_from(text, (size_t)(slash - text.p) + 1), &n) || n > (uint64_t)*bits)
		return false;
	*bits = (int)n;
	return true;
}

enum err networks_read(const char *list, const char *setting, struct networks *out, struct arena *arena, const char **why)
{
	struct networks fresh = {.count = 0};
	struct slice rest = list ? slice_str(list) : NO_SLICE, piece;

	while (slice_next(&rest, ',', &piece)) {
		piece = slice_trim(piece);
		if (piece.n == 0)
			continue;
		if (fresh.count == NETWORKS_MAX) {
			*why = arena_printf(arena, "%s takes %d networks at most.", setting, NETWORKS_MAX);
			return ERR_INVALID;
		}
		if (!read_network(piece, &fresh.at[fresh.count].address, &fresh.at[fresh.count].bits)) {
			*why = arena_printf(arena, "%s wants addresses or networks (10.0.0.0/8), not \"%.*s\".", setting, SLICE_ARG(piece));
			return ERR_INVALID;
		}
		fresh.count++;
	}
	*out = fresh;
	return OK;
}

bool networks_have(const struct networks *n, const struct address *address)
{
	for (size_t i = 0; i < n->count; i++)
		if (address_shares(address, &n->at[i].address, n->at[i].bits))
			return true;
	return false;
}
