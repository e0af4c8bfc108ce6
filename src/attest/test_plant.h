/*
 * test_plant.h: a plant whose devices have certificates: a root, two lines under it, a cell under one of them. Included by tests
 * only.
 */
#ifndef BERTH_ATTEST_TEST_PLANT_H
#define BERTH_ATTEST_TEST_PLANT_H

#include "attest/attest.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/test_certificates.h"

#define PLANT_ROOM (4 * 1024 * 1024)

struct plant {
	struct arena *a;
	struct test_certificate root, line6, line7, cell; /* CN=Plant root, CN=Line 6 CA, CN=Line 7 CA, CN=Cell 6.1 CA */
	struct test_certificate press;                    /* CN=press-07, by line6 */
	struct test_certificate deep;                     /* CN=press-07, by the cell */
	struct enrollment own, group;                     /* press-07; presses, which names line6 */
	struct ca_certificate authority;                  /* "plant-ca", the root; verified */
	struct evidence ev;
	struct verdict v;
};

static inline struct slice plant_der(struct plant *p, const struct test_certificate *c)
{
	int n;
	unsigned char *der = test_der(c->x, &n);
	struct slice copy = arena_copy(p->a, slice_over(der, (size_t)n));

	OPENSSL_free(der);
	return copy;
}

/* What a hub knows the certificate by. */
static inline struct slice plant_thumbprint(struct plant *p, const struct test_certificate *c)
{
	unsigned char digest[SHA256_SIZE];

	sha256(plant_der(p, c), digest);
	return hex_upper(p->a, slice_over(digest, sizeof(digest)));
}

static inline void plant_present_ders(struct plant *p, const struct slice *ders, size_t count)
{
	chain_free(&p->ev.chain);
	assert_int_equal(chain_new(ders, count, &p->ev.chain), OK);
}

/* What the device shows in its next handshake, leaf first. */
static inline void plant_present(struct plant *p, size_t count, const struct test_certificate *const *certificates)
{
	struct slice ders[CHAIN_CERTIFICATES_MAX];

	for (size_t i = 0; i < count; i++)
		ders[i] = plant_der(p, certificates[i]);
	plant_present_ders(p, ders, count);
}

#define PRESENT(p, ...)                                                                                                                    \
	plant_present(p, sizeof((const struct test_certificate *[]){__VA_ARGS__}) / sizeof(void *),                                        \
		      (const struct test_certificate *[]){__VA_ARGS__})

static inline void plant_enroll(struct enrollment *e, const struct noun *noun, const char *name)
{
	noun_clear(noun, e);
	e->name = slice_str(name);
	e->attestation = SLICE("x509");
}

/* The clock of the evidence is set here, and stands still. */
static inline int plant_begin(void **state)
{
	static struct plant p;

	p = (struct plant){.a = arena_new(PLANT_ROOM)};
	p.root = test_make((struct test_wish){.name = "Plant root", .ca = 1});
	p.line6 = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1, .issuer = &p.root});
	p.line7 = test_make((struct test_wish){.name = "Line 7 CA", .ca = 1, .issuer = &p.root});
	p.cell = test_make((struct test_wish){.name = "Cell 6.1 CA", .ca = 1, .issuer = &p.line6});
	p.press = test_make((struct test_wish){.name = "press-07", .issuer = &p.line6});
	p.deep = test_make((struct test_wish){.name = "press-07", .issuer = &p.cell});
	plant_enroll(&p.own, &noun_individual, "press-07");
	plant_enroll(&p.group, &noun_group, "presses");
	p.group.signing_primary = plant_der(&p, &p.line6);
	noun_clear(&noun_ca_certificate, &p.authority);
	p.authority.id = p.authority.name = SLICE("plant-ca");
	p.authority.certificate = plant_der(&p, &p.root);
	p.authority.verified = FLAG_YES;
	p.ev = (struct evidence){.scope = SLICE("0ne00AB12CD"), .registration_id = SLICE("press-07"), .now = clock_wall()};
	PRESENT(&p, &p.press);
	*state = &p;
	return 0;
}

static inline int plant_end(void **state)
{
	struct plant *p = *state;
	struct test_certificate *const all[] = {&p->root, &p->line6, &p->line7, &p->cell, &p->press, &p->deep};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		test_unmake(all[i]);
	chain_free(&p->ev.chain);
	arena_free(&p->a);
	return 0;
}

#define PLANT_TEST(name) cmocka_unit_test_setup_teardown(name, plant_begin, plant_end)

/* A leaf of line6 as wished, shown in place of the press's. */
static inline void plant_show_odd(struct plant *p, struct test_wish w)
{
	struct test_certificate leaf;

	w.issuer = w.issuer ? w.issuer : &p->line6;
	leaf = test_make(w);
	PRESENT(p, &leaf);
	test_unmake(&leaf);
}

/* --- judging --- */

static inline void plant_judge(struct plant *p, const struct enrollment *e)
{
	assert_int_equal(attest_judge(e, e == &p->group, &p->ev, p->a, &p->v), OK);
}

static inline void plant_accepts(struct plant *p, const struct enrollment *e)
{
	plant_judge(p, e);
	if (p->v.error_code != 0)
		fail_msg("%s: %s", p->v.check, p->v.sentence);
	assert_string_equal(p->v.hub_authentication, "selfSigned");
	assert_true(slice_absent(p->v.primary_key) && slice_absent(p->v.secondary_key));
	assert_int_equal(p->v.primary_thumbprint.n, 2 * SHA256_SIZE);
	assert_true(slice_eq(p->v.leaf, chain_der(p->ev.chain, 0)));
}

/* With what the operator is told, word for word; NULL: that is another test's business. */
static inline void plant_was_refused(struct plant *p, const char *check, const char *sentence)
{
	assert_int_equal(p->v.error_code, 401002);
	assert_string_equal(p->v.check, check);
	if (sentence)
		assert_string_equal(p->v.sentence, sentence);
	assert_non_null(p->v.message);
	assert_non_null(p->v.seen);
	assert_non_null(p->v.expected);
	assert_non_null(p->v.sentence);
	assert_null(p->v.hub_authentication);
	assert_true(slice_absent(p->v.primary_thumbprint) && slice_absent(p->v.leaf));
}

static inline void plant_refuses(struct plant *p, const struct enrollment *e, const char *check, const char *sentence)
{
	plant_judge(p, e);
	plant_was_refused(p, check, sentence);
}

#endif
