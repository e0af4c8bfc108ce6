#include <limits.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/text.h"
#include "crypto/certificate_own.h"
#include "crypto/digest.h"
#include "crypto/slim.h"

#define NAME_TEXT_MAX 8192

/* --- reading --- */

#define PEM_BEGIN SLICE("-----BEGIN CERTIFICATE-----")
#define PEM_END   SLICE("-----END CERTIFICATE-----")

static enum err malformed(const char *sentence, const char **why)
{
	*why = sentence;
	return ERR_MALFORMED;
}

static enum err no_room(const char **why)
{
	*why = "there is no memory for it";
	return ERR_NO_MEMORY;
}

/* The identifiers of the two kinds of field that a curve can be spelled out over, 1.2.840.10045.1.1 and .2, begin so; that of no named
 * curve, kind of key or algorithm does. */
bool certificate_spells_out_a_curve(struct slice bytes)
{
	return slice_search(bytes, SLICE("\x2a\x86\x48\xce\x3d\x01")) >= 0;
}

X509 *certificate_decode(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n && !certificate_spells_out_a_curve(der) ? X509_new_ex(slim_library(SLIM_CERTIFICATES), NULL) : NULL;

	/* When it fails there, x is freed and NULL. */
	if (x && d2i_X509(&x, &p, (long)der.n) && p != (const unsigned char *)der.p + der.n) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

static bool is_der(struct slice bytes)
{
	X509 *x = certificate_decode(bytes);

	X509_free(x);
	return x != NULL;
}

/* What stands between the first BEGIN and END; absent when they are not there. */
static struct slice pem_body(struct slice text)
{
	ptrdiff_t begin = slice_search(text, PEM_BEGIN), end;

	if (begin < 0)
		return NO_SLICE;
	text = slice_from(text, (size_t)begin + PEM_BEGIN.n);
	end = slice_search(text, PEM_END);
	return end < 0 ? NO_SLICE : slice_to(text, (size_t)end);
}

enum err certificate_read(struct slice given, struct arena *a, struct slice *der, const char **why)
{
	struct slice body, bytes;

	if (given.n > CERTIFICATE_MAX) {
		*why = "it is too large";
		return ERR_TOO_BIG;
	}
	if (is_der(given)) {
		*der = arena_copy(a, given);
		return slice_absent(*der) ? no_room(why) : OK;
	}
	body = pem_body(given);
	if (slice_absent(body)) {
		/* Base64 of DER, or of a PEM file. */
		bytes = base64_decode_lines(a, given);
		if (arena_failed(a))
			return no_room(why);
		if (bytes.n == 0)
			return malformed("it must be PEM text, base64 of DER, or base64 of a PEM file", why);
		body = pem_body(bytes);
		if (slice_absent(body)) {
			*der = bytes;
			return is_der(bytes) ? OK : malformed("the base64 text does not hold a certificate", why);
		}
	}
	*der = base64_decode_lines(a, body);
	if (arena_failed(a))
		return no_room(why);
	return is_der(*der) ? OK : malformed("the PEM text does not hold a certificate", why);
}

enum err certificate_read_all(struct slice pem, struct arena *a, struct slice *ders, size_t max, size_t *count, const char **why)
{
	ptrdiff_t begin, end;

	*count = 0;
	while ((begin = slice_search(pem, PEM_BEGIN)) >= 0) {
		struct slice rest = slice_from(pem, (size_t)begin);
		enum err e;

		if (*count == max) {
			*why = "there are too many certificates";
			return ERR_TOO_BIG;
		}
		if ((end = slice_search(rest, PEM_END)) < 0)
			return malformed("the PEM text ends in the middle", why);
		if ((e = certificate_read(slice_to(rest, (size_t)end + PEM_END.n), a, &ders[*count], why)) != OK)
			return e;
		(*count)++;
		pem = slice_from(rest, (size_t)end + PEM_END.n);
	}
	return *count ? OK : malformed("there is no PEM certificate in it", why);
}

/* --- describing (service-api.md 5.4) --- */

/* .NET's words where they differ from OpenSSL's. */
static void add_attribute_name(struct buf *to, const ASN1_OBJECT *object)
{
	int nid = OBJ_obj2nid(object);
	char oid[128];

	if (nid == NID_pkcs9_emailAddress) {
		buf_add_str(to, "E");
	} else if (nid == NID_stateOrProvinceName) {
		buf_add_str(to, "S");
	} else if (nid != NID_undef) {
		buf_add_str(to, OBJ_nid2sn(nid));
	} else {
		OBJ_obj2txt(oid, sizeof(oid), object, 1);
		buf_printf(to, "OID.%s", oid);
	}
}

static bool needs_quotes(struct slice value)
{
	if (value.n == 0 || value.p[0] == ' ' || value.p[value.n - 1] == ' ')
		return true;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == 0 || strchr(",+\"\\<>;=#\n", value.p[i]))
			return true;
	return false;
}

/* What moves a terminal's cursor or ends a line: how many bytes of UTF-8 it is at the front of `s`; 0: it is something else. */
static size_t control_length(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	return s.n > 1 && p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0;
}

/* In quotes when it could be misread, with quotes doubled. No honest name has a NUL or another control character: they show as \0 and,
 * with the two digits of each byte, \1B. */
static void add_value(struct buf *to, struct slice value)
{
	bool quotes = needs_quotes(value);
	size_t unfit = 0;

	if (quotes)
		buf_add_char(to, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (unfit == 0)
			unfit = control_length(slice_from(value, i));
		if (value.p[i] == '"')
			buf_add_str(to, "\"\"");
		else if (value.p[i] == 0)
			buf_add_str(to, "\\0");
		else if (unfit)
			buf_printf(to, "\\%02X", (unsigned char)value.p[i]);
		else
			buf_add_char(to, value.p[i]);
		unfit -= unfit > 0;
	}
	if (quotes)
		buf_add_char(to, '"');
}

/* The value of an attribute as UTF-8, in the arena. */
static struct slice utf8_of(struct arena *a, const X509_NAME_ENTRY *entry)
{
	unsigned char *text = NULL;
	int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	struct slice copy = n < 0 ? SLICE("") : arena_copy(a, slice_over(text, (size_t)n));

	OPENSSL_free(text);
	return copy;
}

/* The most specific attribute first, as .NET prints. */
struct slice certificate_name_text(struct arena *a, const X509_NAME *name)
{
	struct buf text;
	struct slice copy;

	buf_init(&text, NAME_TEXT_MAX);
	for (int i = X509_NAME_entry_count(name) - 1; i >= 0; i--) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

		if (text.n)
			buf_add_str(&text, ", ");
		add_attribute_name(&text, X509_NAME_ENTRY_get_object(entry));
		buf_add_char(&text, '=');
		add_value(&text, utf8_of(a, entry));
	}
	copy = buf_failed(&text) ? NO_SLICE : arena_copy(a, buf_slice(&text));
	buf_fini(&text);
	return copy;
}

static struct slice common_name(struct arena *a, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	return at < 0 ? NO_SLICE : utf8_of(a, X509_NAME_get_entry(name, at));
}

static int common_names(const X509_NAME *name)
{
	int count = 0;

	for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
		count++;
	return count;
}

static instant time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (instant)timegm(&tm) * INSTANT_SECOND : 0;
}

/* A certificate of version 3 says 2. Whatever else stands there is a number too. */
static int version_of(const X509 *x)
{
	long said = X509_get_version(x);

	return said >= 0 && said < INT_MAX ? (int)said + 1 : 0;
}

static struct slice serial_text(struct arena *a, const X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	return hex_upper(a, slice_over(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

struct slice certificate_name_mark(const X509_NAME *name, struct arena *a)
{
	int ok = 0;
	unsigned long mark = X509_NAME_hash_ex(name, NULL, NULL, &ok);

	return ok ? arena_format(a, "%08lx", mark) : NO_SLICE;
}

struct slice certificate_subject_mark(struct slice der, struct arena *a)
{
	X509 *x = certificate_decode(der);
	struct slice mark = x ? certificate_name_mark(X509_get_subject_name(x), a) : NO_SLICE;

	X509_free(x);
	return mark;
}

bool certificate_is_ca(struct slice der)
{
	X509 *x = certificate_decode(der);
	/* 1: version 3 and basic constraints; the others are what the world did before them. */
	bool is = x && X509_check_ca(x) == 1;

	X509_free(x);
	return is;
}

bool certificate_signed_by(struct slice der, struct slice issuer)
{
	X509 *x = certificate_decode(der), *ca = certificate_decode(issuer);
	EVP_PKEY *key = ca ? X509_get0_pubkey(ca) : NULL;
	bool signed_by = x && key && X509_verify(x, key) == 1;

	X509_free(ca);
	X509_free(x);
	ERR_clear_error();
	return signed_by;
}

enum err certificate_describe(struct slice der, struct arena *a, struct certificate_info *out)
{
	X509 *x = certificate_decode(der);
	enum err e = x ? certificate_describe_decoded(x, der, a, out) : ERR_MALFORMED;

	X509_free(x);
	return e;
}

enum err certificate_describe_decoded(const X509 *x, struct slice der, struct arena *a, struct certificate_info *out)
{
	unsigned char one[SHA1_SIZE], two[SHA256_SIZE];

	sha1(der, one);
	sha256(der, two);
	*out = (struct certificate_info){
		.subject = certificate_name_text(a, X509_get_subject_name(x)),
		.issuer = certificate_name_text(a, X509_get_issuer_name(x)),
		.common_name = common_name(a, X509_get_subject_name(x)),
		.common_names = common_names(X509_get_subject_name(x)),
		.sha1 = hex_upper(a, slice_over(one, sizeof(one))),
		.sha256 = hex_upper(a, slice_over(two, sizeof(two))),
		.serial = serial_text(a, x),
		.not_before = time_of(X509_get0_notBefore(x)),
		.not_after = time_of(X509_get0_notAfter(x)),
		.version = version_of(x),
	};
	/* A part that found no room would read as one that the certificate lacks. */
	return arena_failed(a) || slice_absent(out->subject) || slice_absent(out->issuer) ? ERR_TOO_BIG : OK;
}
