/*
 * vif_chain_fuzz.c: a transmit ring with anything in it.
 *
 * The input is the shared page, behind 8 bytes that say how far the backend is:
 * requests consumed, and responses that are still due.  Chains are read as
 * vif_tx.c does, each responded to or left in flight.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../../netback/vif_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vif_chain *c)
{
	uint32_t sum = 0;

	assert(c->nr <= CHAIN_SLOTS && c->nr <= c->nr_all);
	assert(c->nr_all <= CHAIN_READ && c->nr_extra <= 5);
	assert(!c->fatal || c->bad);
	if (c->bad)
		return;
	assert(c->nr && c->nr == c->nr_all);
	for (uint32_t i = 0; i < c->nr; i++) {
		assert(c->slot[i].size);
		assert(c->slot[i].size + c->slot[i].offset <= 4096);
		sum += c->slot[i].size;
	}
	assert(sum >= 14 && sum <= 65535);
	assert(!c->gso || (c->gso_size && c->gso_type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct netif_tx_sring ring;
		uint8_t page[4096];
	} shared;
	struct netif_tx_back_ring ring;
	uint32_t head[2], budget = 1000;
	struct vif_chain c;

	if (size < sizeof(head))
		return 0;
	memcpy(head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);
	memset(&shared, 0, sizeof(shared));
	memcpy(&shared, data, size < 4096 ? size : 4096);
	BACK_RING_ATTACH(&ring, &shared.ring, head[0], 4096);
	ring.rsp_prod_pvt -= head[1] % 257;
	while (budget-- && vif_chain_read(&ring, &c)) {
		check(&c);
		assert(ring.req_cons - ring.rsp_prod_pvt <= 256);
		if (c.fatal)
			break;
		if (budget % 3 || c.bad)
			ring.rsp_prod_pvt += c.nr_all + c.nr_extra;
	}
	return 0;
}
