/*
 * chain.c: certificates as a peer may present them: pieces with two bytes of length before each, the first one the anchor, then
 * the leaf and what it brings along.
 *
 * Whatever they are, they are described and judged without harm; and nothing leads to an anchor that does not read.
 */
#include "crypto/chain.h"

#include "fuzz.h"

#define ROOM (8 * 1024 * 1024)
#define NOW  ((instant)1795600000 * INSTANT_SECOND)

/* The next piece; what is announced beyond the end is cut off there. */
static struct slice next_piece(struct slice *rest)
{
	size_t n = rest->n < 2 ? 0 : (size_t)(unsigned char)rest->p[0] << 8 | (unsigned char)rest->p[1];
	struct slice piece = slice_to(slice_from(*rest, rest->n < 2 ? rest->n : 2), n);

	*rest = slice_from(*rest, rest->n < 2 + piece.n ? rest->n : 2 + piece.n);
	return piece;
}

static void look_at(struct chain *c, struct slice anchor, struct arena *a)
{
	struct chain_path path;
	enum err e = chain_judge(c, anchor, CHAIN_CLIENT, NOW, &path);

	need(e == OK || e == ERR_MALFORMED);
	if (e == OK && path.leads)
		need(!slice_absent(certificate_subject_mark(anchor, a)) && path.depth >= 0 && path.depth <= CHAIN_CERTIFICATES_MAX);
	else if (e == OK)
		need(path.word != NULL && path.reason != NULL && path.culprit >= -1 && path.culprit < (int)chain_count(c));
	need(chain_top(c) < chain_count(c));
	for (size_t i = 0; i < chain_count(c); i++) {
		const struct certificate_info *info = chain_info(c, i, a);

		if (info)
			need(info->sha256.n == 64 && !slice_absent(info->subject) && !slice_absent(chain_issuer_mark(c, i, a)));
		(void)chain_self_issued(c, i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_over(data, size), anchor = next_piece(&rest), ders[CHAIN_CERTIFICATES_MAX];
	struct arena *a = arena_new(ROOM);
	struct chain *c = NULL;
	size_t n = 0;

	need(a != NULL);
	while (rest.n > 0 && n < CHAIN_CERTIFICATES_MAX)
		ders[n++] = next_piece(&rest);
	if (n > 0 && chain_new(ders, n, &c) == OK)
		look_at(c, anchor, a);
	chain_free(&c);
	arena_free(&a);
	return 0;
}
