/*
 * test_mutations.h: good chains spoilt in every way that we could think of, one after the other: fields, extensions,
 * signatures, order, copies, and bits at random. What cannot be had by spoiling a good one is in test_oddities.h.
 * Included by tests, and by the bench that measures what they cost.
 *
 * The order is the same each time, and so is what dice decide; keys are new.
 */
#ifndef BERTH_CRYPTO_TEST_MUTATIONS_H
#define BERTH_CRYPTO_TEST_MUTATIONS_H

#include "crypto/test_der.h"

#define MUTATION_SEED  20261124u
#define MUTATION_ROOM  (512 << 20)
#define MUTATION_DEPTH 4   /* root, two intermediates, leaf */
#define MUTATION_MOST  128 /* certificates in one chain */
#define RANDOM_ROUNDS  1000

enum mutation_end { END_UNKNOWN, END_LEADS, END_REFUSED };

/* One chain, and what is known beforehand of how it must be judged. */
struct mutation {
	const char *family, *what;
	struct slice ders[MUTATION_MOST];
	size_t count;
	struct slice anchor;
	enum mutation_end end;
};

typedef void mutation_visit(void *cookie, const struct mutation *);

struct mutation_world {
	struct arena *a;
	struct test_certificate made[MUTATION_DEPTH]; /* leaf first */
	struct slice der[MUTATION_DEPTH];
	uint32_t dice;
	mutation_visit *visit;
	void *cookie;
};

static inline struct mutation_world mutation_world(mutation_visit *visit, void *cookie)
{
	static const char *const names[MUTATION_DEPTH] = {"dev-1", "Cell", "Line", "Root"};
	struct mutation_world w = {.a = arena_new(MUTATION_ROOM), .dice = MUTATION_SEED, .visit = visit, .cookie = cookie};

	for (int i = MUTATION_DEPTH - 1; i >= 0; i--) {
		w.made[i] = test_make((struct test_wish){.name = names[i],
							 .issuer = i == MUTATION_DEPTH - 1 ? NULL : &w.made[i + 1],
							 .ca = i > 0,
							 .full = 1,
							 .alt = i ? NULL : "DNS:dev-1.test"});
		w.der[i] = test_der_of(w.a, w.made[i].x);
	}
	return w;
}

static inline void mutation_world_end(struct mutation_world *w)
{
	for (int i = 0; i < MUTATION_DEPTH; i++)
		test_unmake(&w->made[i]);
	arena_free(&w->a);
}

static inline uint32_t mutation_roll(struct mutation_world *w, uint32_t below)
{
	w->dice = w->dice * 1664525u + 1013904223u;
	return (w->dice >> 8) % below;
}

/* The good chain, to its root, before anything is done to it. */
static inline struct mutation mutation_good(const struct mutation_world *w, const char *family, const char *what)
{
	struct mutation m = {.family = family, .what = what, .count = MUTATION_DEPTH, .anchor = w->der[MUTATION_DEPTH - 1]};

	memcpy(m.ders, w->der, sizeof(w->der));
	return m;
}

static inline EVP_PKEY *mutation_signer(const struct mutation_world *w, size_t at)
{
	return w->made[at + 1 < MUTATION_DEPTH ? at + 1 : at].key;
}

/* The good chain with `der` in place of certificate `at`; where that is the root, it is the anchor as well in another chain.
 * `forged`: nobody has signed it, so it is no part of a path. */
static inline void mutation_replace(struct mutation_world *w, const char *family, const char *what, size_t at, struct slice der,
				    bool forged)
{
	struct mutation m = mutation_good(w, family, what);

	if (slice_eq(der, w->der[at]))
		return;
	m.ders[at] = der;
	m.end = at + 1 == MUTATION_DEPTH ? END_UNKNOWN : forged ? END_REFUSED : END_UNKNOWN;
	w->visit(w->cookie, &m);
	if (at + 1 < MUTATION_DEPTH)
		return;
	m.anchor = der;
	w->visit(w->cookie, &m);
}

/* --- one element --- */

static inline struct slice mutation_flip(struct mutation_world *w, struct slice s, size_t from)
{
	char *copy = arena_alloc(w->a, s.n + 1);
	size_t at = from + mutation_roll(w, (uint32_t)(s.n - from));

	memcpy(copy, s.p, s.n);
	copy[at] ^= (char)(1 << mutation_roll(w, 8));
	return slice_over(copy, s.n);
}

/* A length in more bytes than it needs: BER, and not DER. */
static inline struct slice mutation_stretch(struct mutation_world *w, struct slice element)
{
	struct slice inside = test_der_inside(element);
	const char head[] = {element.p[0], (char)0x84, 0, 0, (char)(inside.n >> 8), (char)inside.n};

	return test_der_join(w->a, (const struct slice[]){slice_over(head, sizeof(head)), inside}, 2);
}

/* No length at all, and an end instead: BER again. */
static inline struct slice mutation_leave_open(struct mutation_world *w, struct slice element)
{
	const char head[] = {element.p[0], (char)0x80};

	return test_der_join(w->a, (const struct slice[]){slice_over(head, 2), test_der_inside(element), SLICE("\0\0")}, 3);
}

static inline struct slice mutation_lie_about_length(struct mutation_world *w, struct slice element)
{
	char *copy = arena_alloc(w->a, element.n);

	memcpy(copy, element.p, element.n);
	copy[1] ^= 0x40;
	return slice_over(copy, element.n);
}

static const char *const mutation_ways[] = {"left out", "empty",           "twice",     "a bit flipped", "a bit flipped again", "retagged",
					    "longer",   "of other length", "stretched", "left open",     "a neighbour's",       "rubbish"};
#define WAY_STRETCHED 8
#define MUTATION_WAYS (sizeof(mutation_ways) / sizeof(mutation_ways[0]))

static inline struct slice mutation_of(struct mutation_world *w, size_t way, struct slice element, struct slice neighbour)
{
	unsigned char tag = (unsigned char)element.p[0];
	struct slice inside = test_der_inside(element);

	switch (way) {
	case 0: return SLICE("");
	case 1: return test_der_wrap(w->a, tag, NULL, 0);
	case 2: return test_der_join(w->a, (const struct slice[]){element, element}, 2);
	case 3:
	case 4: return inside.n ? mutation_flip(w, element, element.n - inside.n) : element;
	case 5: return test_der_wrap(w->a, tag ^ 0x06, &inside, 1);
	case 6: return test_der_wrap(w->a, tag, (const struct slice[]){inside, SLICE("\x05\x00")}, 2);
	case 7: return mutation_lie_about_length(w, element);
	case 8: return mutation_stretch(w, element);
	case 9: return mutation_leave_open(w, element);
	case 10: return neighbour;
	default: return test_der_wrap(w->a, tag, &SLICE("\xff\x80rubbish"), 1);
	}
}

/* --- fields and extensions --- */

/* Once as it is, and once signed again by the rightful issuer: then only what it says can be wrong. */
static inline void mutation_parts(struct mutation_world *w, const char *family, const char *what, size_t at, const struct test_parts *p)
{
	mutation_replace(w, family, what, at, test_put_together(w->a, p), true);
	mutation_replace(w, family, what, at, test_put_together_signed(w->a, *p, mutation_signer(w, at)), false);
}

static inline void mutate_fields(struct mutation_world *w, size_t at)
{
	static const char *const names[] = {"version", "serial", "algorithm", "issuer", "validity", "subject", "public key", "extensions"};
	const struct test_parts good = test_take_apart(w->der[at]), other = test_take_apart(w->der[(at + 1) % MUTATION_DEPTH]);

	for (size_t field = 0; field < FIELDS_OF_CERTIFICATE; field++)
		for (size_t way = 0; way < MUTATION_WAYS; way++) {
			struct test_parts p = good;

			p.field[field] = mutation_of(w, way, p.field[field], other.field[field]);
			mutation_parts(w, names[field], mutation_ways[way], at, &p);
		}
}

static inline void mutate_extensions(struct mutation_world *w, size_t at)
{
	const struct test_parts good = test_take_apart(w->der[at]), other = test_take_apart(w->der[(at + 1) % MUTATION_DEPTH]);
	static const char critical[] = "\x30\x0a\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x00";
	struct test_parts p;

	for (size_t i = 0; i < good.extensions; i++)
		for (size_t way = 0; way < MUTATION_WAYS; way++) {
			p = good;
			p.extension[i] = mutation_of(w, way, p.extension[i], other.extension[i % other.extensions]);
			test_gather_extensions(w->a, &p);
			mutation_parts(w, "extension", mutation_ways[way], at, &p);
		}
	p = good;
	p.extension[p.extensions++] = slice_over(critical, sizeof(critical) - 1);
	test_gather_extensions(w->a, &p);
	mutation_parts(w, "extension", "an unknown one, critical", at, &p);
}

/* --- signatures --- */

static const struct {
	const char *what, *der;
	size_t n;
} mutation_algorithms[] = {
#define ALGORITHM(what, der)                                                                                                               \
	{                                                                                                                                  \
		what, der, sizeof(der) - 1                                                                                                 \
	}
	ALGORITHM("SHA-1 with RSA", "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00"),
	ALGORITHM("MD5 with RSA", "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00"),
	ALGORITHM("SHA-256 with RSA", "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"),
	ALGORITHM("RSASSA-PSS without parameters", "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"),
	ALGORITHM("ECDSA with SHA-1", "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"),
	ALGORITHM("ECDSA with SHA-384", "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"),
	ALGORITHM("the kind of a key", "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"),
	ALGORITHM("Ed25519", "\x30\x05\x06\x03\x2b\x65\x70"),
	ALGORITHM("an unknown one", "\x30\x04\x06\x02\x2a\x03"),
	ALGORITHM("parameters it does not have", "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00"),
#undef ALGORITHM
};

static inline void mutate_algorithms(struct mutation_world *w, size_t at)
{
	const struct test_parts good = test_take_apart(w->der[at]);

	for (size_t i = 0; i < sizeof(mutation_algorithms) / sizeof(mutation_algorithms[0]); i++) {
		struct slice algorithm = slice_over(mutation_algorithms[i].der, mutation_algorithms[i].n);
		struct test_parts outside = good, both = good;

		outside.algorithm = algorithm;
		mutation_replace(w, "algorithm outside", mutation_algorithms[i].what, at, test_put_together(w->a, &outside), true);
		both.algorithm = both.field[FIELD_OF_ALGORITHM] = algorithm;
		mutation_parts(w, "algorithm", mutation_algorithms[i].what, at, &both);
	}
}

static inline void mutate_signature(struct mutation_world *w, size_t at)
{
	const struct test_parts good = test_take_apart(w->der[at]), other = test_take_apart(w->der[(at + 1) % MUTATION_DEPTH]);
	struct test_parts p = good;

	/* It is not within what is signed, so OpenSSL takes its length as BER allows it, if it takes that. */
	for (size_t way = 0; way < MUTATION_WAYS; way++) {
		p.signature = mutation_of(w, way, good.signature, other.signature);
		mutation_replace(w, "signature", mutation_ways[way], at, test_put_together(w->a, &p), way != WAY_STRETCHED);
	}
	for (int i = 0; i < 32; i++) {
		p.signature = mutation_flip(w, good.signature, 0);
		mutation_replace(w, "signature", "a bit flipped anywhere", at, test_put_together(w->a, &p), true);
	}
}

/* --- order and copies --- */

static inline void mutation_shuffle(struct mutation_world *w, struct slice *list, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = mutation_roll(w, (uint32_t)i);
		struct slice kept = list[i - 1];

		list[i - 1] = list[k];
		list[k] = kept;
	}
}

static inline void mutate_order(struct mutation_world *w)
{
	struct mutation m;

	for (size_t by = 1; by < MUTATION_DEPTH; by++) {
		m = mutation_good(w, "order", "rotated");
		for (size_t i = 0; i < MUTATION_DEPTH; i++)
			m.ders[i] = w->der[(i + by) % MUTATION_DEPTH];
		w->visit(w->cookie, &m);
	}
	m = mutation_good(w, "order", "reversed");
	for (size_t i = 0; i < MUTATION_DEPTH; i++)
		m.ders[i] = w->der[MUTATION_DEPTH - 1 - i];
	w->visit(w->cookie, &m);
	for (int i = 0; i < 40; i++) {
		m = mutation_good(w, "order", "shuffled");
		mutation_shuffle(w, m.ders, m.count);
		w->visit(w->cookie, &m);
		m = mutation_good(w, "order", "shuffled above the leaf");
		mutation_shuffle(w, m.ders + 1, m.count - 1);
		m.end = END_LEADS;
		w->visit(w->cookie, &m);
	}
}

static inline void mutate_copies(struct mutation_world *w)
{
	struct mutation m = mutation_good(w, "copies", "none");

	m.end = END_LEADS;
	w->visit(w->cookie, &m);
	for (size_t at = 0; at < MUTATION_DEPTH; at++)
		for (size_t copies = 2; copies <= 12; copies += 5) {
			m = mutation_good(w, "copies", "of one of them");
			for (size_t i = 1; i < copies; i++)
				m.ders[m.count++] = w->der[at];
			m.end = END_LEADS;
			w->visit(w->cookie, &m);
		}
	m = mutation_good(w, "copies", "of all of them");
	while (m.count < 16) {
		m.ders[m.count] = w->der[m.count % MUTATION_DEPTH];
		m.count++;
	}
	m.end = END_LEADS;
	w->visit(w->cookie, &m);
	m = mutation_good(w, "copies", "of the leaf alone");
	for (m.count = 0; m.count < 16; m.count++)
		m.ders[m.count] = w->der[0];
	m.end = END_REFUSED;
	w->visit(w->cookie, &m);
}

/* --- bits --- */

/* Somewhere in one of them: a bit flipped, a byte taken out, a length made wrong, bytes doubled, or the end cut off. */
static inline struct slice mutation_of_bytes(struct mutation_world *w, struct slice der)
{
	size_t n = der.n, at = mutation_roll(w, (uint32_t)n);
	char *copy = arena_alloc(w->a, n + 1);

	memcpy(copy, der.p, n);
	switch (mutation_roll(w, 5)) {
	case 0: copy[at] ^= (char)(1 << mutation_roll(w, 8)); break;
	case 1: memmove(copy + at, copy + at + 1, --n - at); break;
	case 2: copy[at] = (char)(mutation_roll(w, 2) ? 0x84 : 0xff); break;
	case 3:
		memmove(copy + at + 1, copy + at, n - at);
		n++;
		break;
	default: n = at; break;
	}
	return slice_over(copy, n);
}

static inline void mutate_bytes(struct mutation_world *w)
{
	for (int round = 0; round < RANDOM_ROUNDS; round++) {
		struct mutation m = mutation_good(w, "bytes", "at random");

		m.anchor = w->der[1 + mutation_roll(w, MUTATION_DEPTH - 1)];
		m.count = 1 + mutation_roll(w, 6);
		for (size_t i = 1; i < m.count; i++)
			m.ders[i] = w->der[mutation_roll(w, MUTATION_DEPTH)];
		for (uint32_t i = mutation_roll(w, 3); i > 0; i--) {
			size_t at = mutation_roll(w, (uint32_t)m.count);

			if (m.ders[at].n)
				m.ders[at] = mutation_of_bytes(w, m.ders[at]);
		}
		if (mutation_roll(w, 10) == 0)
			m.anchor = mutation_of_bytes(w, m.anchor);
		w->visit(w->cookie, &m);
	}
}

static inline void mutate_all(struct mutation_world *w)
{
	for (size_t at = 0; at < MUTATION_DEPTH; at++) {
		mutate_fields(w, at);
		mutate_extensions(w, at);
		mutate_algorithms(w, at);
		mutate_signature(w, at);
	}
	mutate_order(w);
	mutate_copies(w);
	mutate_bytes(w);
}

#endif
