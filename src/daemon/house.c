#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/passwords.h"
#include "api/api.h"
#include "base/log.h"
#include "io/claim.h"
#include "io/rate.h"
#include "daemon/collect.h"
#include "daemon/first_operator.h"
#include "daemon/house.h"

#define HANDSHAKE_MS      10000
#define LINGER_MS         2000
#define HUB_CONNECTIONS   32 /* pooled, of one loop to one hub */
#define ADMIN_CONNECTIONS 64
#define RUNNING_CHECK_MS  50 /* how often a drain looks whether registrations still run */

/* One loop and what lives on it. */
struct storey {
	struct house *house;
	struct loop *loop;
	pthread_t thread;
	bool has_thread;
	struct fetcher *fetcher;
	struct link *link;
	struct link_local local;
	struct news *news;
	struct provision *provision;
	struct hubs *hubs;
	struct api *api;
	struct doors doors;
	struct task resume, drain, reload, idle;
	struct tls *new_tls[DOORS]; /* on their way to the doors */
	struct listen_limits new_limits;
	struct networks new_proxies;
	struct timer *wait; /* for registrations that still run */
	int64_t drain_until_ms;
	struct log log;
};

struct house {
	const struct settings *settings;
	const struct folder *folder;
	struct arena *arena;
	struct store *store;
	struct rate *registers, *operations, *polls;
	struct claims *claims;
	struct proxies *proxies;
	struct networks introducers; /* whose connections begin with a PROXY header */
	struct geo *geo;
	struct passwords *passwords;
	struct api_ports ports;
	unsigned char secret[ATTEST_SECRET_SIZE]; /* of the challenges to TPMs */
	char first_password[PASSWORD_MADE_SIZE]; /* of the operator that was made now; empty: none was */
	struct news_desk *news; /* on the first loop */
	struct storey *storeys;
	struct provision **provisions; /* of all storeys; they look each other up in it */
	size_t count;
	struct listener *admin;
	struct collector collector;
	bool ready, draining;
	size_t drained; /* storeys that have finished; counted on the first loop */
};

/* --- opening --- */

static int or_cores(int64_t n)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return n ? (int)n : cores > 0 ? (int)cores : 1;
}

static enum err open_store(struct house *h, const char **why)
{
	const struct settings *s = h->settings;
	const struct store_conf conf = {
		.url = s->store ? s->store : arena_printf(h->arena, "sqlite:%s/berth.db", h->folder->path),
		.seal = h->folder->seal,
		.readers = or_cores(s->readers),
	};

	return store_open(&conf, h->arena, &h->store, why);
}

/* Whose word counts for where a device is, and what is known of that place. All of it, or nothing. */
static enum err learn_places(struct house *h, const struct settings *s, const char **why)
{
	struct networks trusted, introducers;
	enum err e = networks_read(s->trusted_proxies, "--trusted-proxies", &trusted, h->arena, why);

	if (e == OK)
		e = networks_read(s->proxy_protocol, "--proxy-protocol", &introducers, h->arena, why);
	if (e == OK)
		e = geo_load(h->geo, s->geo_database, h->arena, why);
	if (e != OK)
		return e;
	proxies_trust(h->proxies, &trusted);
	h->introducers = introducers;
	return OK;
}

static enum err furnish(struct house *h, struct storey *s)
{
	const struct settings *set = h->settings;
	const struct fetcher_conf fetcher = {
		.ca_files = {set->ca, h->folder->ca_file}, .connections_per_host = HUB_CONNECTIONS, .user_agent = "berth/" BERTH_VERSION};
	enum err e;

	s->house = h;
	if ((e = loop_new(&s->loop)) != OK || (e = fetcher_new(s->loop, &fetcher, &s->fetcher)) != OK)
		return e;
	if ((e = link_new(&(struct link_conf){.loop = s->loop, .fetcher = s->fetcher, .local = &s->local}, &s->link)) != OK)
		return e;
	if (h->news == NULL && (h->news = news_desk_new(s->loop)) == NULL)
		return ERR_NO_MEMORY;
	if ((s->news = news_new(s->loop, h->news)) == NULL)
		return ERR_NO_MEMORY;
	if ((e = hubs_new(s->loop, h->store, &s->hubs)) != OK)
		return e;
	if ((e = provision_new(&(struct provision_conf){.loop = s->loop,
							.store = h->store,
							.link = s->link,
							.fetcher = s == h->storeys ? s->fetcher : NULL,
							.webhooks = s->fetcher,
							.news = s->news,
							.registers = h->registers,
							.polls = h->polls,
							.geo = h->geo,
							.max_attempts_kept = (int)set->attempts_kept,
							.secret = slice_over(h->secret, sizeof(h->secret))},
			       &s->provision)) != OK)
		return e;
	e = api_new(&(struct api_conf){.loop = s->loop,
				       .store = h->store,
				       .provision = s->provision,
				       .hubs = s->hubs,
				       .link = s->link,
				       .news = s->news,
				       .domain = set->domain,
				       .admin_token = h->folder->admin_token,
				       .operations = h->operations,
				       .passwords = h->passwords,
				       .claims = h->claims,
				       .proxies = h->proxies,
				       .geo = h->geo,
				       .ports = &h->ports},
		    &s->api);
	if (e == OK)
		api_local_hubs(s->api, &s->local);
	return e;
}

static struct listen_limits limits_of(const struct house *h, const struct settings *s)
{
	return (struct listen_limits){
		.connections_max = (int)(s->connections / (int64_t)h->count) + 1,
		.per_peer_max = (int)(s->connections_per_peer / (int64_t)h->count) + 1,
		.handshake_ms = HANDSHAKE_MS,
		.linger_ms = LINGER_MS,
	};
}

static enum err open_doors(struct house *h, const char **why)
{
	struct doors_conf conf = {.settings = h->settings,
				  .folder = h->folder,
				  .limits = limits_of(h, h->settings),
				  .proxies = &h->introducers,
				  .arena = h->arena};
	enum err e;

	for (size_t i = 0; i < h->count; i++) {
		conf.loop = h->storeys[i].loop;
		conf.api = h->storeys[i].api;
		conf.beside = i ? &h->storeys[0].doors : NULL;
		if ((e = doors_open(&h->storeys[i].doors, &conf, why)) != OK)
			return e;
	}
	h->ports = (struct api_ports){house_port(h, DOOR_HTTPS), house_port(h, DOOR_MQTTS), house_port(h, DOOR_AMQPS)};
	return OK;
}

/* --- health and metrics --- */

static bool is_ready(void *cookie, const char **why)
{
	const struct house *h = cookie;

	*why = h->draining ? "draining\n" : "starting\n";
	return h->ready && !h->draining;
}

static enum err open_admin(struct house *h, const char **why)
{
	const char *text = h->settings->admin_listen, *addresses[2] = {NULL, NULL};
	struct slice whole = slice_str(text), port;
	struct listener_conf conf = {.loop = h->storeys[0].loop, .protocol = protocol_find("admin"), .addresses = addresses};
	char sentence[LISTEN_WHY_MAX] = "";
	ptrdiff_t colon = -1;
	uint64_t number;

	if (text == NULL)
		return OK;
	for (size_t i = 0; i < whole.n; i++)
		if (whole.p[i] == ':')
			colon = (ptrdiff_t)i;
	port = slice_from(whole, (size_t)(colon + 1));
	if (colon <= 0 || !slice_to_u64(port, &number) || number > 65535) {
		*why = "--admin-listen wants ADDRESS:PORT.";
		return ERR_INVALID;
	}
	addresses[0] = arena_str(h->arena, slice_to(whole, (size_t)colon));
	conf.port = (int)number;
	conf.house = collector_admin(&h->collector);
	conf.limits = (struct listen_limits){ADMIN_CONNECTIONS, ADMIN_CONNECTIONS, HANDSHAKE_MS, LINGER_MS};
	if (listener_open(&conf, &h->admin, sentence) != OK) {
		*why = arena_printf(h->arena, "Health and metrics: %s (--admin-listen chooses another address.)", sentence);
		return ERR_CONFLICT;
	}
	return OK;
}

static enum err open_collector(struct house *h)
{
	struct collector_stop *stops = arena_array(h->arena, h->count, sizeof(*stops));

	if (stops == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < h->count; i++)
		stops[i] = (struct collector_stop){h->storeys[i].loop, h->storeys[i].api, &h->storeys[i].doors};
	collector_init(&h->collector, stops, h->count, is_ready, h);
	return OK;
}

enum err house_open(const struct settings *settings, const struct folder *folder, struct arena *arena, struct house **out, const char **why)
{
	struct house *h;
	enum err e = ERR_NO_MEMORY;

	*why = NULL;
	if ((h = calloc(1, sizeof(*h))) == NULL)
		goto fail;
	*h = (struct house){.settings = settings, .folder = folder, .arena = arena};
	h->count = (size_t)or_cores(settings->threads);
	if ((h->storeys = calloc(h->count, sizeof(*h->storeys))) == NULL ||
	    (h->provisions = calloc(h->count, sizeof(struct provision *))) == NULL)
		goto fail;
	seal_derive(folder->seal, SLICE("attestation"), h->secret);
	h->registers = rate_new((int)settings->registrations_per_minute, RATE_MINUTE_MS);
	h->operations = rate_new((int)settings->operations_per_minute, RATE_MINUTE_MS);
	h->polls = rate_new((int)settings->polls_per_10_seconds, POLLS_WINDOW_MS);
	h->claims = claims_new();
	h->proxies = proxies_new();
	h->geo = geo_new();
	if (h->registers == NULL || h->operations == NULL || h->polls == NULL || h->claims == NULL || h->proxies == NULL || h->geo == NULL ||
	    (e = learn_places(h, settings, why)) != OK || (e = passwords_new(&h->passwords)) != OK || (e = open_store(h, why)) != OK)
		goto fail;
	for (size_t i = 0; i < h->count; i++) {
		if ((e = furnish(h, &h->storeys[i])) != OK)
			goto fail;
		h->provisions[i] = h->storeys[i].provision;
	}
	provision_join(h->provisions, h->count);
	if ((e = first_operator(h->storeys[0].loop, h->store, h->first_password)) != OK)
		goto fail;
	if ((e = open_doors(h, why)) != OK || (e = open_collector(h)) != OK || (e = open_admin(h, why)) != OK)
		goto fail;
	*out = h;
	return OK;

fail:
	if (*why == NULL)
		*why = err_text(e);
	house_close(&h);
	return e;
}

/* Storeys ask each other, links ask the API, and the API asks provision: whoever asks falls silent before one who answers goes. */
static void silence(struct house *h)
{
	for (size_t i = 0; i < h->count; i++) {
		timer_cancel(&h->storeys[i].wait);
		doors_close(&h->storeys[i].doors);
		if (h->storeys[i].link)
			link_halt(h->storeys[i].link);
	}
	for (size_t i = 0; i < h->count; i++)
		api_free(&h->storeys[i].api);
	for (size_t i = 0; i < h->count; i++)
		if (h->storeys[i].provision)
			provision_halt(h->storeys[i].provision);
}

void house_close(struct house **house)
{
	struct house *h = *house;

	if (h == NULL)
		return;
	listener_free(&h->admin);
	if (h->storeys)
		silence(h);
	for (size_t i = 0; h->storeys && i < h->count; i++) {
		struct storey *s = &h->storeys[i];

		provision_free(&s->provision);
		link_free(&s->link);
		hubs_free(&s->hubs);
		fetcher_free(&s->fetcher);
	}
	/* These threads bring their answers back to the loops, so they end first. */
	passwords_free(&h->passwords);
	store_close(&h->store);
	for (size_t i = 0; h->storeys && i < h->count; i++)
		news_free(&h->storeys[i].news);
	news_desk_free(&h->news);
	for (size_t i = 0; h->storeys && i < h->count; i++)
		if (h->storeys[i].loop)
			loop_free(&h->storeys[i].loop);
	rate_free(&h->registers);
	rate_free(&h->operations);
	rate_free(&h->polls);
	claims_free(&h->claims);
	proxies_free(&h->proxies);
	geo_free(&h->geo);
	explicit_bzero(h->first_password, sizeof(h->first_password));
	explicit_bzero(h->secret, sizeof(h->secret));
	free(h->provisions);
	free(h->storeys);
	free(h);
	*house = NULL;
}

int house_port(const struct house *h, enum door_name door)
{
	return doors_port(&h->storeys[0].doors, door);
}

const char *house_first_password(const struct house *h)
{
	return h->first_password;
}

struct loop *house_first_loop(struct house *h)
{
	return h->storeys[0].loop;
}

/* --- running --- */

static void resume(struct task *task)
{
	provision_resume(LIST_ITEM(task, struct storey, resume)->provision);
}

static void *run_storey(void *cookie)
{
	struct storey *s = cookie;

	loop_run(s->loop);
	return NULL;
}

void house_run(struct house *h)
{
	for (size_t i = 0; i < h->count; i++) {
		struct storey *s = &h->storeys[i];

		s->resume.run = resume;
		loop_post(s->loop, &s->resume);
		if (i > 0)
			s->has_thread = pthread_create(&s->thread, NULL, run_storey, s) == 0;
	}
	h->ready = true;
	loop_run(h->storeys[0].loop);
	for (size_t i = 1; i < h->count; i++)
		if (h->storeys[i].has_thread)
			pthread_join(h->storeys[i].thread, NULL);
}

/* --- draining: each storey empties itself and tells the first one --- */

static void storey_is_idle(struct task *task)
{
	struct storey *s = LIST_ITEM(task, struct storey, idle);
	struct house *h = s->house;

	if (++h->drained < h->count)
		return;
	for (size_t i = 0; i < h->count; i++)
		loop_stop(h->storeys[i].loop);
}

static void wait_for_registrations(void *cookie)
{
	struct storey *s = cookie;

	s->wait = NULL;
	/* What still waits for a hub is on record and is taken up at the next start (design.md promise 2). */
	if (provision_running(s->provision) > 0 && loop_now_ms(s->loop) < s->drain_until_ms)
		s->wait = loop_after(s->loop, RUNNING_CHECK_MS, wait_for_registrations, s);
	if (s->wait == NULL) {
		s->idle.run = storey_is_idle;
		loop_post(s->house->storeys[0].loop, &s->idle);
	}
}

static void drain(struct task *task)
{
	struct storey *s = LIST_ITEM(task, struct storey, drain);
	int ms = (int)s->house->settings->drain_seconds * 1000;

	s->drain_until_ms = loop_now_ms(s->loop) + ms;
	doors_drain(&s->doors, ms, wait_for_registrations, s);
}

void house_drain(struct house *h)
{
	if (h->draining) {
		for (size_t i = 0; i < h->count; i++)
			loop_stop(h->storeys[i].loop);
		return;
	}
	h->draining = true;
	for (size_t i = 0; i < h->count; i++) {
		h->storeys[i].drain.run = drain;
		loop_post(h->storeys[i].loop, &h->storeys[i].drain);
	}
}

/* --- reloading --- */

static void take_new(struct task *task)
{
	struct storey *s = LIST_ITEM(task, struct storey, reload);

	doors_set(&s->doors, s->new_tls, &s->new_limits, &s->new_proxies);
}

enum err house_reload(struct house *h, const struct settings *settings, const char **why)
{
	enum log_level level = LOG_INFO;
	enum err e;

	for (size_t i = 0; i < h->count; i++)
		if (h->storeys[i].reload.queued) {
			*why = "A reload is under way already.";
			return ERR_CONFLICT;
		}
	for (size_t i = 0; i < h->count; i++) {
		for (size_t door = 0; door < DOORS; door++)
			tls_free(&h->storeys[i].new_tls[door]);
		if ((e = doors_load_tls(h->folder, h->storeys[i].new_tls, h->arena, why)) != OK)
			return e;
	}
	if ((e = learn_places(h, settings, why)) != OK)
		return e;
	if (log_parse_level(slice_str(settings->log_level), &level))
		log_set_level(level);
	rate_set(h->registers, (int)settings->registrations_per_minute);
	rate_set(h->operations, (int)settings->operations_per_minute);
	rate_set(h->polls, (int)settings->polls_per_10_seconds);
	for (size_t i = 0; i < h->count; i++) {
		h->storeys[i].new_limits = limits_of(h, settings);
		h->storeys[i].new_proxies = h->introducers;
		h->storeys[i].reload.run = take_new;
		loop_post(h->storeys[i].loop, &h->storeys[i].reload);
	}
	return OK;
}
