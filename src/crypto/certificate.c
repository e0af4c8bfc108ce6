#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/certificate.h"

#define NAME_TEXT_MAX 8192

/* --- reading --- */

#define PEM_BEGIN SLICE("-----BEGIN CERTIFICATE-----")
#define PEM_END   SLICE("-----END CERTIFICATE-----")

static enum err malformed(const char *sentence, const char **why)
{
	*why = sentence;
	return ERR_MALFORMED;
}

/* Whether the bytes are one certificate and nothing more. */
static bool is_der(struct slice bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	X509 *x = bytes.n ? d2i_X509(NULL, &p, (long)bytes.n) : NULL;
	bool whole = x && p == (const unsigned char *)bytes.p + bytes.n;

	X509_free(x);
	ERR_clear_error();
	return whole;
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
		return slice_absent(*der) ? ERR_NO_MEMORY : OK;
	}
	body = pem_body(given);
	if (slice_absent(body)) {
		/* Base64 of DER, or of a PEM file. */
		bytes = base64_decode_lines(a, given);
		if (bytes.n == 0)
			return malformed("it must be PEM text, base64 of DER, or base64 of a PEM file", why);
		body = pem_body(bytes);
		if (slice_absent(body)) {
			*der = bytes;
			return is_der(bytes) ? OK : malformed("the base64 text does not hold a certificate", why);
		}
	}
	*der = base64_decode_lines(a, body);
	return is_der(*der) ? OK : malformed("the PEM text does not hold a certificate", why);
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

/* In quotes when it could be misread, with quotes doubled; a NUL, which no honest name has, shows as \0. */
static void add_value(struct buf *to, struct slice value)
{
	bool quotes = needs_quotes(value);

	if (quotes)
		buf_add_char(to, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"')
			buf_add_str(to, "\"\"");
		else if (value.p[i] == 0)
			buf_add_str(to, "\\0");
		else
			buf_add_char(to, value.p[i]);
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
static struct slice name_text(struct arena *a, const X509_NAME *name)
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

static instant time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (instant)timegm(&tm) * INSTANT_SECOND : 0;
}

static struct slice serial_text(struct arena *a, const X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	return hex_upper(a, slice_over(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

enum err certificate_describe(struct slice der, struct arena *a, struct certificate_info *out)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	unsigned char one[SHA1_SIZE], two[SHA256_SIZE];

	ERR_clear_error();
	if (x == NULL)
		return ERR_MALFORMED;
	sha1(der, one);
	sha256(der, two);
	*out = (struct certificate_info){
		.subject = name_text(a, X509_get_subject_name(x)),
		.issuer = name_text(a, X509_get_issuer_name(x)),
		.common_name = common_name(a, X509_get_subject_name(x)),
		.sha1 = hex_upper(a, slice_over(one, sizeof(one))),
		.sha256 = hex_upper(a, slice_over(two, sizeof(two))),
		.serial = serial_text(a, x),
		.not_before = time_of(X509_get0_notBefore(x)),
		.not_after = time_of(X509_get0_notAfter(x)),
		.version = (int)X509_get_version(x) + 1,
	};
	X509_free(x);
	return slice_absent(out->subject) || slice_absent(out->issuer) || slice_absent(out->sha256) ? ERR_TOO_BIG : OK;
}
