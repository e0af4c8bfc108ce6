#include "crypto/token.h"
#include "devices.h"
#include "give_up.h"
#include "talk.h"

#define NAME_MEMORY 16384

extern const struct talk_kind talk_mqtt, talk_amqp;

static const struct talk_kind *const kinds[] = {&talk_mqtt, &talk_amqp};

const struct talk_kind *talk_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	give_up("nobody talks %s", name);
}

void talk_init(struct talk *t, const struct talk_kind *kind, const struct talk_group *group, unsigned number)
{
	*t = (struct talk){.kind = kind, .group = group, .number = number};
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
	t->wish = wish;
	t->step = 0;
	return t->kind->say(t);
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

struct talk_name talk_name(const struct talk *t)
{
	struct talk_name n = {.arena = arena_new(NAME_MEMORY)};
	unsigned char key[32];

	n.id = device_name(n.arena, "mill", t->number);
	n.resource = arena_format(n.arena, "%.*s/registrations/%.*s", SLICE_ARG(t->group->scope), SLICE_ARG(n.id));
	device_key(t->group->key, n.id, key);
	n.token = device_token(n.arena, n.resource, slice_over(key, sizeof(key)));
	return n;
}

void talk_forget(struct talk_name *n)
{
	arena_free(&n->arena);
}

enum talk_heard talk_registered(struct talk *t, struct slice body)
{
	if (slice_search(body, SLICE("\"status\":\"assigning\"")) >= 0) {
		talk_say(t, TALK_REGISTER);
		return TALK_GOES_ON;
	}
	if (slice_search(body, SLICE("\"status\":\"assigned\"")) < 0 || slice_search(body, SLICE("\"assignedHub\":\"")) < 0)
		give_up("%s: device %u was not assigned: %.*s", t->kind->name, t->number, SLICE_ARG(body));
	return TALK_DONE;
}
