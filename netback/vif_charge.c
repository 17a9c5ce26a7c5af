/*
 * vif_charge.c: who pays for the packets that NICs bring: the domains that get
 * them.  For packets between domains the sender pays, by its turns (vif_turn.c).
 */
#include "vif.h"

#include "sched.h"

static struct vif *to_charge;
static uint32_t nr_delivered;	/* to all of them */

void vif_delivered(struct vif *v)
{
	nr_delivered++;
	if (v->delivered++)
		return;
	v->next_charged = to_charge;
	to_charge = v;
}

void vifs_charge(uint64_t ns)
{
	for (; to_charge; to_charge = to_charge->next_charged) {
		if (ns)
			sched_charge(to_charge->d, ns * to_charge->delivered /
							   nr_delivered);
		to_charge->delivered = 0;
	}
	nr_delivered = 0;
}
