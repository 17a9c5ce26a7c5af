/*
 * irq.c: vectors and who handles them.
 *
 * A device's vector is given out once and for good, before its interrupt is
 * routed; so the table needs no lock to be read.
 */
#include "platform.h"

#include "log.h"
#include "percpu.h"
#include "spinlock.h"
#include "time.h"

#define NR_DEVICE_VECTORS (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)

static struct {
	void (*fn)(void *);
	void *arg;
} handlers[NR_DEVICE_VECTORS];

static struct spinlock irq_lock = SPINLOCK_INIT;
static int nr_handlers; /* irq_lock */

int irq_alloc(void (*fn)(void *), void *arg)
{
	uint64_t flags = spin_lock_irqsave(&irq_lock);
	int vector = -ENOSPC;

	if (nr_handlers < NR_DEVICE_VECTORS) {
		handlers[nr_handlers].fn = fn;
		handlers[nr_handlers].arg = arg;
		vector = VECTOR_DEVICE_FIRST + nr_handlers++;
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return vector;
}

static void device_interrupt(unsigned vector)
{
	unsigned n = vector - VECTOR_DEVICE_FIRST;

	if (handlers[n].fn != NULL)
		handlers[n].fn(handlers[n].arg);
	else
		log_warn("interrupt at vector 0x%x, which nobody handles",
			 vector);
}

void irq_dispatch(unsigned vector)
{
	switch (vector) {
	case VECTOR_PIC ... VECTOR_PIC + 15:
	case VECTOR_SPURIOUS:
		return; /* the local APIC has nothing in service */
	case VECTOR_TIMER:
		timer_interrupt();
		break;
	case VECTOR_KICK:
		break; /* softirqs are looked at on the way out */
	case VECTOR_CALL:
		cpus_call_interrupt();
		break;
	case VECTOR_APIC_ERROR:
		apic_error();
		break;
	case VECTOR_DEVICE_FIRST ... VECTOR_DEVICE_LAST:
		device_interrupt(vector);
		break;
	default:
		log_warn("interrupt at vector 0x%x", vector);
	}
	apic_eoi();
}
