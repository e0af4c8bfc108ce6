/*
 * identity.c: judging and completing device identities.
 */
#include <inttypes.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "hub/identity.h"

static bool is(struct slice text, const char *word)
{
	return slice_eq(text, slice_str(word));
}

/* --- reading --- */

/* Characters of UTF-8: every byte that does not continue one. */
static size_t characters(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xC0) != 0x80;
	return n;
}

static bool thumbprint_is_good(struct slice s)
{
	if (s.n != 2 * SHA1_SIZE && s.n != 2 * SHA256_SIZE)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!memchr("0123456789abcdefABCDEF", s.p[i], 22))
			return false;
	return true;
}

static struct hub_no check_credentials(const struct device *d, struct arena *arena)
{
	if ((d->primary_key.n && !key_is_good(d->primary_key)) || (d->secondary_key.n && !key_is_good(d->secondary_key)))
		return hub_no_invalid(arena, "authentication.symmetricKey: a key is the base64 text of 16 to 64 bytes.");
	if ((d->primary_thumbprint.n && !thumbprint_is_good(d->primary_thumbprint)) ||
	    (d->secondary_thumbprint.n && !thumbprint_is_good(d->secondary_thumbprint)))
		return hub_no_invalid(arena, "authentication.x509Thumbprint: a thumbprint has 40 or 64 hexadecimal digits and no colons.");
	return HUB_FINE;
}

static struct hub_no check_scopes(const struct device *d, struct arena *arena)
{
	if (d->device_scope.n > EDGE_SCOPE_MAX)
		return hub_no_invalid(arena, "deviceScope is longer than %d bytes.", EDGE_SCOPE_MAX);
	if (d->parent_scopes.n > PARENT_SCOPES_MAX)
		return hub_no_invalid(arena, "parentScopes has more than %d entries.", PARENT_SCOPES_MAX);
	for (size_t i = 0; i < d->parent_scopes.n; i++)
		if (d->parent_scopes.at[i].n > EDGE_SCOPE_MAX)
			return hub_no_invalid(arena, "parentScopes: a scope is longer than %d bytes.", EDGE_SCOPE_MAX);
	return HUB_FINE;
}

/* hub-api.md 4.3: an absent type is told from the credentials. */
static void infer_type(struct identity_given *given, struct slice json)
{
	struct device *d = given->device;
	struct slice section = json_member(json, "authentication", true);

	given->authentication = !slice_absent(section) && !is(section, "null");
	if (d->authentication.n == 0)
		d->authentication = d->primary_thumbprint.n || d->secondary_thumbprint.n ? SLICE("selfSigned") : SLICE("sas");
}

struct hub_no identity_read(struct slice json, struct slice device_id, struct arena *arena, struct identity_given *out)
{
	struct device *d = noun_new(&noun_device, arena);
	const char *why = NULL;
	enum err e;
	struct hub_no no;

	if (d == NULL)
		return hub_no_memory();
	if ((e = noun_read(&noun_device, json, arena, d, &why)) != OK)
		return hub_no_invalid(arena, "%s", why ? why : err_text(e));
	if (!slice_eq(d->device_id, device_id))
		return hub_no_invalid(arena, "deviceId in the body is not the one in the path.");
	if (!device_id_is_good(d->device_id))
		return hub_no_invalid(arena,
				      "A device ID has 1 to %d of the characters A-Z a-z 0-9 - : . + %% _ # * ? ! ( ) , = @ $ ' "
				      "and the semicolon.",
				      ID_MAX);
	if (characters(d->status_reason) > STATUS_REASON_MAX)
		return hub_no_invalid(arena, "statusReason is longer than %d characters.", STATUS_REASON_MAX);
	if ((no = check_credentials(d, arena)).e != OK || (no = check_scopes(d, arena)).e != OK)
		return no;
	out->device = d;
	infer_type(out, json);
	return HUB_FINE;
}

/* --- completing --- */

struct slice identity_etag(struct slice former, struct arena *arena)
{
	uint32_t number;
	struct slice tag;

	do {
		random_bytes(&number, sizeof(number));
		tag = base64_encode(arena, arena_format(arena, "%" PRIu32, number));
	} while (!slice_absent(tag) && slice_eq(tag, former));
	return tag;
}

/* What was left out is taken from what is stored, if that is there. */
static void keep(struct slice *given, const struct device *stored, struct slice kept)
{
	if (given->n == 0)
		*given = stored ? kept : NO_SLICE;
}

/* Keep what belongs to the type and was left out, make what is still missing, and drop what belongs to other types: a
 * key that is left behind must not open the device's door. */
static struct hub_no complete_credentials(struct device *d, const struct device *stored, struct arena *arena)
{
	if (is(d->authentication, "sas")) {
		keep(&d->primary_key, stored, stored ? stored->primary_key : NO_SLICE);
		keep(&d->secondary_key, stored, stored ? stored->secondary_key : NO_SLICE);
		if (d->primary_key.n == 0)
			d->primary_key = random_key(arena, IDENTITY_KEY_BYTES);
		if (d->secondary_key.n == 0)
			d->secondary_key = random_key(arena, IDENTITY_KEY_BYTES);
	} else {
		d->primary_key = d->secondary_key = NO_SLICE;
	}
	if (!is(d->authentication, "selfSigned")) {
		d->primary_thumbprint = d->secondary_thumbprint = NO_SLICE;
		return HUB_FINE;
	}
	if (d->primary_thumbprint.n == 0 && d->secondary_thumbprint.n == 0 && stored) {
		d->primary_thumbprint = stored->primary_thumbprint;
		d->secondary_thumbprint = stored->secondary_thumbprint;
	}
	if (d->primary_thumbprint.n == 0 && d->secondary_thumbprint.n == 0)
		return hub_no_invalid(arena, "authentication.type is selfSigned, so x509Thumbprint must name a certificate.");
	return HUB_FINE;
}

static void take_credentials(struct device *d, const struct device *from)
{
	d->authentication = from->authentication;
	d->primary_key = from->primary_key;
	d->secondary_key = from->secondary_key;
	d->primary_thumbprint = from->primary_thumbprint;
	d->secondary_thumbprint = from->secondary_thumbprint;
}

static void set_scopes(struct device *d, const struct identity_given *given, struct arena *arena)
{
	d->device_scope = given->device->device_scope;
	d->parent_scopes = given->device->parent_scopes;
	if (d->iot_edge == FLAG_YES)
		d->device_scope = arena_format(arena, "ms-azure-iot-edge://%.*s-%.*s", SLICE_ARG(d->device_id), SLICE_ARG(d->generation));
}

struct hub_no identity_prepare(const struct identity_given *given, const struct device *stored, struct slice generation, instant now,
			       struct arena *arena, struct device **out)
{
	struct device *d = stored ? noun_copy(&noun_device, stored, arena) : noun_new(&noun_device, arena);
	struct slice was = stored ? stored->status : SLICE("enabled");
	struct hub_no no;

	if (d == NULL)
		return hub_no_memory();
	if (stored == NULL) {
		d->device_id = given->device->device_id;
		d->generation = generation;
		d->created = now;
		d->iot_edge = given->device->iot_edge; /* on create only */
	}
	d->etag = identity_etag(d->etag, arena);
	d->status = given->device->status.n ? given->device->status : SLICE("enabled");
	d->status_reason = given->device->status_reason.n ? given->device->status_reason : NO_SLICE;
	if (!slice_eq(d->status, was))
		d->status_time = now;
	if (given->authentication || stored == NULL) {
		take_credentials(d, given->device);
		if ((no = complete_credentials(d, stored, arena)).e != OK)
			return no;
	}
	set_scopes(d, given, arena);
	*out = d;
	return arena_failed(arena) ? hub_no_memory() : HUB_FINE;
}

void identity_write(const struct device *d, struct json_out *out, struct arena *arena)
{
	noun_write(&noun_device, d, VIEW_SECRETS, out, NULL, arena);
}
