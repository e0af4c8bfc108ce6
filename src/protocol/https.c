/*
 * https.c: the REST surfaces and the portal's pages over HTTPS, and the way into WebSockets.
 */
#include "portal/portal.h"
#include "protocol/http_server.h"

static void *ask(void *house, const struct api_question *q, api_done *done, void *cookie)
{
	return api_ask(house, q, done, cookie);
}

static void cancel(void *call)
{
	struct api_call *c = call;

	api_cancel(&c);
}

static bool page(void *house, const struct api_question *q, struct api_answer *a)
{
	return portal_answer(house, q, a);
}

static void room(void *call)
{
	api_room(call);
}

static const char *client(void *house, const char *peer, const struct http_head *head, char room[ADDRESS_TEXT])
{
	return proxies_client(api_proxies(house), peer, head, room);
}

static const struct http_service service = {api_body_max, ask, cancel, "https", protocol_find, page, client, room};

static struct connection *open_connection(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	return http_server_open(loop, stream, env, &service);
}

const struct protocol protocol_https = {"https", 443, open_connection, http_server_drain, http_server_abort};
