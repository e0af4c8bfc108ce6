/*
 * chain.c: what it costs to judge a chain, good, spoilt, odd, or made to cost as much as it may.
 *
 *	bench_chain [TIMES]
 *
 * Ours is all that a registration does with a chain: copy, decode, look for its signers, describe the leaf, judge the path. Beside it
 * OpenSSL decodes the same certificates and verifies them (X509_verify_cert), with nothing of its own switched on but what finds the anchor.
 * Each chain is judged TIMES times by both in turn; what counts is the shortest, for the rest of the machine only adds to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/chain.h"
#include "crypto/test_oddities.h"
#include "give_up.h"

#define ROOM          (64 << 20)
#define HANDSHAKE_MAX 16384 /* bytes of certificates that a handshake takes: TLS_CHAIN_MAX */
#define AIM_MS        50
#define MEASURED_MAX  8192

struct figures {
	size_t n;
	double ours[MEASURED_MAX], theirs[MEASURED_MAX]; /* ms */
};

static int times = 3;
static bool missed;
static char worst[128];

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- one chain --- */

static void judge_ours(const struct mutation *m)
{
	struct arena *a = arena_new(ROOM);
	struct chain_path path;
	struct chain *c;

	if (chain_new(m->ders, m->count, &c) == OK) {
		(void)chain_info(c, 0, a);
		for (size_t i = 0; i < chain_count(c); i++)
			(void)chain_issuer_mark(c, i, a);
		(void)!chain_judge(c, m->anchor, CHAIN_CLIENT, clock_wall(), &path);
		(void)chain_info(c, chain_top(c), a);
		chain_free(&c);
	}
	arena_free(&a);
}

static X509 *decode(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
}

static void verify(X509 *leaf, STACK_OF(X509) * others, X509 *anchor)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	X509_STORE_add_cert(store, anchor);
	X509_STORE_CTX_init(ctx, store, leaf, others);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	(void)X509_verify_cert(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

static void judge_theirs(const struct mutation *m)
{
	X509 *leaf = decode(m->ders[0]), *anchor = decode(m->anchor);
	STACK_OF(X509) *others = sk_X509_new_null();

	for (size_t i = 1; i < m->count; i++) {
		X509 *x = decode(m->ders[i]);

		if (x)
			sk_X509_push(others, x);
	}
	if (leaf && anchor)
		verify(leaf, others, anchor);
	sk_X509_pop_free(others, X509_free);
	X509_free(leaf);
	X509_free(anchor);
}

static double shortest(void (*judge)(const struct mutation *), const struct mutation *m, double before)
{
	double begin = cpu_ms(), took;

	judge(m);
	took = cpu_ms() - begin;
	return before == 0 || took < before ? took : before;
}

static void measure(void *cookie, const struct mutation *m)
{
	struct figures *f = cookie;
	double ours = 0, theirs = 0;

	if (f->n == MEASURED_MAX)
		give_up("there are more than %d chains", MEASURED_MAX);
	for (int i = 0; i < times; i++) {
		ours = shortest(judge_ours, m, ours);
		theirs = shortest(judge_theirs, m, theirs);
	}
	if (ours > AIM_MS && !missed)
		snprintf(worst, sizeof(worst), "%s, %s: %.1f ms", m->family, m->what, ours);
	missed |= ours > AIM_MS;
	f->ours[f->n] = ours;
	f->theirs[f->n++] = theirs;
}

/* --- many of them --- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_header(void)
{
	printf("%-58s %6s  %-22s %-22s %s\n", "", "chains", "ours, median and most", "OpenSSL's", "ratio of both");
}

static void print_row(const char *name, struct figures *f)
{
	size_t half = f->n / 2, last = f->n - 1;

	qsort(f->ours, f->n, sizeof(double), by_size);
	qsort(f->theirs, f->n, sizeof(double), by_size);
	printf("%-58s %6zu  %7.3f %7.3f ms     %7.3f %7.3f ms     %.2f  %.2f\n", name, f->n, f->ours[half], f->ours[last], f->theirs[half],
	       f->theirs[last], f->ours[half] / f->theirs[half], f->ours[last] / f->theirs[last]);
	fflush(stdout);
}

static void run(const char *name, void (*mutate)(struct mutation_world *))
{
	static struct figures f;
	struct mutation_world w = mutation_world(measure, &f);

	f.n = 0;
	mutate(&w);
	mutation_world_end(&w);
	print_row(name, &f);
}

static void only_good(struct mutation_world *w)
{
	struct mutation m = mutation_good(w, "good", "as it is");

	for (int i = 0; i < 200; i++)
		w->visit(w->cookie, &m);
}

/* --- at the limits --- */

static EVP_PKEY *new_key(const char *kind, int bits, int exponent_bits)
{
	return kind ? test_key(kind) : test_rsa(bits, exponent_bits);
}

static size_t size_of(const struct mutation *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->count; i++)
		n += m->ders[i].n;
	return n;
}

/* As many intermediates as a handshake has room for, and paths may have, each of a key of its own, down to a leaf. Two certificates have one
 * name, for then both orders are tried; and only the last signature that is looked at is wrong, so that they are. */
static void climb(struct mutation_world *w, const char *kind, int bits, int exponent_bits)
{
	struct test_certificate made[CHAIN_DEPTH_MAX + 2] = {{0}};
	struct mutation m = {.family = "ladder", .what = kind ? kind : "RSA", .count = 1};
	EVP_PKEY *key = new_key(kind, bits, exponent_bits); /* one for all: what is computed is the same */
	struct test_wish wish = {.ca = 1, .key = key, .full = 1};
	char name[32];
	int top = CHAIN_DEPTH_MAX + 1;

	made[top] = test_make((struct test_wish){.name = "Top", .ca = 1, .key = key, .full = 1});
	m.anchor = test_der_of(w->a, made[top].x);
	for (int i = top - 1; i > 0; i--) {
		snprintf(name, sizeof(name), "Step %d", i);
		wish.name = name;
		wish.issuer = &made[i + 1];
		made[i] = test_make(wish);
	}
	/* From the top down to where there is no more room. */
	for (int i = top - 1; i > 0; i--) {
		struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .key = key, .full = 1, .issuer = &made[i]});
		struct mutation longer = {.family = m.family, .what = m.what, .anchor = m.anchor};
		struct test_parts parts = test_take_apart(test_der_of(w->a, leaf.x));

		parts.signature = mutation_flip(w, parts.signature, parts.signature.n - 1);
		longer.ders[longer.count++] = test_put_together(w->a, &parts);
		for (int k = i; k < top; k++)
			longer.ders[longer.count++] = test_der_of(w->a, made[k].x);
		for (int k = 0; k < 2; k++)
			longer.ders[longer.count++] = w->der[2];
		test_unmake(&leaf);
		if (size_of(&longer) <= HANDSHAKE_MAX)
			m = longer;
	}
	w->visit(w->cookie, &m);
	for (int i = 1; i <= top; i++)
		test_unmake(&made[i]);
	EVP_PKEY_free(key);
}

static void climb_8192(struct mutation_world *w)
{
	climb(w, NULL, CHAIN_RSA_BITS_MAX, CHAIN_EXPONENT_MAX);
}

static void climb_4096(struct mutation_world *w)
{
	climb(w, NULL, 4096, CHAIN_EXPONENT_MAX);
}

static void climb_3072(struct mutation_world *w)
{
	climb(w, NULL, 3072, CHAIN_EXPONENT_MAX);
}

static void climb_long_exponents(struct mutation_world *w)
{
	climb(w, NULL, 3072, 3071);
}

static void climb_p384(struct mutation_world *w)
{
	climb(w, "P-384", 0, 0);
}

static void climb_p521(struct mutation_world *w)
{
	climb(w, "P-521", 0, 0);
}

/* The good chain, and copies of `der` behind it: as many as there is room for. */
static void crowd(struct mutation_world *w, const char *what, struct slice der)
{
	struct mutation m = mutation_good(w, "crowd", what);

	for (m.count = 1; m.count < CHAIN_CERTIFICATES_MAX && size_of(&m) + der.n <= HANDSHAKE_MAX; m.count++)
		m.ders[m.count] = der;
	w->visit(w->cookie, &m);
}

static void crowd_of_keys(struct mutation_world *w, const char *what, struct slice spki)
{
	struct test_parts p = test_take_apart(w->der[1]);

	p.field[FIELD_OF_PUBLIC_KEY] = spki;
	crowd(w, what, test_put_together(w->a, &p));
}

static void spelled_out_curves(struct mutation_world *w)
{
	crowd_of_keys(w, "of curves spelled out", test_costly_spki(w->a));
}

static void compressed_points(struct mutation_world *w)
{
	EVP_PKEY *key = test_key("secp224r1");

	EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	crowd_of_keys(w, "of points without y", test_spki(w->a, key));
	EVP_PKEY_free(key);
}

/* More than we look at: the handshake decodes them all the same, and that is OpenSSL's. Nothing is in them but a key. */
static void handshake_full_of_keys(struct mutation_world *w)
{
	struct mutation m = mutation_good(w, "handshake", "full of keys");
	struct test_parts p = test_take_apart(w->der[1]);
	EVP_PKEY *key = test_key("secp224r1");

	EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	p.field[FIELD_OF_PUBLIC_KEY] = test_spki(w->a, key);
	p.field[FIELD_OF_VERSION] = p.field[FIELD_OF_EXTENSIONS] = SLICE("");
	p.field[FIELD_OF_ISSUER] = p.field[FIELD_OF_SUBJECT] = SLICE("\x30\x00");
	p.signature = SLICE("\x03\x01\x00");
	for (m.count = 0; m.count < MUTATION_MOST && size_of(&m) < HANDSHAKE_MAX; m.count++)
		m.ders[m.count] = test_put_together(w->a, &p);
	w->visit(w->cookie, &m);
	EVP_PKEY_free(key);
}

static void nearly_certificates(struct mutation_world *w)
{
	crowd(w, "of what does not read", test_der_join(w->a, (const struct slice[]){w->der[1], SLICE("x")}, 2));
}

static void long_names(struct mutation_world *w)
{
	struct slice many[1100];

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = odd_attribute(w, 0x1e, SLICE("\0x"));
	odd_leaf(w, FIELD_OF_SUBJECT, test_der_wrap(w->a, 0x30, many, sizeof(many) / sizeof(many[0])), "name", "of many parts",
		 END_UNKNOWN);
	odd_leaf(w, FIELD_OF_SUBJECT, long_name(w, 13000), "name", "of 13 KB", END_UNKNOWN);
}

/* "DNS:..,DNS:.." with that before each. */
static char *many_names(const char *before, int n, const char *name)
{
	size_t room = (size_t)n * (strlen(before) + strlen(name) + 16) + 1, used = 0;
	char *text = malloc(room);

	if (text == NULL)
		give_up("out of memory");
	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%sDNS:%s", i ? "," : "", before, name);
	return text;
}

static char *constraints_now;

static void constrain(X509 *x)
{
	test_extend(x, x, NID_name_constraints, constraints_now);
}

/* Names times constraints: what OpenSSL lets pass of that is a million for each pair of certificates. */
static void name_constraints(struct mutation_world *w)
{
	char *alt = many_names("", 1000, "a.b");
	struct test_certificate line, cell, leaf;
	struct mutation m = mutation_good(w, "names", "and constraints");

	constraints_now = many_names("excluded;", 500, "c.b");
	line = test_make((struct test_wish){.name = "Line", .ca = 1, .full = 1, .issuer = &w->made[3], .odd = constrain});
	cell = test_make((struct test_wish){.name = "Cell", .ca = 1, .full = 1, .issuer = &line, .odd = constrain});
	leaf = test_make((struct test_wish){.name = "dev-1", .full = 1, .issuer = &cell, .alt = alt});
	m.count = 3;
	m.ders[0] = test_der_of(w->a, leaf.x);
	m.ders[1] = test_der_of(w->a, cell.x);
	m.ders[2] = test_der_of(w->a, line.x);
	if (size_of(&m) > HANDSHAKE_MAX)
		give_up("names and constraints take %zu bytes", size_of(&m));
	w->visit(w->cookie, &m);
	test_unmake(&leaf);
	test_unmake(&cell);
	test_unmake(&line);
	free(constraints_now);
	free(alt);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		times = atoi(argv[1]);
	if (times < 1)
		give_up("usage: %s [TIMES]", argv[0]);
	printf("seed %u\n", MUTATION_SEED);
	print_header();
	run("good: a leaf, two intermediates, a root, all of P-256", only_good);
	run("good ones spoilt", mutate_all);
	run("odd ones", make_oddities);
	run("RSA 8192 with exponents of 64 bits, as many as fit in 16 KiB", climb_8192);
	run("RSA 4096 with exponents of 64 bits, the same", climb_4096);
	run("RSA 3072 with exponents of 64 bits, the same", climb_3072);
	run("RSA 3072 with exponents of 3071 bits, the same", climb_long_exponents);
	run("P-384, the same", climb_p384);
	run("P-521, the same", climb_p521);
	run("a crowd of keys on curves spelled out", spelled_out_curves);
	run("a crowd of P-224 keys without their y", compressed_points);
	run("a handshake full of P-224 keys without their y", handshake_full_of_keys);
	run("a crowd of certificates with a byte too many", nearly_certificates);
	run("names of 13 KB", long_names);
	run("1000 names under twice 500 constraints", name_constraints);
	if (missed)
		printf("more than %d ms: %s\n", AIM_MS, worst);
	return missed;
}
