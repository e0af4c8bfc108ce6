/*
 * hashed.c: weighted rendezvous hashing (RULE of service-api.md 7.2).
 *
 * Each hub draws a number from the device's ID and its own name; the highest score wins. Nobody counts
 * anything, so every node chooses alike; a hub that comes takes its share from all the others, a hub that goes
 * hands its devices to all the others, and nobody else moves.
 */
#include <math.h>

#include "allocate/allocate.h"
#include "crypto/digest.h"

#define HOST_MAX 255 /* RFC 1035 section 2.3.4 */

static size_t put(char *to, struct slice s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	if (n > 0)
		memcpy(to, s.p, n);
	return n;
}

/* The device's ID in lower case, NUL, the hub's name in lower case. */
static size_t hash_text(char text[ID_MAX + 1 + HOST_MAX], struct slice id, struct slice hub)
{
	size_t n = put(text, id, ID_MAX);

	text[n++] = '\0';
	n += put(text + n, hub, HOST_MAX);
	for (size_t i = 0; i < n; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] += 'a' - 'A';
	return n;
}

/* The first 8 bytes of the digest as a fraction, never 0 and never 1: of the 64 bits a double takes 52 and a half. */
static double fraction(const unsigned char digest[SHA256_SIZE])
{
	uint64_t h = 0;

	for (int i = 0; i < 8; i++)
		h = h << 8 | digest[i];
	return ((double)(h >> 12) + 0.5) * 0x1p-52;
}

static double score(struct slice id, const struct linked_hub *hub)
{
	char text[ID_MAX + 1 + HOST_MAX];
	unsigned char digest[SHA256_SIZE];

	sha256(slice_over(text, hash_text(text, id, hub->name)), digest);
	return -(double)allocate_weight(hub) / log(fraction(digest));
}

static const struct linked_hub *choose(const struct allocation *a, const struct linked_hub *const *candidates, size_t count)
{
	const struct linked_hub *best = NULL;
	double best_score = 0;

	for (size_t i = 0; i < count; i++) {
		double s = score(a->registration_id, candidates[i]);

		/* Two equal scores won't be seen, but must not depend on the order of the hubs. */
		if (best == NULL || s > best_score || (s == best_score && slice_cmp(candidates[i]->id, best->id) < 0)) {
			best = candidates[i];
			best_score = s;
		}
	}
	return best;
}

const struct allocate_policy allocate_hashed = {.name = "hashed", .weighs = true, .choose = choose};
