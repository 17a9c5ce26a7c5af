/*
 * time.c: system time from the TSC.
 *
 * System time 0 is the hypervisor's first instruction.  A CPU's TSC may be off
 * from the boot CPU's by tsc_offset, which is measured once when it starts; if
 * none is off, guests may compare times of different vcpus (tsc_stable).
 */
#include "time.h"

#include "boot.h"
#include "io.h"
#include "log.h"
#include "percpu.h"
#include "platform.h"
#include "tsc_scale.h"

uint64_t tsc_khz;
bool tsc_stable = true;

static struct tsc_scale scale;
static int64_t tsc_offset[MAX_CPUS];
static uint64_t boot_seconds; /* since 1970, at system time 0 */

/* Not before what came before it in the program: other CPUs compare. */
static inline uint64_t rdtsc_ordered(void)
{
	asm volatile("lfence" : : : "memory");
	return rdtsc();
}

static uint64_t ticks_now(void)
{
	uint64_t tsc = rdtsc_ordered();

	if (unlikely(!tsc_stable))
		tsc -= (uint64_t)tsc_offset[this_cpu_id()];
	return tsc - boot_tsc;
}

ns_t now_ns(void)
{
	return tsc_khz ? tsc_scale_ns(&scale, ticks_now()) : 0;
}

static uint64_t ticks_to_tsc(uint64_t ticks)
{
	return ticks + boot_tsc + (uint64_t)tsc_offset[this_cpu_id()];
}

uint64_t tsc_at(ns_t at)
{
	return ticks_to_tsc(tsc_scale_ticks(&scale, MIN(at, 1ull << 60)));
}

void tsc_stamp_now(struct tsc_stamp *s)
{
	uint64_t ticks = tsc_scale_exact(&scale, ticks_now());

	s->tsc = ticks_to_tsc(ticks);
	s->system_time = tsc_scale_ns(&scale, ticks);
	s->mul = scale.mul;
	s->shift = scale.shift;
}

uint64_t wallclock_s(void)
{
	return boot_seconds;
}

void time_init(void)
{
	uint64_t khz = clock_measure_tsc_khz();
	uint64_t now_s;

	scale = tsc_scale_of(khz);
	tsc_khz = khz;
	now_s = clock_rtc_seconds();
	if (now_s == 0)
		log_warn("the battery clock cannot be read; it is 1970");
	boot_seconds = now_s - MIN(now_s, now_ns() / 1000000000);
}

/* ---- does another CPU's TSC agree with the boot CPU's? ---- */

/*
 * The new CPU asks (turn 1), the boot CPU reads its TSC and answers (turn 2):
 * the answer lies between two readings of the new CPU.  The tightest of several
 * rounds tells within which bounds the new one is off.
 */
#define SYNC_ROUNDS 16

static uint32_t sync_turn;   /* A: 0 idle, 1 asked, 2 answered */
static uint64_t sync_answer; /* written before turn 2 */

void tsc_sync_serve(void)
{
	if (__atomic_load_n(&sync_turn, __ATOMIC_ACQUIRE) != 1)
		return;
	sync_answer = rdtsc_ordered();
	__atomic_store_n(&sync_turn, 2, __ATOMIC_RELEASE);
}

static uint64_t sync_ask(void)
{
	__atomic_store_n(&sync_turn, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&sync_turn, __ATOMIC_ACQUIRE) != 2)
		cpu_relax();
	return sync_answer;
}

static void tsc_sync(void)
{
	int64_t low = INT64_MIN, high = INT64_MAX; /* bounds of the offset */
	unsigned i;

	for (i = 0; i < SYNC_ROUNDS; i++) {
		uint64_t before = rdtsc_ordered();
		uint64_t answer = sync_ask();
		uint64_t after = rdtsc_ordered();

		low = MAX(low, (int64_t)(before - answer));
		high = MIN(high, (int64_t)(after - answer));
	}
	__atomic_store_n(&sync_turn, 0, __ATOMIC_RELEASE);
	if (low <= 0 && high >= 0)
		return;
	tsc_offset[this_cpu_id()] = low + (high - low) / 2;
	tsc_stable = false;
	log_warn("CPU %u: its TSC is off by %ld ticks", this_cpu_id(),
		 tsc_offset[this_cpu_id()]);
}

void time_init_cpu(void)
{
	if (this_cpu_id() != 0)
		tsc_sync();
	apic_timer_init();
}
