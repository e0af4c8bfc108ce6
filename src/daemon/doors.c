#include "base/log.h"
#include "daemon/doors.h"

#define HTTPS_PORT_OF_USERS 8443 /* design.md 2: where 443 may not be bound */

static const struct {
	const char *protocol;
	size_t port; /* where the settings have it */
} doors[DOORS] = {
	[DOOR_HTTPS] = {"https", offsetof(struct settings, https_port)},
	[DOOR_MQTTS] = {"mqtts", offsetof(struct settings, mqtts_port)},
	[DOOR_AMQPS] = {"amqps", offsetof(struct settings, amqps_port)},
};

const char *door_protocol(enum door_name door)
{
	return doors[door].protocol;
}

int doors_port(const struct doors *d, enum door_name door)
{
	return listener_port(d->at[door]);
}

/* "a, b" as an array ended by NULL. */
static void split_addresses(const char *text, struct arena *arena, const char *out[static LISTEN_ADDRESSES + 1])
{
	struct slice rest = slice_str(text), piece;
	size_t n = 0;

	while (n < LISTEN_ADDRESSES && slice_next(&rest, ',', &piece))
		if ((piece = slice_trim(piece)).n)
			out[n++] = arena_str(arena, piece);
	out[n] = NULL;
}

enum err doors_load_tls(const struct folder *f, struct tls *tls[static DOORS], struct arena *arena, const char **why)
{
	const struct tls_pair pair = {f->certificate_file, f->key_file};
	char sentence[256] = "";
	enum err e = OK;

	for (size_t i = 0; i < DOORS && e == OK; i++)
		e = tls_new(&pair, 1, &tls[i], sentence);
	if (e == OK)
		return OK;
	for (size_t i = 0; i < DOORS; i++)
		tls_free(&tls[i]);
	*why = arena_printf(arena, "The certificate %s cannot be used: %s", pair.certificate_file, sentence);
	return e;
}

static enum err open_one(const struct doors_conf *conf, enum door_name door, const char *const *addresses, struct tls *tls,
			 struct listener **out, const char **why)
{
	struct listener_conf listener = {
		.loop = conf->loop,
		.protocol = protocol_find(doors[door].protocol),
		.house = conf->api,
		.addresses = addresses,
		.port = (int)*(const int64_t *)((const char *)conf->settings + doors[door].port),
		.tls = tls,
		.limits = conf->limits,
		.proxies = conf->proxies,
		.beside = conf->beside ? conf->beside->at[door] : NULL,
	};
	char sentence[LISTEN_WHY_MAX] = "";
	enum err e = listener_open(&listener, out, sentence);

	if (e == ERR_FORBIDDEN && door == DOOR_HTTPS && conf->beside == NULL && !conf->settings->https_port_given) {
		log_warn(NULL, "https-port", "wanted", "443", "taken", "8443", "reason", "443 may not be bound by this user", NULL);
		listener.port = HTTPS_PORT_OF_USERS;
		e = listener_open(&listener, out, sentence);
	}
	if (e != OK)
		*why = arena_printf(conf->arena, "%s (--%s-port chooses another port.)", sentence, doors[door].protocol);
	return e;
}

enum err doors_open(struct doors *d, const struct doors_conf *conf, const char **why)
{
	const char *addresses[LISTEN_ADDRESSES + 1];
	struct tls *tls[DOORS] = {NULL};
	enum err e;

	split_addresses(conf->settings->listen ? conf->settings->listen : "127.0.0.1", conf->arena, addresses);
	if ((e = doors_load_tls(conf->folder, tls, conf->arena, why)) != OK)
		return e;
	for (size_t i = 0; i < DOORS && e == OK; i++)
		if ((e = open_one(conf, (enum door_name)i, addresses, tls[i], &d->at[i], why)) == OK)
			tls[i] = NULL; /* the listener's now */
	for (size_t i = 0; i < DOORS; i++)
		tls_free(&tls[i]);
	if (e != OK)
		doors_close(d);
	return e;
}

void doors_close(struct doors *d)
{
	for (size_t i = 0; i < DOORS; i++)
		listener_free(&d->at[i]);
}

/* --- draining --- */

static void one_is_idle(void *cookie)
{
	struct doors *d = cookie;

	if (--d->busy == 0)
		d->idle(d->cookie);
}

void doors_drain(struct doors *d, int deadline_ms, void (*idle)(void *cookie), void *cookie)
{
	if (d->idle == NULL)
		d->busy = DOORS;
	d->idle = idle;
	d->cookie = cookie;
	for (size_t i = 0; i < DOORS; i++)
		listener_drain(d->at[i], deadline_ms, one_is_idle, d);
}

/* --- reloading --- */

void doors_set(struct doors *d, struct tls *tls[static DOORS], const struct listen_limits *limits, const struct networks *proxies)
{
	for (size_t i = 0; i < DOORS; i++) {
		listener_set_tls(d->at[i], &tls[i]);
		listener_set_limits(d->at[i], limits);
		listener_set_proxies(d->at[i], proxies);
	}
}
