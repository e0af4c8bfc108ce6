/*
 * http_accept.c: what a client says it takes (RFC 9110 section 12.5).
 */
#include "codec/http.h"

/* "q=0", "q=0.0" and so on. */
static bool is_no_weight(struct slice parameter)
{
	struct slice value = slice_from(parameter, 2);

	if (!slice_starts_fold(parameter, SLICE("q=")) || value.n == 0)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '0' && value.p[i] != '.')
			return false;
	return true;
}

/* One element of the list: a word, and parameters behind semicolons. */
static bool accepts(struct slice element, struct slice word)
{
	struct slice name, parameter;

	(void)slice_next(&element, ';', &name);
	if (!slice_eq_fold(slice_trim(name), word))
		return false;
	while (slice_next(&element, ';', &parameter))
		if (is_no_weight(slice_trim(parameter)))
			return false;
	return true;
}

bool http_accepts(const struct http_head *h, const char *name, struct slice word)
{
	for (size_t i = 0; i < h->header_count; i++) {
		struct slice rest = h->headers[i].value, element;

		if (!slice_eq_fold(h->headers[i].name, slice_str(name)))
			continue;
		while (slice_next(&rest, ',', &element))
			if (accepts(element, word))
				return true;
	}
	return false;
}
