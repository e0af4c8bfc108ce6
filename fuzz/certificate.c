/*
 * certificate.c: certificates as an operator gives them. The first byte says where: '0' one by itself (PEM, DER or base64), '1' a bundle of
 * PEM, '2' and '3' the JSON of an individual enrollment and of a group, '4' a verification certificate and the CA that it is to
 * speak for, with two bytes of length before the first of them.
 *
 * What is taken can be described, and its description is JSON of eight members without a character that a terminal would obey; given again in
 * any form it is the same.
 */
#include <string.h>

#include "base/text.h"
#include "crypto/chain.h"
#include "model/model.h"

#include "fuzz.h"

#define ROOM (16 * 1024 * 1024)
#define TEXT (1024 * 1024)

/* --- what is said of one that was taken --- */

static void plain(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++)
		need(*p >= ' ' && *p != 0x7f && !(*p == 0xc2 && p[1] < 0xa0));
}

static void says_eight_things(struct slice text)
{
	json_t *info = json_loadb(text.p, text.n, 0, NULL), *value;
	const char *key;

	need(info != NULL && json_object_size(info) == 8);
	json_object_foreach(info, key, value)
	{
		need(json_is_string(value) || strcmp(key, "version") == 0);
		if (json_is_string(value))
			plain(json_string_value(value));
	}
	json_decref(info);
}

static void described(struct slice der, struct arena *a)
{
	struct certificate_info info;
	struct json_out out;
	struct buf text;
	bool told;

	buf_init(&text, TEXT);
	json_out_init(&out, &text);
	told = certificate_write_info(&out, NULL, der, a);
	need(told == (certificate_describe(der, a, &info) == OK));
	if (told) {
		need(!buf_failed(&text) && info.sha1.n == 40 && info.sha256.n == 64 && info.common_names >= 0);
		need(slice_absent(info.common_name) == (info.common_names == 0));
		says_eight_things(buf_slice(&text));
	}
	buf_fini(&text);
}

static struct slice pem_of(struct slice der, struct arena *a)
{
	return arena_format(a, "-----BEGIN CERTIFICATE-----\n%.*s\n-----END CERTIFICATE-----\n", SLICE_ARG(base64_encode(a, der)));
}

static void taken_again(struct slice der, struct arena *a)
{
	const struct slice forms[] = {der, base64_encode(a, der), pem_of(der, a), base64_encode(a, pem_of(der, a))};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct slice again;
		const char *why = NULL;
		enum err e = certificate_read(forms[i], a, &again, &why);

		need(e == OK ? slice_eq(again, der) : e == ERR_TOO_BIG && forms[i].n > CERTIFICATE_MAX);
	}
}

static void taken(struct slice der, struct arena *a)
{
	need(der.n > 0 && der.n <= CERTIFICATE_MAX && !certificate_spells_out_a_curve(der));
	need(certificate_subject_mark(der, a).n == 8);
	(void)certificate_is_ca(der);
	(void)certificate_signed_by(der, der);
	described(der, a);
	taken_again(der, a);
}

/* --- where they come in --- */

static void refused(enum err e, const char *why)
{
	need(e == ERR_MALFORMED || e == ERR_TOO_BIG);
	need(why != NULL && *why != '\0');
}

static void one(struct slice given, struct arena *a)
{
	struct slice der = NO_SLICE;
	const char *why = NULL;
	enum err e = certificate_read(given, a, &der, &why);

	if (e == OK)
		taken(der, a);
	else
		refused(e, why);
}

static void bundle(struct slice given, struct arena *a)
{
	struct slice ders[CHAIN_CERTIFICATES_MAX];
	struct chain *c = NULL;
	const char *why = NULL;
	size_t count = 0;
	enum err e = certificate_read_all(given, a, ders, CHAIN_CERTIFICATES_MAX, &count, &why);

	need(count <= CHAIN_CERTIFICATES_MAX);
	if (e != OK) {
		refused(e, why);
		return;
	}
	for (size_t i = 0; i < count; i++)
		taken(ders[i], a);
	if (chain_new(ders, count, &c) == OK)
		need(chain_count(c) == count && chain_top(c) < count);
	chain_free(&c);
}

static void enrollment(const struct noun *noun, struct slice text, struct arena *a)
{
	struct enrollment *e = noun_new(noun, a);
	const char *why = NULL;
	struct json_out out;
	struct buf written;

	need(e != NULL);
	if (noun_read(noun, text, a, e, &why) != OK) {
		need(why != NULL);
		return;
	}
	for (size_t i = 0; i < noun->count; i++)
		if (noun->fields[i].type == FIELD_CERT && ((struct slice *)field_of(&noun->fields[i], e))->n > 0)
			taken(*(struct slice *)field_of(&noun->fields[i], e), a);
	/* "info" without a certificate: the stored one is to stay, and is put in by whoever has it. */
	for (size_t i = 0; i < noun->count; i++)
		if (noun->fields[i].type == FIELD_CERT && ((struct slice *)field_of(&noun->fields[i], e))->n == 0)
			*(struct slice *)field_of(&noun->fields[i], e) = NO_SLICE;
	buf_init(&written, ROOM);
	json_out_init(&out, &written);
	noun_write(noun, e, VIEW_PLAIN, &out, NULL, a);
	need(!buf_failed(&written));
	buf_fini(&written);
}

static void proof(struct slice in, struct arena *a)
{
	size_t n = in.n < 2 ? 0 : (size_t)(unsigned char)in.p[0] << 8 | (unsigned char)in.p[1];
	struct slice leaf = slice_to(slice_from(in, 2), n), ca = slice_from(slice_from(in, 2), leaf.n);
	bool speaks = certificate_signed_by(leaf, ca);

	if (!speaks)
		return;
	need(certificate_subject_mark(leaf, a).n == 8 && certificate_subject_mark(ca, a).n == 8);
	need(!certificate_signed_by(slice_to(leaf, leaf.n - 1), ca));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_over(data + 1, size ? size - 1 : 0);
	struct arena *a;

	if (size < 1)
		return 0;
	need((a = arena_new(ROOM)) != NULL);
	switch (data[0]) {
	case '0': one(in, a); break;
	case '1': bundle(in, a); break;
	case '2': enrollment(&noun_individual, in, a); break;
	case '3': enrollment(&noun_group, in, a); break;
	case '4': proof(in, a); break;
	default: break;
	}
	arena_free(&a);
	return 0;
}
