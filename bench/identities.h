/*
 * identities.h: devices that show a certificate, made ahead by bench_identities, for making one costs more than what is measured.
 *
 * They lie in three files of PEM. PATH.devices has key and leaf of each device, one after the other. PATH.groups has the
 * certificates that the service is to trust: device n is of number n % count. PATH.chain has what every device sends beside
 * its leaf, and may be empty. The last part of PATH is the devices' word (devices.h).
 */
#ifndef BERTH_BENCH_IDENTITIES_H
#define BERTH_BENCH_IDENTITIES_H

#include <openssl/ssl.h>

#include "base/arena.h"

struct identities {
	const char *word;
	unsigned count;
	EVP_PKEY **keys;
	X509 **leaves;
	STACK_OF(X509) * chain;
};

/* Of `path` in another form: "devices", "groups", "chain". */
const char *identities_file(struct arena *, const char *path, const char *form);
const char *identities_word(const char *path);

/* All of them, into memory. What lies in no arena is never freed: it lives as long as the process. */
void identities_read(struct arena *, const char *path, struct identities *out);

/* The certificates in one file, as DER, in the arena. How many. */
unsigned identities_ders(struct arena *, const char *file, struct slice **out);

/* The client `ssl` is that device. */
void identities_show(const struct identities *, unsigned number, SSL *ssl);

#endif
