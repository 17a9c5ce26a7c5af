/* string.h: as in C, for guests; see string.c. */
#ifndef KIT_STRING_H
#define KIT_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
size_t strspn(const char *s, const char *of);
size_t strcspn(const char *s, const char *of);
char *strncpy(char *restrict to, const char *restrict from, size_t n);
char *strcpy(char *restrict to, const char *restrict from);
char *strdup(const char *s);
char *strndup(const char *s, size_t max);

#endif
