/*
 * portname.h: ports of the firewall by the names that people use.
 *
 * The hypervisor counts ports; the loaded ruleset names them, with a name for
 * each VLAN of a NIC.
 */
#ifndef DOM0_PORTNAME_H
#define DOM0_PORTNAME_H

#include <stdint.h>

#include <vfr/ruleset.h>

/* The index in rs of what came in or left by a device at that time, VFR_NONE16:
 * none. */
uint16_t portname_index(const struct vfr_ruleset *rs, uint16_t dev,
			uint16_t vlan, uint64_t time_ns);

/* Its name; the device's where the ruleset has none; "vfr" for the VFR itself;
 * "" for no port, and for what was too long ago.  Stays until rules are loaded or
 * a device comes. */
const char *portname(const struct vfr_ruleset *rs, uint16_t dev, uint16_t vlan,
		     uint64_t time_ns);

/* The ruleset's port of that name, VFR_NONE16: there is none. */
uint16_t portname_find(const struct vfr_ruleset *rs, const char *name);

/* A device has come: from now_ns on, numbers may mean others. */
void portname_learn(uint64_t now_ns);

/* The VLAN of an Ethernet frame, 0: untagged. */
uint16_t portname_vlan(const uint8_t *frame, uint32_t len);

#endif
