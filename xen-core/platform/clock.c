/*
 * clock.c: how fast the TSC runs.
 *
 * It is compared with the first of HPET, ACPI PM timer and PIT that the machine
 * has.  Each end of an interval is read several times between two readings of
 * the TSC, and the tightest is taken, since an emulated CPU may stand still in
 * between; of several intervals the median counts.
 */
#include "platform.h"

#include "check.h"
#include "io.h"
#include "log.h"

#define HPET_PERIOD	1	/* registers in units of 4 bytes */
#define HPET_CONFIG	4
#define HPET_COUNTER	60
#define HPET_ENABLE	1u
#define FEMTO_PER_S	1000000000000000ull

#define PM_TIMER_HZ	3579545
#define PIT_HZ		1193182

#define ROUNDS		3
#define ROUND_MS	10
#define TRIES		8
#define STALLED		(1ull << 33) /* TSC ticks: no CPU needs so many for a round */

struct reference {
	const char *name;
	uint64_t (*start)(void); /* its rate in Hz; 0: not there */
	uint32_t (*read)(void);	 /* counts up */
	uint32_t mask;
};

static volatile uint32_t *hpet;

static uint64_t hpet_start(void)
{
	if (acpi.hpet == 0)
		return 0;
	hpet = mmio_map(acpi.hpet, PAGE_SIZE);
	if (hpet == NULL || hpet[HPET_PERIOD] == 0 ||
	    hpet[HPET_PERIOD] > 100000000)
		return 0; /* IA-PC HPET 1.0a, 2.3.4: at most 100 ns */
	hpet[HPET_CONFIG] |= HPET_ENABLE;
	return FEMTO_PER_S / hpet[HPET_PERIOD];
}

static uint32_t hpet_read(void)
{
	return hpet[HPET_COUNTER];
}

static uint64_t pm_timer_start(void)
{
	return acpi.pm_timer_port ? PM_TIMER_HZ : 0;
}

static uint32_t pm_timer_read(void)
{
	return inl(acpi.pm_timer_port);
}

/* 8254, channel 2: its gate is bit 0 of port 0x61; mode 2 counts for ever. */
static uint64_t pit_start(void)
{
	outb(0x61, (inb(0x61) & ~2u) | 1);
	outb(0x43, 0xb4);
	outb(0x42, 0);
	outb(0x42, 0);
	return PIT_HZ;
}

static uint32_t pit_read(void)
{
	uint32_t count;

	outb(0x43, 0x80); /* latch */
	count = inb(0x42);
	count |= (uint32_t)inb(0x42) << 8;
	return 0 - count; /* it counts down */
}

static const struct reference references[] = {
	{ "HPET", hpet_start, hpet_read, 0xffffffff },
	{ "PM timer", pm_timer_start, pm_timer_read, 0xffffff },
	{ "PIT", pit_start, pit_read, 0xffff },
};

struct sample {
	uint64_t tsc;
	uint32_t ticks;
};

static struct sample take_sample(const struct reference *r)
{
	struct sample best = {0};
	uint64_t best_gap = UINT64_MAX;
	unsigned i;

	for (i = 0; i < TRIES; i++) {
		uint64_t before = rdtsc();
		uint32_t ticks = r->read();
		uint64_t gap = rdtsc() - before;

		if (gap < best_gap) {
			best_gap = gap;
			best.tsc = before + gap / 2;
			best.ticks = ticks;
		}
	}
	return best;
}

/* TSC ticks in a second by one interval; 0: the reference stands still. */
static uint64_t measure_round(const struct reference *r, uint64_t hz)
{
	struct sample start = take_sample(r), end;
	uint32_t want = (uint32_t)(hz * ROUND_MS / 1000);
	uint32_t ticks;

	while (((r->read() - start.ticks) & r->mask) < want)
		if (rdtsc() - start.tsc > STALLED)
			return 0;
	end = take_sample(r);
	ticks = (end.ticks - start.ticks) & r->mask;
	return (end.tsc - start.tsc) * hz / ticks;
}

static uint64_t median3(uint64_t a, uint64_t b, uint64_t c)
{
	return MAX(MIN(a, b), MIN(MAX(a, b), c));
}
static_assert(ROUNDS == 3, "median3");

uint64_t clock_measure_tsc_khz(void)
{
	unsigned i, n;

	for (i = 0; i < ARRAY_SIZE(references); i++) {
		const struct reference *r = &references[i];
		uint64_t hz = r->start(), found[ROUNDS], tsc_hz;

		if (hz == 0)
			continue;
		for (n = 0; n < ROUNDS; n++)
			found[n] = measure_round(r, hz);
		tsc_hz = median3(found[0], found[1], found[2]);
		if (tsc_hz < 1000000)
			continue;
		log_debug("TSC: %lu kHz by %s", tsc_hz / 1000, r->name);
		return tsc_hz / 1000;
	}
	panic("no clock: HPET, PM timer and PIT are missing or stand still");
}
