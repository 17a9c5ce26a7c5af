/* nics.c: see nics.h. */
#include "dom0/nics.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <sluice/nic.h>

#include "kit/control.h"
#include "kit/kit.h"

static void nic_print(const struct sluice_nic *n)
{
	printf("%s %s %s %02x:%02x:%02x:%02x:%02x:%02x mtu %u link %s%s%s%s "
	       "bad %lu lost in %lu out %lu failures %lu resets %lu%s%s\n",
	       n->device, n->driver, n->address, n->mac[0], n->mac[1],
	       n->mac[2], n->mac[3], n->mac[4], n->mac[5], n->mtu,
	       n->link ? "up" : "down",
	       n->features & SLUICE_NIC_CSUM ? " csum" : "",
	       n->features & SLUICE_NIC_TSO4 ? " tso4" : "",
	       n->features & SLUICE_NIC_TSO6 ? " tso6" : "",
	       n->rx_bad, n->rx_no_packet, n->tx_lost, n->failures,
	       n->resets,
	       *n->failed ? " failed: " : "", n->failed);
	for (uint32_t i = 0; i < n->nr_queues; i++)
		printf("%s queue %u: in %lu out %lu sent %lu interrupts %lu\n",
		       n->device, i, n->queue[i].rx_packets,
		       n->queue[i].tx_packets, n->queue[i].tx_done,
		       n->queue[i].interrupts);
}

void nics_print(void)
{
	struct sluice_nic n = { .index = 0 };
	long rc;

	while ((rc = control(SLUICE_NIC, &n)) == 0) {
		nic_print(&n);
		n.index++;
	}
	if (rc == -ENOENT)
		printf("nics: %u\n", n.index);
	else
		printf("nics: error %ld\n", rc);
}

void nic_reset(unsigned int number)
{
	struct sluice_nic_reset r = { .index = number };
	long rc = control(SLUICE_NIC_RESET, &r);

	if (rc)
		printf("nics: error %ld\n", rc);
	else
		printf("nics: nic%u will be reset\n", number);
}
