/*
 * fetch_own.h: inside fetching: fetcher.c has the pool and drives libcurl, fetch.c has one exchange.
 */
#ifndef BERTH_IO_FETCH_OWN_H
#define BERTH_IO_FETCH_OWN_H

#include <curl/curl.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "io/fetch.h"

#define FETCHER_MAGIC  0x66657463u
#define HANDLES_KEPT   64 /* idle easy handles; the connections are kept by the multi handle */
#define FETCH_WHY_MAX  (CURL_ERROR_SIZE + 64)
#define USER_AGENT_MAX 128

struct fetcher {
	unsigned magic;
	struct loop *loop;
	CURLM *multi;
	X509_STORE *trust;
	struct timer *timer; /* libcurl's */
	struct list running, ended;
	CURL *handles[HANDLES_KEPT];
	size_t handle_count;
	bool telling, freed; /* freed from within a done(): it goes when that returns */
	char user_agent[USER_AGENT_MAX];
};

enum fetch_state { FETCH_RUNNING, FETCH_ENDED, FETCH_TELLING };

struct fetch {
	struct list link;
	struct fetcher *fetcher;
	enum fetch_state state;
	fetch_done *done;
	fetch_piece *piece;
	void *cookie;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct timer *deadline;
	int deadline_ms, connect_ms;
	const struct credential *credential;
	struct buf body;
	bool too_big, too_late;
	CURLcode result;
	char error[CURL_ERROR_SIZE];
	char why[FETCH_WHY_MAX];
};

/* An easy handle in its first state, of this fetcher. NULL: out of memory. */
CURL *fetcher_take_handle(struct fetcher *r);

/* Reset and kept, or ended when enough are kept. Sets *easy to NULL; NULL inside is welcome. */
void fetcher_give_handle(struct fetcher *r, CURL **easy);

/* It has ended, well or badly: take it from libcurl and tell the asker. Not from the asker's own calls. */
void fetcher_tell(struct fetcher *r, struct fetch *f);

/* What to tell, from what libcurl has left behind. */
void fetch_answer_fill(struct fetch *f, struct fetch_answer *out);

/* Forget it in any state but FETCH_TELLING. */
void fetch_free(struct fetch *f);

#endif
