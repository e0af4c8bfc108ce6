#include <sodium.h>
#include <stdlib.h>

#include "crypto/digest.h"
#include "crypto/password.h"

#define OPERATIONS crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE
#define MEMORY     crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_argon2id_STRBYTES, "as libsodium has it");

static const char *bytes_of(struct slice password)
{
	return password.n ? password.p : "";
}

/* The library's own random numbers come from the operating system's; a machine without any ends the process, as in random_bytes. */
static void ready(void)
{
	if (sodium_init() < 0)
		abort();
}

enum err password_hash(struct slice password, char out[PASSWORD_HASH_SIZE])
{
	ready();
	return crypto_pwhash_argon2id_str(out, bytes_of(password), password.n, OPERATIONS, MEMORY) == 0 ? OK : ERR_NO_MEMORY;
}

static void work_for_nothing(struct slice password)
{
	static const unsigned char salt[crypto_pwhash_argon2id_SALTBYTES];
	unsigned char key[32];

	(void)!crypto_pwhash_argon2id(key, sizeof(key), bytes_of(password), password.n, salt, OPERATIONS, MEMORY,
				      crypto_pwhash_argon2id_ALG_ARGON2ID13);
	sodium_memzero(key, sizeof(key));
}

bool password_is(struct slice password, struct slice hash)
{
	char text[PASSWORD_HASH_SIZE] = "";
	bool same;

	ready();
	if (slice_absent(hash) || hash.n >= sizeof(text)) {
		work_for_nothing(password);
		return false;
	}
	memcpy(text, hash.p, hash.n);
	same = crypto_pwhash_argon2id_str_verify(text, bytes_of(password), password.n) == 0;
	sodium_memzero(text, sizeof(text));
	return same;
}

void password_make(char out[PASSWORD_MADE_SIZE])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char bytes[PASSWORD_MADE_SIZE];

	_Static_assert(sizeof(letters) - 1 == 32, "5 bits a character");
	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < PASSWORD_MADE_SIZE - 1; i++)
		out[i] = i % 6 == 5 ? '-' : letters[bytes[i] % 32];
	out[PASSWORD_MADE_SIZE - 1] = 0;
	sodium_memzero(bytes, sizeof(bytes));
}
