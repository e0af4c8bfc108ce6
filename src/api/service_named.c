/*
 * service_named.c: what endorsement roots and revocation lists have in common: they are put and deleted by name, under an etag.
 */
#include "api/service.h"

#define NAME_LENGTH_MAX 64

bool service_name_is_good(struct api_call *call, struct slice name, const char *what)
{
	if (name.n <= NAME_LENGTH_MAX && id_is_good(name))
		return true;
	api_refuse(call, 400, 400004, NULL,
		   "The name of %s must be 1 to %d letters, digits, '-', '.', '_' or ':', the last one a letter, a digit or '-'.", what,
		   NAME_LENGTH_MAX);
	return false;
}

bool service_is_current(struct api_call *call, struct slice stored_etag)
{
	struct slice if_match = api_header(call, "if-match");

	if (slice_absent(if_match) || (!slice_absent(stored_etag) && etag_matches(if_match, stored_etag)))
		return true;
	api_refuse(call, 412, 412000, NULL, "Precondition failed: the etag is not the current one.");
	return false;
}

bool service_is_written(struct api_call *call, enum err e)
{
	if (e == OK)
		return true;
	if (e == ERR_PRECONDITION || e == ERR_EXISTS || e == ERR_NOT_FOUND)
		api_refuse(call, 412, 412000, NULL, "Precondition failed: it was changed at the same moment.");
	else
		api_refuse_store(call, e);
	return false;
}

void service_deleted(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (service_is_written(call, e))
		api_answer_empty(call, 204);
}
