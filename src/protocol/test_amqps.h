/*
 * test_amqps.h: an AMQP connection between a client that is not ours (codec/test_amqp_client.h) and a provisioning that is
 * played by hand. Included by tests only; link with --wrap=api_ask_device and --wrap=provision_cancel.
 */
#ifndef BERTH_PROTOCOL_TEST_AMQPS_H
#define BERTH_PROTOCOL_TEST_AMQPS_H

#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/test_amqp_client.h"
#include "io/test_stream.h"
#include "protocol/amqp_own.h"

#define START ((instant)17000000000000000) /* 2023-11-14T22:13:20Z */
#define NAME  "0ne00AB12CD/registrations/dev-1"
#define TOKEN "SharedAccessSignature sr=x&sig=y&se=1&skn=registration"
#define ASKED 64

extern const struct protocol protocol_amqps;

/* A question, as it was put. */
struct asked {
	enum device_op op;
	char scope[32], id[64], operation[64], token[128], body[256], endorsement_key[64], storage_root_key[64];
	size_t body_size, chain_count;
	bool with_token, with_body, cancelled;
	char protocol[16], peer[64], request[40];
	provision_done *done; /* NULL: answered, or cancelled */
	void *cookie;
};

static struct loop *loop;
static struct test_stream t;
static size_t seen; /* of what was written */
static struct protocol_env env;
static struct connection *connection;
static bool gone;
static struct asked asked[ASKED];
static size_t asked_count;
static bool no_memory; /* no question can be put */
static const struct slice certificate = {"a certificate", 13};
static int log_fd;
static struct client c;

/* --- the provisioning --- */

static inline void keep(char *to, size_t room, struct slice s)
{
	snprintf(to, room, "%.*s", SLICE_ARG(s));
}

struct provision_ask *__wrap_api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie);
void __wrap_provision_cancel(struct provision_ask **ask);

struct provision_ask *__wrap_api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie)
{
	struct asked *a = &asked[asked_count];

	assert_ptr_equal(api, &asked);
	if (no_memory)
		return NULL;
	assert_true(asked_count++ < ASKED);
	*a = (struct asked){.op = q->op,
			    .body_size = q->body.n,
			    .chain_count = q->chain_count,
			    .with_token = !slice_absent(q->token),
			    .with_body = !slice_absent(q->body),
			    .done = done,
			    .cookie = cookie};
	keep(a->scope, sizeof(a->scope), q->scope);
	keep(a->id, sizeof(a->id), q->registration_id);
	keep(a->operation, sizeof(a->operation), q->operation_id);
	keep(a->token, sizeof(a->token), q->token);
	keep(a->endorsement_key, sizeof(a->endorsement_key), q->endorsement_key);
	keep(a->storage_root_key, sizeof(a->storage_root_key), q->storage_root_key);
	keep(a->body, sizeof(a->body), q->body);
	keep(a->protocol, sizeof(a->protocol), slice_str(q->protocol));
	keep(a->peer, sizeof(a->peer), slice_str(q->peer));
	keep(a->request, sizeof(a->request), slice_str(q->request_id));
	return (struct provision_ask *)a;
}

void __wrap_provision_cancel(struct provision_ask **ask)
{
	struct asked *a = (struct asked *)*ask;

	*ask = NULL;
	if (a == NULL)
		return;
	assert_non_null(a->done);
	a->done = NULL;
	a->cancelled = true;
}

static inline void answer(size_t which, int status, int retry_after, const char *body)
{
	const struct device_answer it = {.status = status, .retry_after = retry_after, .body = slice_str(body)};
	provision_done *done = asked[which].done;

	assert_true(which < asked_count);
	assert_non_null(done);
	asked[which].done = NULL;
	done(asked[which].cookie, &it);
	loop_settle(loop);
}

/* --- the stage --- */

static inline void on_gone(void *cookie, struct connection *it)
{
	(void)cookie;
	assert_ptr_equal(it, connection);
	assert_false(gone);
	gone = true;
}

static inline int set_up(void **state)
{
	struct stream *it;

	(void)state;
	log_fd = memfd_create("log", 0);
	log_setup(log_fd, LOG_JSON, LOG_INFO);
	assert_int_equal(loop_new_manual(START, &loop), OK);
	it = test_stream_init(&t, loop);
	env = (struct protocol_env){&asked, on_gone, NULL};
	gone = no_memory = false;
	asked_count = seen = 0;
	client_init(&c);
	connection = protocol_amqps.open(loop, &it, &env);
	assert_non_null(connection);
	assert_null(it);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	if (!gone)
		protocol_amqps.abort(connection);
	assert_true(gone && t.closed);
	for (size_t i = 0; i < asked_count; i++)
		assert_null(asked[i].done);
	client_fini(&c);
	test_stream_fini(&t);
	loop_free(&loop);
	log_setup(2, LOG_AUTO, LOG_INFO);
	close(log_fd);
	return 0;
}

/* Whether a line with this event and this reason was logged. */
static inline bool logged(const char *event, const char *reason)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	char *line, *rest = text;

	text[n < 0 ? 0 : n] = 0;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strstr(line, event) && strstr(line, reason) && strstr(line, "\"protocol\":\"amqp\"") && strstr(line, TEST_STREAM_PEER))
			return true;
	return false;
}

/* What was sent and not looked at yet. */
static inline struct slice unseen(void)
{
	return slice_from(buf_slice(&t.out), seen);
}

/* As far as the server takes it. */
static inline size_t arrive(struct slice bytes)
{
	size_t n, all = 0;

	do {
		n = test_stream_feed(&t, slice_from(bytes, all));
		all += n;
		loop_settle(loop);
	} while (n > 0 && all < bytes.n);
	return all;
}

/* The beginning of what was sent. */
static inline void sent(struct slice expected)
{
	assert_true(unseen().n >= expected.n);
	assert_memory_equal(unseen().p, expected.p, expected.n);
	seen += expected.n;
}

/* The client and the server, until neither has more to say. A client that is stuck sees nothing. */
static inline void talk(void)
{
	struct buf bytes;
	bool more = true;

	buf_init(&bytes, 4 * CLIENT_BODY_MAX);
	while (more) {
		struct slice news = NO_SLICE;

		buf_clear(&bytes);
		client_output(&c, &bytes);
		(void)arrive(buf_slice(&bytes));
		if (!t.stuck)
			news = unseen();
		seen += news.n;
		client_feed(&c, news);
		more = bytes.n > 0 || news.n > 0;
	}
	buf_fini(&bytes);
}

/* --- logging in --- */

#define SASL_HEADER SLICE("AMQP\3\1\0\0")
#define MECHANISMS  SLICE("\x00\x00\x00\x1c\x02\x01\x00\x00\x00\x53\x40\xc0\x0f\x01\xe0\x0c\x02\xa3\x05PLAIN\x03TPM")
#define OUTCOME(n)  SLICE("\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x44\xc0\x03\x01\x50" n)

static inline void sasl_frame_begin(struct buf *frame, struct amqp_out *o, uint64_t code)
{
	buf_init(frame, 10000);
	amqp_out_init(o, frame);
	buf_add(frame, SLICE("\0\0\0\0\2\1\0\0"));
	amqp_describe(o, code);
	amqp_open_list(o);
}

static inline void sasl_frame_arrives(struct buf *frame, struct amqp_out *o)
{
	amqp_close_list(o);
	frame->p[2] = (char)(frame->n >> 8);
	frame->p[3] = (char)frame->n;
	arrive(buf_slice(frame));
	buf_fini(frame);
}

static inline void sasl_init(const char *mechanism, struct slice response)
{
	struct buf frame;
	struct amqp_out o;

	sasl_frame_begin(&frame, &o, 0x41);
	amqp_put_symbol(&o, mechanism);
	amqp_put_binary(&o, response);
	amqp_put_string(&o, SLICE("global.berth.test"));
	arrive(SASL_HEADER);
	sasl_frame_arrives(&frame, &o);
	sent(SASL_HEADER);
	sent(MECHANISMS);
}

/* A device with a key, let in. */
static inline void log_in(void)
{
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	assert_int_equal(asked_count, 1);
	answer(0, 200, 0, "{}");
	sent(OUTCOME("\x00"));
	asked_count = 0;
	talk();
	assert_true(c.opened);
}

/* One with a certificate, which skips SASL. */
static inline void show_certificate(void)
{
	t.s.chain = &certificate;
	t.s.chain_count = 1;
}

#endif
