/*
 * tpm_device.c: a device that registers with its TPM: each challenge becomes a token, and the last key is the hub's.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "crypto/token.h"
#include "cli/tpm_device.h"

#define TOKEN_SECONDS 3600 /* beyond the device's patience; for the hub, from now */

/* --- which TPM --- */

/* Without the line end of a file. False: complained. */
static bool password_of(struct command *c, const char *option, struct slice *out)
{
	*out = NO_SLICE;
	if (given(c, option) == NULL)
		return true;
	*out = text_or_file(c, given(c, option));
	if (slice_absent(*out))
		return false;
	while (out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
		out->n--;
	return true;
}

int tpm_of(struct command *c, struct tpm **out)
{
	const char *algorithm = given_or(c, "algorithm", "rsa"), *range = given_or(c, "range", "low"), *why;
	struct tpm_conf conf = {.tcti = given(c, "tcti"),
				.ecc = strcmp(algorithm, "ecc") == 0,
				.high = strcmp(range, "high") == 0,
				.persist = given(c, "persist") != NULL};

	*out = NULL;
	if (!conf.ecc && strcmp(algorithm, "rsa") != 0)
		return misused(c, "--algorithm is rsa or ecc, not \"%s\"", algorithm);
	if (!conf.high && strcmp(range, "low") != 0)
		return misused(c, "--range is low or high, not \"%s\"", range);
	if ((conf.ecc || conf.high) && conf.persist)
		return misused(c, "only RSA keys of the low range can be kept with --persist: device SDKs look for no others");
	if (!password_of(c, "owner-auth", &conf.owner_auth) || !password_of(c, "endorsement-auth", &conf.endorsement_auth))
		return CLI_FAILED;
	return tpm_open(&conf, c->arena, out, &why) == OK ? CLI_FINE : failed("%s", why);
}

/* --- tokens --- */

/* What a signature takes, and what is told when there is none. */
struct signing {
	struct tpm *tpm;
	const char *why;
};

static bool sign(void *cookie, struct slice text, unsigned char mac[32])
{
	struct signing *s = cookie;

	return tpm_sign(s->tpm, text, mac, &s->why) == OK;
}

static const char *make_token(const struct tpm_device *it, struct slice resource, struct slice key_name, instant until, const char **why)
{
	struct signing signing = {it->tpm, "the token needs more memory than there is"};
	const struct token_signer signer = {sign, &signing};
	struct slice token = token_make_signed(it->c->arena, resource, &signer, key_name, until);

	*why = signing.why;
	return slice_absent(token) ? NULL : arena_str(it->c->arena, token);
}

static const char *prove(void *cookie, struct slice challenge, const char **why)
{
	const struct tpm_device *it = cookie;
	struct slice resource = arena_format(it->c->arena, "%s/registrations/%s", it->scope, it->id);

	if (tpm_activate(it->tpm, challenge, why) != OK)
		return NULL;
	return make_token(it, resource, SLICE("registration"), it->token_until, why);
}

static bool keep(void *cookie, struct slice wrapped, const char *hub, const char *device_id, const char **why)
{
	struct tpm_device *it = cookie;
	struct slice resource = arena_format(it->c->arena, "%s/devices/%s", hub, device_id);

	if (tpm_activate(it->tpm, wrapped, why) != OK)
		return false;
	it->hub = hub;
	it->hub_token = make_token(it, resource, NO_SLICE, loop_wall(it->c->loop) + TOKEN_SECONDS * INSTANT_SECOND, why);
	return it->hub_token != NULL;
}

/* --- the device --- */

int tpm_device_open(struct command *c, const char *id, const struct channel_conf *to, int patience_ms, struct tpm_device *out)
{
	int status;

	*out = (struct tpm_device){.c = c, .id = id, .scope = to->scope};
	out->token_until = loop_wall(to->loop) + (TOKEN_SECONDS + patience_ms / 1000) * INSTANT_SECOND;
	if ((status = tpm_of(c, &out->tpm)) != CLI_FINE)
		return status;
	out->channel = (struct channel_tpm){.endorsement_key = tpm_endorsement_key(out->tpm)->area,
					    .storage_root_key = tpm_storage_root_key(out->tpm)->area,
					    .prove = prove,
					    .keep = keep,
					    .cookie = out};
	if (id == NULL)
		out->id = arena_str(c->arena, tpm_registration_id(c->arena, out->channel.endorsement_key));
	if (out->id)
		return CLI_FINE;
	tpm_device_close(out);
	return failed("out of memory");
}

void tpm_device_close(struct tpm_device *it)
{
	tpm_close(&it->tpm);
}

/* Nobody else may read it. */
static bool write_secret(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && dprintf(fd, "%s\n", text) > 0;

	if (!good)
		failed("%s cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

int tpm_device_tell(struct command *c, const struct tpm_device *it)
{
	const char *path = given(c, "hub-token");

	if (path && !write_secret(path, it->hub_token))
		return CLI_FAILED;
	fprintf(stderr, "berth: the TPM has taken in the key for %s, and signs with it%s%s\n", it->hub, path ? "; a token is in " : ".",
		path ? path : "");
	return CLI_FINE;
}
