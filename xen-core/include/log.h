/*
 * log.h: lines for the serial console and the log ring.
 *
 * A line is "[    1.234567] text".  Any context, any CPU; lines of two CPUs do
 * not mix.  What a guest can cause goes through log_guest(), which limits the
 * rate of each domain and says how many lines it left out.
 */
#ifndef LOG_H
#define LOG_H

#include "types.h"

struct domain;

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level; /* lines above it reach only the ring */

void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);
void log_guest(struct domain *d, const char *fmt, ...) printf_like(2, 3);

#define log_error(...)	log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)

/* Copy up to len bytes from ring position *pos on; *pos moves, *lost grows. */
size_t log_read(uint64_t *pos, char *buf, size_t len, uint64_t *lost);

/* The other CPUs are stopped and may hold the log's lock: take it no more. */
void log_panic(void);

/* snprintf for the hypervisor: %d %u %x %lx %lu %ld %p %s %c %zu, width, 0. */
int format(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);
int vformat(char *buf, size_t size, const char *fmt, __builtin_va_list ap);

#endif
