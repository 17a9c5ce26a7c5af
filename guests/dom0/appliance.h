/*
 * appliance.h: the appliance file: what domains there are, and the rules.
 *
 * Boot modules that are no domain of their own say what they are:
 *	:appliance NAME		the text, in the language of sluice.vfr(5)
 *	:file NAME		what the text calls NAME: a kernel, a ramdisk, an
 *				included file
 */
#ifndef DOM0_APPLIANCE_H
#define DOM0_APPLIANCE_H

#include <stdbool.h>

struct module;

/* True: the module's line begins with ':' and it was taken, or refused with a
 * line of why. */
bool appliance_module(const struct module *m);

/* What the text calls so, the appliance file itself included; NULL: no module
 * has that name, or its memory has been given back. */
const struct module *appliance_file(const char *name);

/* Define the domains of the appliance file, and load its rules.  Nothing to do
 * where there is none. */
void appliance_init(void);

#endif
