/*
 * startup.h: the domains of a boot start in the order that they ask for.
 *
 * They start in the order of their definition; one that names others (`after`)
 * once those run, and `delay` after that.  Until then it is WAITING.  One that
 * does not start by itself is left OFF.
 */
#ifndef DOM0_STARTUP_H
#define DOM0_STARTUP_H

/* Start all that may; what no restart needs of the boot modules goes back to the
 * hypervisor. */
void domains_startup(void);

#endif
