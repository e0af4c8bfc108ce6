/*
 * give_up.h: a bench that fails measures nothing.
 */
#ifndef BERTH_BENCH_GIVE_UP_H
#define BERTH_BENCH_GIVE_UP_H

/* "bench: ..." on standard error, what OpenSSL has to say, and the end. */
void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
