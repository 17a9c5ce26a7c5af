/* uses.c: see uses.h. */
#include "dom0/uses.h"

#include <stdint.h>
#include <stdio.h>

#include <sluice/net.h>

#include "dom0/domain.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"

static unsigned int store_nodes(void)
{
	const struct store *s = &xs_server.store;
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->nr_owners; i++)
		n += s->owners[i].nodes;
	return n;
}

void uses_print(void)
{
	struct sluice_physinfo p = { 0 };
	struct sluice_info self = { 0 };	/* dom0 is the first */
	struct sluice_net_use net = { 0 };

	control(SLUICE_CTL_PHYSINFO, &p);
	control(SLUICE_CTL_GETINFO, &self);
	control(SLUICE_NET_USE, &net);
	printf("uses: domains %u, free %lu, heap %lu, ports %lu, maps %lu, "
	       "vifs %u, leaving %u, packets %u, flows %u, nodes %u, own %zu\n",
	       p.nr_domains, p.free_pages, p.heap_bytes, self.evtchn_ports,
	       self.grant_maps, net.vifs, net.leaving, net.packets, net.flows,
	       store_nodes(), pages_nr_free());
}
