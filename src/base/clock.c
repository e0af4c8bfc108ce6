#include <stdio.h>
#include <time.h>

#include "base/clock.h"

#define TICKS_PER_NS 100 /* nanoseconds in a tick */

instant clock_wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (instant)t.tv_sec * INSTANT_SECOND + t.tv_nsec / TICKS_PER_NS;
}

int64_t clock_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

static void print_fraction(instant fraction, enum instant_form form, char out[16])
{
	int n;

	if (form == INSTANT_SECONDS || (form == INSTANT_ISO && fraction == 0)) {
		out[0] = 0;
		return;
	}
	n = snprintf(out, 16, ".%07d", (int)fraction);
	while (form == INSTANT_ISO && out[n - 1] == '0')
		out[--n] = 0;
}

const char *instant_print(instant t, enum instant_form form, char out[INSTANT_TEXT])
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	instant fraction = ((t % INSTANT_SECOND) + INSTANT_SECOND) % INSTANT_SECOND;
	time_t seconds = (time_t)((t - fraction) / INSTANT_SECOND);
	struct tm tm;
	char digits[16];

	if (t == 0) {
		snprintf(out, INSTANT_TEXT, "0001-01-01T00:00:00Z");
		return out;
	}
	if (gmtime_r(&seconds, &tm) == NULL)
		tm = (struct tm){.tm_mday = 1, .tm_year = 70};
	if (form == INSTANT_HTTP) {
		snprintf(out, INSTANT_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
			 (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
		return out;
	}
	print_fraction(fraction, form, digits);
	snprintf(out, INSTANT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, digits);
	return out;
}

/* `n` digits at `at`; -1 when they are not. */
static int digits_at(struct slice text, size_t at, size_t n)
{
	uint64_t value;

	return slice_to_u64(slice_to(slice_from(text, at), n), &value) && text.n >= at + n ? (int)value : -1;
}

static bool has(struct slice text, size_t at, char a, char b)
{
	return at < text.n && (text.p[at] == a || text.p[at] == b);
}

enum err instant_parse(struct slice text, instant *out)
{
	int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
	int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
	struct tm tm, back;
	instant fraction = 0, unit = INSTANT_SECOND;
	time_t seconds;
	size_t at = 19;

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
	    second < 0 || second > 59 || !has(text, 4, '-', '-') || !has(text, 7, '-', '-') || !has(text, 10, 'T', 't') ||
	    !has(text, 13, ':', ':') || !has(text, 16, ':', ':'))
		return ERR_MALFORMED;
	if (has(text, at, '.', '.')) {
		size_t first = ++at;

		for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
			fraction += (unit /= 10) * (text.p[at] - '0');
		if (at == first || at - first > 7)
			return ERR_MALFORMED;
	}
	if (has(text, at, 'Z', 'z'))
		at++;
	if (at != text.n)
		return ERR_MALFORMED;
	tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second};
	seconds = timegm(&tm);
	/* timegm makes the 1st of March out of the 30th of February; that is not what was written. */
	if (gmtime_r(&seconds, &back) == NULL || back.tm_mday != day)
		return ERR_MALFORMED;
	*out = year == 1 ? 0 : (instant)seconds * INSTANT_SECOND + fraction;
	return OK;
}
