#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "io/rate.h"

/* One count stands for `window_ms` drops, so `count` drops fall into the bucket each millisecond, and all is exact. */
struct bucket {
	int64_t missing; /* drops until it is full */
	int64_t at_ms;   /* when that was so */
};

struct rate {
	pthread_mutex_t lock;
	int64_t count, window_ms;
	struct map *buckets;
	int64_t swept_ms; /* when full buckets were last thrown away */
};

struct rate *rate_new(int count, int window_ms)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if ((r->buckets = map_new(RATE_NAMES_MAX)) == NULL) {
		free(r);
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->count = count;
	r->window_ms = window_ms;
	return r;
}

void rate_free(struct rate **rate)
{
	struct rate *r = *rate;
	struct bucket *b;

	if (r == NULL)
		return;
	for (size_t at = 0; (b = map_each(r->buckets, &at, NULL)) != NULL;)
		free(b);
	map_free(&r->buckets);
	pthread_mutex_destroy(&r->lock);
	free(r);
	*rate = NULL;
}

void rate_set(struct rate *r, int count)
{
	pthread_mutex_lock(&r->lock);
	r->count = count;
	pthread_mutex_unlock(&r->lock);
}

/* Loops read the clock at slightly different moments: a bucket never goes back in time. */
static void fill(const struct rate *r, struct bucket *b, int64_t now_ms)
{
	int64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	b->at_ms += passed;
	b->missing -= passed < r->window_ms ? passed * r->count : b->missing;
	if (b->missing < 0)
		b->missing = 0;
}

static void sweep(struct rate *r, int64_t now_ms)
{
	struct bucket *b;
	struct slice name;

	if (now_ms - r->swept_ms < r->window_ms)
		return;
	r->swept_ms = now_ms;
	for (size_t at = 0; (b = map_each(r->buckets, &at, &name)) != NULL;) {
		if (now_ms - b->at_ms < r->window_ms)
			continue;
		map_remove(r->buckets, name);
		free(b);
	}
}

static struct bucket *bucket_of(struct rate *r, struct slice name, int64_t now_ms)
{
	struct bucket *b = map_get(r->buckets, name);

	if (b || (b = calloc(1, sizeof(*b))) == NULL)
		return b;
	b->at_ms = now_ms;
	if (map_put(r->buckets, name, b) != OK) {
		free(b);
		b = NULL;
	}
	return b;
}

/* Milliseconds until there is room for one more; 0: there was, and it is taken. */
static int64_t take(struct rate *r, struct bucket *b, int64_t now_ms)
{
	int64_t room;

	fill(r, b, now_ms);
	room = r->count * r->window_ms - b->missing;
	if (room < r->window_ms)
		return (r->window_ms - room + r->count - 1) / r->count;
	b->missing += r->window_ms;
	return 0;
}

int rate_take(struct rate *r, struct slice name, int64_t now_ms)
{
	struct bucket *b;
	int64_t wait = 0;

	if (r == NULL)
		return 0;
	pthread_mutex_lock(&r->lock);
	if (r->count > 0) {
		sweep(r, now_ms);
		if ((b = bucket_of(r, name, now_ms)) != NULL)
			wait = take(r, b, now_ms);
	}
	pthread_mutex_unlock(&r->lock);
	return (int)wait;
}

void rate_give_back(struct rate *r, struct slice name)
{
	struct bucket *b;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	if ((b = map_get(r->buckets, name)) != NULL)
		b->missing = b->missing > r->window_ms ? b->missing - r->window_ms : 0;
	pthread_mutex_unlock(&r->lock);
}
