/*
 * fake_webhook.h: the webhook of a custom allocation, played by a script.
 *
 * It stands where the room's fetcher would, and says what the test has put down; what it was asked last is kept.
 */
#ifndef BERTH_TEST_SCENARIO_FAKE_WEBHOOK_H
#define BERTH_TEST_SCENARIO_FAKE_WEBHOOK_H

#include "codec/json.h"
#include "io/fetch.h"

struct fake_webhook {
	struct loop *loop;
	struct list asks;  /* under way */
	const bool *ended; /* true: the world has ended, nothing gets here any more */

	/* What it says from now on. */
	int delay_ms;    /* beyond the asker's deadline that ends the exchange */
	int unreachable; /* that many of the next questions find no connection */
	enum err e;      /* OK: it answers */
	const char *why;
	int status;
	const char *location, *answer;

	/* What it was asked. */
	int calls;
	char url[256];
	json_t *heard;
};

void fake_webhook_init(struct fake_webhook *, struct loop *);
void fake_webhook_fini(struct fake_webhook *);

/* It says 200 and this. */
void fake_webhook_says(struct fake_webhook *, const char *answer);

/* As fetch_start asks for it. */
struct fetcher *fake_webhook_fetcher(struct fake_webhook *);

#endif
