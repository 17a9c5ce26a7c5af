/* ports.c: see ports.h. */
#include "dom0/ports.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sluice/net.h>
#include <vfr/reason.h>

#include "kit/control.h"
#include "kit/kit.h"

#define REASON_WORD(name, word, text) word,
static const char *const reasons[] = { VFR_REASONS(REASON_WORD) };

#define TRIES	8	/* packets go on while ports are read one by one */

static void port_print(const struct sluice_port *p)
{
	printf("%-16s %-4s %s in %lu out %lu forwarded %lu local %lu held %lu",
	       *p->device ? p->device : "(vfr)", p->kind ? "nic" : "vif",
	       p->live ? (p->link ? "up" : "down") : "closed", p->rx_packets,
	       p->tx_packets, p->forwarded, p->local, p->held);
	for (unsigned int i = 0; i < ARRAY_SIZE(reasons); i++)
		if (p->drops[i])
			printf(" %s %lu", reasons[i], p->drops[i]);
	if (p->ring_drops)
		printf(" (lost at the guest %lu)", p->ring_drops);
	printf("\n");
}

/* The next port from index on; 0 or a negative errno. */
static long port_next(struct sluice_port *p, uint32_t index)
{
	*p = (struct sluice_port){ .index = index };
	return control(SLUICE_NET_PORT, p);
}

/* What came in went somewhere, on each port and in all. */
static bool accounts_ok(void)
{
	uint64_t forwarded = 0, out = 0;
	struct sluice_port p;
	bool ok = true;

	for (uint32_t i = 0; !port_next(&p, i); i = p.index + 1) {
		uint64_t in = p.forwarded + p.local + p.held;

		for (unsigned int k = 0; k < ARRAY_SIZE(reasons); k++)
			in += p.drops[k];
		ok = ok && in == p.rx_packets;
		forwarded += p.forwarded;
		out += p.tx_packets;
	}
	return ok && forwarded == out;
}

void ports_print(void)
{
	struct sluice_port p;
	bool ok = false;
	uint32_t i;
	long rc;

	for (i = 0; !(rc = port_next(&p, i)); i = p.index + 1)
		port_print(&p);
	for (i = 0; i < TRIES && !ok; i++)
		ok = accounts_ok();
	if (rc != -ENOENT)
		printf("ports: %ld\n", rc);
	else
		printf("ports: accounts %s\n", ok ? "ok" : "WRONG");
}
