/*
 * client.c: requests to the server, one at a time.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/command.h"

#define CONNECT_MS      10000
#define DEADLINE_MS     120000
#define FILE_MAX        65536
#define ANSWER_LINE_MAX (8 << 20) /* of an answer that comes line by line */

#define HTTPS_PORT 443 /* unless the server's address or announcement says otherwise */
#define MQTTS_PORT 8883
#define AMQPS_PORT 5671

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *data_folder(const struct command *c)
{
	const char *path = given(c, "data"), *home = getenv("HOME"), *xdg = variable("XDG_DATA_HOME");

	if (path || (path = variable("BERTH_DATA")) != NULL)
		return path;
	if (geteuid() == 0)
		return "/var/lib/berth";
	return xdg ? arena_printf(c->arena, "%s/berth", xdg) : arena_printf(c->arena, "%s/.local/share/berth", home ? home : ".");
}

/* A small file of the data folder, without its line end; NULL when it is not there. */
static const char *data_file(const struct command *c, const char *name)
{
	char *text = arena_alloc(c->arena, FILE_MAX);
	FILE *f = fopen(arena_printf(c->arena, "%s/%s", data_folder(c), name), "re");
	size_t n;

	if (f == NULL || text == NULL)
		return NULL;
	n = fread(text, 1, FILE_MAX - 1, f);
	fclose(f);
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = 0;
	return text;
}

static int announced_port(const json_t *json, const char *name, int otherwise)
{
	json_int_t port = json_integer_value(json_object_get(json, name));

	return port > 0 && port <= 65535 ? (int)port : otherwise;
}

/* Where the server of the data folder says it is. */
static void read_announcement(struct command *c)
{
	const char *text = data_file(c, "server.json");
	json_t *json = NULL;

	if (text == NULL || json_read(slice_str(text), c->arena, &json, NULL) != OK)
		return;
	if (c->server == NULL) {
		c->server = arena_str(c->arena, slice_str(json_path(json, "url")));
		c->mqtts_port = announced_port(json, "mqttsPort", MQTTS_PORT);
		c->amqps_port = announced_port(json, "amqpsPort", AMQPS_PORT);
	}
	if (c->ca == NULL && json_path(json, "ca"))
		c->ca = arena_str(c->arena, slice_str(json_path(json, "ca")));
	json_decref(json);
}

/* "https://127.0.0.1:8443" into what requests need: where to connect, and the port to put behind other hosts. */
static bool take_server(struct command *c)
{
	struct slice url = slice_str(c->server), host;
	uint64_t port = HTTPS_PORT;
	ptrdiff_t at;

	if (!slice_starts_fold(url, SLICE("https://"))) {
		failed("the server's address must begin with https://, not \"%s\"", c->server);
		return false;
	}
	host = slice_from(url, 8);
	if ((at = slice_find(host, '/')) >= 0)
		host = slice_to(host, (size_t)at);
	at = -1;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == ':' && slice_find(slice_from(host, i), ']') < 0)
			at = (ptrdiff_t)i;
	if (at >= 0 && (!slice_to_u64(slice_from(host, (size_t)at + 1), &port) || port == 0 || port > 65535)) {
		failed("the server's address ends in something that is no port: \"%s\"", c->server);
		return false;
	}
	c->https_port = (int)port;
	c->address = arena_str(c->arena, at < 0 ? host : slice_to(host, (size_t)at));
	return true;
}

bool client_open(struct command *c)
{
	struct fetcher_conf conf = {.connections_per_host = 4, .user_agent = "berth/" BERTH_VERSION};

	if (c->fetcher)
		return true;
	c->mqtts_port = MQTTS_PORT;
	c->amqps_port = AMQPS_PORT;
	c->server = given_or(c, "server", variable("BERTH_SERVER"));
	c->token = given_or(c, "token", variable("BERTH_TOKEN"));
	c->ca = given_or(c, "ca", variable("BERTH_CA"));
	if (c->server == NULL || c->ca == NULL)
		read_announcement(c);
	if (c->token == NULL)
		c->token = data_file(c, "admin.token");
	if (c->server == NULL) {
		failed("no server: %s has no server.json. Start one with \"berth serve\", or name one with --server or --data.",
		       data_folder(c));
		return false;
	}
	conf.ca_files[0] = c->ca;
	if (!take_server(c))
		return false;
	if (loop_new(&c->loop) != OK || fetcher_new(c->loop, &conf, &c->fetcher) != OK) {
		failed("the HTTPS client cannot be started%s%s", c->ca ? ": is this a certificate file? " : "", c->ca ? c->ca : "");
		return false;
	}
	return true;
}

bool client_channels(struct command *c, struct channel_conf *out)
{
	const struct dialer_conf conf = {.ca_files = {c->ca}};

	if (c->dialer == NULL && dialer_new(c->loop, &conf, &c->dialer) != OK) {
		failed("connections cannot be opened: out of memory");
		return false;
	}
	*out = (struct channel_conf){.loop = c->loop,
				     .fetcher = c->fetcher,
				     .dialer = c->dialer,
				     .address = c->address,
				     .https_port = c->https_port,
				     .mqtts_port = c->mqtts_port,
				     .amqps_port = c->amqps_port};
	return true;
}

void client_close(struct command *c)
{
	fetcher_free(&c->fetcher);
	dialer_free(&c->dialer);
	if (c->loop)
		loop_free(&c->loop);
}

struct waiting {
	struct command *c;
	struct answer *to;
	client_line *line; /* NULL: the body comes whole */
	void *cookie;
	struct buf rest; /* of a line whose end has not come yet */
};

static void arrived(void *cookie, const struct fetch_answer *a)
{
	struct waiting *w = cookie;
	const char *continuation = a->e == OK ? a->header(a, "x-ms-continuation") : NULL;

	*w->to = (struct answer){
		.e = a->e,
		.status = a->status,
		.why = arena_str(w->c->arena, slice_str(a->why)),
		.body = arena_copy(w->c->arena, a->body),
		.continuation = arena_str(w->c->arena, slice_str(continuation)),
	};
	loop_stop(w->c->loop);
}

/* Its headers behind the first, and where it goes. */
struct request {
	const char *method, *host, *path, *if_match, *continuation;
	struct slice body;
	fetch_piece *piece;
};

static struct answer ask_with(struct command *c, const struct request *r, struct waiting *w)
{
	const char *headers[6] = {"Content-Type: application/json; charset=utf-8"};
	struct answer answer = {.e = ERR_NO_MEMORY, .why = "out of memory"};
	int n = 1;

	w->to = &answer;
	if (!client_open(c))
		return (struct answer){.e = ERR_INVALID};
	if (c->token)
		headers[n++] = arena_printf(c->arena, "Authorization: Bearer %s", c->token);
	if (r->if_match)
		headers[n++] = arena_printf(c->arena, "If-Match: %s", r->if_match);
	if (r->continuation)
		headers[n++] = arena_printf(c->arena, "x-ms-continuation: %s", r->continuation);
	const struct fetch_ask ask = {
		.method = r->method,
		.url = arena_printf(c->arena, "https://%s:%d%s", r->host ? r->host : c->address, c->https_port, r->path),
		.headers = headers,
		.body = slice_absent(r->body) ? SLICE("") : r->body,
		.connect_to = r->host ? arena_printf(c->arena, "%s:%d", c->address, c->https_port) : NULL,
		.answer_max = ANSWER_MAX,
		.connect_ms = CONNECT_MS,
		.deadline_ms = DEADLINE_MS,
		.piece = r->piece,
	};
	if (fetch_start(c->fetcher, &ask, arrived, w) != NULL)
		loop_run(c->loop);
	return answer;
}

struct answer client_ask(struct command *c, const char *method, const char *host, const char *path, const char *if_match,
			 const char *continuation, struct slice body)
{
	const struct request r = {method, host, path, if_match, continuation, body, NULL};
	struct waiting w = {.c = c};

	return ask_with(c, &r, &w);
}

/* Whole lines are told, what follows them waits for its end. */
static void take_piece(void *cookie, struct slice bytes)
{
	struct waiting *w = cookie;
	ptrdiff_t end;

	while ((end = slice_find(bytes, '\n')) >= 0) {
		buf_add(&w->rest, slice_to(bytes, (size_t)end));
		w->line(w->cookie, buf_slice(&w->rest));
		buf_clear(&w->rest);
		bytes = slice_from(bytes, (size_t)end + 1);
	}
	buf_add(&w->rest, bytes);
}

struct answer client_post_lines(struct command *c, const char *host, const char *path, struct slice body, client_line *line, void *cookie)
{
	const struct request r = {.method = "POST", .host = host, .path = path, .body = body, .piece = take_piece};
	struct waiting w = {.c = c, .line = line, .cookie = cookie};
	struct answer answer;

	buf_init(&w.rest, ANSWER_LINE_MAX);
	answer = ask_with(c, &r, &w);
	buf_fini(&w.rest);
	return answer;
}

int client_complain(struct command *c, const struct answer *a)
{
	json_t *json = NULL;
	const char *message;

	if (a->e != OK)
		return a->why ? failed("%s did not answer: %s", c->server, a->why) : CLI_FAILED;
	if (a->body.n && json_read(a->body, c->arena, &json, NULL) == OK) {
		message = json_path(json, "message");
		if (message == NULL)
			message = json_path(json, "error.message");
		if (message == NULL)
			message = json_path(json, "Message");
		if (message)
			failed("%s (%d)", message, a->status);
		else
			failed("the server answered %d: %.*s", a->status, SLICE_ARG(slice_to(a->body, 400)));
		json_decref(json);
	} else {
		failed("the server answered %d", a->status);
	}
	if (a->status == 401)
		fprintf(stderr, "       The token is not this server's administrator's; see --token. The server's log says more.\n");
	return CLI_FAILED;
}
