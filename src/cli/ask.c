/*
 * ask.c: one request to the service API, and what becomes of the answer.
 */
#include <stdlib.h>

#include "cli/command.h"

bool service_ask(struct command *c, const char *method, const char *path, json_t *body, struct answer *out)
{
	const char *host = service_host(c);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	bool lost = body && text == NULL;

	json_decref(body);
	if (host && !lost)
		*out = client_ask(c, method, host, path, given(c, "etag"), NULL, text ? slice_str(text) : NO_SLICE);
	free(text);
	if (lost)
		failed("out of memory");
	else if (host && !answer_is_good(out))
		client_complain(c, out);
	return host && !lost && answer_is_good(out);
}

int service_show(struct command *c, const char *method, const char *path, json_t *body, const struct column *columns)
{
	struct answer a;

	if (!service_ask(c, method, path, body, &a))
		return CLI_FAILED;
	return a.body.n && columns ? show(c, a.body, columns) : CLI_FINE;
}
