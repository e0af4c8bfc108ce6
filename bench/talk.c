#include "devices.h"
#include "give_up.h"
#include "talk.h"

#define WORDS_MEMORY 65536

void talk_init(struct talk *t, const struct talk_kind *kind, const struct talk_owner *owner, unsigned number)
{
	*t = (struct talk){.kind = kind, .owner = owner, .number = number};
	buf_init(&t->in, TALK_BUFFER_MAX);
	buf_init(&t->out, TALK_BUFFER_MAX);
}

void talk_fini(struct talk *t)
{
	buf_fini(&t->in);
	buf_fini(&t->out);
}

bool talk_say(struct talk *t, enum talk_wish wish)
{
	bool over;

	t->wish = wish;
	t->step = 0;
	over = t->kind->say(t);
	if (buf_failed(&t->out))
		give_up("device %u has more to say than fits", t->number);
	return over;
}

bool talk_hear(struct talk *t)
{
	enum talk_heard heard;

	while ((heard = t->kind->hear(t)) == TALK_GOES_ON)
		;
	if (t->in.n == 0)
		buf_release(&t->in);
	return heard == TALK_DONE;
}

struct talk_words talk_words(const struct talk *t)
{
	struct arena *a = arena_new(WORDS_MEMORY);
	struct talk_words w = {.arena = a, .device = t->owner->device(t->owner->cookie, t->number, a)};

	w.resource = arena_format(a, "%.*s/registrations/%.*s", SLICE_ARG(w.device.scope), SLICE_ARG(w.device.id));
	w.body = arena_format(a, "{\"registrationId\":\"%.*s\"}", SLICE_ARG(w.device.id));
	if (!slice_absent(w.device.key))
		w.token = device_token(a, w.resource, w.device.key);
	if (arena_failed(a))
		give_up("no memory for a device");
	return w;
}

void talk_words_free(struct talk_words *w)
{
	arena_free(&w->arena);
}

enum talk_heard talk_registered(struct talk *t, struct slice body)
{
	if (slice_search(body, SLICE("\"status\":\"assigning\"")) >= 0) {
		talk_say(t, TALK_REGISTER);
		return TALK_GOES_ON;
	}
	if (slice_search(body, SLICE("\"status\":\"assigned\"")) < 0 || slice_search(body, SLICE("\"assignedHub\":\"")) < 0)
		give_up("device %u was not assigned: %.*s", t->number, SLICE_ARG(body));
	if (t->owner->registered)
		t->owner->registered(t->owner->cookie, body);
	return TALK_DONE;
}
