/*
 * identity.h: what a device identity may look like (hub-api.md 4.3, 4.4). Pure.
 */
#ifndef BERTH_HUB_IDENTITY_H
#define BERTH_HUB_IDENTITY_H

#include "hub/hub_own.h"

#define IDENTITY_KEY_BYTES 32  /* of a key that we make */
#define STATUS_REASON_MAX  128 /* characters */
#define EDGE_SCOPE_MAX     256 /* bytes of one scope */
#define PARENT_SCOPES_MAX  16

/* What a request said. */
struct identity_given {
	struct device *device;
	bool authentication; /* it spoke of credentials; if not, an update leaves them alone */
};

/* Read the JSON of an identity and check every rule that needs nothing but it. */
MUST_USE struct hub_no identity_read(struct slice json, struct slice device_id, struct arena *, struct identity_given *out);

/* The identity as it is to be stored in the place of `stored` (NULL: it is new, and `generation` becomes its
 * generationId): a new etag, made keys, kept keys, times. The twin is taken over as it is; that of a new device is
 * twin.h's to start. */
MUST_USE struct hub_no identity_prepare(const struct identity_given *, const struct device *stored, struct slice generation, instant now,
					struct arena *, struct device **out);

/* The document of hub-api.md 4.3, keys and all. */
void identity_write(const struct device *, struct json_out *, struct arena *);

/* A new identity etag: base64 of a decimal number, other than `former`. */
struct slice identity_etag(struct slice former, struct arena *);

#endif
