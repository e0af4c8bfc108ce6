/*
 * log.h: events with fields, one line per decision.
 *
 *	log_info(req->log, "assigned", "device", id, "hub", name, NULL);
 *
 * The event's name and the field names are constants, the same words each time;
 * values are strings, NULL prints as nothing at all. On a terminal a line reads
 * as text, elsewhere it is one JSON object; no value can break its line in either. Keys and tokens are never logged:
 * nothing here can tell, so the caller takes care. Safe from every thread; a line
 * is written with one write(2). A full disk or a closed pipe loses lines, not the
 * process.
 */
#ifndef BERTH_BASE_LOG_H
#define BERTH_BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_form { LOG_AUTO, LOG_TEXT, LOG_JSON };

/* Fields bound to every event of a request: parent first. Lives in the request's
 * arena; only points at its strings. NULL stands for "no bound fields". */
struct log {
	const struct log *parent;
	const char       *key, *value;
};

/* Where to (a file descriptor), how, and from which level on. Before the first
 * call: descriptor 2, LOG_AUTO, LOG_INFO. */
void log_setup(int fd, enum log_form form, enum log_level level);
/* From now on, in every thread. */
void log_set_level(enum log_level level);

/* "debug", "info", "warn" or "error", in any case; otherwise false, and *out is left alone. */
bool log_parse_level(struct slice text, enum log_level *out);

/* Pairs of (const char *key, const char *value), ended by NULL. An event of more than
 * 16 kB loses its fields. */
void log_event(enum log_level level, const struct log *log, const char *event, ...) __attribute__((sentinel));

#define log_debug(log, ...) log_event(LOG_DEBUG, log, __VA_ARGS__)
#define log_info(log, ...) log_event(LOG_INFO, log, __VA_ARGS__)
#define log_warn(log, ...) log_event(LOG_WARN, log, __VA_ARGS__)
#define log_error(log, ...) log_event(LOG_ERROR, log, __VA_ARGS__)

/* A number as a field's value: `log_num((char[24]){0}, n)`. Returns its argument. */
const char *log_num(char out[24], long long n);

#endif
