/*
 * once.h: a run that ends when one domain ends (dom0's option once=).
 */
#ifndef DOM0_ONCE_H
#define DOM0_ONCE_H

#include <stdbool.h>

/*
 * When the domain of that name ends, for whatever reason: see that all others
 * are alive, run the audit, and power off.  The machine's exit status is 0
 * after a power-off or reboot of the domain, 1 where it crashed or could not
 * be started, 2 where anything is wrong with the hypervisor.
 */
void once_init(const char *name);

/* Run the audit and print its result; whether it passed. */
bool audit_print(void);

_Noreturn void machine_off(unsigned int status);

#endif
