/* The tables keep the promises that the store and the JSON codec rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

static void each_noun_has_a_key_and_it_comes_first(void **state)
{
	(void)state;
	for (const struct noun *const *n = nouns; *n != NULL; n++) {
		bool rest = false;

		assert_true((*n)->fields[0].rules & FIELD_ID);
		for (size_t i = 0; i < (*n)->count; i++) {
			if (!((*n)->fields[i].rules & FIELD_ID))
				rest = true;
			else
				assert_false(rest);
		}
	}
}

static void names_and_paths_are_unique_in_a_noun(void **state)
{
	(void)state;
	for (const struct noun *const *n = nouns; *n != NULL; n++) {
		for (size_t i = 0; i < (*n)->count; i++) {
			const struct field *f = &(*n)->fields[i];

			assert_ptr_equal(noun_field(*n, f->name), f);
			if (f->json != NULL)
				assert_ptr_equal(noun_field_json(*n, f->json), f);
		}
	}
	assert_null(noun_field(&noun_service, "nothing"));
	assert_null(noun_field_json(&noun_service, "nothing"));
}

static void tables_have_names_of_their_own(void **state)
{
	(void)state;
	for (const struct noun *const *a = nouns; *a != NULL; a++)
		for (const struct noun *const *b = nouns; *b != a[0]; b++)
			assert_string_not_equal((*a)->name, (*b)->name);
}

static void what_has_choices_is_an_enum_and_no_other(void **state)
{
	(void)state;
	for (const struct noun *const *n = nouns; *n != NULL; n++) {
		for (size_t i = 0; i < (*n)->count; i++) {
			const struct field *f = &(*n)->fields[i];

			assert_int_equal(f->type == FIELD_ENUM, f->choices != NULL);
			assert_true(f->offset < (*n)->size);
			/* What a person sees has a line of help. */
			assert_int_equal(f->json == NULL, f->help == NULL);
		}
	}
}

static void indexes_name_columns_that_exist(void **state)
{
	(void)state;
	for (const struct noun *const *n = nouns; *n != NULL; n++) {
		for (size_t i = 0; i < (*n)->index_count; i++) {
			const struct noun_index *index = &(*n)->indexes[i];

			assert_non_null(index->columns[0]);
			for (size_t c = 0; c < 4 && index->columns[c] != NULL; c++)
				assert_non_null(noun_field(*n, index->columns[c]));
		}
	}
}

static void the_numbers_of_the_header_find_their_indexes(void **state)
{
	(void)state;
	assert_string_equal(noun_service.indexes[SERVICE_BY_NAME - 1].columns[0], "name_folded");
	assert_true(noun_service.indexes[SERVICE_BY_NAME - 1].unique);
	assert_string_equal(noun_registration.indexes[REGISTRATION_BY_GROUP - 1].columns[1], "group_id");
	assert_string_equal(noun_registration.indexes[REGISTRATION_BY_PENDING - 1].columns[0], "pending");
	assert_string_equal(noun_registration.indexes[REGISTRATION_BY_PENDING - 1].where, "pending = 1");
	assert_string_equal(noun_group.indexes[GROUP_BY_ATTESTATION - 1].columns[1], "attestation");
	assert_string_equal(noun_attempt.indexes[ATTEMPT_BY_TIME - 1].columns[0], "at");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_noun_has_a_key_and_it_comes_first), cmocka_unit_test(names_and_paths_are_unique_in_a_noun),
		cmocka_unit_test(tables_have_names_of_their_own),         cmocka_unit_test(what_has_choices_is_an_enum_and_no_other),
		cmocka_unit_test(indexes_name_columns_that_exist),        cmocka_unit_test(the_numbers_of_the_header_find_their_indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
