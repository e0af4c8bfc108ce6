/*
 * Letters from many threads, all of them, each thread's in order; and those that nobody took.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/mailbox.h"

#define SENDERS 4
#define LETTERS 5000

struct letter {
	struct list link;
	int sender, number;
};

static struct loop *loop;
static struct mailbox *box;
static int next_of[SENDERS], came, dropped;

static void got(void *cookie, struct list *letters)
{
	struct list *link;

	assert_ptr_equal(cookie, &came);
	while ((link = list_shift(letters)) != NULL) {
		struct letter *l = LIST_ITEM(link, struct letter, link);

		assert_int_equal(l->number, next_of[l->sender]++);
		came++;
		free(l);
	}
	if (came == SENDERS * LETTERS)
		loop_stop(loop);
}

static void got_and_left(void *cookie, struct list *letters)
{
	(void)cookie;
	assert_false(list_empty(letters));
}

static void drop(struct list *link)
{
	dropped++;
	free(LIST_ITEM(link, struct letter, link));
}

static void put(int sender, int number)
{
	struct letter *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->sender = sender;
	l->number = number;
	mailbox_put(box, &l->link);
}

static void *send_all(void *cookie)
{
	for (int i = 0; i < LETTERS; i++)
		put((int)(intptr_t)cookie, i);
	return NULL;
}

static void all_letters_come_and_each_senders_in_order(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	assert_int_equal(loop_new(&loop), OK);
	came = dropped = 0;
	box = mailbox_new(loop, got, drop, &came);
	assert_non_null(box);
	for (intptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, (void *)i), 0);
	loop_run(loop);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(came, SENDERS * LETTERS);
	assert_int_equal(dropped, 0);
	mailbox_free(&box);
	loop_free(&loop);
}

static void what_nobody_took_is_thrown_away(void **state)
{
	(void)state;
	assert_int_equal(loop_new_manual(0, &loop), OK);
	dropped = 0;
	box = mailbox_new(loop, got_and_left, drop, NULL);
	put(0, 0);
	put(0, 1);
	loop_settle(loop);
	assert_int_equal(dropped, 2);
	put(0, 2);
	mailbox_free(&box);
	assert_null(box);
	assert_int_equal(dropped, 3);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_letters_come_and_each_senders_in_order),
		cmocka_unit_test(what_nobody_took_is_thrown_away),
	};

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
