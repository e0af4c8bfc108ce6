/*
 * tpm.c: the public areas of two keys as a device sends them. The first two bytes say how long the endorsement key is, the rest is the
 * storage root key.
 *
 * What is refused is refused with a sentence; for what is taken a key can be wrapped, unless it is no key after all, and the blob has the
 * form of its own.
 */
#include "base/cursor.h"
#include "crypto/tpm.h"

#include "fuzz.h"

#define ROOM 65536

static bool taken(struct slice blob, struct tpm_public *out)
{
	const char *why = NULL;
	enum err e = tpm_public_read(blob, out, &why);
	struct tpm_public again;

	if (e != OK) {
		need(e == ERR_MALFORMED || e == ERR_TOO_BIG || e == ERR_UNSUPPORTED);
		need(why != NULL && *why != '\0');
		return false;
	}
	need(why == NULL && blob.n <= TPM_PUBLIC_MAX && tpm_public_same(blob, blob));
	need(tpm_public_read(slice_to(blob, blob.n - 1), &again, &why) != OK);
	return true;
}

static void wrapped(const struct tpm_public *endorsement, const struct tpm_public *storage, struct arena *a)
{
	static const unsigned char key[TPM_KEY_SIZE];
	struct slice blob;
	struct cursor c;
	enum err e = tpm_wrap(endorsement, storage, key, a, &blob);

	if (e != OK) {
		need(e == ERR_INVALID);
		return;
	}
	need(blob.n <= TPM_BLOB_MAX);
	c = cursor_over(blob);
	for (int i = 0; i < 6; i++)
		need(cur_str16(&c).n > 0);
	need(!c.bad && c.rest.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(slice_over(data, size));
	struct slice one = cur_str16(&c), other = cur_rest(&c);
	struct tpm_public endorsement, storage;
	struct arena *a = arena_new(ROOM);

	need(a != NULL);
	if (taken(one, &endorsement) && taken(other, &storage))
		wrapped(&endorsement, &storage, a);
	need(tpm_registration_id(a, one).n == 52);
	arena_free(&a);
	return 0;
}
