/*
 * hypercalls.h: handlers that belong to no other header; hypercall/table.c
 * lists all.  Arguments as the guest gave them; the result is the guest's.
 */
#ifndef HYPERCALLS_H
#define HYPERCALLS_H

#include "types.h"

long do_xen_version(unsigned cmd, uint64_t arg);	/* hypercall/version.c */
long do_console_io(unsigned cmd, unsigned count, uint64_t buf); /* console.c */
long do_vm_assist(unsigned cmd, unsigned type);		/* vm_assist.c */
long do_physdev_op(unsigned cmd, uint64_t arg);		/* physdev.c */
long do_multicall(uint64_t calls, unsigned nr);		/* multicall.c */
long do_sluice_op(uint64_t cmd, uint64_t arg);		/* control.c */

struct domain;
void console_free(struct domain *d); /* at the domain's end */

/* Kicked from the serial interrupt: dom0 gets VIRQ_CONSOLE. */
void console_input(void);

#endif
