/* What wslay needs for a frame is there while there is a frame, and no longer. The linker wraps wslay's two calls for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <wslay/wslay.h>

#include "codec/websocket.h"

#define MASK0 "\0\0\0\0"

static struct websocket *w;
static struct websocket_event event;
static int held;
static bool no_memory;

int __real_wslay_frame_context_init(wslay_frame_context_ptr *, const struct wslay_frame_callbacks *, void *);
int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *, const struct wslay_frame_callbacks *, void *);
void __real_wslay_frame_context_free(wslay_frame_context_ptr);
void __wrap_wslay_frame_context_free(wslay_frame_context_ptr);

int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *out, const struct wslay_frame_callbacks *callbacks, void *cookie)
{
	if (no_memory)
		return WSLAY_ERR_NOMEM;
	held++;
	return __real_wslay_frame_context_init(out, callbacks, cookie);
}

void __wrap_wslay_frame_context_free(wslay_frame_context_ptr it)
{
	held--;
	__real_wslay_frame_context_free(it);
}

static enum err read_bytes(struct slice bytes)
{
	return websocket_read(w, &bytes, &event);
}

/* Each byte by itself; what is held after the last is said by the caller. */
static void read_one_by_one(struct slice bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		enum err e = read_bytes(slice_over(bytes.p + i, 1));

		while (e == OK)
			e = read_bytes(NO_SLICE);
		assert_int_equal(ERR_AGAIN, e);
		assert_int_equal(i + 1 < bytes.n, held);
	}
}

static void between_frames_nothing_is_held(void **state)
{
	static char long_frame[8 + 300] = "\x82\xfe\x01\x2c" MASK0;

	(void)state;
	assert_int_equal(0, held);
	read_one_by_one(SLICE("\x82\x81" MASK0 "x"));
	read_one_by_one(SLICE("\x89\x80" MASK0));
	read_one_by_one(SLICE("\x02\x82" MASK0 "xy"));
	read_one_by_one(SLICE("\x8a\x83" MASK0 "xyz"));
	read_one_by_one(SLICE("\x80\x80" MASK0));
	read_one_by_one(slice_over(long_frame, sizeof(long_frame)));
}

static void frames_that_came_together_are_read_to_the_end(void **state)
{
	struct slice in = SLICE("\x82\x81" MASK0 "x\x89\x80" MASK0 "\x82\x81" MASK0);

	(void)state;
	assert_int_equal(OK, websocket_read(w, &in, &event));
	assert_int_equal(OK, websocket_read(w, &in, &event));
	assert_int_equal(WEBSOCKET_PING, event.kind);
	assert_int_equal(ERR_AGAIN, websocket_read(w, &in, &event));
	assert_int_equal(1, held);
	assert_int_equal(OK, read_bytes(SLICE("y")));
	assert_int_equal(ERR_AGAIN, read_bytes(NO_SLICE));
	assert_int_equal(0, held);
}

static void what_was_read_outlives_a_write(void **state)
{
	struct buf to;

	(void)state;
	buf_init(&to, 64);
	assert_int_equal(OK, read_bytes(SLICE("\x82\x85" MASK0 "Hello")));
	websocket_write(w, SLICE("Goodbye"), &to);
	assert_memory_equal("Hello", event.bytes.p, 5);
	assert_int_equal(ERR_AGAIN, read_bytes(NO_SLICE));
	assert_int_equal(0, held);
	websocket_write(w, SLICE("again"), &to);
	assert_int_equal(0, held);
	buf_fini(&to);
}

static void without_memory_a_read_is_the_end_and_a_write_fails(void **state)
{
	struct buf to;

	(void)state;
	buf_init(&to, 64);
	no_memory = true;
	websocket_write(w, SLICE("Hello"), &to);
	assert_true(buf_failed(&to));
	assert_int_equal(ERR_NO_MEMORY, read_bytes(SLICE("\x82\x81" MASK0 "x")));
	assert_int_equal(WEBSOCKET_CLOSE, event.kind);
	assert_int_equal(1011, event.code);
	no_memory = false;
	assert_int_equal(ERR_NO_MEMORY, read_bytes(SLICE("\x82\x81" MASK0 "x")));
	buf_fini(&to);
}

static int set_up(void **state)
{
	(void)state;
	w = websocket_new(WEBSOCKET_SERVER, NULL);
	return w == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	websocket_free(&w);
	return held;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(between_frames_nothing_is_held),
		TEST(frames_that_came_together_are_read_to_the_end),
		TEST(what_was_read_outlives_a_write),
		TEST(without_memory_a_read_is_the_end_and_a_write_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
