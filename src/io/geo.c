/*
 * geo.c: looks into the database by libmaxminddb. Whoever looks holds a lock for reading, so that a reload can close the file of before.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <maxminddb.h>

#include "io/address.h"
#include "io/geo.h"

struct geo {
	pthread_rwlock_t lock;
	bool loaded;
	MMDB_s db;
};

struct geo *geo_new(void)
{
	struct geo *g = calloc(1, sizeof(*g));

	if (g && pthread_rwlock_init(&g->lock, NULL) != 0) {
		free(g);
		g = NULL;
	}
	return g;
}

static void unload(struct geo *g)
{
	if (g->loaded)
		MMDB_close(&g->db);
	g->loaded = false;
}

void geo_free(struct geo **at)
{
	struct geo *g = *at;

	*at = NULL;
	if (g == NULL)
		return;
	unload(g);
	pthread_rwlock_destroy(&g->lock);
	free(g);
}

enum err geo_load(struct geo *g, const char *path, struct arena *arena, const char **why)
{
	MMDB_s db;
	int status = path ? MMDB_open(path, MMDB_MODE_MMAP, &db) : MMDB_SUCCESS;

	if (status != MMDB_SUCCESS) {
		*why = arena_printf(arena, "The database of places %s cannot be used: %s", path, MMDB_strerror(status));
		return status == MMDB_FILE_OPEN_ERROR ? ERR_NOT_FOUND : status == MMDB_OUT_OF_MEMORY_ERROR ? ERR_NO_MEMORY : ERR_MALFORMED;
	}
	pthread_rwlock_wrlock(&g->lock);
	unload(g);
	if (path)
		g->db = db;
	g->loaded = path != NULL;
	pthread_rwlock_unlock(&g->lock);
	return OK;
}

bool geo_loaded(struct geo *g)
{
	bool loaded;

	pthread_rwlock_rdlock(&g->lock);
	loaded = g->loaded;
	pthread_rwlock_unlock(&g->lock);
	return loaded;
}

static struct sockaddr_storage socket_address(const struct address *a)
{
	struct sockaddr_storage out = {0};

	if (a->six) {
		out.ss_family = AF_INET6;
		memcpy(&((struct sockaddr_in6 *)&out)->sin6_addr, a->at, sizeof(struct in6_addr));
	} else {
		out.ss_family = AF_INET;
		memcpy(&((struct sockaddr_in *)&out)->sin_addr, a->at, sizeof(struct in_addr));
	}
	return out;
}

/* --- what stands there --- */

static bool get_degrees(MMDB_entry_s *entry, const char *name, double *out)
{
	MMDB_entry_data_s data;

	if (MMDB_get_value(entry, &data, "location", name, NULL) != MMDB_SUCCESS || !data.has_data)
		return false;
	if (data.type == MMDB_DATA_TYPE_DOUBLE)
		*out = data.double_value;
	else if (data.type == MMDB_DATA_TYPE_FLOAT)
		*out = (double)data.float_value;
	else
		return false;
	return true;
}

/* Text from a file that anybody may have made: printable ASCII and whatever is above it, as much as there is room for. */
static void add_text(char name[GEO_NAME_MAX], const char *between, const MMDB_entry_data_s *data)
{
	size_t at = strlen(name), gap = at ? strlen(between) : 0;

	if (at + gap + data->data_size >= GEO_NAME_MAX)
		return;
	memcpy(name + at, between, gap);
	for (uint32_t i = 0; i < data->data_size; i++) {
		char c = data->utf8_string[i];

		name[at + gap + i] = (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
	}
	name[at + gap + data->data_size] = 0;
}

static void get_name(MMDB_entry_s *entry, char name[GEO_NAME_MAX])
{
	MMDB_entry_data_s data;

	if (MMDB_get_value(entry, &data, "city", "names", "en", NULL) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UTF8_STRING)
		add_text(name, "", &data);
	if (MMDB_get_value(entry, &data, "country", "iso_code", NULL) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UTF8_STRING)
		add_text(name, ", ", &data);
}

static void tell_unknown(const struct address *address, struct geo_place *out)
{
	const char *what = address_not_public(address);

	if (what)
		snprintf(out->why, sizeof(out->why), "It is %s, which the database does not know.", what);
	else
		snprintf(out->why, sizeof(out->why), "The database does not know the address.");
}

static void look(struct geo *g, const struct address *address, struct geo_place *out)
{
	const struct sockaddr_storage at = socket_address(address);
	int status;
	MMDB_lookup_result_s result = MMDB_lookup_sockaddr(&g->db, (const struct sockaddr *)&at, &status);

	if (status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
		snprintf(out->why, sizeof(out->why), "The database knows IPv4 addresses only.");
	else if (status != MMDB_SUCCESS)
		snprintf(out->why, sizeof(out->why), "The database is damaged where the address should stand.");
	else if (!result.found_entry)
		tell_unknown(address, out);
	else if (!get_degrees(&result.entry, "latitude", &out->at.latitude) ||
		 !get_degrees(&result.entry, "longitude", &out->at.longitude) || !coordinates_good(&out->at))
		snprintf(out->why, sizeof(out->why), "The database knows the address, but no coordinates of it; one that lists cities does.");
	else
		out->found = true;
	if (status == MMDB_SUCCESS && result.found_entry)
		get_name(&result.entry, out->name);
}

void geo_find(struct geo *g, struct slice text, struct geo_place *out)
{
	struct address address;
	bool loaded;

	*out = (struct geo_place){0};
	if (!address_read(text, &address)) {
		snprintf(out->why, sizeof(out->why), "It is no IPv4 or IPv6 address.");
		return;
	}
	if (g)
		pthread_rwlock_rdlock(&g->lock);
	loaded = g && g->loaded;
	if (loaded)
		look(g, &address, out);
	else
		snprintf(out->why, sizeof(out->why), "No database of places is set (--geo-database).");
	if (g)
		pthread_rwlock_unlock(&g->lock);
}
