/*
 * appliance.h: what a machine must have to be the appliance of a file, for the
 * programs that make one: scripts/run, scripts/mkiso's callers.
 */
#ifndef TOOLS_APPLIANCE_H
#define TOOLS_APPLIANCE_H

#include <jansson.h>

#include "rulefile.h"

/*
 * The domains with their kernels and ramdisks, NICs, vifs, nets, redirects and
 * included files of a compiled file, and what memory its compiler took; null if
 * it has errors.  Paths start where
 * the file's own does.
 */
json_t *appliance_json(const struct rulefile *f);

#endif
