/*
 * assets.h: what the portal is made of: the files of web/dist, as tools/embed.js brings them into the binary.
 */
#ifndef BERTH_PORTAL_ASSETS_H
#define BERTH_PORTAL_ASSETS_H

#include "base/slice.h"

/* A form of the same content: as it is, and, where that is shorter, compressed. */
enum asset_form { ASSET_BROTLI, ASSET_GZIP, ASSET_PLAIN, ASSET_FORMS };

struct asset {
	const char *path;               /* "/assets/index-Bx3k9a.js" */
	const char *type;               /* as Content-Type has it */
	const char *etag;               /* of the content, whatever its form: W/"..." */
	struct slice form[ASSET_FORMS]; /* the plain one is always there */
};

struct assets {
	const struct asset *at;
	size_t count; /* 0: the portal was not built */
};

extern const struct assets portal_assets;

#endif
