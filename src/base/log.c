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

/* The character at `p`, and its length. Bytes that are not UTF-8 (RFC 3629) come one by one as U+FFFD. */
static uint32_t character_at(const unsigned char *p, size_t *n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *p < 0xc2 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 1;
	uint32_t c = length == 1 ? *p : *p & (0x7fu >> length);

	*n = 1;
	if (*p < 0x80)
		return *p;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the NUL at the end as well */
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (length == 1 || c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	*n = length;
	return c;
}

/* What ends a line or moves a terminal's cursor, Unicode's ways included, and what is no character. */
static bool is_unfit(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfffd;
}

/* A string in quotes; what would break the line is escaped. */
static void add_quoted(struct buf *line, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	buf_add_char(line, '"');
	for (size_t n; *p; p += n) {
		uint32_t c = character_at(p, &n);

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", (char)c);
		else if (is_unfit(c))
			buf_printf(line, "\\u%04x", c);
		else
			buf_add(line, slice_over(p, n));
	}
	buf_add_char(line, '"');
}

static bool needs_quotes(const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	if (*p == 0)
		return true;
	for (size_t n; *p; p += n) {
		uint32_t c = character_at(p, &n);

		if (c == ' ' || c == '"' || c == '\\' || is_unfit(c))
			return true;
	}
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
