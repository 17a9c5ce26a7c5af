/* stdio.h: formatted text for guests; printf writes to the guest's console. */
#ifndef KIT_STDIO_H
#define KIT_STDIO_H

#include <stdarg.h>
#include <stddef.h>

/* Conversions: d i u x X c s p %, with - 0 width precision (also *), l ll z. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
