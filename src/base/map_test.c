/* Maps against a plain array that does the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"

#define KEYS 1000

static struct slice key_of(char text[16], int n)
{
	snprintf(text, 16, "key-%d", n);
	return slice_str(text);
}

static void what_was_put_is_got_whatever_was_put_and_removed_since(void **state)
{
	struct map *m = map_new(KEYS);
	int *model[KEYS] = {0}, values[KEYS];
	unsigned seed = 7;
	size_t count = 0;
	char text[16];

	(void)state;
	for (int step = 0; step < 20000; step++) {
		int i;

		seed = seed * 1103515245 + 12345;
		i = (int)(seed >> 16) % KEYS;
		assert_ptr_equal(map_get(m, key_of(text, i)), model[i]);
		if (seed >> 8 & 1) {
			count += model[i] == NULL;
			model[i] = &values[(seed >> 4) % KEYS];
			assert_int_equal(map_put(m, key_of(text, i), model[i]), OK);
		} else {
			count -= model[i] != NULL;
			assert_ptr_equal(map_remove(m, key_of(text, i)), model[i]);
			model[i] = NULL;
		}
		assert_int_equal(map_count(m), count);
	}
	map_free(&m);
	assert_null(m);
	map_free(&m);
}

static void the_ceiling_is_for_new_keys_only(void **state)
{
	struct map *m = map_new(2);
	int a, b;

	(void)state;
	assert_int_equal(map_put(m, SLICE("a"), &a), OK);
	assert_int_equal(map_put(m, SLICE("b"), &a), OK);
	assert_int_equal(map_put(m, SLICE("c"), &a), ERR_TOO_BIG);
	assert_null(map_get(m, SLICE("c")));
	assert_int_equal(map_put(m, SLICE("b"), &b), OK);
	assert_ptr_equal(map_get(m, SLICE("b")), &b);
	assert_ptr_equal(map_remove(m, SLICE("a")), &a);
	assert_int_equal(map_put(m, SLICE("c"), &b), OK);
	assert_int_equal(map_count(m), 2);
	map_free(&m);
}

static void keys_are_bytes_and_are_copied(void **state)
{
	struct map *m = map_new(10);
	char key[] = "a\0b";
	int a, b, c;

	(void)state;
	assert_int_equal(map_put(m, slice_over(key, 3), &a), OK);
	assert_int_equal(map_put(m, slice_over(key, 1), &b), OK);
	assert_int_equal(map_put(m, NO_SLICE, &c), OK);
	memset(key, 'x', sizeof(key));
	assert_ptr_equal(map_get(m, SLICE("a\0b")), &a);
	assert_ptr_equal(map_get(m, SLICE("a")), &b);
	assert_ptr_equal(map_get(m, SLICE("")), &c); /* the absent key and the empty one are the same */
	assert_null(map_get(m, SLICE("A")));
	map_free(&m);
}

static void a_walk_meets_each_once_and_may_remove_where_it_stands(void **state)
{
	struct map *m = map_new(KEYS);
	int values[KEYS] = {0}, *value;
	struct slice key;
	size_t at = 0;
	char text[16];

	(void)state;
	assert_null(map_each(m, &at, NULL));
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(map_put(m, key_of(text, i), &values[i]), OK);
	at = 0;
	while ((value = map_each(m, &at, &key)) != NULL) {
		assert_true(slice_eq(key, key_of(text, (int)(value - values))));
		if ((*value)++ == 0 && (value - values) % 3)
			assert_ptr_equal(map_remove(m, key), value);
	}
	assert_null(map_each(m, &at, NULL)); /* the end stays the end */
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(values[i], 1);
	assert_int_equal(map_count(m), (KEYS + 2) / 3);
	map_free(&m);
}

/* Sharding must be the same on every node and after every start: the published vectors of FNV-1a, 64 bits. */
static void the_hash_for_sharding_is_fnv_1a(void **state)
{
	(void)state;
	assert_true(hash_bytes(NO_SLICE) == 0xcbf29ce484222325);
	assert_true(hash_bytes(SLICE("a")) == 0xaf63dc4c8601ec8c);
	assert_true(hash_bytes(SLICE("foobar")) == 0x85944171f73967e8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_got_whatever_was_put_and_removed_since),
		cmocka_unit_test(the_ceiling_is_for_new_keys_only),
		cmocka_unit_test(keys_are_bytes_and_are_copied),
		cmocka_unit_test(a_walk_meets_each_once_and_may_remove_where_it_stands),
		cmocka_unit_test(the_hash_for_sharding_is_fnv_1a),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
