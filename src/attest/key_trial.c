/*
 * key_trial.c: did this key make this signature? Device-api.md 7.1 and 7.2.
 */
#include "base/text.h"

#include "attest/key_trial.h"

#define DEVICE_KEY_SIZE 32

struct slice trial_key_bytes(struct trial *t, struct slice stored)
{
	return stored.n ? base64_decode(t->arena, stored) : NO_SLICE;
}

bool trial_derived_signed(struct trial *t, struct slice group_key, struct slice id)
{
	unsigned char raw[DEVICE_KEY_SIZE];
	bool good;

	device_key(group_key, id, raw);
	good = token_signed_by(&t->token, slice_over(raw, sizeof(raw)));
	explicit_bzero(raw, sizeof(raw));
	return good;
}

bool trial_key_signed(struct trial *t, bool group, struct slice stored, size_t *spelling)
{
	struct slice key = trial_key_bytes(t, stored);

	if (slice_absent(key))
		return false;
	if (!group)
		return token_signed_by(&t->token, key);
	for (*spelling = 0; *spelling < t->ids; (*spelling)++)
		if (trial_derived_signed(t, key, t->id[*spelling]))
			return true;
	return false;
}

struct slice trial_derived_text(struct trial *t, struct slice stored, struct slice id)
{
	struct slice key = trial_key_bytes(t, stored);
	struct slice text;
	unsigned char raw[DEVICE_KEY_SIZE];

	if (slice_absent(key))
		return NO_SLICE;
	device_key(key, id, raw);
	text = base64_encode(t->arena, slice_over(raw, sizeof(raw)));
	explicit_bzero(raw, sizeof(raw));
	return text;
}
