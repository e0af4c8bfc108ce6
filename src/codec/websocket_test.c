/* WebSocket frames: what is read, in pieces of any size, and each rule of RFC 6455 that a peer can break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/websocket.h"

#define MANY (1024 * 1024)

/* A mask that changes nothing lets tests spell payloads as they are. */
#define MASK0 "\0\0\0\0"

/* --- a reader, and what it has seen --- */

static struct websocket *w;
static struct buf seen; /* "data 5 Hello\n", "ping 0 \n", "close 1000 bye\n" */
static enum err end;    /* of the last read */
static struct websocket_event last;

static void count_up(void *out, size_t n)
{
	static unsigned char next;
	unsigned char *to = out;

	while (n-- > 0)
		*to++ = ++next;
}

static void start(enum websocket_role role)
{
	websocket_free(&w);
	buf_fini(&seen);
	buf_init(&seen, 2 * MANY);
	w = websocket_new(role, count_up);
	assert_non_null(w);
}

static void note(const struct websocket_event *event, bool *in_data)
{
	static const char *const names[] = {"data", "ping", "pong", "close"};

	/* Pieces of a message that follow each other are one. */
	if (event->kind != WEBSOCKET_DATA || !*in_data)
		buf_printf(&seen, "\n%s ", names[event->kind]);
	*in_data = event->kind == WEBSOCKET_DATA;
	if (event->kind == WEBSOCKET_CLOSE)
		buf_printf(&seen, "%d ", event->code);
	buf_add(&seen, event->bytes);
}

/* From a place of its own size, so that the sanitizer sees a step too far. */
static void feed(struct slice bytes, bool *in_data)
{
	char *place = malloc(bytes.n ? bytes.n : 1);
	struct slice in = slice_over(place, bytes.n);

	memcpy(place, bytes.p, bytes.n);
	while ((end = websocket_read(w, &in, &last)) == OK) {
		assert_true(last.kind != WEBSOCKET_DATA || last.bytes.n > 0);
		note(&last, in_data);
	}
	assert_true(in.n == 0 || end != ERR_AGAIN);
	free(place);
}

static void read_in_pieces(enum websocket_role role, struct slice bytes, size_t piece)
{
	bool in_data = false;

	start(role);
	do {
		feed(slice_to(bytes, piece), &in_data);
		bytes = slice_from(bytes, piece);
	} while (bytes.n > 0);
}

/* Byte by byte, in pieces that cut every header somewhere, and at once. */
static size_t next_piece(size_t piece, size_t all)
{
	return piece < 16 || piece == all ? piece + 1 : all;
}

static void reads(enum websocket_role role, struct slice bytes, const char *expected)
{
	for (size_t piece = 1; piece <= bytes.n; piece = next_piece(piece, bytes.n)) {
		read_in_pieces(role, bytes, piece);
		if (!slice_eq(buf_slice(&seen), slice_str(expected)))
			fail_msg("in pieces of %zu: %.*s", piece, SLICE_ARG(buf_slice(&seen)));
		assert_int_equal(ERR_AGAIN, end);
	}
}

/* A server that reads this refuses it so, and says the same ever after. */
static void refuses(struct slice bytes, enum err e, int code)
{
	struct slice more = SLICE("\x82\x81" MASK0 "x");

	for (size_t piece = 1; piece <= bytes.n; piece = next_piece(piece, bytes.n)) {
		read_in_pieces(WEBSOCKET_SERVER, bytes, piece);
		assert_int_equal(e, end);
		assert_int_equal(WEBSOCKET_CLOSE, last.kind);
		assert_int_equal(code, last.code);
		assert_in_range(last.bytes.n, 1, WEBSOCKET_CONTROL_MAX - 2);
		assert_int_equal(e, websocket_read(w, &more, &last));
		assert_int_equal(code, last.code);
	}
}

#define READS(role, bytes, expected) reads(role, SLICE(bytes), expected)
#define REFUSES(bytes, e, code)      refuses(SLICE(bytes), e, code)

/* --- reading --- */

/* Section 5.7, in binary. */
static void the_examples_of_the_standard_are_read(void **state)
{
	(void)state;
	READS(WEBSOCKET_CLIENT, "\x82\x05Hello", "\ndata Hello");
	READS(WEBSOCKET_SERVER, "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "\ndata Hello");
	READS(WEBSOCKET_CLIENT, "\x02\x03Hel\x80\x02lo", "\ndata Hello");
	READS(WEBSOCKET_CLIENT, "\x89\x05Hello", "\nping Hello");
	READS(WEBSOCKET_SERVER, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "\npong Hello");
}

static void frames_may_be_empty(void **state)
{
	(void)state;
	READS(WEBSOCKET_CLIENT, "\x82\x00\x89\x00\x82\x01x\x8a\x00", "\nping \ndata x\npong ");
	READS(WEBSOCKET_CLIENT, "\x02\x00\x00\x00\x00\x01x\x80\x00", "\ndata x");
}

/* Section 5.4 */
static void control_frames_may_interrupt_a_message(void **state)
{
	(void)state;
	READS(WEBSOCKET_CLIENT,
	      "\x02\x03one\x89\x03two\x00\x05three\x8a\x00\x80\x04"
	      "four\x82\x04"
	      "five",
	      "\ndata one\nping two\ndata three\npong \ndata fourfive");
	REFUSES("\x02\x81" MASK0 "a\x82\x81" MASK0 "b", ERR_MALFORMED, 1002);
	REFUSES("\x80\x81" MASK0 "a", ERR_MALFORMED, 1002);
	REFUSES("\x82\x81" MASK0 "a\x80\x81" MASK0 "b", ERR_MALFORMED, 1002);
}

/* Section 5.1 */
static void a_client_masks_and_a_server_does_not(void **state)
{
	(void)state;
	REFUSES("\x82\x01x", ERR_MALFORMED, 1002);
	REFUSES("\x89\x00", ERR_MALFORMED, 1002);
	read_in_pieces(WEBSOCKET_CLIENT, SLICE("\x82\x81" MASK0 "x"), 99);
	assert_int_equal(ERR_MALFORMED, end);
	assert_int_equal(1002, last.code);
}

/* Section 5.2 */
static void reserved_bits_and_opcodes_are_refused(void **state)
{
	static const unsigned char first[] = {0xc2, 0xa2, 0x92, 0xf2, 0xc9, 0xa8, 0x83, 0x84,
					      0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f};

	(void)state;
	for (size_t i = 0; i < sizeof(first); i++) {
		char frame[] = {(char)first[i], (char)0x81, 0, 0, 0, 0, 'x'};

		refuses(slice_over(frame, sizeof(frame)), ERR_MALFORMED, 1002);
	}
}

/* Section 5.2: the shortest form that fits. */
static void a_length_has_one_way_to_be_written(void **state)
{
	(void)state;
	REFUSES("\x82\xfe\x00\x7d" MASK0, ERR_MALFORMED, 1002);
	REFUSES("\x82\xff\0\0\0\0\0\0\xff\xff" MASK0, ERR_MALFORMED, 1002);
	REFUSES("\x82\xff\x80\0\0\0\0\0\0\0" MASK0, ERR_MALFORMED, 1002);
}

/* Section 5.5 */
static void control_frames_are_short_and_whole(void **state)
{
	(void)state;
	REFUSES("\x89\xfe\x00\x7e" MASK0, ERR_MALFORMED, 1002);
	REFUSES("\x09\x81" MASK0 "x", ERR_MALFORMED, 1002);
	REFUSES("\x08\x80" MASK0, ERR_MALFORMED, 1002);
}

static void the_longest_ping_is_read(void **state)
{
	char frame[6 + WEBSOCKET_CONTROL_MAX] = "\x89\xfd" MASK0, expected[16 + WEBSOCKET_CONTROL_MAX] = "\nping ";

	(void)state;
	memset(frame + 6, 'p', WEBSOCKET_CONTROL_MAX);
	memset(expected + 6, 'p', WEBSOCKET_CONTROL_MAX);
	reads(WEBSOCKET_SERVER, slice_over(frame, sizeof(frame)), expected);
}

/* MQTT and AMQP are binary: device-api.md 11, 13. */
static void text_is_refused(void **state)
{
	(void)state;
	REFUSES("\x81\x81" MASK0 "x", ERR_UNSUPPORTED, 1003);
	REFUSES("\x01\x81" MASK0 "x", ERR_UNSUPPORTED, 1003);
}

/* --- closing --- */

static void closes(struct slice bytes, int code, const char *reason)
{
	struct slice more = SLICE("\x82\x81" MASK0 "x");

	for (size_t piece = 1; piece <= bytes.n; piece = next_piece(piece, bytes.n)) {
		read_in_pieces(WEBSOCKET_SERVER, bytes, piece);
		assert_int_equal(ERR_CLOSED, end);
		assert_int_equal(WEBSOCKET_CLOSE, last.kind);
		assert_int_equal(code, last.code);
		assert_true(slice_eq(last.bytes, slice_str(reason)));
		/* Section 1.4: whatever follows is not data any more. */
		assert_int_equal(ERR_CLOSED, websocket_read(w, &more, &last));
	}
}

/* Section 5.5.1 */
static void a_close_tells_why_or_not(void **state)
{
	(void)state;
	closes(SLICE("\x88\x80" MASK0), WEBSOCKET_NO_CODE, "");
	closes(SLICE("\x88\x82" MASK0 "\x03\xe8"), 1000, "");
	closes(SLICE("\x88\x86" MASK0 "\x03\xe9"
		     "away"),
	       1001, "away");
	closes(SLICE("\x88\x85" MASK0 "\x0f\xa0\xe2\x82\xac"), 4000, "\xe2\x82\xac");
	REFUSES("\x88\x81" MASK0 "\x03", ERR_MALFORMED, 1002);
	REFUSES("\x88\x84" MASK0 "\x03\xe8\xe2\x82", ERR_MALFORMED, 1007);
}

/* Section 7.4 */
static void only_some_codes_may_close(void **state)
{
	static const struct {
		int first, last;
		bool good;
	} rows[] = {{0, 999, false},     {1000, 1003, true}, {1004, 1006, false}, {1007, 1014, true},
		    {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int code = rows[i].first; code <= rows[i].last; code += code < rows[i].last ? rows[i].last - code : 1) {
			char frame[] = {(char)0x88, (char)0x82, 0, 0, 0, 0, (char)(code >> 8), (char)code};

			if (rows[i].good)
				closes(slice_over(frame, sizeof(frame)), code, "");
			else
				refuses(slice_over(frame, sizeof(frame)), ERR_MALFORMED, 1002);
		}
}

/* --- limits --- */

/* The start of a masked frame of this length. */
static void add_header(struct buf *to, unsigned char first, uint64_t n)
{
	buf_add_char(to, (char)first);
	buf_add_char(to, (char)0xff);
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(to, (char)(n >> shift));
	buf_add(to, SLICE(MASK0));
}

static void add_payload(struct buf *to, size_t n)
{
	memset(buf_room(to, n), 'x', n);
	buf_claim(to, n);
}

static void a_message_at_its_limit_passes_and_one_byte_more_does_not(void **state)
{
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 2 * MANY);
	for (int i = 0; i < 2; i++) { /* a message leaves nothing behind for the next */
		add_header(&bytes, 0x82, WEBSOCKET_MESSAGE_MAX);
		add_payload(&bytes, WEBSOCKET_MESSAGE_MAX);
	}
	read_in_pieces(WEBSOCKET_SERVER, buf_slice(&bytes), 4097);
	assert_int_equal(ERR_AGAIN, end);
	assert_int_equal(6 + 2 * WEBSOCKET_MESSAGE_MAX, seen.n);
	buf_clear(&bytes);
	add_header(&bytes, 0x82, WEBSOCKET_MESSAGE_MAX + 1);
	buf_add_char(&bytes, 'x');
	refuses(buf_slice(&bytes), ERR_TOO_BIG, 1009);
	buf_fini(&bytes);
}

static void the_frames_of_a_message_count_together(void **state)
{
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 2 * MANY);
	add_header(&bytes, 0x02, WEBSOCKET_MESSAGE_MAX - 1);
	add_payload(&bytes, WEBSOCKET_MESSAGE_MAX - 1);
	buf_add(&bytes, SLICE("\x00\x81" MASK0 "x"));
	read_in_pieces(WEBSOCKET_SERVER, buf_slice(&bytes), bytes.n);
	assert_int_equal(ERR_AGAIN, end);
	buf_add(&bytes, SLICE("\x89\x80" MASK0 "\x80\x81" MASK0 "x"));
	read_in_pieces(WEBSOCKET_SERVER, buf_slice(&bytes), bytes.n);
	assert_int_equal(ERR_TOO_BIG, end);
	assert_int_equal(1009, last.code);
	buf_fini(&bytes);
}

/* --- writing --- */

static void is(const struct buf *b, struct slice expected)
{
	assert_false(buf_failed(b));
	assert_int_equal(expected.n, b->n);
	assert_memory_equal(expected.p, b->p, b->n);
}

static void a_server_writes_plain_frames(void **state)
{
	struct buf to;

	(void)state;
	start(WEBSOCKET_SERVER);
	buf_init(&to, MANY);
	websocket_write(w, NO_SLICE, &to);
	is(&to, NO_SLICE);
	websocket_write(w, SLICE("Hello"), &to);
	websocket_write_ping(w, NO_SLICE, &to);
	websocket_write_pong(w, SLICE("back"), &to);
	websocket_write_close(w, WEBSOCKET_NORMAL, NO_SLICE, &to);
	websocket_write_close(w, WEBSOCKET_TOO_BIG, SLICE("long"), &to);
	websocket_write_close(w, WEBSOCKET_NO_CODE, SLICE("lost"), &to);
	is(&to, SLICE("\x82\x05Hello\x89\x00\x8a\x04"
		      "back\x88\x02\x03\xe8\x88\x06\x03\xf1long\x88\x00"));
	buf_fini(&to);
}

/* Section 5.3: a new mask for each frame. */
static void a_client_masks_what_it_writes(void **state)
{
	struct buf to;
	struct slice in;

	(void)state;
	start(WEBSOCKET_CLIENT);
	buf_init(&to, MANY);
	websocket_write(w, SLICE("Hello"), &to);
	websocket_write(w, SLICE("Hello"), &to);
	assert_int_equal(22, to.n);
	assert_memory_not_equal(to.p + 2, to.p + 13, 4);
	assert_memory_not_equal("Hello", to.p + 6, 5);
	in = buf_slice(&to);
	reads(WEBSOCKET_SERVER, in, "\ndata HelloHello");
	buf_fini(&to);
}

/* Whatever is written at one side is read at the other, with our own limits. */
static void all_sizes_come_through(void **state)
{
	static const size_t sizes[] = {1,   125, 126, 127, 4095, 4096, 4097, 65535, 65536, WEBSOCKET_MESSAGE_MAX, WEBSOCKET_MESSAGE_MAX + 1,
				       MANY};
	struct buf bytes, to;

	(void)state;
	buf_init(&bytes, MANY);
	buf_init(&to, 2 * MANY);
	for (size_t i = 0; i < MANY; i++)
		buf_add_char(&bytes, (char)(i * 31 + i / 256));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int role = WEBSOCKET_SERVER; role <= WEBSOCKET_CLIENT; role++) {
			start((enum websocket_role)role);
			buf_clear(&to);
			websocket_write(w, slice_to(buf_slice(&bytes), sizes[i]), &to);
			assert_false(buf_failed(&to));
			read_in_pieces(role == WEBSOCKET_SERVER ? WEBSOCKET_CLIENT : WEBSOCKET_SERVER, buf_slice(&to), 5000);
			assert_int_equal(ERR_AGAIN, end);
			assert_true(slice_eq(slice_from(buf_slice(&seen), 6), slice_to(buf_slice(&bytes), sizes[i])));
		}
	buf_fini(&bytes);
	buf_fini(&to);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
	char reason[1 + WEBSOCKET_CONTROL_MAX + 1] = "a";
	struct buf to;

	(void)state;
	for (size_t i = 1; i + 3 <= sizeof(reason); i += 3)
		memcpy(reason + i, "\xe2\x82\xac", 3);
	start(WEBSOCKET_SERVER);
	buf_init(&to, MANY);
	websocket_write_close(w, 1000, slice_over(reason, sizeof(reason)), &to);
	assert_int_equal(2 + 2 + 1 + 40 * 3, to.n);
	buf_clear(&to);
	websocket_write_close(w, 1000, slice_over(reason + 1, sizeof(reason) - 1), &to);
	assert_int_equal(2 + 2 + 41 * 3, to.n);
	buf_clear(&to);
	websocket_write_close(w, 1000, slice_over(reason + 2, sizeof(reason) - 2), &to);
	assert_int_equal(2 + 2, to.n); /* it does not begin with a character */
	buf_fini(&to);
}

/* What did not fit is lost, and the next frame begins with a header nevertheless. */
static void a_full_buffer_fails_and_leaves_the_writer_whole(void **state)
{
	struct buf to;

	(void)state;
	start(WEBSOCKET_SERVER);
	buf_init(&to, 4);
	websocket_write(w, SLICE("Hello"), &to);
	assert_true(buf_failed(&to));
	buf_clear(&to);
	websocket_write(w, SLICE("he"), &to);
	is(&to, SLICE("\x82\x02he"));
	buf_fini(&to);
}

static int tear_down(void **state)
{
	(void)state;
	websocket_free(&w);
	buf_fini(&seen);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_the_standard_are_read),
		TEST(frames_may_be_empty),
		TEST(control_frames_may_interrupt_a_message),
		TEST(a_client_masks_and_a_server_does_not),
		TEST(reserved_bits_and_opcodes_are_refused),
		TEST(a_length_has_one_way_to_be_written),
		TEST(control_frames_are_short_and_whole),
		TEST(the_longest_ping_is_read),
		TEST(text_is_refused),
		TEST(a_close_tells_why_or_not),
		TEST(only_some_codes_may_close),
		TEST(a_message_at_its_limit_passes_and_one_byte_more_does_not),
		TEST(the_frames_of_a_message_count_together),
		TEST(a_server_writes_plain_frames),
		TEST(a_client_masks_what_it_writes),
		TEST(all_sizes_come_through),
		TEST(a_long_reason_is_cut_between_characters),
		TEST(a_full_buffer_fails_and_leaves_the_writer_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
