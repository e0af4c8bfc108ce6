#include "base/utf8.h"

/* Section 4: what the first byte announces, and which second bytes it admits; the others are 80 to BF. */
static const struct lead {
	uint8_t first, last;
	uint8_t length;
	uint8_t low, high;
} leads[] = {
	{0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *lead_of(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t utf8_length(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	const struct lead *lead = s.n ? lead_of(p[0]) : NULL;

	if (lead == NULL || lead->length > s.n)
		return 0;
	if (lead->length > 1 && (p[1] < lead->low || p[1] > lead->high))
		return 0;
	for (size_t i = 2; i < lead->length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return lead->length;
}

bool utf8_good(struct slice s)
{
	size_t n;

	while ((n = utf8_length(s)) > 0)
		s = slice_from(s, n);
	return s.n == 0;
}
