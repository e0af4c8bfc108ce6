/*
 * statistics.c: how many devices a hub has (hub-api.md 4.9).
 */
#include "hub/hub_own.h"

struct statistics {
	struct store_want want[2]; /* all devices, and the disabled ones */
	struct store_where disabled;
	struct store_ask *store_ask;
};

static void statistics_fini(struct hub_ask *ask)
{
	store_cancel(&((struct statistics *)ask->state)->store_ask);
}

static void counted(void *cookie, enum err e)
{
	struct hub_ask *ask = cookie;
	struct statistics *s = ask->state;

	s->store_ask = NULL;
	if (e != OK) {
		ask_refuse(ask, hub_no_store(e));
		return;
	}
	json_open(&ask->out, NULL, '{');
	json_int(&ask->out, "totalDeviceCount", (int64_t)s->want[0].count);
	json_int(&ask->out, "enabledDeviceCount", (int64_t)(s->want[0].count - s->want[1].count));
	json_int(&ask->out, "disabledDeviceCount", (int64_t)s->want[1].count);
	json_close(&ask->out, '}');
	ask_answer(ask);
}

static void count_devices(struct hub_ask *ask)
{
	struct statistics *s = ask->state;
	struct device *like = device_like(ask, NO_SLICE);

	if (like == NULL) {
		ask_refuse(ask, hub_no_memory());
		return;
	}
	s->disabled = (struct store_where){.op = WHERE_EQ, .field = noun_field(&noun_device, "status"), .value = SLICE("disabled")};
	s->want[0] = (struct store_want){.noun = &noun_device, .like = like, .keys = 1, .count_only = true};
	s->want[1] = s->want[0];
	s->want[1].where = &s->disabled;
	s->store_ask = store_read(ask->hubs->store, ask->hubs->loop, ask->arena, s->want, 2, counted, ask);
	if (s->store_ask == NULL)
		ask_refuse(ask, hub_no_store(ERR_NO_MEMORY));
}

struct hub_ask *hub_statistics(struct hubs *hubs, struct slice hub, bool service, hub_done *done, void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct statistics), statistics_fini, done, cookie);

	if (ask == NULL)
		return NULL;
	if (!service) {
		count_devices(ask);
		return ask;
	}
	/* Nothing but REST speaks to a hub so far, and that makes nobody connected. */
	json_open(&ask->out, NULL, '{');
	json_int(&ask->out, "connectedDeviceCount", 0);
	json_close(&ask->out, '}');
	ask_answer(ask);
	return ask;
}
