/*
 * ownvif.h: dom0's own interface.  `domain dom0 on ...` of the appliance file
 * names it; it is a port of the firewall like any other, and what the rules do
 * not let through does not reach dom0.
 */
#ifndef DOM0_OWNVIF_H
#define DOM0_OWNVIF_H

#include "dom0/config.h"

#define OWNVIF_DOMAIN "dom0"	/* of the appliance file */

/* Connect, and start TCP/IP with the addresses of v.  0 or a negative errno. */
int ownvif_start(const struct vif_config *v);

/* Its port's device name, "" where there is none. */
const char *ownvif_device(void);

#endif
