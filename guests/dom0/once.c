/*
 * once.c: the end of one domain ends the run.
 */
#include "dom0/once.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "dom0/domain.h"
#include "dom0/ping.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/time.h"

#define STATUS_OK	0
#define STATUS_CRASH	1
#define STATUS_BROKEN	2

#define AGAIN_NS	(100 * MILLISECONDS)

static const char *once_name, *once_reason;
static unsigned int status;

void machine_off(unsigned int s)
{
	struct sluice_power op = { .action = SLUICE_POWER_OFF, .status = s };

	panic("power off: %ld", control(SLUICE_CTL_POWER, &op));
}

bool audit_print(void)
{
	struct sluice_audit op = { 0 };
	long rc = control(SLUICE_CTL_AUDIT, &op);

	if (rc == -ENOSYS)
		printf("sluice: frame audit: not in this build\n");
	else if (rc)
		printf("sluice: frame audit: failed: %ld\n", rc);
	else if (op.errors)
		printf("sluice: frame audit: %lu errors\n", op.errors);
	else
		printf("sluice: frame audit: ok (%lu frames)\n", op.frames);
	return rc == -ENOSYS || (!rc && !op.errors);
}

static void alive_print(struct domain *d, bool alive)
{
	printf("sluice: %s: %s\n", alive ? "alive" : "dead", d->config.name);
	if (!alive)
		status = STATUS_BROKEN;
}

/* A domain that is not of the kit cannot answer; that it runs must do. */
static void others_look(void)
{
	for (struct domain *d = domains; d; d = d->next) {
		struct sluice_info info = { .domid = d->domid };

		if (d->state != DOMAIN_RUNNING || d->answer_port)
			continue;
		alive_print(d, !control(SLUICE_CTL_GETINFO, &info) &&
				       info.found == d->domid &&
				       !(info.state & SLUICE_DOM_SHUTDOWN));
	}
}

static void run_end(const struct ping_result *r)
{
	others_look();
	if (!audit_print())
		status = STATUS_BROKEN;
	printf("sluice: run ended: %s\n", once_reason);
	machine_off(status);
}

/* Somebody's ping may be under way: it ends by itself. */
static void run_ending(void *arg)
{
	static struct timer again;

	if (ping_start(NULL, alive_print, run_end))
		timer_set(&again, time_now() + AGAIN_NS, run_ending, NULL);
}

static void ended(struct domain *d, const char *reason)
{
	if (strcmp(d->config.name, once_name))
		return;
	once_reason = reason;
	status = !strcmp(reason, "poweroff") || !strcmp(reason, "reboot")
		? STATUS_OK : STATUS_CRASH;
	run_ending(NULL);
}

void once_init(const char *name)
{
	struct domain *d = domain_find(name);

	once_name = name;
	domain_ended_hook = ended;
	if (d) {
		d->config.on_poweroff = POLICY_DESTROY;
		d->config.on_reboot = POLICY_DESTROY;
		d->config.on_crash = POLICY_DESTROY;
		return;
	}
	printf("dom0: %s: not started: no module of that name\n", name);
	machine_off(STATUS_CRASH);
}
