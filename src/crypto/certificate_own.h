/*
 * certificate_own.h: certificate.h for those in this room who have a decoded certificate at hand already.
 */
#ifndef BERTH_CRYPTO_CERTIFICATE_OWN_H
#define BERTH_CRYPTO_CERTIFICATE_OWN_H

#include <openssl/x509.h>

#include "crypto/certificate.h"

/* Exactly one certificate and nothing more. NULL: something else, or no memory. The caller's to free. */
X509 *certificate_decode(struct slice der);

/* As certificate_describe; `der` is what `x` was decoded from. */
MUST_USE enum err certificate_describe_decoded(const X509 *x, struct slice der, struct arena *, struct certificate_info *out);

/* The mark of a name, as certificate_subject_mark. */
struct slice certificate_name_mark(const X509_NAME *, struct arena *);

/* "CN=Line 7 CA, O=Contoso": the most specific attribute first. Absent: too long, or a full arena. */
struct slice certificate_name_text(struct arena *, const X509_NAME *);

#endif
