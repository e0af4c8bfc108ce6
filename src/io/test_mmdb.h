/*
 * test_mmdb.h: a small database in MaxMind's format (version 2.0, records of 24 bits, IPv6 with IPv4 below ::/96), made from rows. Included by
 * tests and by the tool that makes one for the system tests.
 */
#ifndef BERTH_IO_TEST_MMDB_H
#define BERTH_IO_TEST_MMDB_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "io/address.h"

#define MMDB_NODES_MAX 4096
#define MMDB_EMPTY     (-1)
#define MMDB_NONE      1000 /* a coordinate that is left out */

struct mmdb_row {
	const char *network; /* address/bits */
	double latitude, longitude;
	const char *country, *city;
};

/* left and right: a node's number, MMDB_EMPTY, or -2 - offset of what stands there. */
struct mmdb_tree {
	long child[MMDB_NODES_MAX][2];
	size_t count;
};

static inline void mmdb_put_head(struct buf *b, int type, size_t size)
{
	size_t low = size < 29 ? size : 29; /* 29: the next byte has the rest */

	if (type > 7) {
		buf_add_char(b, (char)low);
		buf_add_char(b, (char)(type - 7));
	} else {
		buf_add_char(b, (char)((size_t)type << 5 | low));
	}
	if (size >= 29)
		buf_add_char(b, (char)(size - 29));
}

static inline void mmdb_put_text(struct buf *b, const char *text)
{
	mmdb_put_head(b, 2, strlen(text));
	buf_add_str(b, text);
}

static inline void mmdb_put_number(struct buf *b, int type, uint64_t n)
{
	int bytes = 0;

	while (bytes < 8 && n >> (8 * bytes))
		bytes++;
	mmdb_put_head(b, type, (size_t)bytes);
	while (bytes-- > 0)
		buf_add_char(b, (char)(n >> (8 * bytes)));
}

static inline void mmdb_put_double(struct buf *b, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	mmdb_put_head(b, 3, 8);
	for (int i = 7; i >= 0; i--)
		buf_add_char(b, (char)(bits >> (8 * i)));
}

/* {"city":{"names":{"en":..}},"country":{"iso_code":..},"location":{"latitude":..,"longitude":..}} */
static inline void mmdb_put_row(struct buf *b, const struct mmdb_row *row)
{
	mmdb_put_head(b, 7, row->latitude == MMDB_NONE ? 2 : 3);
	mmdb_put_text(b, "city");
	mmdb_put_head(b, 7, 1);
	mmdb_put_text(b, "names");
	mmdb_put_head(b, 7, 1);
	mmdb_put_text(b, "en");
	mmdb_put_text(b, row->city);
	mmdb_put_text(b, "country");
	mmdb_put_head(b, 7, 1);
	mmdb_put_text(b, "iso_code");
	mmdb_put_text(b, row->country);
	if (row->latitude == MMDB_NONE)
		return;
	mmdb_put_text(b, "location");
	mmdb_put_head(b, 7, 2);
	mmdb_put_text(b, "latitude");
	mmdb_put_double(b, row->latitude);
	mmdb_put_text(b, "longitude");
	mmdb_put_double(b, row->longitude);
}

static inline void mmdb_put_metadata(struct buf *b, size_t nodes)
{
	buf_add(b, SLICE("\xab\xcd\xef" "MaxMind.com"));
	mmdb_put_head(b, 7, 9);
	mmdb_put_text(b, "node_count");
	mmdb_put_number(b, 6, nodes);
	mmdb_put_text(b, "record_size");
	mmdb_put_number(b, 5, 24);
	mmdb_put_text(b, "ip_version");
	mmdb_put_number(b, 5, 6);
	mmdb_put_text(b, "database_type");
	mmdb_put_text(b, "Test-City");
	mmdb_put_text(b, "languages");
	mmdb_put_head(b, 11, 1);
	mmdb_put_text(b, "en");
	mmdb_put_text(b, "binary_format_major_version");
	mmdb_put_number(b, 5, 2);
	mmdb_put_text(b, "binary_format_minor_version");
	mmdb_put_number(b, 5, 0);
	mmdb_put_text(b, "build_epoch");
	mmdb_put_number(b, 9, 1790000000);
	mmdb_put_text(b, "description");
	mmdb_put_head(b, 7, 1);
	mmdb_put_text(b, "en");
	mmdb_put_text(b, "made for tests");
}

/* The 128 bits of a network's address; false: it does not read. */
static inline bool mmdb_read_network(const char *network, unsigned char bits[16], int *length)
{
	const char *slash = strchr(network, '/');
	struct address a;

	if (slash == NULL || !address_read(slice_over(network, (size_t)(slash - network)), &a))
		return false;
	memset(bits, 0, 16);
	memcpy(bits + (a.six ? 0 : 12), a.at, a.six ? 16 : 4);
	*length = atoi(slash + 1) + (a.six ? 0 : 96);
	return *length > 0 && *length <= 128;
}

static inline bool mmdb_add(struct mmdb_tree *t, const char *network, size_t offset)
{
	unsigned char bits[16];
	size_t node = 0;
	int length;

	if (!mmdb_read_network(network, bits, &length))
		return false;
	for (int i = 0; i < length; i++) {
		long *child = &t->child[node][bits[i / 8] >> (7 - i % 8) & 1];

		if (i == length - 1) {
			*child = -2 - (long)offset;
		} else if (*child >= 0) {
			node = (size_t)*child;
		} else {
			if (t->count == MMDB_NODES_MAX)
				return false;
			t->child[t->count][0] = t->child[t->count][1] = MMDB_EMPTY;
			*child = (long)t->count;
			node = t->count++;
		}
	}
	return true;
}

/* False: a row does not read, or there are too many. */
static inline bool mmdb_make(struct buf *out, const struct mmdb_row *rows, size_t count)
{
	struct mmdb_tree *t = calloc(1, sizeof(*t));
	struct buf data;
	bool good = t != NULL;

	buf_init(&data, 1 << 20);
	if (t) {
		t->count = 1;
		t->child[0][0] = t->child[0][1] = MMDB_EMPTY;
	}
	for (size_t i = 0; i < count && good; i++) {
		good = mmdb_add(t, rows[i].network, buf_slice(&data).n);
		mmdb_put_row(&data, &rows[i]);
	}
	for (size_t i = 0; good && i < t->count; i++)
		for (int side = 0; side < 2; side++) {
			long child = t->child[i][side];
			size_t n = child >= 0 ? (size_t)child : child == MMDB_EMPTY ? t->count : t->count + 16 + (size_t)(-2 - child);

			buf_add_char(out, (char)(n >> 16));
			buf_add_char(out, (char)(n >> 8));
			buf_add_char(out, (char)n);
		}
	for (int i = 0; i < 16; i++)
		buf_add_char(out, 0);
	buf_add(out, buf_slice(&data));
	if (good)
		mmdb_put_metadata(out, t->count);
	buf_fini(&data);
	free(t);
	return good && !buf_failed(out);
}

#endif
