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

/* Who has, or had, a port number.  Packets of him who had it may still be told of
 * when another has it. */
struct holder {
	uint64_t since_ns;	/* of the system time */
	char	 device[SLUICE_DEVICE_NAME]; /* "": nobody yet */
};

static struct {
	struct holder now, before;
} ports[SLUICE_VIF_MAX];

static bool asked;		/* NICs have their numbers before any vif comes */

static void port_learn(const struct sluice_port *p, uint64_t now_ns)
{
	struct holder *h = &ports[p->index].now;

	if (!strcmp(h->device, p->device))
		return;
	if (*h->device) {
		ports[p->index].before = *h;
		h->since_ns = now_ns;
	}
	memcpy(h->device, p->device, sizeof(p->device));
}

void portname_learn(uint64_t now_ns)
{
	struct sluice_port p;

	asked = true;
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i = p.index + 1) {
		p = (struct sluice_port){ .index = i };
		if (control(SLUICE_NET_PORT, &p) || p.index >= SLUICE_VIF_MAX)
			return;
		port_learn(&p, now_ns);
	}
}

static const char *device_name(uint16_t dev, uint64_t time_ns)
{
	if (dev >= SLUICE_VIF_MAX)
		return dev == SLUICE_PORT_SELF ? "vfr" : "";
	if (!asked)
		portname_learn(0);
	if (time_ns >= ports[dev].now.since_ns)
		return ports[dev].now.device;
	return time_ns >= ports[dev].before.since_ns ?
		       ports[dev].before.device : "";
}

uint16_t portname_vlan(const uint8_t *frame, uint32_t len)
{
	if (len < 16 || frame[12] != ETH_VLAN_HI || frame[13] != 0)
		return 0;
	return (uint16_t)((frame[14] << 8 | frame[15]) & VLAN_MASK);
}

uint16_t portname_index(const struct vfr_ruleset *rs, uint16_t dev,
			uint16_t vlan, uint64_t time_ns)
{
	const char *device = device_name(dev, time_ns);

	for (uint32_t i = 0; rs && *device && i < rs->p.nr_ports; i++) {
		const struct vfr_rs_port *p = &rs->p.ports[i];

		if (!strcmp(vfr_ruleset_text(rs, p->device), device) &&
		    (p->kind == VFR_PORT_VIF || p->vlan == vlan))
			return (uint16_t)i;
	}
	return VFR_NONE16;
}

const char *portname(const struct vfr_ruleset *rs, uint16_t dev, uint16_t vlan,
		     uint64_t time_ns)
{
	uint16_t i = portname_index(rs, dev, vlan, time_ns);

	return i == VFR_NONE16 ? device_name(dev, time_ns) :
	       vfr_ruleset_text(rs, rs->p.ports[i].name);
}

uint16_t portname_find(const struct vfr_ruleset *rs, const char *name)
{
	for (uint32_t i = 0; rs && i < rs->p.nr_ports; i++)
		if (!strcmp(vfr_ruleset_text(rs, rs->p.ports[i].name), name))
			return (uint16_t)i;
	return VFR_NONE16;
}
