#include <stdio.h>
#include <stdlib.h>

#include "crypto/password.h"
#include "io/address.h"
#include "io/rate.h"
#include "io/work.h"
#include "api/passwords.h"

#define THREADS     2 /* each takes 64 MiB while it works */
#define WAITING_MAX 64
#define RATE_KEY    128

struct passwords {
	struct work_queue *queue;
	struct rate *wrong;
};

struct password_ask {
	struct passwords *passwords;
	struct work work;
	struct loop_guest guest; /* once it is dropped, and a thread still has it */
	bool dropped, judges;
	struct slice hash; /* to judge by, in hash_text */
	size_t length;
	char password[PASSWORD_BYTES_MAX];
	char hash_text[PASSWORD_HASH_SIZE];
	enum err result;
	password_done *done;
	void *cookie;
};

/* --- on a thread --- */

static void run(void *cookie, int thread, struct work **items, int count)
{
	(void)cookie, (void)thread;
	for (int i = 0; i < count; i++) {
		struct password_ask *ask = LIST_ITEM(items[i], struct password_ask, work);
		struct slice password = slice_over(ask->password, ask->length);

		if (!ask->judges)
			ask->result = password_hash(password, ask->hash_text);
		else
			ask->result = password_is(password, ask->hash) ? OK : ERR_UNAUTHORIZED;
	}
}

/* --- one ask --- */

static void ask_free(struct password_ask *ask)
{
	explicit_bzero(ask, sizeof(*ask));
	free(ask);
}

static void on_done(struct work *work)
{
	struct password_ask *ask = LIST_ITEM(work, struct password_ask, work);

	if (ask->dropped)
		list_remove(&ask->guest.link);
	else
		ask->done(ask->cookie, ask->result, ask->judges ? NO_SLICE : slice_str(ask->hash_text));
	ask_free(ask);
}

static void guest_ends(struct loop_guest *guest)
{
	ask_free(LIST_ITEM(guest, struct password_ask, guest));
}

static enum err start(struct password_ask *ask, struct passwords *p, struct loop *loop, struct password_ask **out)
{
	enum err e;

	ask->passwords = p;
	ask->work = (struct work){.done = on_done, .loop = loop};
	ask->guest.end = guest_ends;
	if ((e = work_start(p->queue, &ask->work)) != OK) {
		ask_free(ask);
		return e;
	}
	*out = ask;
	return OK;
}

static struct password_ask *ask_new(struct slice password, password_done *done, void *cookie)
{
	struct password_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->done = done;
	ask->cookie = cookie;
	ask->length = password.n < sizeof(ask->password) ? password.n : sizeof(ask->password);
	if (ask->length)
		memcpy(ask->password, password.p, ask->length);
	return ask;
}

enum err password_judge(struct passwords *p, struct loop *loop, struct slice password, struct slice hash, password_done *done, void *cookie,
			struct password_ask **out)
{
	struct password_ask *ask = ask_new(password, done, cookie);

	if (ask == NULL)
		return ERR_NO_MEMORY;
	ask->judges = true;
	if (!slice_absent(hash) && password.n <= sizeof(ask->password) && hash.n < sizeof(ask->hash_text)) {
		memcpy(ask->hash_text, hash.p, hash.n);
		ask->hash = slice_over(ask->hash_text, hash.n);
	}
	return start(ask, p, loop, out);
}

enum err password_keep(struct passwords *p, struct loop *loop, struct slice password, password_done *done, void *cookie,
		       struct password_ask **out)
{
	struct password_ask *ask;

	if (password.n > PASSWORD_BYTES_MAX)
		return ERR_TOO_BIG;
	ask = ask_new(password, done, cookie);
	return ask ? start(ask, p, loop, out) : ERR_NO_MEMORY;
}

void password_cancel(struct password_ask **it)
{
	struct password_ask *ask = *it;

	*it = NULL;
	if (ask == NULL)
		return;
	if (work_take_back(ask->passwords->queue, &ask->work)) {
		ask_free(ask);
		return;
	}
	ask->dropped = true;
	loop_invite(ask->work.loop, &ask->guest);
}

/* --- how often --- */

/* An address without its port; of IPv6 the half that one user has all of. */
static void peer_key(const char *peer, char out[static RATE_KEY])
{
	char text[ADDRESS_TEXT];
	struct address a;

	if (!address_read(slice_str(peer), &a)) {
		snprintf(out, RATE_KEY, "peer %s", peer);
		return;
	}
	if (a.six)
		memset(a.at + 8, 0, 8);
	snprintf(out, RATE_KEY, "peer %s", address_write(&a, text));
}

static void name_key(struct slice name, char out[static RATE_KEY])
{
	snprintf(out, RATE_KEY, "name %.*s", SLICE_ARG(name));
}

int passwords_try(struct passwords *p, struct slice name, const char *peer, int64_t now_ms)
{
	char by_name[RATE_KEY], by_peer[RATE_KEY];
	int wait;

	name_key(name, by_name);
	peer_key(peer, by_peer);
	if ((wait = rate_take(p->wrong, slice_str(by_peer), now_ms)) > 0)
		return wait;
	if ((wait = rate_take(p->wrong, slice_str(by_name), now_ms)) > 0)
		rate_give_back(p->wrong, slice_str(by_peer));
	return wait;
}

void passwords_was_right(struct passwords *p, struct slice name, const char *peer)
{
	char key[RATE_KEY];

	name_key(name, key);
	rate_give_back(p->wrong, slice_str(key));
	peer_key(peer, key);
	rate_give_back(p->wrong, slice_str(key));
}

/* --- the whole --- */

enum err passwords_new(struct passwords **out)
{
	const struct work_conf conf = {.name = "password", .threads = THREADS, .batch_max = 1, .depth_max = WAITING_MAX, .run = run};
	struct passwords *p = calloc(1, sizeof(*p));
	enum err e = ERR_NO_MEMORY;

	if (p == NULL)
		return ERR_NO_MEMORY;
	if ((p->wrong = rate_new(WRONG_PER_MINUTE, RATE_MINUTE_MS)) == NULL || (e = work_queue_new(&conf, &p->queue)) != OK) {
		passwords_free(&p);
		return e;
	}
	*out = p;
	return OK;
}

void passwords_free(struct passwords **it)
{
	struct passwords *p = *it;

	*it = NULL;
	if (p == NULL)
		return;
	work_queue_free(&p->queue);
	rate_free(&p->wrong);
	free(p);
}
