#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define LINE_MAX_BYTES 16384 /* a longer event is cut */
#define DEPTH_MAX      16    /* bound fields */

static atomic_int log_fd = 2, log_form = LOG_AUTO, log_lowest = LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(int fd, enum log_form form, enum log_level level)
{
	log_fd = fd;
	log_form = form == LOG_AUTO ? (isatty(fd) ? LOG_TEXT : LOG_JSON) : form;
	log_lowest = level;
}

void log_set_level(enum log_level level)
{
	log_lowest = level;
}

bool log_parse_level(struct slice text, enum log_level *out)
{
	for (int i = 0; i < 4; i++)
		if (slice_eq_fold(text, slice_str(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

const char *log_num(char out[24], long long n)
{
	snprintf(out, 24, "%lld", n);
	return out;
}

/* A string in quotes; what would break the line is escaped. Bytes that are not UTF-8 go through as they are only in text. */
static void add_quoted(struct buf *line, const char *value)
{
	buf_add_char(line, '"');
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_printf(line, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buf_printf(line, "\\u%04x", *p);
		else
			buf_add_char(line, (char)*p);
	}
	buf_add_char(line, '"');
}

static bool needs_quotes(const char *value)
{
	if (*value == 0)
		return true;
	for (; *value; value++)
		if ((unsigned char)*value <= ' ' || *value == '"' || *value == '\\' || *value == 0x7f)
			return true;
	return false;
}

static void add_field(struct buf *line, bool json, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (json)
		buf_printf(line, ",\"%s\":", key);
	else
		buf_printf(line, " %s=", key);
	if (json || needs_quotes(value))
		add_quoted(line, value);
	else
		buf_add_str(line, value);
}

static void add_head(struct buf *line, bool json, enum log_level level, const char *event)
{
	char at[INSTANT_TEXT];
	instant now = clock_wall();

	instant_print(now - now % 10000, INSTANT_ISO7, at);
	at[23] = 'Z'; /* milliseconds are enough here */
	at[24] = 0;
	if (json)
		buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", at, level_names[level], event);
	else
		buf_printf(line, "%s %-5s %s", at, level_names[level], event);
}

/* Fields of the request, the outermost first. */
static void add_bound(struct buf *line, bool json, const struct log *log)
{
	const struct log *chain[DEPTH_MAX];
	int n = 0;

	for (; log && n < DEPTH_MAX; log = log->parent)
		chain[n++] = log;
	while (n--)
		add_field(line, json, chain[n]->key, chain[n]->value);
}

void log_event(enum log_level level, const struct log *log, const char *event, ...)
{
	bool json = log_form == LOG_JSON || (log_form == LOG_AUTO && !isatty(log_fd));
	struct buf line;
	const char *key;
	va_list ap;

	if ((int)level < log_lowest)
		return;
	buf_init(&line, LINE_MAX_BYTES);
	add_head(&line, json, level, event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL)
		add_field(&line, json, key, va_arg(ap, const char *));
	va_end(ap);
	add_bound(&line, json, log);
	buf_add_str(&line, json ? "}\n" : "\n");
	if (buf_failed(&line)) {
		buf_clear(&line);
		add_head(&line, json, level, event);
		buf_add_str(&line, json ? ",\"cut\":\"the event was too long\"}\n" : " cut=\"the event was too long\"\n");
	}
	if (write(log_fd, line.p, line.n) < 0) {
		/* A full disk or a closed pipe loses the line, not the process. */
	}
	buf_fini(&line);
}
