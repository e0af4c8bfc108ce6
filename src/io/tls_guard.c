/*
 * tls_guard.c: a client's certificates, before OpenSSL decodes them.
 *
 * It decodes whatever arrives, and shows it to us afterwards. So what it could be kept busy with must not get so far. It does show each message
 * as it comes, but has no ear for a refusal there: a message that is refused is overwritten, and the handshake ends with what
 * does not read any more.
 */
#include <string.h>

#include "base/log.h"
#include "crypto/certificate.h"
#include "io/tls_own.h"

static size_t number_at(const unsigned char *p, size_t digits)
{
	size_t n = 0;

	while (digits-- > 0)
		n = n << 8 | *p++;
	return n;
}

/* How many entries the list in the body of a Certificate message has (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2), as far as it
 * reads. */
static size_t count_entries(struct slice body, bool with_extensions)
{
	const unsigned char *p = (const unsigned char *)body.p;
	size_t at = with_extensions ? 1 + (size_t)p[0] + 3 : 3, count = 0;

	for (; at + 3 <= body.n; count++) {
		at += 3 + number_at(p + at, 3);
		if (with_extensions && at + 2 <= body.n)
			at += 2 + number_at(p + at, 2);
	}
	return count;
}

/* NULL: it may be decoded. */
static const char *find_fault(struct slice body, int version)
{
	if (count_entries(body, version >= TLS1_3_VERSION) > TLS_CHAIN_COUNT_MAX)
		return "there are too many certificates";
	if (certificate_spells_out_a_curve(body))
		return "the curve of a key is spelled out instead of named (RFC 5480 section 2.1.1)";
	return NULL;
}

static void on_message(int written, int version, int content, const void *message, size_t n, SSL *ssl, void *arg)
{
	unsigned char *bytes = (unsigned char *)message;
	const char *fault;

	(void)ssl, (void)arg;
	if (written || content != SSL3_RT_HANDSHAKE || n <= SSL3_HM_HEADER_LENGTH || bytes[0] != SSL3_MT_CERTIFICATE)
		return;
	if ((fault = find_fault(slice_over(bytes + SSL3_HM_HEADER_LENGTH, n - SSL3_HM_HEADER_LENGTH), version)) == NULL)
		return;
	log_debug(NULL, "certificates refused", "why", fault, NULL);
	memset(bytes + SSL3_HM_HEADER_LENGTH, 0xff, n - SSL3_HM_HEADER_LENGTH);
}

void tls_guard(SSL_CTX *c)
{
	SSL_CTX_set_msg_callback(c, on_message);
}
