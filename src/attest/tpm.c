/*
 * tpm.c: a device shows that it has a certain TPM, by a token signed with a key that only this TPM could take in (device-api.md 14).
 *
 * Two rounds. In the first the device shows its endorsement key and storage root key, and gets a key wrapped for both. In the second
 * its token is signed with that key. The key is not remembered: it is derived from the house's secret, the enrollment and the time, so a
 * restart between the rounds does not matter, nor which server is asked. When the device last used one goes into it too: so the one that
 * it used is given out no more, and a token of it is good for nothing but what it has begun.
 */
#include "base/text.h"
#include "crypto/digest.h"

#include "attest/key_trial.h"
#include "attest/words.h"

#define CHALLENGE_WINDOWS 2  /* this one and the one before */
#define HINT_WINDOWS      12 /* so far back an outdated challenge is recognised as one */

/* What is derived from the secret, and for what. */
#define FOR_CHALLENGE "tpm challenge"
#define FOR_HUB       "tpm hub primary"
#define FOR_HUB_TOO   "tpm hub secondary"

struct tpm_trial {
	struct trial trial; /* of the token */
	const struct enrollment *e;
	struct tpm_public endorsement, storage;
	struct slice storage_root_key; /* base64; absent: the device has shown none, and the enrollment has none */
};

/* --- keys --- */

/* The enrollment's folded names and its endorsement key stand for the device, so that a key is nobody else's. */
static void derive(const struct enrollment *e, const unsigned char *name, struct slice secret, const char *use, const char *moment,
		   struct arena *arena, unsigned char key[TPM_KEY_SIZE])
{
	struct slice endorsement = hex_lower(arena, slice_over(name, TPM_NAME_SIZE));
	struct slice text = arena_format(arena, "%s\n%.*s\n%.*s\n%.*s\n%s", use, SLICE_ARG(e->scope), SLICE_ARG(e->id),
					 SLICE_ARG(endorsement), moment);

	hmac_sha256(secret, text, key);
}

/* `used`: when the device last used a challenge. Without memory for the text it is the key of no moment, and the arena tells. */
static void derive_challenge(const struct enrollment *e, const unsigned char *name, struct slice secret, long long window, instant used,
			     struct arena *arena, unsigned char key[TPM_KEY_SIZE])
{
	const char *moment = arena_printf(arena, "%lld\n%lld", window, (long long)used);

	derive(e, name, secret, FOR_CHALLENGE, moment ? moment : "", arena, key);
}

static long long window_at(instant now)
{
	return now / (TPM_CHALLENGE_SECONDS * INSTANT_SECOND);
}

static struct slice derived_text(struct tpm_trial *t, const char *use)
{
	unsigned char key[TPM_KEY_SIZE];
	struct slice text;

	derive(t->e, t->endorsement.name, t->trial.evidence->secret, use, "0", t->trial.arena, key);
	text = base64_encode(t->trial.arena, slice_over(key, sizeof(key)));
	explicit_bzero(key, sizeof(key));
	return text;
}

static enum err read_key(struct slice text, struct arena *arena, struct tpm_public *out, const char **why)
{
	struct slice bytes = base64_decode(arena, text);

	*why = "is not base64.";
	if (slice_absent(bytes))
		return arena_failed(arena) ? ERR_NO_MEMORY : ERR_MALFORMED;
	return tpm_public_read(bytes, out, why);
}

static bool same_key(struct slice one, struct slice other, struct arena *arena)
{
	return tpm_public_same(base64_decode(arena, one), base64_decode(arena, other));
}

/* --- words --- */

/* "SHA-256 0b3f...": a key as an operator can compare it. */
static const char *fingerprint(const struct tpm_public *key, struct arena *arena)
{
	struct slice hex = hex_lower(arena, slice_over(key->name + 2, SHA256_SIZE));

	return arena_printf(arena, "SHA-256 %.*s", SLICE_ARG(hex));
}

static enum err refuse_form(struct tpm_trial *t, const char *check, const char *whose, const char *why)
{
	return trial_refuse(&t->trial, check, "a key that cannot be used", "a TPM2B_PUBLIC of RSA 2048 or ECC P-256, in base64",
			    arena_printf(t->trial.arena, "The %s %s", whose, why));
}

static enum err refuse_absent(struct tpm_trial *t, const char *check, const char *which)
{
	return trial_refuse(&t->trial, check, "none", "the endorsement key and the storage root key of a TPM",
			    arena_printf(t->trial.arena, "The device presented no token, and not the %s of a TPM either.", which));
}

static enum err refuse_other(struct tpm_trial *t, const char *check, const struct tpm_public *seen, const struct tpm_public *expected,
			     const char *sentence)
{
	return trial_refuse(&t->trial, check, fingerprint(seen, t->trial.arena), fingerprint(expected, t->trial.arena), sentence);
}

/* --- what the device shows --- */

static enum err check_enrolled(struct tpm_trial *t)
{
	const char *why;
	enum err err = read_key(t->e->endorsement_key, t->trial.arena, &t->endorsement, &why);

	if (err == OK || err == ERR_NO_MEMORY)
		return err;
	return refuse_form(t, "enrolled-key", arena_printf(t->trial.arena, "endorsement key of enrollment %.*s", SLICE_ARG(t->e->name)),
			   why);
}

static enum err check_endorsement(struct tpm_trial *t)
{
	struct slice shown = t->trial.evidence->endorsement_key;
	struct tpm_public key;
	const char *why;
	enum err err;

	if (shown.n == 0)
		return slice_trim(t->trial.evidence->token).n ? OK : refuse_absent(t, "endorsement-key", "endorsement key");
	if ((err = read_key(shown, t->trial.arena, &key, &why)) == ERR_NO_MEMORY)
		return err;
	if (err != OK)
		return refuse_form(t, "endorsement-key", "endorsement key that the device presented", why);
	if (same_key(shown, t->e->endorsement_key, t->trial.arena))
		return OK;
	return refuse_other(t, "endorsement-key", &key, &t->endorsement,
			    arena_printf(t->trial.arena,
					 "The device presented another endorsement key than enrollment %.*s has: it is the TPM of another "
					 "device, or the device has got a new one.",
					 SLICE_ARG(t->e->name)));
}

static enum err compare_storage(struct tpm_trial *t)
{
	struct tpm_public enrolled;
	const char *why;
	enum err err;

	if (t->e->storage_root_key.n == 0 || same_key(t->storage_root_key, t->e->storage_root_key, t->trial.arena))
		return OK;
	if ((err = read_key(t->e->storage_root_key, t->trial.arena, &enrolled, &why)) == ERR_NO_MEMORY)
		return err;
	if (err != OK)
		return refuse_form(t, "enrolled-key",
				   arena_printf(t->trial.arena, "storage root key of enrollment %.*s", SLICE_ARG(t->e->name)), why);
	return refuse_other(
		t, "storage-root-key", &t->storage, &enrolled,
		arena_printf(t->trial.arena,
			     "The device presented another storage root key than enrollment %.*s has: its TPM was cleared, or the "
			     "key was made anew. Leave the key out of the enrollment to allow that.",
			     SLICE_ARG(t->e->name)));
}

static enum err check_storage(struct tpm_trial *t)
{
	struct slice shown = t->trial.evidence->storage_root_key;
	const char *why;
	enum err err;

	t->storage_root_key = shown.n ? shown : t->e->storage_root_key;
	if (t->storage_root_key.n == 0)
		return slice_trim(t->trial.evidence->token).n ? OK : refuse_absent(t, "storage-root-key", "storage root key");
	if ((err = read_key(t->storage_root_key, t->trial.arena, &t->storage, &why)) == ERR_NO_MEMORY)
		return err;
	if (err != OK)
		return refuse_form(t, "storage-root-key", "storage root key of the device", why);
	return compare_storage(t);
}

/* --- the first round --- */

static enum err wrap_text(const struct tpm_public *endorsement, const struct tpm_public *storage, const unsigned char key[TPM_KEY_SIZE],
			  struct arena *arena, struct slice *text)
{
	struct slice blob;
	enum err e = tpm_wrap(endorsement, storage, key, arena, &blob);

	if (e != OK)
		return e;
	*text = base64_encode(arena, blob);
	return slice_absent(*text) ? ERR_NO_MEMORY : OK;
}

static enum err challenge(struct tpm_trial *t)
{
	const struct evidence *ev = t->trial.evidence;
	unsigned char key[TPM_KEY_SIZE];
	struct slice text;
	enum err e;

	derive_challenge(t->e, t->endorsement.name, ev->secret, window_at(ev->now), ev->challenge_used, t->trial.arena, key);
	e = wrap_text(&t->endorsement, &t->storage, key, t->trial.arena, &text);
	explicit_bzero(key, sizeof(key));
	if (e == ERR_INVALID)
		return refuse_form(t, "storage-root-key", "endorsement key or the storage root key of the device", "is no key.");
	if (e != OK)
		return e;
	*t->trial.verdict = (struct verdict){
		.error_code = 401002,
		.message = "Authorization required",
		.check = "attestation-round",
		.seen = "the keys of its TPM",
		.expected = "a token signed with the key of a challenge",
		.sentence = "The device has shown the right keys, and is asked to prove that it has the TPM to them.",
		.challenge = text,
	};
	return ERR_AGAIN;
}

/* --- the second --- */

static bool signed_in_window(struct tpm_trial *t, long long window, instant used)
{
	unsigned char key[TPM_KEY_SIZE];
	bool good;

	derive_challenge(t->e, t->endorsement.name, t->trial.evidence->secret, window, used, t->trial.arena, key);
	good = token_signed_by(&t->trial.token, slice_over(key, sizeof(key)));
	explicit_bzero(key, sizeof(key));
	return good && !arena_failed(t->trial.arena);
}

/* How many windows ago the key was given out that has signed, to a device that had last used one at `used`; -1: it was none of
 * those, or long ago. */
static int windows_ago(struct tpm_trial *t, instant used)
{
	for (int i = 0; i < HINT_WINDOWS; i++)
		if (signed_in_window(t, window_at(t->trial.evidence->now) - i, used))
			return i;
	return -1;
}

static enum err refuse_outdated(struct tpm_trial *t, int windows)
{
	const char *least = words_duration(t->trial.arena, (windows - 1) * TPM_CHALLENGE_SECONDS * INSTANT_SECOND);

	return trial_refuse(
		&t->trial, "challenge-expired", "the key of a challenge from before", "the key of a challenge of the last minutes",
		arena_printf(t->trial.arena,
			     "The token was signed with the key of a challenge that is more than %s old: the device has been slow, or "
			     "somebody has sent an old token again. It has to register without a token first.",
			     least ? least : "minutes"));
}

static enum err refuse_signature(struct tpm_trial *t)
{
	struct slice hub_key = base64_decode(t->trial.arena, derived_text(t, FOR_HUB));
	const char *sentence;

	if (hub_key.n && token_signed_by(&t->trial.token, hub_key))
		sentence = arena_printf(t->trial.arena,
					"The token of %.*s was signed with the key for its hub: to register again it has to ask for a "
					"challenge first.",
					SLICE_ARG(t->e->name));
	else
		sentence = arena_printf(t->trial.arena,
					"The token was not signed with the key of a challenge to %.*s: it is of another device or TPM, or "
					"older than the server remembers.",
					SLICE_ARG(t->e->name));
	return trial_refuse(&t->trial, "token-signature", "a signature by another key", "a signature by the key of a challenge", sentence);
}

static enum err refuse_used(struct tpm_trial *t)
{
	char at[INSTANT_TEXT];

	return trial_refuse(&t->trial, "challenge-used", "the key of a challenge that was used", "the key of a new challenge",
			    arena_printf(t->trial.arena,
					 "The token was signed with the key of a challenge that was used at %s already, and each is good for "
					 "one registration: somebody has sent an old token again, or the device keeps its token too long. It "
					 "has to register without a token first.",
					 instant_print(t->trial.evidence->challenge_used, INSTANT_ISO7, at)));
}

static enum err accept(struct tpm_trial *t, bool fresh)
{
	*t->trial.verdict = (struct verdict){.hub_authentication = "sas",
					     .primary_key = derived_text(t, FOR_HUB),
					     .secondary_key = derived_text(t, FOR_HUB_TOO),
					     .storage_root_key = t->storage_root_key,
					     .uses_challenge = fresh};
	return arena_failed(t->trial.arena) ? ERR_NO_MEMORY : OK;
}

static enum err judge_fresh(struct tpm_trial *t, int windows)
{
	return windows < CHALLENGE_WINDOWS ? accept(t, true) : refuse_outdated(t, windows);
}

/* It was signed with the challenge that the device used last. */
static enum err judge_used(struct tpm_trial *t, int windows)
{
	if (windows >= CHALLENGE_WINDOWS)
		return refuse_outdated(t, windows);
	return t->trial.evidence->goes_on ? accept(t, false) : refuse_used(t);
}

static enum err judge_token(struct tpm_trial *t)
{
	struct trial *token = &t->trial;
	const struct evidence *ev = token->evidence;
	enum err e = trial_examine(token, ev, token->arena, token->verdict);
	int fresh, used = -1;

	if (e != OK || token->verdict->error_code != 0)
		return e;
	fresh = windows_ago(t, ev->challenge_used);
	if (fresh < 0 && ev->challenge_used != 0)
		used = windows_ago(t, ev->challenge_used_before);
	if (arena_failed(token->arena))
		return ERR_NO_MEMORY;
	if (fresh >= 0)
		return judge_fresh(t, fresh);
	return used >= 0 ? judge_used(t, used) : refuse_signature(t);
}

/* --- both --- */

static enum err (*const checks[])(struct tpm_trial *) = {check_enrolled, check_endorsement, check_storage};

static enum err judge(const struct enrollment *e, bool group, const struct evidence *evidence, struct arena *arena, struct verdict *v)
{
	struct tpm_trial t = {.trial = {.evidence = evidence, .arena = arena, .verdict = v}, .e = e};
	enum err err = OK;

	(void)group; /* no group is enrolled so (service-api.md 5.3); one would have no endorsement key */
	if (evidence->secret.n != ATTEST_SECRET_SIZE)
		return ERR_INTERNAL;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && err == OK && v->error_code == 0; i++)
		err = checks[i](&t);
	if (err != OK || v->error_code != 0)
		return err;
	return slice_trim(evidence->token).n ? judge_token(&t) : challenge(&t);
}

const struct attest_kind attest_tpm = {.name = "tpm", .judge = judge};

/* --- for others --- */

enum err attest_tpm_challenge_key(const struct enrollment *e, struct slice secret, instant now, instant used, struct arena *arena,
				  unsigned char key[TPM_KEY_SIZE])
{
	struct tpm_public endorsement;
	const char *why;
	enum err err = read_key(e->endorsement_key, arena, &endorsement, &why);

	if (err != OK)
		return err == ERR_NO_MEMORY ? err : ERR_MALFORMED;
	derive_challenge(e, endorsement.name, secret, window_at(now), used, arena, key);
	return arena_failed(arena) ? ERR_NO_MEMORY : OK;
}

static struct slice wrap_for(struct slice endorsement_key, struct slice storage_root_key, struct slice key, struct arena *arena)
{
	struct tpm_public endorsement, storage;
	struct slice text;
	const char *why;

	if (key.n != TPM_KEY_SIZE || read_key(endorsement_key, arena, &endorsement, &why) != OK ||
	    read_key(storage_root_key, arena, &storage, &why) != OK)
		return NO_SLICE;
	return wrap_text(&endorsement, &storage, (const unsigned char *)key.p, arena, &text) == OK ? text : NO_SLICE;
}

struct slice attest_tpm_wrap(const struct enrollment *e, struct slice storage_root_key, struct slice key, struct arena *arena)
{
	return wrap_for(e->endorsement_key, storage_root_key, base64_decode(arena, key), arena);
}

struct slice attest_tpm_decoy(const struct evidence *evidence, struct arena *arena)
{
	unsigned char key[TPM_KEY_SIZE];

	random_bytes(key, sizeof(key));
	return wrap_for(evidence->endorsement_key, evidence->storage_root_key, slice_over(key, sizeof(key)), arena);
}
