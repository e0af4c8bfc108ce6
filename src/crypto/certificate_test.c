/* Certificates read, described and made, beside what the openssl program says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/text.h"
#include "crypto/certificate.h"

#define ROOM (4 * 1024 * 1024)
#define NOW  (1790000000 * INSTANT_SECOND) /* 2026-09-21T14:13:20Z */
#define DAYS 3650

static struct arena *a;
static struct certificate_pair ca, server;
static char folder[] = "/tmp/certificate_test.XXXXXX";
static const char *why;

/* OpenSSL asks this one for memory; the n-th time there is none. 0: always some. */
static int until_failure;

static void *failing_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return until_failure && --until_failure == 0 ? NULL : malloc(n);
}

static void *failing_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return until_failure && --until_failure == 0 ? NULL : realloc(p, n);
}

static void plain_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static int set_up(void **state)
{
	static const char *const names[] = {"*.berth.test", "localhost", "127.0.0.1", "::1"};

	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (mkdtemp(folder) == NULL || chdir(folder) != 0 || (a = arena_new(ROOM)) == NULL)
		return -1;
	if (certificate_make_ca(a, "Berth \xc3\xa9 CA", NOW, DAYS, &ca) != OK)
		return -1;
	return certificate_make_server(a, &ca, names, 4, NOW, 90, &server) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const left[] = {"ca.pem", "one.pem", "key.pem", "given.pem"};

	(void)state;
	arena_free(&a);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		unlink(left[i]);
	return chdir("/") || rmdir(folder);
}

static void write_file(const char *name, struct slice text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	fclose(f);
}

/* The output of a command, errors too. The test fails with it unless the command ends as expected. */
static const char *run(const char *command, bool good)
{
	static char out[65536];
	FILE *f = popen(command, "r");
	size_t n;
	int status;

	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	status = pclose(f);
	if ((status == 0) != good)
		fail_msg("%s: %s", command, out);
	return out;
}

static struct slice der_of(struct slice pem)
{
	struct slice der = NO_SLICE;

	assert_int_equal(certificate_read(pem, a, &der, &why), OK);
	return der;
}

/* --- reading --- */

/* service-api.md 5.3 */
static void every_form_gives_the_same_der(void **state)
{
	struct slice pem = server.certificate, der = der_of(pem);
	const struct slice forms[] = {
		der,
		base64_encode(a, der),
		arena_format(a, "  %.*s\r\n", SLICE_ARG(base64_encode(a, der))),
		base64_encode(a, pem),
		arena_format(a, "\xef\xbb\xbfsubject=x\n%.*s%.*s", SLICE_ARG(pem), SLICE_ARG(ca.certificate)),
		base64_encode(a, arena_format(a, "%.*s%.*s", SLICE_ARG(pem), SLICE_ARG(ca.certificate))),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_true(slice_eq(der_of(forms[i]), der));
	assert_true(slice_starts(base64_encode(a, pem), SLICE("LS0tLS1CRUdJTi")));
}

static void refused(struct slice given)
{
	struct slice der;

	why = NULL;
	if (certificate_read(given, a, &der, &why) != ERR_MALFORMED)
		fail_msg("taken: %.*s", SLICE_ARG(given));
	assert_non_null(why);
}

static void garbage_is_refused_in_words(void **state)
{
	static const char *const wrong[] = {"",
					    "x",
					    "\n\n",
					    "-----BEGIN CERTIFICATE-----",
					    "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
					    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					    "-----END CERTIFICATE----------BEGIN CERTIFICATE-----",
					    "AAAA",
					    "MIIB"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(slice_str(wrong[i]));
	refused(NO_SLICE);
	refused(server.key);
	refused(base64_encode(a, server.key));
	refused(base64_encode(a, arena_format(a, "%.*sx", SLICE_ARG(base64_encode(a, der_of(server.certificate))))));
}

static void a_certificate_cut_anywhere_is_refused(void **state)
{
	struct slice der = der_of(server.certificate), text = base64_encode(a, der);
	ptrdiff_t end = slice_search(server.certificate, SLICE("-----END CERTIFICATE-----"));
	char *longer = arena_alloc(a, der.n + 1);
	struct arena *all = a;

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		a = arena_new(ROOM);
		refused(slice_to(der, n));
		refused(base64_encode(a, slice_to(der, n)));
		arena_free(&a);
		a = all;
	}
	for (size_t n = 0; n < text.n; n += 7)
		refused(slice_to(text, n));
	for (size_t n = 0; n < (size_t)end + 25; n += 7)
		refused(slice_to(server.certificate, n));
	memcpy(longer, der.p, der.n);
	refused(slice_over(longer, der.n + 1)); /* one byte too many is no certificate either */
}

static void a_huge_one_is_too_big(void **state)
{
	struct slice der;
	char *text = arena_alloc(a, CERTIFICATE_MAX + 1);

	(void)state;
	memset(text, 'A', CERTIFICATE_MAX + 1);
	assert_int_equal(certificate_read(slice_over(text, CERTIFICATE_MAX + 1), a, &der, &why), ERR_TOO_BIG);
	refused(slice_over(text, CERTIFICATE_MAX));
}

static void without_room_a_certificate_is_not_malformed(void **state)
{
	const struct slice forms[] = {server.certificate, base64_encode(a, server.certificate), der_of(server.certificate)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		enum err e = ERR_NO_MEMORY;

		for (size_t ceiling = 64; e != OK; ceiling += 64) {
			struct arena *small = arena_new(ceiling);
			struct slice der;

			why = NULL;
			e = certificate_read(forms[i], small, &der, &why);
			assert_true(e == OK || (e == ERR_NO_MEMORY && why != NULL));
			arena_free(&small);
		}
	}
}

/* --- describing, service-api.md 5.4 --- */

/* What `openssl x509` prints behind "name=". */
static struct slice told(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	at += strlen(name);
	return slice_over(at, strcspn(at, "\n"));
}

static struct slice without_colons(struct slice s)
{
	char *out = arena_str(a, s), *to = out;

	for (const char *p = out; *p; p++)
		if (*p != ':')
			*to++ = *p;
	*to = 0;
	return slice_str(out);
}

static void is_as_openssl_says(struct slice pem, struct certificate_info *info)
{
	char at[INSTANT_TEXT];
	const char *text;

	write_file("one.pem", pem);
	assert_int_equal(certificate_describe(der_of(pem), a, info), OK);
	text = run("openssl x509 -in one.pem -noout -serial -fingerprint -sha1 -startdate -enddate -dateopt iso_8601 2>&1", true);
	assert_true(slice_eq(info->serial, told(text, "serial=")));
	assert_true(slice_eq(info->sha1, without_colons(told(text, "sha1 Fingerprint="))));
	instant_print(info->not_before, INSTANT_SECONDS, at);
	at[10] = ' ';
	assert_true(slice_eq(slice_str(at), told(text, "notBefore=")));
	instant_print(info->not_after, INSTANT_SECONDS, at);
	at[10] = ' ';
	assert_true(slice_eq(slice_str(at), told(text, "notAfter=")));
	text = run("openssl x509 -in one.pem -noout -fingerprint -sha256 2>&1", true);
	assert_true(slice_eq(info->sha256, without_colons(told(text, "sha256 Fingerprint="))));
}

static void what_we_made_is_described(void **state)
{
	struct certificate_info info;

	(void)state;
	is_as_openssl_says(server.certificate, &info);
	assert_true(slice_eq(info.subject, SLICE("CN=*.berth.test")));
	assert_true(slice_eq(info.issuer, SLICE("CN=Berth \xc3\xa9 CA")));
	assert_true(slice_eq(info.common_name, SLICE("*.berth.test")));
	assert_int_equal(info.version, 3);
	assert_true(info.not_after == NOW + 90 * 86400 * INSTANT_SECOND);
	assert_true(info.not_before <= NOW && info.not_before > NOW - 86400 * INSTANT_SECOND);
	is_as_openssl_says(ca.certificate, &info);
	assert_true(slice_eq(info.issuer, info.subject));
}

/* A certificate of the openssl program, with this subject and serial. */
static void described(const char *options, struct certificate_info *info)
{
	FILE *f;
	size_t n;
	char *pem = arena_alloc(a, 16384);

	run(arena_printf(a,
			 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out given.pem -days 1 "
			 "-utf8 %s 2>&1",
			 options),
	    true);
	f = fopen("given.pem", "r");
	n = fread(pem, 1, 16384, f);
	fclose(f);
	is_as_openssl_says(slice_over(pem, n), info);
}

static void names_are_told_the_most_specific_first(void **state)
{
	struct certificate_info info;

	(void)state;
	described("-subj '/C=DE/ST=Berlin/O=Press, Mill & Co/OU=a\\+b/CN=say \"hi\"/emailAddress=x@y.test' -set_serial 0x51A8F624", &info);
	assert_true(slice_eq(info.subject, SLICE("E=x@y.test, CN=\"say \"\"hi\"\"\", OU=\"a+b\", O=\"Press, Mill & Co\", S=Berlin, C=DE")));
	assert_true(slice_eq(info.common_name, SLICE("say \"hi\"")));
	assert_true(slice_eq(info.serial, SLICE("51A8F624")));
	described("-subj '/O=nobody' -set_serial 1", &info);
	assert_true(slice_eq(info.subject, SLICE("O=nobody")));
	assert_true(slice_absent(info.common_name));
	assert_true(slice_eq(info.serial, SLICE("01")));
}

static void a_description_is_whole_or_there_is_none(void **state)
{
	struct slice der = der_of(server.certificate);
	struct certificate_info whole, info;
	enum err e = ERR_TOO_BIG;

	(void)state;
	assert_int_equal(certificate_describe(der, a, &whole), OK);
	for (size_t ceiling = 32; e != OK; ceiling += 16) {
		struct arena *small = arena_new(ceiling);

		e = certificate_describe(der, small, &info);
		assert_true(e == OK || e == ERR_TOO_BIG);
		if (e == OK) {
			assert_true(slice_eq(info.subject, whole.subject) && slice_eq(info.issuer, whole.issuer));
			assert_true(slice_eq(info.common_name, whole.common_name) && slice_eq(info.serial, whole.serial));
			assert_true(slice_eq(info.sha1, whole.sha1) && slice_eq(info.sha256, whole.sha256));
		}
		arena_free(&small);
	}
	assert_int_equal(certificate_describe(NO_SLICE, a, &info), ERR_MALFORMED);
	assert_int_equal(certificate_describe(slice_to(der, der.n - 1), a, &info), ERR_MALFORMED);
}

/* --- making --- */

#define VERIFY "openssl verify -x509_strict -purpose sslserver -attime %d -CAfile ca.pem %s one.pem 2>&1"

static void what_we_made_verifies_for_its_names_and_no_others(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{"-verify_hostname global.berth.test", true},
		{"-verify_hostname hub-1.berth.test", true},
		{"-verify_hostname localhost", true},
		{"-verify_ip 127.0.0.1", true},
		{"-verify_ip ::1", true},
		{"-verify_hostname berth.test", false},
		{"-verify_hostname a.b.berth.test", false},
		{"-verify_hostname global.other.test", false},
		{"-verify_ip 127.0.0.2", false},
	};

	(void)state;
	write_file("ca.pem", ca.certificate);
	write_file("one.pem", server.certificate);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(arena_printf(a, VERIFY, 1790000001, cases[i].name), cases[i].good);
	run(arena_printf(a, VERIFY, 1790000000 - 7200, ""), false);
	run(arena_printf(a, VERIFY, 1790000000 + 91 * 86400, ""), false);
}

static void a_root_signs_and_a_server_does_not(void **state)
{
	struct certificate_pair other, below;

	(void)state;
	write_file("one.pem", server.certificate);
	assert_non_null(strstr(run("openssl x509 -in one.pem -noout -ext basicConstraints 2>&1", true), "CA:FALSE"));
	assert_int_equal(certificate_make_ca(a, "Berth \xc3\xa9 CA", NOW, DAYS, &other), OK);
	write_file("ca.pem", other.certificate); /* the same name, another key */
	run(arena_printf(a, VERIFY, 1790000001, ""), false);
	assert_int_equal(certificate_make_server(a, &server, (const char *const[]){"x.test"}, 1, NOW, 90, &below), OK);
	write_file("one.pem", below.certificate);
	write_file("ca.pem", arena_format(a, "%.*s%.*s", SLICE_ARG(server.certificate), SLICE_ARG(ca.certificate)));
	run(arena_printf(a, VERIFY, 1790000001, ""), false);
}

static void the_key_belongs_to_the_certificate(void **state)
{
	char *mine;

	(void)state;
	write_file("one.pem", server.certificate);
	write_file("key.pem", server.key);
	mine = arena_str(a, slice_str(run("openssl x509 -in one.pem -noout -pubkey 2>&1", true)));
	assert_string_equal(run("openssl pkey -in key.pem -pubout 2>&1", true), mine);
	assert_non_null(strstr(run("openssl x509 -in one.pem -noout -text 2>&1", true), "NIST CURVE: P-256"));
}

static void a_server_certificate_needs_a_root_that_reads(void **state)
{
	const struct certificate_pair broken[] = {
		{SLICE(""), ca.key}, {ca.certificate, SLICE("")}, {ca.key, ca.certificate}, {NO_SLICE, NO_SLICE}};
	struct certificate_pair out;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(certificate_make_server(a, &broken[i], (const char *const[]){"x"}, 1, NOW, 90, &out), ERR_MALFORMED);
}

static void when_openssl_has_no_memory_nothing_is_half_read_and_nothing_is_left(void **state)
{
	struct slice der = der_of(server.certificate), again;
	enum err e = OK;
	int n = 0, refusals = 0;

	(void)state;
	do {
		until_failure = ++n;
		e = certificate_read(server.certificate, a, &again, &why);
		refusals += e != OK;
		assert_true(e != OK || slice_eq(again, der));
	} while (until_failure == 0); /* the n-th was asked for */
	until_failure = 0;
	assert_int_equal(e, OK);
	assert_true(refusals > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_gives_the_same_der),
		TEST(garbage_is_refused_in_words),
		TEST(a_certificate_cut_anywhere_is_refused),
		TEST(a_huge_one_is_too_big),
		TEST(without_room_a_certificate_is_not_malformed),
		TEST(what_we_made_is_described),
		TEST(names_are_told_the_most_specific_first),
		TEST(a_description_is_whole_or_there_is_none),
		TEST(what_we_made_verifies_for_its_names_and_no_others),
		TEST(a_root_signs_and_a_server_does_not),
		TEST(the_key_belongs_to_the_certificate),
		TEST(a_server_certificate_needs_a_root_that_reads),
		TEST(when_openssl_has_no_memory_nothing_is_half_read_and_nothing_is_left),
	};

	if (!CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
