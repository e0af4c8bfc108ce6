#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/lookup.h"
#include "io/work.h"

#define RESOLVER_THREADS 4 /* a slow name server holds up the names behind it */
#define SERVICE_MAX      12

struct resolver {
	struct work_queue *queue;
};

struct lookup {
	struct work work;
	struct task refused; /* in place of the work */
	struct resolver *resolver;
	char host[LOOKUP_HOST_MAX + 1];
	int port;
	lookup_done *done; /* NULL: cancelled while a thread had it */
	void *cookie;
	bool telling;
	struct loop_guest guest; /* from then on */
	struct lookup_answer answer;
	struct endpoint addresses[LOOKUP_ADDRESSES];
};

/* --- on a thread --- */

static void keep(struct lookup *l, const struct addrinfo *found)
{
	for (; found && l->answer.count < LOOKUP_ADDRESSES; found = found->ai_next) {
		struct endpoint *to = &l->addresses[l->answer.count];

		if (found->ai_addrlen > sizeof(to->to))
			continue;
		memcpy(&to->to, found->ai_addr, found->ai_addrlen);
		to->size = found->ai_addrlen;
		l->answer.count++;
	}
	l->answer.e = l->answer.count ? OK : ERR_NOT_FOUND;
}

static void judge(struct lookup *l, int said)
{
	l->answer.e = said == EAI_MEMORY ? ERR_NO_MEMORY : ERR_UNREACHABLE;
	switch (said) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		l->answer.e = ERR_NOT_FOUND;
		l->answer.why = "nobody knows that name";
		break;
	case EAI_AGAIN: l->answer.why = "no name server answers"; break;
	case EAI_SYSTEM: l->answer.why = strerror(errno); break;
	default: l->answer.why = gai_strerror(said);
	}
}

static void look_up(void *cookie, int thread, struct work **items, int count)
{
	struct lookup *l = LIST_ITEM(items[0], struct lookup, work);
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[SERVICE_MAX];
	int said;

	(void)cookie;
	(void)thread;
	(void)count;
	snprintf(service, sizeof(service), "%d", l->port);
	if ((said = getaddrinfo(l->host, service, &wanted, &found)) == 0) {
		keep(l, found);
		freeaddrinfo(found);
	} else {
		judge(l, said);
	}
}

/* --- on the loop --- */

static void tell(struct lookup *l)
{
	l->answer.addresses = l->addresses;
	l->telling = true;
	if (l->done)
		l->done(l->cookie, &l->answer);
	list_remove(&l->guest.link);
	free(l);
}

static void on_answer(struct work *w)
{
	tell(LIST_ITEM(w, struct lookup, work));
}

static void on_refused(struct task *t)
{
	tell(LIST_ITEM(t, struct lookup, refused));
}

/* The loop ends before it has heard of an answer that nobody waits for. */
static void on_loop_end(struct loop_guest *guest)
{
	struct lookup *l = LIST_ITEM(guest, struct lookup, guest);

	loop_unpost(l->work.loop, &l->work.back);
	free(l);
}

static void refuse(struct lookup *l, enum err e, const char *why)
{
	l->answer.e = e;
	l->answer.why = why;
	loop_post(l->work.loop, &l->refused);
}

struct lookup *lookup_start(struct resolver *r, struct loop *loop, const char *host, int port, lookup_done *done, void *cookie)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->work = (struct work){.done = on_answer, .loop = loop};
	l->refused.run = on_refused;
	l->guest.end = on_loop_end;
	list_init(&l->guest.link);
	l->resolver = r;
	l->port = port;
	l->done = done;
	l->cookie = cookie;
	if (strlen(host) > LOOKUP_HOST_MAX) {
		refuse(l, ERR_NOT_FOUND, "no name is that long");
		return l;
	}
	memcpy(l->host, host, strlen(host) + 1);
	if (work_start(r->queue, &l->work) != OK)
		refuse(l, ERR_THROTTLED, "too many names are being looked up");
	return l;
}

void lookup_cancel(struct lookup **lookup)
{
	struct lookup *l = *lookup;

	*lookup = NULL;
	if (l == NULL || l->telling) /* else the teller frees it */
		return;
	if (l->refused.queued) {
		loop_unpost(l->work.loop, &l->refused);
		free(l);
	} else if (work_take_back(l->resolver->queue, &l->work)) {
		free(l);
	} else {
		l->done = NULL;
		loop_invite(l->work.loop, &l->guest);
	}
}

/* --- the resolver --- */

enum err resolver_new(struct resolver **out)
{
	const struct work_conf conf = {
		.name = "resolver", .threads = RESOLVER_THREADS, .batch_max = 1, .depth_max = LOOKUPS_WAITING, .run = look_up};
	struct resolver *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_NO_MEMORY;
	if ((e = work_queue_new(&conf, &r->queue)) != OK) {
		free(r);
		return e;
	}
	*out = r;
	return OK;
}

void resolver_free(struct resolver **r)
{
	struct resolver *it = *r;

	*r = NULL;
	if (it == NULL)
		return;
	work_queue_free(&it->queue);
	free(it);
}
