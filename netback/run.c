/*
 * run.c: when the network is worked on, and by whom.
 *
 * net_kick() marks that there is work and raises SOFTIRQ_BACKEND here.  The CPU
 * that gets net_lock judges for everybody; one that does not get it leaves the
 * mark for the holder, which looks again before it goes.  What was judged is
 * delivered to guests after that, without the lock, while the next CPU judges.
 *
 * A run has a budget, so that a flood leaves time for the domains.  When work is
 * left it goes on at once on a CPU that is idle; if there is none, what vifs send
 * waits for as long as the run took, and what NICs bring for several times as
 * long: domains get the time to take what they were given, and what is too much
 * is dropped by the NIC, which costs nothing, not by us before a full ring.
 *
 * Who sends pays for his turns, who receives for what NICs bring him; what
 * nobody pays for is the time of the vcpu that was interrupted (vif_charge.c).
 *
 * What a run costs beside its packets is shared by those that come together.
 * While a guest runs, rings that were busy a moment ago are not armed but held:
 * they are looked at when a run comes for another reason, when a vcpu leaves its
 * CPU, when a ring is half full, or after NET_HOLD_NS.  So a guest that sends
 * packet after packet goes on until it has no more to send, and one that waits
 * for an answer does not wait for us.
 */
#include "netback.h"

#include "boot.h"
#include "cpu.h"
#include "heap.h"
#include "io.h"
#include "log.h"
#include "mm.h"
#include "page.h"
#include "percpu.h"
#include "sched.h"
#include "time.h"

#define VIF_BUDGET	256		/* packets a run, of all vifs */
#define NIC_BUDGET	64		/* of each NIC */
#define NIC_PAUSES	8		/* times a run */
#define TICK_NS		100000000ull	/* vfr_tick() */
#define PAUSE_MIN_NS	20000ull
#define PAUSE_MAX_NS	4000000ull
#define RUN_MAX_NS	1000000ull	/* while a guest waits */
#define NET_PACKETS	1024
#define FLOWS		16384

struct spinlock net_lock = SPINLOCK_INIT;
struct vfr *net_vfr;

static uint32_t work; /* A: somebody kicked */
static bool ticked;   /* A: the tick's work is to be done */
static struct timer tick_timer, again_timer;
static bool nics_more;	  /* N: some are busy: their budget ended first */
static uint64_t nics_at;  /* N: till then only an idle CPU polls busy ones */

void net_kick(void)
{
	if (!__atomic_exchange_n(&work, 1, __ATOMIC_SEQ_CST))
		softirq_raise(this_cpu_id(), SOFTIRQ_BACKEND);
}

/*
 * Who kicked, or has delivered, while we held the lock has found it taken, and
 * relies on us.  The lock must be seen free before their marks are looked at.
 * True: there are packets to be delivered.
 */
static bool unlock(void)
{
	bool more;

	do {
		vifs_finish();
		vifs_settle();
		more = vifs_ready();
		spin_unlock(&net_lock);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (vifs_to_finish() && spin_trylock(&net_lock));
	return more;
}

static bool kicked(void)
{
	return __atomic_load_n(&work, __ATOMIC_SEQ_CST);
}

void net_unlock(void)
{
	if (unlock() || kicked())
		softirq_raise(this_cpu_id(), SOFTIRQ_BACKEND);
}

/* Let the lock go, and deliver what there is; ns that it took. */
static uint64_t hand_out(void)
{
	uint64_t ns = 0;
	struct vif *mine;

	do {
		mine = vifs_claim();
		if (!unlock() && !mine)
			break;
		ns += vifs_deliver(mine);
	} while (spin_trylock(&net_lock)); /* else its holder goes on */
	return ns;
}

/* Not net_kick(): the mark may stand from before a run that ended its budget,
 * and then nobody else raises the softirq. */
static void again(void *unused)
{
	(void)unused;
	softirq_raise(this_cpu_id(), SOFTIRQ_BACKEND);
}

/* Nobody runs here, and nobody is about to. */
static bool idle(void)
{
	return current == this_cpu()->idle && !softirq_pending();
}

/* A guest that is given packets wakes. */
static bool stays_idle(void)
{
	return idle() && !vifs_ready();
}

/* True when there is more to do soon; NICs that have more are in nics_more. */
static bool run_once(bool poll_busy, uint64_t *later_ns)
{
	uint64_t now = now_ns();
	bool more;

	*later_ns = ~0ull;
	nics_more = nics_run(NIC_BUDGET, poll_busy, now);
	more = vifs_run(VIF_BUDGET, now_ns(), later_ns);
	taps_notify();
	return nics_rearm(now, later_ns) || more;
}

/* Set under net_lock: the deadline of a run that is over does not take the
 * place of a nearer one that another CPU has found since. */
static void later_set(uint64_t later_ns)
{
	if (later_ns == ~0ull)
		return;
	timer_set(&again_timer, later_ns);
	if (!stays_idle())
		softirq_defer(SOFTIRQ_BACKEND);
}

enum then { DONE, GO_ON, PAUSE };

static void tick_work(uint64_t now)
{
	vfr_tick(net_vfr, now);
	vifs_tick(now);
	nics_tick(now);
}

/*
 * What this CPU does next about the network.  Under net_lock.  A run ends with
 * its delivery, which is still to come: it takes as long as the last one did.
 */
static enum then run_locked(uint64_t began)
{
	uint64_t start = now_ns(), delivery, end, later;
	bool poll_busy = idle() || start >= nics_at, more;

	if (__atomic_exchange_n(&ticked, false, __ATOMIC_ACQUIRE))
		tick_work(start);
	vifs_finish();
	more = run_once(poll_busy, &later);
	delivery = vifs_spent();
	if ((more || nics_more) && stays_idle())
		return GO_ON;
	end = now_ns() + delivery;
	/* Others' kicks must not keep us from who runs here. */
	more |= end - began > RUN_MAX_NS && READ_ONCE(work);
	if (more)
		later = MIN(later, end + MAX(end - start, PAUSE_MIN_NS));
	if (nics_more && poll_busy)
		nics_at = end + MIN(NIC_PAUSES * (end - start), PAUSE_MAX_NS);
	if (nics_more)
		later = MIN(later, nics_at);
	later_set(later);
	return more ? PAUSE : DONE;
}

/* False: its holder sees the mark, and does our work. */
static bool lock_or_mark(void)
{
	if (spin_trylock(&net_lock))
		return true;
	__atomic_store_n(&work, 1, __ATOMIC_SEQ_CST);
	return spin_trylock(&net_lock);
}

static void run(void)
{
	uint64_t began = now_ns(), paid = 0;
	bool left = false;
	enum then then;

	do {
		if (!lock_or_mark())
			break;
		__atomic_store_n(&work, 0, __ATOMIC_SEQ_CST);
		then = run_locked(began);
		left = then == PAUSE || nics_more;
		paid += vifs_paid();
		paid += hand_out();
		/* The guests that got something may run elsewhere. */
	} while (then == GO_ON || (then == DONE && kicked()) ||
		 (left && idle()));
	if (left)
		sched_raise_idle(SOFTIRQ_BACKEND);
	sched_interrupted(paid);
}

static void tick(void *unused)
{
	(void)unused;
	__atomic_store_n(&ticked, true, __ATOMIC_RELEASE);
	softirq_raise(this_cpu_id(), SOFTIRQ_BACKEND);
	timer_set(&tick_timer, now_ns() + TICK_NS);
}

/* Frames in a row for size bytes; those that are too many go back. */
static void *vfr_memory(size_t size)
{
	unsigned order = 0;
	struct page *pg;

	while ((size_t)PAGE_SIZE << order < size)
		order++;
	pg = frames_alloc(order);
	if (!pg)
		return NULL;
	for (size_t i = (size + PAGE_SIZE - 1) / PAGE_SIZE; i < 1ul << order;
	     i++)
		frames_free(pg + i, 0);
	return page_virt(pg);
}

static void net_init(void)
{
	const struct vfr_limits limits = { .ports = SLUICE_VIF_MAX,
					   .flows = FLOWS };
	size_t size = vfr_size(&limits);
	void *mem = vfr_memory(size);

	if (!mem || net_packets_init(NET_PACKETS)) {
		log_error("net: no memory for the VFR (%zu KiB): no network",
			  size >> 10);
		return;
	}
	net_vfr = vfr_create(mem, size, &limits, random_word());
	if (!net_vfr) {
		log_error("net: the VFR could not be made: no network");
		return;
	}
	timer_init(&tick_timer, tick, NULL);
	timer_init(&again_timer, again, NULL);
	timer_set(&tick_timer, now_ns() + TICK_NS);
	softirq_backend(run);
	nics_init();
}

INITCALL(net_init);
