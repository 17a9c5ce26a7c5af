/*
 * portname.c: see portname.h.
 */
#include "dom0/portname.h"

#include <stdbool.h>
#include <string.h>

#include <sluice/net.h>

#include "kit/control.h"

#define ETH_VLAN_HI	0x81	/* 802.1Q */
#define VLAN_MASK	0x0fff

/* Device names by port number, as far as they have been asked for. */
static struct {
	bool known;
	char device[SLUICE_DEVICE_NAME];
} devices[SLUICE_VIF_MAX];

void portname_forget(void)
{
	memset(devices, 0, sizeof(devices));
}

static const char *device_name(uint16_t dev)
{
	struct sluice_port p = { .index = dev };

	if (dev >= SLUICE_VIF_MAX)
		return dev == SLUICE_PORT_SELF ? "vfr" : "";
	if (!devices[dev].known) {
		devices[dev].known = true;
		if (!control(SLUICE_NET_PORT, &p) && p.index == dev)
			memcpy(devices[dev].device, p.device,
			       sizeof(p.device));
	}
	return devices[dev].device;
}

uint16_t portname_vlan(const uint8_t *frame, uint32_t len)
{
	if (len < 16 || frame[12] != ETH_VLAN_HI || frame[13] != 0)
		return 0;
	return (uint16_t)((frame[14] << 8 | frame[15]) & VLAN_MASK);
}

uint16_t portname_index(const struct vfr_ruleset *rs, uint16_t dev,
			uint16_t vlan)
{
	const char *device = device_name(dev);

	for (uint32_t i = 0; rs && *device && i < rs->p.nr_ports; i++) {
		const struct vfr_rs_port *p = &rs->p.ports[i];

		if (!strcmp(vfr_ruleset_text(rs, p->device), device) &&
		    (p->kind == VFR_PORT_VIF || p->vlan == vlan))
			return (uint16_t)i;
	}
	return VFR_NONE16;
}

const char *portname(const struct vfr_ruleset *rs, uint16_t dev, uint16_t vlan)
{
	uint16_t i = portname_index(rs, dev, vlan);

	return i == VFR_NONE16 ? device_name(dev) :
	       vfr_ruleset_text(rs, rs->p.ports[i].name);
}

uint16_t portname_find(const struct vfr_ruleset *rs, const char *name)
{
	for (uint32_t i = 0; rs && i < rs->p.nr_ports; i++)
		if (!strcmp(vfr_ruleset_text(rs, rs->p.ports[i].name), name))
			return (uint16_t)i;
	return VFR_NONE16;
}
