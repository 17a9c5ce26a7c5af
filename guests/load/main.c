/*
 * load: domains that use the CPU in known ways, for tests of the scheduler and
 * of time.  do=hog on the command line spins; do=yield offers the CPU to others
 * in a loop; do=sleep wakes every 20 ms, works for work=N of them, and tells how
 * late it woke; do=clock compares the clocks of all its vcpus and tries each kind
 * of alarm.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "kit/control.h"
#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/vcpu.h"

#define WAKES		250
#define PERIOD_NS	(20 * MILLISECONDS)
#define STEP_MAX_NS	(50 * 1000ull)

static void hog(void *unused)
{
	for (;;)
		asm volatile("pause");
}

static void yielder(void *unused)
{
	for (;;)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* ---- do=sleep ---- */

static uint64_t late[WAKES];

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && compare(&v[j], &v[j - 1]) < 0; j--) {
			uint64_t t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}

/* Work for so much time of its own: steps in which it was interrupted for long
 * do not count. */
static void work(uint64_t ns)
{
	uint64_t last = time_now(), done = 0;

	while (done < ns) {
		uint64_t now = time_now();

		if (now - last < STEP_MAX_NS)
			done += now - last;
		last = now;
	}
}

static void sleeper(unsigned int port)
{
	uint64_t work_ns = option_number("work", 0) * MILLISECONDS;

	for (;;) {
		uint64_t at = time_now();

		for (int i = 0; i < WAKES; i++) {
			uint64_t now;

			at += PERIOD_NS;
			event_poll(port, at);
			now = time_now();
			late[i] = now - at;
			if (now > at)
				at = now;
			work(work_ns);
		}
		sort(late, WAKES);
		printf("woke late by us: median %lu p90 %lu max %lu\n",
		       late[WAKES / 2] / 1000, late[WAKES * 9 / 10] / 1000,
		       late[WAKES - 1] / 1000);
	}
}

/* ---- do=clock ---- */

static volatile uint64_t newest; /* that any vcpu has seen */
static volatile unsigned int backwards, readers;
static volatile bool stop;

/* A time that was read after another one was published is not before it. */
static void read_clocks(void *unused)
{
	__atomic_fetch_add(&readers, 1, __ATOMIC_SEQ_CST);
	while (!stop) {
		uint64_t seen = __atomic_load_n(&newest, __ATOMIC_SEQ_CST);
		uint64_t now = time_now();

		if (now < seen)
			__atomic_fetch_add(&backwards, 1, __ATOMIC_SEQ_CST);
		while (seen < now &&
		       !__atomic_compare_exchange_n(&newest, &seen, now, false,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
	__atomic_fetch_sub(&readers, 1, __ATOMIC_SEQ_CST);
}

static void count(void *arg)
{
	++*(unsigned int *)arg;
}

static void spin_until(uint64_t at)
{
	while (time_now() < at)
		event_dispatch();
}

static void say(const char *what, bool ok)
{
	printf("clock: %s: %s\n", what, ok ? "ok" : "FAILED");
}

/* The port of VIRQ_TIMER, which the kit has bound, with our own handler. */
static int timer_port(unsigned int *ticks)
{
	struct evtchn_status s = { .dom = DOMID_SELF };

	for (s.port = 1; s.port < 32; s.port++) {
		if (hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_status,
			       &s) ||
		    s.status != EVTCHNSTAT_virq || s.u.virq != VIRQ_TIMER)
			continue;
		event_attach(s.port, count, ticks);
		return (int)s.port;
	}
	return -1;
}

static void check_agree(void)
{
	uint64_t end = time_now() + SECONDS;

	for (unsigned int i = 1; i < 4; i++)
		vcpu_start(i, read_clocks, NULL);
	while (time_now() < end)
		;
	stop = true;
	read_clocks(NULL);
	while (__atomic_load_n(&readers, __ATOMIC_SEQ_CST) != 0)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
	say("vcpus agree", backwards == 0 && newest != 0);
}

static void check_poll(unsigned int port)
{
	uint64_t start = time_now(), took;

	event_poll(port, start + 50 * MILLISECONDS);
	took = time_now() - start;
	say("poll ends at its time", took >= 50 * MILLISECONDS &&
					     took < 500 * MILLISECONDS);
	start = time_now();
	event_poll(port, 1); /* long past */
	say("a past time ends it at once",
	    time_now() - start < 200 * MILLISECONDS);
}

static void check_alarms(void)
{
	static unsigned int ticks, alarms;
	struct vcpu_set_periodic_timer p = { .period_ns = 10 * MILLISECONDS };
	struct vcpu_set_singleshot_timer past = { .timeout_abs_ns = 1 };
	struct sluice_virtual_time v = { .alarm_ns = ~0ul };
	int timer = timer_port(&ticks);
	int virt = event_bind_virq(VIRQ_SLUICE_VTIMER, 0, count, &alarms);
	uint64_t start, v0;

	if (timer < 0 || virt < 0) {
		printf("clock: no port: %d %d FAILED\n", timer, virt);
		return;
	}
	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	spin_until(time_now() + 30 * MILLISECONDS);
	ticks = 0;
	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &p);
	start = time_now();
	spin_until(start + SECONDS);
	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	printf("clock: %u ticks in a second\n", ticks);
	say("periodic tick", ticks >= 50 && ticks <= 101);
	spin_until(time_now() + 30 * MILLISECONDS);
	ticks = 0;
	spin_until(time_now() + 50 * MILLISECONDS);
	say("stopped tick", ticks == 0);

	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &past);
	spin_until(time_now() + 20 * MILLISECONDS);
	say("single shot in the past", ticks == 1);
	past.flags = VCPU_SSHOTTMR_future;
	say("refused where it must be in the future",
	    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0,
		       &past) == -62);

	/* Virtual time stands still while we sleep. */
	control(SLUICE_CTL_VIRTUAL_TIME, &v);
	v0 = v.now_ns;
	event_poll((unsigned int)virt, time_now() + 300 * MILLISECONDS);
	control(SLUICE_CTL_VIRTUAL_TIME, &v);
	say("virtual time sleeps with us", v.now_ns - v0 < 200 * MILLISECONDS);
	v.alarm_ns = v.now_ns + 100 * MILLISECONDS;
	start = time_now();
	control(SLUICE_CTL_VIRTUAL_TIME, &v);
	event_poll((unsigned int)timer, time_now() + 300 * MILLISECONDS);
	event_dispatch();
	say("nor does its alarm ring", alarms == 0);
	/* A loaded host may hold back an emulated timer for a second. */
	start = time_now();
	while (alarms == 0 && time_now() < start + 10 * SECONDS)
		event_dispatch();
	spin_until(time_now() + 200 * MILLISECONDS);
	say("virtual alarm rings once", alarms == 1);
}

int guest_main(void)
{
	char what[16] = "hog";
	unsigned int n = (unsigned int)option_number("vcpus", 1);
	int port = event_bind_virq(VIRQ_DEBUG, 0, count, &(unsigned int){ 0 });

	option_get("do", what, sizeof(what));
	printf("load: %s\n", what);
	if (port < 0)
		panic("no port to poll: %d", port);
	for (unsigned int i = 1; i < n; i++)
		vcpu_start(i, strcmp(what, "yield") ? hog : yielder, NULL);
	if (!strcmp(what, "sleep"))
		sleeper((unsigned int)port);
	if (!strcmp(what, "yield"))
		yielder(NULL);
	if (!strcmp(what, "clock")) {
		check_poll((unsigned int)port);
		check_alarms();
		check_agree();
		printf("clock: done\n");
		return SHUTDOWN_poweroff;
	}
	hog(NULL);
	return SHUTDOWN_crash;
}
