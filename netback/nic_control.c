/* nic_control.c: the NICs' rows of the control hypercall (sluice/nic.h). */
#include "nic.h"

#include <sluice/nic.h>

#include "boot.h"
#include "control_ops.h"
#include "lib.h"

static_assert(SLUICE_NIC_QUEUES == NIC_QUEUES_MAX, "sluice/nic.h");
static_assert(SLUICE_NIC_CSUM == VFR_DEV_CSUM &&
	      SLUICE_NIC_TSO4 == VFR_DEV_TSO4 &&
	      SLUICE_NIC_TSO6 == VFR_DEV_TSO6, "sluice/nic.h");

static void text_copy(char to[SLUICE_NIC_TEXT], const char *from)
{
	if (from)
		memcpy(to, from, strnlen(from, SLUICE_NIC_TEXT - 1));
}

static void fill(struct sluice_nic *s, const struct nic *n)
{
	s->nr_queues = n->nr_queues;
	memcpy(s->device, n->name, sizeof(s->device));
	memcpy(s->address, n->address, sizeof(s->address));
	text_copy(s->driver, n->driver);
	text_copy(s->failed, n->failed);
	memcpy(s->mac, n->mac, sizeof(s->mac));
	s->link = n->up;
	s->features = n->features;
	s->mtu = n->mtu;
	s->rx_bad = n->rx_bad;
	s->rx_no_packet = n->rx_no_packet;
	s->tx_lost = n->tx_lost;
	s->failures = n->failures;
	s->resets = n->resets;
	for (uint32_t i = 0; i < n->nr_queues; i++) {
		const struct nic_queue *q = &n->queue[i];

		s->queue[i].rx_packets = q->rx_packets;
		s->queue[i].tx_packets = q->tx_packets;
		s->queue[i].tx_done = q->tx_done;
		s->queue[i].interrupts = READ_ONCE(q->interrupts);
	}
}

static int op_nic(void *arg, uint64_t *progress)
{
	struct sluice_nic *s = arg;
	uint32_t index = s->index;
	const struct nic *n;

	spin_lock(&net_lock);
	n = nic_at(index);
	if (n) {
		memset(s, 0, sizeof(*s));
		s->index = index;
		fill(s, n);
	}
	net_unlock();
	return n ? 0 : -ENOENT;
}

static int op_reset(void *arg, uint64_t *progress)
{
	const struct sluice_nic_reset *r = arg;
	struct nic *n;

	spin_lock(&net_lock);
	n = nic_at(r->index);
	if (n)
		nic_fail(n, "dom0 wants it");
	net_unlock();
	return n ? 0 : -ENOENT;
}

static void nic_control_init(void)
{
	control_register(SLUICE_NIC, sizeof(struct sluice_nic), false, op_nic);
	control_register(SLUICE_NIC_RESET, sizeof(struct sluice_nic_reset),
			 false, op_reset);
}

INITCALL(nic_control_init);
