/* packet.c: a fixed number of packets; who finds none drops or waits. */
#include "netback.h"

#include "heap.h"

static struct net_packet *free_packets; /* net_lock */
static uint32_t nr_free, nr_packets;

int net_packets_init(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct net_packet *np = heap_alloc(sizeof(*np));

		if (!np)
			return -ENOMEM;
		net_packet_put(np);
		nr_packets++;
	}
	return 0;
}

struct net_packet *net_packet_get(void)
{
	struct net_packet *np = free_packets;

	if (np) {
		free_packets = np->next_free;
		nr_free--;
		np->vif = NULL;
		np->nic = NULL;
		np->from = NULL;
		np->cut_from = NULL;
		np->nr_slots = np->nr_extra = np->nr_sending = 0;
	}
	return np;
}

void net_packet_put(struct net_packet *np)
{
	np->next_free = free_packets;
	free_packets = np;
	nr_free++;
}

uint32_t net_packets_free(void)
{
	return nr_free;
}

uint32_t net_packets_used(void)
{
	return nr_packets - nr_free;
}
