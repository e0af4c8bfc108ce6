/*
 * test_oddities.h: chains that are odd from the outset: loops, twins, crowds, huge and strange keys, names, serial numbers and dates.
 * Included by tests, and by the bench.
 */
#ifndef BERTH_CRYPTO_TEST_ODDITIES_H
#define BERTH_CRYPTO_TEST_ODDITIES_H

#include "crypto/test_keys.h"
#include "crypto/test_mutations.h"

/* A leaf with another value of that field, rightly signed. */
static inline void odd_leaf(struct mutation_world *w, enum test_field field, struct slice value, const char *family, const char *what,
			    enum mutation_end end)
{
	struct mutation m = mutation_good(w, family, what);
	struct test_parts p = test_take_apart(w->der[0]);

	p.field[field] = value;
	m.ders[0] = test_put_together_signed(w->a, p, w->made[1].key);
	m.end = end;
	w->visit(w->cookie, &m);
}

/* --- serial numbers and dates, RFC 5280 sections 4.1.2.2 and 4.1.2.5 --- */

static inline void odd_serials(struct mutation_world *w)
{
	static const size_t lengths[] = {0, 1, 20, 21, 1000, 20000};
	static const int fills[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	static char bytes[20000];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t k = 0; k < sizeof(fills) / sizeof(fills[0]); k++) {
			struct slice body = slice_over(bytes, lengths[i]);

			memset(bytes, fills[k], sizeof(bytes));
			odd_leaf(w, FIELD_OF_SERIAL, test_der_wrap(w->a, 0x02, &body, 1), "serial", "of any length and sign", END_UNKNOWN);
		}
}

static inline void odd_dates(struct mutation_world *w)
{
	static const struct {
		unsigned char tag;
		const char *text;
	} dates[] = {
		{0x17, "500101000000Z"},
		{0x17, "491231235959Z"},
		{0x17, "260101000000"},
		{0x17, "2601010000Z"},
		{0x17, "260101000000+0100"},
		{0x17, "260230000000Z"},
		{0x17, "269901000000Z"},
		{0x17, ""},
		{0x17, "2601010000 0Z"},
		{0x18, "00000101000000Z"},
		{0x18, "99991231235959Z"},
		{0x18, "20260101000000.5Z"},
		{0x18, "20260101240000Z"},
		{0x18, "-001010100000Z"},
		{0x18, "20491231235959Z"},
		{0x18, "20600101000000"},
		{0x18, "99999999999999999Z"},
		{0x0c, "260101000000Z"},
		{0x05, ""},
	};
	struct slice good = test_der_inside(test_take_apart(w->der[0]).field[FIELD_OF_VALIDITY]);
	struct slice from = test_der_next(&good), to = good;

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct slice text = slice_str(dates[i].text), odd = test_der_wrap(w->a, dates[i].tag, &text, 1);

		odd_leaf(w, FIELD_OF_VALIDITY, test_der_wrap(w->a, 0x30, (const struct slice[]){odd, to}, 2), "first day", dates[i].text,
			 END_UNKNOWN);
		odd_leaf(w, FIELD_OF_VALIDITY, test_der_wrap(w->a, 0x30, (const struct slice[]){from, odd}, 2), "last day", dates[i].text,
			 END_UNKNOWN);
	}
	odd_leaf(w, FIELD_OF_VALIDITY, test_der_wrap(w->a, 0x30, (const struct slice[]){to, from}, 2), "dates", "the last before the first",
		 END_REFUSED);
}

/* --- names --- */

static inline struct slice odd_attribute(struct mutation_world *w, unsigned char string_type, struct slice value)
{
	struct slice text = test_der_wrap(w->a, string_type, &value, 1);
	struct slice pair = test_der_wrap(w->a, 0x30, (const struct slice[]){SLICE("\x06\x03\x55\x04\x03"), text}, 2);

	return test_der_wrap(w->a, 0x31, &pair, 1);
}

static inline struct slice odd_name(struct mutation_world *w, unsigned char string_type, struct slice value)
{
	struct slice attribute = odd_attribute(w, string_type, value);

	return test_der_wrap(w->a, 0x30, &attribute, 1);
}

static inline struct slice long_name(struct mutation_world *w, size_t n)
{
	char *text = arena_alloc(w->a, n);

	memset(text, 'x', n);
	return odd_name(w, 0x0c, slice_over(text, n));
}

static inline void odd_names(struct mutation_world *w)
{
	static const unsigned char types[] = {0x0c, 0x13, 0x14, 0x16, 0x1a, 0x1b, 0x1c, 0x1e, 0x03, 0x04, 0x02, 0x30};
	const struct slice values[] = {SLICE(""), SLICE("dev-1\0.test"), SLICE("\0"), SLICE("\xff\xfe\xc0\x80"), SLICE("\x1b[2J\r\n")};
	struct slice many[2000];

	for (size_t i = 0; i < sizeof(types); i++)
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
			odd_leaf(w, FIELD_OF_SUBJECT, odd_name(w, types[i], values[k]), "name", "of any type", END_UNKNOWN);
	odd_leaf(w, FIELD_OF_SUBJECT, SLICE("\x30\x00"), "name", "none", END_UNKNOWN);
	odd_leaf(w, FIELD_OF_ISSUER, SLICE("\x30\x00"), "issuer", "none", END_REFUSED);
	odd_leaf(w, FIELD_OF_SUBJECT, SLICE("\x30\x02\x31\x00"), "name", "of an attribute that is none", END_UNKNOWN);
	odd_leaf(w, FIELD_OF_SUBJECT, long_name(w, 25000), "name", "of 25 KB", END_LEADS);
	odd_leaf(w, FIELD_OF_SUBJECT, long_name(w, 100000), "name", "of 100 KB", END_REFUSED);
	odd_leaf(w, FIELD_OF_ISSUER, long_name(w, 25000), "issuer", "of 25 KB", END_REFUSED);
	for (size_t i = 0; i < 2000; i++)
		many[i] = odd_attribute(w, 0x0c, SLICE("x"));
	odd_leaf(w, FIELD_OF_SUBJECT, test_der_wrap(w->a, 0x30, many, 2000), "name", "of 2000 parts", END_LEADS);
}

/* The CA has no name, and neither has the leaf's issuer: RFC 5280 wants one. */
static inline void odd_nameless_ca(struct mutation_world *w)
{
	struct mutation m = mutation_good(w, "issuer", "a CA without a name");
	struct test_parts leaf = test_take_apart(w->der[0]), ca = test_take_apart(w->der[1]);

	leaf.field[FIELD_OF_ISSUER] = ca.field[FIELD_OF_SUBJECT] = SLICE("\x30\x00");
	m.ders[0] = test_put_together_signed(w->a, leaf, w->made[1].key);
	m.ders[1] = test_put_together_signed(w->a, ca, w->made[2].key);
	m.end = END_REFUSED;
	w->visit(w->cookie, &m);
}

/* --- keys --- */

static inline void odd_rsa_keys(struct mutation_world *w)
{
	static const struct {
		int bits, exponent_bits;
		enum mutation_end end;
	} keys[] = {{2048, 2, END_LEADS},    {2048, 64, END_LEADS},   {2048, 65, END_REFUSED},  {3072, 3071, END_REFUSED},
		    {8192, 17, END_LEADS},   {8193, 17, END_REFUSED}, {16384, 17, END_REFUSED}, {16384, 64, END_REFUSED},
		    {1024, 17, END_REFUSED}, {512, 17, END_REFUSED},  {2048, 1, END_UNKNOWN}};
	BIGNUM *e = BN_new();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		BN_rand(e, keys[i].exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
		odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_rsa_spki(w->a, keys[i].bits, e), "RSA", "of any size", keys[i].end);
	}
	BN_zero(e);
	odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_rsa_spki(w->a, 2048, e), "RSA", "with an exponent of 0", END_UNKNOWN);
	BN_set_word(e, 65536);
	odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_rsa_spki(w->a, 2048, e), "RSA", "with an even exponent", END_UNKNOWN);
	BN_free(e);
}

/* An intermediate with that key, which has signed the leaf in earnest. */
static inline void odd_signer(struct mutation_world *w, EVP_PKEY *key, const char *what, enum mutation_end end)
{
	struct test_certificate ca = test_make((struct test_wish){.name = "Large", .key = key, .ca = 1, .full = 1, .issuer = &w->made[2]});
	struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .full = 1, .issuer = &ca});
	struct mutation m = mutation_good(w, "signer", what);

	m.ders[0] = test_der_of(w->a, leaf.x);
	m.ders[1] = test_der_of(w->a, ca.x);
	m.end = end;
	w->visit(w->cookie, &m);
	test_unmake(&leaf);
	test_unmake(&ca);
	EVP_PKEY_free(key);
}

static inline void odd_signers(struct mutation_world *w)
{
	odd_signer(w, test_rsa(2048, 17), "RSA of 2048 bits", END_LEADS);
	odd_signer(w, test_rsa(8192, 64), "RSA of 8192 bits, an exponent of 64", END_LEADS);
	odd_signer(w, test_rsa(8704, 17), "RSA of 8704 bits", END_REFUSED);
	odd_signer(w, test_rsa(2048, 2047), "RSA with an exponent as long as it is", END_REFUSED);
	odd_signer(w, test_key("P-521"), "P-521", END_LEADS);
	odd_signer(w, test_key("ED25519"), "Ed25519", END_LEADS);
	odd_signer(w, test_key("secp256k1"), "a curve that is not ours", END_REFUSED);
	odd_signer(w, test_key("sect571k1"), "a curve over a binary field", END_REFUSED);
}

static inline void odd_curves(struct mutation_world *w)
{
	static const struct {
		const char *kind, *form, *encoding;
		enum mutation_end end;
	} keys[] = {
		{"P-256", "compressed", "named_curve", END_LEADS},         {"P-256", "hybrid", "named_curve", END_UNKNOWN},
		{"P-256", "uncompressed", "explicit", END_REFUSED},        {"secp224r1", "compressed", "named_curve", END_REFUSED},
		{"secp256k1", "uncompressed", "named_curve", END_REFUSED}, {"brainpoolP512r1", "compressed", "named_curve", END_REFUSED},
		{"sect571k1", "compressed", "named_curve", END_REFUSED},   {"sect571k1", "compressed", "explicit", END_REFUSED},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		EVP_PKEY *key = test_key(keys[i].kind);

		EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, keys[i].form);
		EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, keys[i].encoding);
		odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_spki(w->a, key), keys[i].kind, keys[i].form, keys[i].end);
		EVP_PKEY_free(key);
	}
	odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_costly_spki(w->a), "curve", "that costs whoever reads it", END_REFUSED);
}

static inline void odd_kinds_of_keys(struct mutation_world *w)
{
	static const struct {
		const char *kind;
		enum mutation_end end;
	} keys[] = {{"ED25519", END_LEADS}, {"ED448", END_LEADS}, {"X25519", END_REFUSED}, {"X448", END_REFUSED}};
	struct slice unknown = SLICE("\x30\x0a\x30\x04\x06\x02\x2a\x03\x03\x02\x00\x01");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, keys[i].kind);

		odd_leaf(w, FIELD_OF_PUBLIC_KEY, test_spki(w->a, key), "key", keys[i].kind, keys[i].end);
		EVP_PKEY_free(key);
	}
	odd_leaf(w, FIELD_OF_PUBLIC_KEY, unknown, "key", "of an unknown kind", END_REFUSED);
}

/* --- loops, twins and crowds --- */

static inline void odd_chain(struct mutation_world *w, const char *family, const char *what, const struct test_certificate *made,
			     size_t count, struct slice anchor, enum mutation_end end)
{
	struct mutation m = {.family = family, .what = what, .count = count, .anchor = anchor, .end = end};

	for (size_t i = 0; i < count; i++)
		m.ders[i] = test_der_of(w->a, made[i].x);
	w->visit(w->cookie, &m);
}

static inline void odd_loop(struct mutation_world *w)
{
	struct test_certificate b = test_make((struct test_wish){.name = "B", .ca = 1, .full = 1});
	struct test_certificate made[3];

	made[1] = test_make((struct test_wish){.name = "A", .ca = 1, .full = 1, .issuer = &b});
	made[2] = test_make((struct test_wish){.name = "B", .key = b.key, .ca = 1, .full = 1, .issuer = &made[1]});
	made[0] = test_make((struct test_wish){.name = "dev-1", .full = 1, .issuer = &made[1]});
	odd_chain(w, "loop", "that leads nowhere", made, 3, w->der[3], END_REFUSED);
	for (size_t i = 1; i < 3; i++)
		odd_chain(w, "loop", "through the anchor", made, 3, test_der_of(w->a, made[i].x), END_LEADS);
	odd_chain(w, "loop", "with a way out", made, 3, test_der_of(w->a, b.x), END_LEADS);
	for (size_t i = 0; i < 3; i++)
		test_unmake(&made[i]);
	test_unmake(&b);
}

static inline void odd_twins(struct mutation_world *w)
{
	struct test_certificate one = test_make((struct test_wish){.name = "Twin", .ca = 1, .full = 1});
	struct test_certificate two = test_make((struct test_wish){.name = "Twin", .key = one.key, .ca = 1, .full = 1});
	struct test_certificate fake = test_make((struct test_wish){.name = "Twin", .ca = 1});
	struct test_certificate leaf = test_make((struct test_wish){.name = "dev-1", .issuer = &one});
	struct test_certificate made[] = {leaf, one};

	odd_chain(w, "twins", "of one key", made, 2, test_der_of(w->a, two.x), END_LEADS);
	odd_chain(w, "twins", "of two keys", made, 2, test_der_of(w->a, fake.x), END_REFUSED);
	test_unmake(&one);
	test_unmake(&two);
	test_unmake(&fake);
	test_unmake(&leaf);
}

/* Each is signed by the next, and all have one name: there are more ways through them than there is time. */
static inline void odd_namesakes(struct mutation_world *w, bool one_key)
{
	struct test_certificate made[16] = {{0}}, root = test_make((struct test_wish){.name = "Name", .ca = 1});

	for (size_t i = 15; i > 0; i--)
		made[i] = test_make((struct test_wish){
			.name = "Name", .key = one_key ? root.key : NULL, .ca = 1, .issuer = i == 15 ? &root : &made[i + 1]});
	made[0] = test_make((struct test_wish){.name = "dev-1", .issuer = &made[1]});
	odd_chain(w, "namesakes", "that lead nowhere", made, 16, w->der[3], END_REFUSED);
	odd_chain(w, "namesakes", "below their root", made, 16, test_der_of(w->a, root.x), END_UNKNOWN);
	odd_chain(w, "namesakes", "one of them trusted", made, 16, test_der_of(w->a, made[8].x), END_UNKNOWN);
	for (size_t i = 0; i < 16; i++)
		test_unmake(&made[i]);
	test_unmake(&root);
}

/* `n` intermediates, all with one key. */
static inline void odd_ladder(struct mutation_world *w, size_t n, enum mutation_end end)
{
	struct test_certificate made[MUTATION_MOST];
	char name[32];

	for (size_t i = n; i > 0; i--) {
		snprintf(name, sizeof(name), "Step %zu", i);
		made[i] = test_make((struct test_wish){
			.name = name, .key = w->made[1].key, .ca = 1, .full = 1, .issuer = i == n ? &w->made[3] : &made[i + 1]});
	}
	made[0] = test_make((struct test_wish){.name = "dev-1", .full = 1, .issuer = &made[1]});
	odd_chain(w, "ladder", "of many steps", made, n + 1, w->der[3], end);
	for (size_t i = 0; i <= n; i++)
		test_unmake(&made[i]);
}

static inline void make_oddities(struct mutation_world *w)
{
	odd_serials(w);
	odd_dates(w);
	odd_names(w);
	odd_nameless_ca(w);
	odd_rsa_keys(w);
	odd_signers(w);
	odd_curves(w);
	odd_kinds_of_keys(w);
	odd_loop(w);
	odd_twins(w);
	odd_namesakes(w, false);
	odd_namesakes(w, true);
	odd_ladder(w, 10, END_LEADS);
	odd_ladder(w, 11, END_REFUSED);
	odd_ladder(w, 15, END_REFUSED);
	odd_ladder(w, 99, END_REFUSED);
}

#endif
