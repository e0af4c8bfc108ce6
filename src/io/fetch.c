#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <openssl/ssl.h>

#include "io/fetch_own.h"

/* --- the question --- */

/* libcurl would read the whole bundle for each connection, at 45 ms a time; it is told to read none, and
 * given the set that was read once. */
static CURLcode on_ssl_context(CURL *easy, void *context, void *cookie)
{
	const struct fetch *f = cookie;
	const struct credential *c = f->credential;

	(void)easy;
	SSL_CTX_set1_cert_store(context, f->fetcher->trust);
	if (c && SSL_CTX_use_cert_and_key(context, c->leaf, c->key, c->chain, 1) != 1)
		return CURLE_SSL_CERTPROBLEM;
	return CURLE_OK;
}

static bool begin_deadline(struct fetch *f);

static bool goes_on_as_it_comes(struct fetch *f)
{
	long status = 0;

	if (f->piece)
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *cookie)
{
	struct fetch *f = cookie;

	if (goes_on_as_it_comes(f)) {
		f->piece(f->cookie, slice_over(bytes, size * count));
		return begin_deadline(f) ? size * count : 0;
	}
	buf_add(&f->body, slice_over(bytes, size * count));
	f->too_big = buf_failed(&f->body);
	return f->too_big ? 0 : size * count;
}

static bool add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool add_headers(struct fetch *f, const struct fetch_ask *ask)
{
	bool typed = false, ok = add_line(&f->headers, "Expect:"); /* no "100-continue" before a body */

	for (size_t i = 0; ask->headers && ask->headers[i] && ok; i++) {
		typed |= strncasecmp(ask->headers[i], "Content-Type:", 13) == 0;
		ok = add_line(&f->headers, ask->headers[i]);
	}
	/* libcurl takes every body for a form unless told otherwise. */
	if (ok && !typed)
		ok = add_line(&f->headers, "Content-Type:");
	return ok;
}

static bool wants_body(const struct fetch_ask *ask)
{
	return !slice_absent(ask->body) || strcmp(ask->method, "POST") == 0 || strcmp(ask->method, "PUT") == 0 ||
	       strcmp(ask->method, "PATCH") == 0;
}

static void set_method(CURL *easy, const struct fetch_ask *ask)
{
	if (wants_body(ask)) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->body.p ? ask->body.p : "");
	} else if (strcmp(ask->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
}

static bool set_target(struct fetch *f, const struct fetch_ask *ask)
{
	char line[320];

	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(f->easy, CURLOPT_PATH_AS_IS, 1L); /* a device may be called ".." */
	if (curl_easy_setopt(f->easy, CURLOPT_URL, ask->url) != CURLE_OK)
		return false;
	if (ask->connect_to == NULL)
		return true;
	if (snprintf(line, sizeof(line), "::%s", ask->connect_to) >= (int)sizeof(line) || !add_line(&f->connect_to, line))
		return false;
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, f->connect_to);
	curl_easy_setopt(f->easy, CURLOPT_PROXY, ""); /* we know better where it is */
	return true;
}

static void set_manners(struct fetch *f, const struct fetch_ask *ask)
{
	CURL *easy = f->easy;
	bool fresh = ask->fresh || ask->credential; /* libcurl would let others have the connection */

	curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for a slow name server */
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, f->fetcher->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, f);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ask->connect_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
}

/* libcurl does not count the time that a request waits for a free connection; this does. */
static void on_deadline(void *cookie)
{
	struct fetch *f = cookie;

	f->deadline = NULL;
	f->too_late = true;
	fetcher_tell(f->fetcher, f);
}

static bool begin_deadline(struct fetch *f)
{
	timer_cancel(&f->deadline);
	f->deadline = loop_after(f->fetcher->loop, f->deadline_ms, on_deadline, f);
	return f->deadline != NULL;
}

struct fetch *fetch_start(struct fetcher *r, const struct fetch_ask *ask, fetch_done *done, void *cookie)
{
	struct fetch *f;

	assert(r->magic == FETCHER_MAGIC && !r->freed);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->fetcher = r;
	f->done = done;
	f->cookie = cookie;
	f->piece = ask->piece;
	f->connect_ms = ask->connect_ms;
	f->deadline_ms = ask->deadline_ms;
	f->credential = ask->credential;
	f->state = FETCH_ENDED; /* until libcurl has it */
	list_init(&f->link);
	buf_init(&f->body, ask->answer_max);
	if ((f->easy = fetcher_take_handle(r)) == NULL || !add_headers(f, ask) || !set_target(f, ask))
		goto fail;
	set_manners(f, ask);
	set_method(f->easy, ask);
	if (!begin_deadline(f))
		goto fail;
	if (curl_multi_add_handle(r->multi, f->easy) != CURLM_OK)
		goto fail;
	f->state = FETCH_RUNNING;
	list_append(&r->running, &f->link);
	return f;

fail:
	fetch_free(f);
	return NULL;
}

void fetch_free(struct fetch *f)
{
	if (f->state == FETCH_RUNNING)
		curl_multi_remove_handle(f->fetcher->multi, f->easy);
	list_remove(&f->link);
	timer_cancel(&f->deadline);
	fetcher_give_handle(f->fetcher, &f->easy);
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->connect_to);
	buf_fini(&f->body);
	free(f);
}

void fetch_cancel(struct fetch **f)
{
	struct fetch *it = *f;

	*f = NULL;
	if (it && it->state != FETCH_TELLING) /* else the teller frees it */
		fetch_free(it);
}

/* --- the answer --- */

static enum err explain(struct fetch *f, enum err e, const char *sentence)
{
	snprintf(f->why, sizeof(f->why), "%s", sentence);
	return e;
}

static enum err explain_libcurl(struct fetch *f, enum err e)
{
	return explain(f, e, f->error[0] ? f->error : curl_easy_strerror(f->result));
}

static enum err explain_no_connection(struct fetch *f)
{
	long os_error = 0;

	curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os_error);
	if (os_error == 0)
		return explain_libcurl(f, ERR_UNREACHABLE);
	snprintf(f->why, sizeof(f->why), "no connection: %s", strerror((int)os_error));
	return ERR_UNREACHABLE;
}

static enum err explain_time(struct fetch *f)
{
	if (f->too_late) {
		snprintf(f->why, sizeof(f->why), "no answer within %d ms", f->deadline_ms);
		return ERR_TIMEOUT;
	}
	snprintf(f->why, sizeof(f->why), "no connection within %d ms", f->connect_ms);
	return ERR_UNREACHABLE;
}

/* Our word for what libcurl says. ERR_UNREACHABLE promises that the server has not seen the request. */
static enum err judge(struct fetch *f)
{
	if (f->too_late)
		return explain_time(f);
	switch (f->result) {
	case CURLE_OK: return OK;
	case CURLE_OPERATION_TIMEDOUT: return explain_time(f);
	case CURLE_COULDNT_CONNECT: return explain_no_connection(f);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION: return explain_libcurl(f, ERR_UNREACHABLE);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE: return explain_libcurl(f, ERR_CLOSED);
	case CURLE_WRITE_ERROR: return f->too_big ? explain(f, ERR_TOO_BIG, "the answer is too long") : explain_libcurl(f, ERR_IO);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY: return explain_libcurl(f, ERR_MALFORMED);
	case CURLE_URL_MALFORMAT: return explain_libcurl(f, ERR_INVALID);
	case CURLE_OUT_OF_MEMORY: return explain_libcurl(f, ERR_NO_MEMORY);
	default: return explain_libcurl(f, ERR_IO);
	}
}

static const char *find_header(const struct fetch_answer *answer, const char *name)
{
	const struct fetch *f = answer->own;
	struct curl_header *h;

	return curl_easy_header(f->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static int retry_after(struct fetch *f, const struct fetch_answer *answer)
{
	curl_off_t seconds = 0;

	if (find_header(answer, "Retry-After") == NULL)
		return -1;
	curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &seconds); /* also for a date */
	return seconds > INT32_MAX ? INT32_MAX : (int)seconds;
}

void fetch_answer_fill(struct fetch *f, struct fetch_answer *out)
{
	long status = 0;

	*out = (struct fetch_answer){.why = f->why, .retry_after = -1, .header = find_header, .own = f};
	out->e = judge(f);
	if (out->e != OK)
		return;
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	out->body = buf_slice(&f->body);
	out->retry_after = retry_after(f, out);
}
