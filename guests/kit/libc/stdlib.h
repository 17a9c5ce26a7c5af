/* stdlib.h: as in C, for guests; see malloc.c and number.c. */
#ifndef KIT_STDLIB_H
#define KIT_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
int atoi(const char *s);
long strtol(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
_Noreturn void abort(void);

#endif
