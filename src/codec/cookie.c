#include "codec/cookie.h"

/* "name=value" of that name. */
static bool is_pair_of(struct slice pair, struct slice name, struct slice *value)
{
	ptrdiff_t equals = slice_find(pair, '=');

	if (equals < 0 || !slice_eq(slice_to(pair, (size_t)equals), name))
		return false;
	*value = slice_from(pair, (size_t)equals + 1);
	return true;
}

struct slice cookie_find(const struct http_head *h, struct slice name)
{
	struct slice found = NO_SLICE, value;
	size_t times = 0;

	for (size_t i = 0; i < h->header_count; i++) {
		struct slice rest = h->headers[i].value, pair;

		if (!slice_eq_fold(h->headers[i].name, SLICE("cookie")))
			continue;
		while (slice_next(&rest, ';', &pair))
			if (is_pair_of(slice_trim(pair), name, &value)) {
				found = value;
				times++;
			}
	}
	return times == 1 ? found : NO_SLICE;
}
