/*
 * pending.c: the pending and mask bits in the guest's shared_info.
 *
 * The guest may write there what it likes; nothing read from there decides about
 * anything but whether this guest is told.
 */
#include "evtchn_private.h"

#define BITS_PER_WORD	64

static bool test_and_set(xen_ulong_t *words, uint32_t bit)
{
	xen_ulong_t mask = 1ul << (bit % BITS_PER_WORD);

	return __atomic_fetch_or(&words[bit / BITS_PER_WORD], mask,
				 __ATOMIC_SEQ_CST) & mask;
}

static bool test_and_clear(xen_ulong_t *words, uint32_t bit)
{
	xen_ulong_t mask = 1ul << (bit % BITS_PER_WORD);

	return __atomic_fetch_and(&words[bit / BITS_PER_WORD], ~mask,
				  __ATOMIC_SEQ_CST) & mask;
}

static bool test_bit(xen_ulong_t *words, uint32_t bit)
{
	return READ_ONCE(words[bit / BITS_PER_WORD]) >> (bit % BITS_PER_WORD) &
	       1;
}

/* Second and third step of making a port pending: selector, upcall. */
static void select_port(struct vcpu *v, uint32_t port)
{
	struct vcpu_info *info =
		__atomic_load_n(&v->event.info, __ATOMIC_SEQ_CST);

	if (test_and_set(&info->evtchn_pending_sel, port / BITS_PER_WORD))
		return;
	if (!__atomic_exchange_n(&info->evtchn_upcall_pending, 1,
				 __ATOMIC_SEQ_CST))
		vcpu_kick(v);
}

/* Vcpus in SCHEDOP_poll on the port wake even when it is masked. */
static void wake_pollers(struct domain *d, uint32_t port)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		uint64_t poll = __atomic_load_n(&v->event.poll,
						__ATOMIC_SEQ_CST);

		if (poll != port && poll != POLL_MANY)
			continue;
		if (__atomic_compare_exchange_n(&v->event.poll, &poll,
						POLL_NONE, false,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			vcpu_wake(v);
	}
}

/* The order is the ABI's: pending bit, selector unless masked, upcall. */
void port_set_pending(struct domain *d, uint32_t port, struct vcpu *v)
{
	if (test_and_set(d->shared->evtchn_pending, port))
		return;
	if (!test_bit(d->shared->evtchn_mask, port))
		select_port(v, port);
	wake_pollers(d, port);
}

void port_clear_pending(struct domain *d, uint32_t port)
{
	test_and_clear(d->shared->evtchn_pending, port);
}

void port_unmask(struct domain *d, uint32_t port, struct vcpu *v)
{
	if (test_and_clear(d->shared->evtchn_mask, port) &&
	    test_bit(d->shared->evtchn_pending, port))
		select_port(v, port);
}

bool event_deliverable(const struct vcpu *v)
{
	const struct vcpu_info *info = READ_ONCE(v->event.info);

	return READ_ONCE(info->evtchn_upcall_pending) &&
	       !READ_ONCE(info->evtchn_upcall_mask);
}

/*
 * A sender that still saw the old place has set its pending bit before: the
 * guest finds it, as all selectors are set in the new one.
 */
void event_move_info(struct vcpu *v, struct vcpu_info *new)
{
	uint64_t flags = spin_lock_irqsave(&v->d->event.lock);

	*new = *v->event.info;
	__atomic_store_n(&v->event.info, new, __ATOMIC_SEQ_CST);
	__atomic_store_n(&new->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
	__atomic_store_n(&new->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	spin_unlock_irqrestore(&v->d->event.lock, flags);
	vcpu_kick(v);
}
