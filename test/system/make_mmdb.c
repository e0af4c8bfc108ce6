/*
 * make_mmdb.c: make_mmdb FILE: a database of places from lines on standard input, "NETWORK LATITUDE LONGITUDE COUNTRY CITY"; a latitude of
 * 1000 leaves the coordinates out.
 */
#include <stdio.h>

#include "io/test_mmdb.h"

#define ROWS_MAX 256

struct line {
	char network[64], country[8], city[64];
};

int main(int argc, char **argv)
{
	static struct line lines[ROWS_MAX];
	static struct mmdb_row rows[ROWS_MAX];
	size_t n = 0;
	struct buf out;
	FILE *file;

	if (argc != 2)
		return 2;
	while (n < ROWS_MAX && scanf("%63s %lf %lf %7s %63s", lines[n].network, &rows[n].latitude, &rows[n].longitude, lines[n].country,
				     lines[n].city) == 5) {
		rows[n].network = lines[n].network;
		rows[n].country = lines[n].country;
		rows[n].city = lines[n].city;
		n++;
	}
	buf_init(&out, 4 << 20);
	if (!mmdb_make(&out, rows, n) || (file = fopen(argv[1], "wb")) == NULL)
		return 1;
	fwrite(buf_slice(&out).p, 1, buf_slice(&out).n, file);
	buf_fini(&out);
	return fclose(file) == 0 ? 0 : 1;
}
