/*
 * vif_addr.h: what the appliance file says of a vif's addresses, as the text
 * that the guest reads in the store.
 */
#ifndef DOM0_VIF_ADDR_H
#define DOM0_VIF_ADDR_H

#include <rules/rules.h>

#include "dom0/config.h"

/* The first address of each family with its net's length, and the gateway. */
void vif_addr_take(const struct rules_iface *i, struct vif_config *v);

#endif
