/*
 * twin.h: the twin of a device: merging, metadata, versions, limits (hub-api.md 4.6). Pure.
 */
#ifndef BERTH_HUB_TWIN_H
#define BERTH_HUB_TWIN_H

#include "hub/hub_own.h"

#define TWIN_TAGS_MAX     8192 /* bytes, counted as hub-api.md 4.6 says */
#define TWIN_DESIRED_MAX  32768
#define TWIN_REPORTED_MAX 32768
#define TWIN_KEY_MAX      1024
#define TWIN_STRING_MAX   4096
#define TWIN_DEPTH_MAX    10 /* objects and arrays inside a section */
#define TWIN_INTEGER_MAX  (INT64_C(1) << 52)

/* The sections that a request gives; NULL: not given. */
struct twin_parts {
	json_t *tags, *desired, *reported;
	json_t *root; /* owns them */
};

/* Read {"tags":{..},"properties":{"desired":{..},"reported":{..}}}; other members are skipped, a null section is not
 * given. `with_reported` false: properties.reported is refused. Every key and value is checked. */
MUST_USE struct hub_no twin_parts_read(struct slice json, bool with_reported, struct arena *, struct twin_parts *out);
void twin_parts_free(struct twin_parts *);

/* Whether there is anything in it to be applied. */
bool twin_parts_given(const struct twin_parts *);

/* A new twin, empty: versions 1 and 1, etag AAAAAAAAAAE=. */
void twin_start(struct device *);

/* Merge the parts into the twin of `d`, or replace each section given; stamp the metadata and raise the versions. A
 * new twin (`fresh`) gets its first content: its versions stay what twin_start made them. `d` is changed only when
 * that is let happen. */
enum twin_how { TWIN_MERGE, TWIN_REPLACE, TWIN_FRESH };
MUST_USE struct hub_no twin_apply(struct device *d, const struct twin_parts *, enum twin_how, instant now, struct arena *);

/* Bytes of a section, `$`-metadata excluded: hub-api.md 4.6. */
size_t twin_size(const json_t *);

/* The twin's etag: its counter of writes, 8 bytes big-endian, in base64. */
struct slice twin_etag(const struct device *, struct arena *);

/* The twin's version: the counter, and the version of what the device reported. */
int64_t twin_version(const struct device *);

/* The document of hub-api.md 4.6. */
void twin_write(const struct device *, struct json_out *, struct arena *);

#endif
