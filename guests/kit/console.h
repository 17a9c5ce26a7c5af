/*
 * console.h: the guest's PV console, served by dom0; for dom0 itself, and for
 * a guest's first and last words, the hypervisor's own (CONSOLEIO).
 */
#ifndef KIT_CONSOLE_H
#define KIT_CONSOLE_H

#include <stddef.h>

void console_init(void);

/* Write all of buf; waits where the ring is full. */
void console_write(const char *buf, size_t len);

/* Write through the hypervisor, whatever state the guest is in. */
void console_emergency(const char *buf, size_t len);

/* Call fn with each piece of input from now on. */
void console_on_input(void (*fn)(const char *buf, size_t len));

#endif
