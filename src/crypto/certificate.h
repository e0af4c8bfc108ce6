/*
 * certificate.h: X.509 certificates: reading, describing, making.
 *
 * Certificates travel through Berth as DER bytes (struct slice). Path validation is
 * attest's business and OpenSSL's work; here they are only read and made.
 */
#ifndef BERTH_CRYPTO_CERTIFICATE_H
#define BERTH_CRYPTO_CERTIFICATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define CERTIFICATE_MAX 16384 /* bytes of text or DER that are looked at */

/* Whether there is a key in it whose elliptic curve is spelled out instead of named. RFC 5480 section 2.1.1 forbids that, and OpenSSL can be
 * made to compute for a fifth of a second while it decodes one; so it is not decoded, and counts as malformed in all that follows. Any
 * bytes may be asked about, also several certificates. */
bool certificate_spells_out_a_curve(struct slice bytes);

/* What a client may give: PEM text, base64 of DER, or base64 of a PEM file
 * (service-api.md 5.3). The first certificate in it, as DER in the arena. ERR_MALFORMED,
 * ERR_TOO_BIG (CERTIFICATE_MAX), ERR_NO_MEMORY (also a full arena): with half a sentence in
 * `why`, "it is too large". */
MUST_USE enum err certificate_read(struct slice given, struct arena *a, struct slice *der, const char **why);

/* All of them, in the order in which they stand: `max` at most. ERR_TOO_BIG: there are more. */
MUST_USE enum err certificate_read_all(struct slice pem, struct arena *a, struct slice *ders, size_t max, size_t *count, const char **why);

/* X509CertificateInfo, service-api.md 5.4. */
struct certificate_info {
	struct slice subject, issuer; /* "CN=device-01", the most specific first, ", " between */
	struct slice common_name;     /* of the subject; absent when there is none */
	int common_names;             /* how many of them the subject has: an honest one has one */
	struct slice sha1, sha256;    /* thumbprints, upper-case hex */
	struct slice serial;          /* upper-case hex */
	instant not_before, not_after;
	int version; /* 3; 0: no number that could be one */
};

/* All of it, in the arena. ERR_MALFORMED; ERR_TOO_BIG: a name too long to print, or a full arena. */
MUST_USE enum err certificate_describe(struct slice der, struct arena *a, struct certificate_info *out);

/* A short name for the subject, by which those that it signed find it: 8 hex digits that are the same however the name is
 * encoded. Others may have the same by chance, so it finds candidates and proves nothing. Absent: not a certificate. */
struct slice certificate_subject_mark(struct slice der, struct arena *a);

/* Whether it may sign others: basic constraints and key usage say so. */
bool certificate_is_ca(struct slice der);

/* Whether the signature on it was made with the key of `issuer`. */
bool certificate_signed_by(struct slice der, struct slice issuer);

/* Development certificates: a root, and a server certificate under it, ECDSA P-256.
 * Text is PEM, NUL-terminated, in the arena. */
struct certificate_pair {
	struct slice certificate, key;
};

/* Good from an hour before `now` to `days` after. ERR_INTERNAL: OpenSSL would not (a name
 * longer than 64 characters); ERR_NO_MEMORY. */
MUST_USE enum err certificate_make_ca(struct arena *a, const char *common_name, instant now, int days, struct certificate_pair *out);

/* A CA under another. */
MUST_USE enum err certificate_make_intermediate(struct arena *a, const struct certificate_pair *ca, const char *common_name, instant now,
						int days, struct certificate_pair *out);

/* A device's: the common name is its registration ID (device-api.md 8), at most 64 characters. */
MUST_USE enum err certificate_make_device(struct arena *a, const struct certificate_pair *ca, const char *common_name, instant now,
					  int days, struct certificate_pair *out);

/* `names`: DNS names, or addresses, that the certificate is good for; the first, if
 * it fits, is the common name. Otherwise as above; ERR_MALFORMED: `ca` does not read. */
MUST_USE enum err certificate_make_server(struct arena *a, const struct certificate_pair *ca, const char *const *names, size_t count,
					  instant now, int days, struct certificate_pair *out);

#endif
