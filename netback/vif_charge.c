/*
 * vif_charge.c: who pays for packets.  The sender, by its turns (vif_turn.c); for
 * what NICs bring, the domains that get it.  So it is with their delivery, which
 * is measured apart (vif_deliver.c).
 *
 * Time is paid once.  The vcpu that a run interrupts gets back what others paid,
 * and no more: else one that notifies without end would work for nobody's time.
 */
#include "vif.h"

#include "sched.h"

static struct vif *to_charge;
static uint64_t paid_ns;	/* by all, since vifs_paid() */
static uint32_t nr_judged;	/* to all of them */

void vif_judged(struct vif *v)
{
	nr_judged++;
	if (v->judged++)
		return;
	v->next_charged = to_charge;
	to_charge = v;
}

void vif_charge(struct vif *v, uint64_t ns)
{
	sched_charge(v->d, ns);
	paid_ns += ns;
}

uint64_t vifs_paid(void)
{
	uint64_t ns = paid_ns;

	paid_ns = 0;
	return ns;
}

void vifs_charge(uint64_t ns)
{
	for (; to_charge; to_charge = to_charge->next_charged) {
		if (ns)
			vif_charge(to_charge,
				   ns * to_charge->judged / nr_judged);
		to_charge->judged = 0;
	}
	nr_judged = 0;
}
