/*
 * bench.h: the parts of the benchmark guest.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>

/* Print what one of so many operations since then took. */
void figure(const char *name, uint64_t begun_ns, uint64_t operations);

/* Each returns the reason to shut down with. */
int bench_cpu(void);
int bench_ping(void);
int bench_pong(void);
int bench_yield(void);

#endif
