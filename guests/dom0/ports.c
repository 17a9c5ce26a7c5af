/* ports.c: see ports.h. */
#include "dom0/ports.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <sluice/net.h>
#include <vfr/reason.h>

#include "kit/control.h"
#include "kit/kit.h"

#define REASON_WORD(name, word, text) word,
static const char *const reasons[] = { VFR_REASONS(REASON_WORD) };

struct sums {
	uint64_t forwarded, out;
	bool wrong;
};

static void port_print(const struct sluice_port *p, struct sums *s)
{
	uint64_t in = p->forwarded + p->local + p->held;

	printf("%-16s %-4s %s in %lu out %lu forwarded %lu local %lu held %lu",
	       *p->device ? p->device : "(vfr)", p->kind ? "nic" : "vif",
	       p->live ? (p->link ? "up" : "down") : "closed", p->rx_packets,
	       p->tx_packets, p->forwarded, p->local, p->held);
	for (unsigned int i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (p->drops[i])
			printf(" %s %lu", reasons[i], p->drops[i]);
		in += p->drops[i];
	}
	if (p->ring_drops)
		printf(" (lost at the guest %lu)", p->ring_drops);
	printf("\n");
	if (in != p->rx_packets)
		s->wrong = true;
	s->forwarded += p->forwarded;
	s->out += p->tx_packets;
}

void ports_print(void)
{
	struct sluice_port p = { .index = 0 };
	struct sums s = { 0 };
	long rc;

	for (;; p = (struct sluice_port){ .index = p.index + 1 }) {
		rc = control(SLUICE_NET_PORT, &p);
		if (rc)
			break;
		port_print(&p, &s);
	}
	if (rc != -ENOENT)
		printf("ports: %ld\n", rc);
	else
		printf("ports: accounts %s\n",
		       s.wrong || s.forwarded != s.out ? "WRONG" : "ok");
}
