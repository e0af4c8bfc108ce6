/*
 * mqtt_session.c: any bytes as a device's whole connection over MQTT, with a provisioning service that is played here (linked with
 * --wrap=api_ask_device,--wrap=provision_cancel).
 *
 * The first bytes direct the play: eight sizes of pieces, which are used in turn; after which of them time passes; how questions are
 * answered, and when; and how it all ends. The rest is what the device sends, perhaps after a CONNECT and a SUBSCRIBE of ours.
 *
 * In pieces or in one, the same is asked and the same is written, and what is written is what a strict client reads: CONNACK first and
 * once, then acknowledgements and answers. Nobody is asked about who was not let in; what was asked is answered or forgotten, once.
 */
#include <string.h>

#include "api/api.h"
#include "base/log.h"
#include "fuzz.h"
#include "io/claim.h"
#include "io/test_stream.h"
#include "protocol/mqtt_server.h"

#define START     ((instant)1790000000 * INSTANT_SECOND)
#define PIECES    8
#define DIRECTION (PIECES + 4)
#define ROOM      (8 * 1024 * 1024)
#define ASKS_MAX  1024     /* more than an input has room for */
#define AT_ONCE   8        /* requests under way, at most */
#define PATIENCE  2000000  /* ms; longer than all the answers take, one after the other */
#define SILENCE   99000000 /* ms; one and a half of the longest keep-alive, and more */
#define EARLIEST  10       /* ms; no answer comes before: device-api.md 10.4 */

enum ending { PEER_LEAVES, STREAM_BREAKS, SERVER_DRAINS, SERVER_ABORTS, PEER_IS_SILENT, ENDINGS };

struct direction {
	uint8_t pieces[PIECES];
	uint8_t time;    /* a bit for each piece: time passes after it */
	uint8_t answers; /* where to begin in the tables of statuses and delays */
	uint8_t ending;
	uint8_t flags;
};

#define FLAG_GREETED   1  /* our CONNECT comes first */
#define FLAG_LISTENS   2  /* and then a SUBSCRIBE */
#define FLAG_STUCK     4  /* the device reads nothing */
#define FLAG_STRANGER  8  /* its credential is wrong */
#define FLAG_NO_MEMORY 16 /* for the third question */
#define FLAG_LARGE     32 /* a register that no inbox holds comes before the rest */

static const int statuses[] = {200, 202, 404, 429, 500, 401};
static const int delays[] = {0, 1, 11, 40, 2000};

struct ask {
	bool login, over;
	int64_t at_ms;
	struct timer *timer;
	provision_done *done;
	void *cookie;
	int status;
};

static struct stage {
	struct test_stream stream;
	struct loop *loop;
	struct claims *claims;
	struct protocol_env env;
	struct connection *connection; /* NULL: it is gone */
	const struct direction *direction;
	struct ask asks[ASKS_MAX];
	size_t ask_count, under_way;
	bool let_in;
	struct buf asked; /* all the questions, as text */
} * st;

/* --- the provisioning service --- */

struct provision_ask *__wrap_api_ask_device(struct api *, const struct device_question *, provision_done *, void *);
void __wrap_provision_cancel(struct provision_ask **);

static void end_ask(struct ask *a)
{
	need(!a->over);
	a->over = true;
	if (!a->login)
		st->under_way--;
}

/* The body says which question it answers. */
static void on_answer(void *cookie)
{
	struct ask *a = cookie;
	char body[16];
	struct device_answer answer = {.status = a->status, .retry_after = a->status == 202 || a->status >= 429 ? 3 : 0};

	snprintf(body, sizeof(body), "%zu", (size_t)(a - st->asks));
	answer.body = slice_str(body);
	a->timer = NULL;
	end_ask(a);
	if (a->login)
		st->let_in = a->status != 401;
	a->done(a->cookie, &answer);
}

static void note(const struct device_question *q)
{
	const struct slice parts[] = {q->scope, q->registration_id, q->operation_id, q->token, q->body};

	buf_printf(&st->asked, "\n%d", q->op);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_printf(&st->asked, " %zu:", parts[i].n);
		buf_add(&st->asked, parts[i]);
	}
}

struct provision_ask *__wrap_api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie)
{
	struct ask *a = &st->asks[st->ask_count];
	bool login = q->op == DEVICE_CONNECT;
	size_t turn = st->direction->answers + st->ask_count;

	need(api == (void *)st && st->ask_count < ASKS_MAX);
	need(login == (st->ask_count == 0) && (login || st->let_in));
	need(q->scope.n > 0 && q->registration_id.n > 0 && strlen(q->request_id) == 36);
	note(q);
	if (st->direction->flags & FLAG_NO_MEMORY && st->ask_count == 2)
		return NULL;
	*a = (struct ask){.login = login, .at_ms = loop_now_ms(st->loop), .done = done, .cookie = cookie};
	a->status = login ? (st->direction->flags & FLAG_STRANGER ? 401 : 200) : statuses[turn % (sizeof(statuses) / sizeof(statuses[0]))];
	a->timer = loop_after(st->loop, delays[turn % (sizeof(delays) / sizeof(delays[0]))], on_answer, a);
	need(a->timer != NULL);
	st->ask_count++;
	if (!login)
		st->under_way++;
	need(st->under_way <= AT_ONCE);
	return (struct provision_ask *)a;
}

void __wrap_provision_cancel(struct provision_ask **ask)
{
	struct ask *a = (struct ask *)*ask;

	*ask = NULL;
	if (a == NULL)
		return;
	timer_cancel(&a->timer);
	end_ask(a);
}

struct claims *__wrap_api_claims(const struct api *);

struct claims *__wrap_api_claims(const struct api *api)
{
	need(api == (const void *)st);
	return st->claims;
}

/* --- what a strict client reads --- */

/* What is sent to a device is an answer to one of its questions. Returns which. */
static size_t read_answer(const struct mqtt_publish *p)
{
	char topic[64];
	size_t n = 0;

	need(p->qos <= 1 && !p->dup && !p->retain && p->payload.n > 0);
	for (size_t i = 0; i < p->payload.n; i++)
		n = 10 * n + (size_t)(p->payload.p[i] - '0');
	need(n > 0 && n < st->ask_count && st->asks[n].over);
	snprintf(topic, sizeof(topic), "$dps/registrations/res/%d/?$rid=", st->asks[n].status);
	need(slice_starts(p->topic, slice_str(topic)));
	return n;
}

/* How many answers there are, in the order of their questions; all else is what a server may send here. */
static size_t read_written(void)
{
	struct slice out = buf_slice(&st->stream.out);
	size_t answers = 0, last = 0;

	for (bool first = true; out.n > 0; first = false) {
		struct mqtt_packet p;
		const char *why;
		size_t size, n;

		/* A client of MQTT 5 is told so in its own words, and nothing else. */
		if (slice_eq(out, SLICE("\x20\x03\x00\x84\x00")))
			break;
		need(mqtt_read(out, MQTT_PACKET_MAX, &p, &size, &why) == OK);
		need(first == (p.type == MQTT_CONNACK));
		switch (p.type) {
		case MQTT_CONNACK: need(!p.connack.session_present && (p.connack.code == MQTT_ACCEPTED || size == out.n)); break;
		case MQTT_PUBLISH:
			n = read_answer(&p.publish);
			need(n > last);
			last = n;
			answers++;
			break;
		default: need(p.type == MQTT_PUBACK || p.type == MQTT_SUBACK || p.type == MQTT_UNSUBACK || p.type == MQTT_PINGRESP);
		}
		out = slice_from(out, size);
	}
	return answers;
}

/* No answer is there that was asked for less than EARLIEST ago: in order, so those that are there belong to the first questions. */
static void check_times(void)
{
	size_t answers = read_written(), young = 0;

	for (size_t i = 1; i < st->ask_count; i++)
		young += loop_now_ms(st->loop) < st->asks[i].at_ms + EARLIEST;
	need(st->ask_count == 0 || answers + young <= st->ask_count - 1);
}

/* --- the play --- */

static void connection_closed(void *cookie, struct connection *c)
{
	need(cookie == st && c == st->connection && st->stream.closed);
	st->connection = NULL;
}

static void begin(struct stage *stage, const struct direction *d)
{
	struct stream *stream;

	st = stage;
	*st = (struct stage){.direction = d};
	need(loop_new_manual(START, &st->loop) == OK);
	need((st->claims = claims_new()) != NULL);
	stream = test_stream_init(&st->stream, st->loop);
	st->stream.stuck = d->flags & FLAG_STUCK;
	buf_init(&st->asked, ROOM);
	st->env = (struct protocol_env){st, connection_closed, st};
	st->connection = protocol_find("mqtts")->open(st->loop, &stream, &st->env);
	need(st->connection != NULL);
	loop_settle(st->loop);
}

/* The bytes in pieces; time passes where the direction says so, and when nothing more is taken otherwise. */
static void feed(struct slice bytes, bool whole, bool timed)
{
	const struct direction *d = st->direction;

	for (size_t i = 0; bytes.n > 0 && !st->stream.closed; i++) {
		size_t piece = whole ? bytes.n : d->pieces[i % PIECES] + (size_t)1;
		size_t taken = test_stream_feed(&st->stream, slice_to(bytes, piece));

		bytes = slice_from(bytes, taken);
		loop_settle(st->loop);
		if (taken == 0 || (timed && (d->time & 1 << i % PIECES)))
			loop_advance(st->loop, 7);
		check_times();
	}
}

static void add_connect(struct buf *to)
{
	mqtt_write(to, &(struct mqtt_packet){.type = MQTT_CONNECT,
					     .connect = {.level = MQTT_LEVEL,
							 .client_id = SLICE("dev-1"),
							 .user = SLICE("0ne00AB12CD/registrations/dev-1/api-version=2019-03-31"),
							 .password = SLICE("SharedAccessSignature sr=x")}});
}

static void add_subscribe(struct buf *to)
{
	struct buf list;

	buf_init(&list, ROOM);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("$dps/registrations/res/#"), 1});
	mqtt_write(to, &(struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {1, buf_slice(&list)}});
	buf_fini(&list);
}

static void add_large_register(struct buf *to)
{
	static char payload[STREAM_INBOX_MAX + 7000];

	memset(payload, ' ', sizeof(payload));
	mqtt_write(to, &(struct mqtt_packet){.type = MQTT_PUBLISH,
					     .publish = {.qos = 1,
							 .id = 1,
							 .topic = SLICE("$dps/registrations/PUT/iotdps-register/?$rid=large"),
							 .payload = slice_over(payload, sizeof(payload))}});
}

static void greet(bool whole, bool timed)
{
	uint8_t flags = st->direction->flags;
	struct buf greeting;

	buf_init(&greeting, ROOM);
	if (flags & FLAG_GREETED)
		add_connect(&greeting);
	if (flags & FLAG_LISTENS)
		add_subscribe(&greeting);
	if (flags & FLAG_LARGE)
		add_large_register(&greeting);
	need(!buf_failed(&greeting));
	feed(buf_slice(&greeting), whole, timed);
	buf_fini(&greeting);
}

/* It leaves one way or the other, and then all comes to its end. */
static void finish(enum ending ending)
{
	if (st->connection && ending == STREAM_BREAKS)
		test_stream_break(&st->stream, ERR_CLOSED);
	else if (st->connection && ending == SERVER_DRAINS)
		protocol_find("mqtts")->drain(st->connection);
	else if (st->connection && ending == SERVER_ABORTS)
		protocol_find("mqtts")->abort(st->connection);
	else if (ending == PEER_LEAVES)
		test_stream_end(&st->stream);
	loop_settle(st->loop);
	loop_advance(st->loop, ending == PEER_IS_SILENT ? SILENCE : PATIENCE);
	need(st->connection == NULL && st->stream.closed && st->under_way == 0);
	for (size_t i = 0; i < st->ask_count; i++)
		need(st->asks[i].over && st->asks[i].timer == NULL);
	(void)read_written();
}

static void play(struct stage *stage, const struct direction *d, struct slice bytes, bool whole, bool timed)
{
	begin(stage, d);
	greet(whole, timed);
	feed(bytes, whole, timed);
	finish(timed ? (enum ending)(d->ending % ENDINGS) : PEER_LEAVES);
}

static void clear(struct stage *stage)
{
	st = stage;
	test_stream_fini(&stage->stream);
	buf_fini(&stage->asked);
	claims_free(&stage->claims);
	loop_free(&stage->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage whole, pieces, timed;
	struct direction d;
	struct slice bytes;

	if (size < DIRECTION || size > STREAM_INBOX_MAX)
		return 0;
	log_set_level(LOG_ERROR);
	memcpy(&d, data, DIRECTION);
	bytes = slice_over(data + DIRECTION, size - DIRECTION);
	play(&whole, &d, bytes, true, false);
	play(&pieces, &d, bytes, false, false);
	need(slice_eq(buf_slice(&whole.asked), buf_slice(&pieces.asked)));
	need(slice_eq(buf_slice(&whole.stream.out), buf_slice(&pieces.stream.out)));
	play(&timed, &d, bytes, false, true);
	clear(&whole);
	clear(&pieces);
	clear(&timed);
	return 0;
}
