/*
 * nic.c: NICs as ports of the VFR; the drivers are behind struct nic_ops.
 */
#include "netback.h"

#include "lib.h"
#include "log.h"

#define NICS_MAX	8
#define BURST		VFR_BURST

static struct nic *nics[NICS_MAX];
static uint32_t nr_nics;

static int port_transmit(void *ctx, struct vfr_packet *p)
{
	struct nic *n = ctx;

	return n->ops->transmit(n, p);
}

static void port_flush(void *ctx)
{
	struct nic *n = ctx;

	n->ops->flush(n);
}

static const struct vfr_port_ops port_ops = {
	.transmit = port_transmit,
	.flush = port_flush,
};

int nic_register(struct nic *n)
{
	struct vfr_device dev = { .kind = VFR_PORT_NIC, .ops = &port_ops,
				  .ctx = n, .features = n->features,
				  .mtu = n->mtu, .name = n->name };

	if (!net_vfr || nr_nics == NICS_MAX)
		return -ENOSPC;
	format(n->name, sizeof(n->name), "nic%u", nr_nics);
	memcpy(dev.mac, n->mac, sizeof(dev.mac));
	spin_lock(&net_lock);
	n->port = vfr_port_attach(net_vfr, &dev);
	if (n->port >= 0)
		nics[nr_nics++] = n;
	spin_unlock(&net_lock);
	if (n->port < 0)
		return n->port;
	log_info("net: %s %02x:%02x:%02x:%02x:%02x:%02x, link %s", n->name,
		 n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4],
		 n->mac[5], n->ops->link(n) ? "up" : "down");
	return 0;
}

static void link_check(struct nic *n)
{
	bool up = n->ops->link(n);

	if (up == n->up)
		return;
	n->up = up;
	vfr_port_link(net_vfr, (unsigned)n->port, up);
}

/* True: the budget ended before the packets did. */
static bool nic_run(struct nic *n, uint32_t budget, uint64_t now)
{
	struct vfr_packet *pkts[BURST];
	uint32_t got;

	link_check(n);
	do {
		n->ops->reclaim(n);
		while (budget) {
			got = n->ops->receive(n, pkts,
					      MIN(budget, (uint32_t)BURST));
			if (!got)
				break;
			vfr_rx(net_vfr, (unsigned)n->port, pkts, got, now);
			budget -= got;
		}
		if (!budget)
			return true;
	} while (n->ops->rearm(n));
	return false;
}

bool nics_run(uint32_t budget, uint64_t now)
{
	bool more = false;

	for (uint32_t i = 0; i < nr_nics; i++)
		more |= nic_run(nics[i], budget, now);
	return more;
}

const struct nic *nic_of_port(unsigned port)
{
	for (uint32_t i = 0; i < nr_nics; i++)
		if (nics[i]->port == (int)port)
			return nics[i];
	return NULL;
}
