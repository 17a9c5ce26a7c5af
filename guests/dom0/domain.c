/*
 * domain.c: starting, serving and ending domains.
 */
#include "dom0/domain.h"

#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "dom0/nodes.h"
#include "dom0/rings.h"
#include "dom0/vif.h"
#include "kit/control.h"
#include "kit/event.h"
#include "kit/kit.h"

#define BACKOFF_MIN_NS	(1 * SECONDS)
#define BACKOFF_MAX_NS	(60 * SECONDS)
#define LIVED_WELL_NS	(10 * SECONDS)	/* then the back-off starts anew */

struct domain *domains;
void (*domain_started_hook)(struct domain *d);
void (*domain_ended_hook)(struct domain *d, const char *reason);

static const char *const reasons[] = {
	[SHUTDOWN_poweroff] = "poweroff",
	[SHUTDOWN_reboot] = "reboot",
	[SHUTDOWN_suspend] = "suspend",
	[SHUTDOWN_crash] = "crash",
	[SHUTDOWN_watchdog] = "watchdog",
	[SHUTDOWN_soft_reset] = "soft_reset",
};

static const char *shutdown_name(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason] : "unknown";
}

struct domain *domain_define(const struct domain_config *c,
			     const struct kernel_image *im)
{
	struct domain *d = calloc(1, sizeof(*d)), **link = &domains;

	if (!d)
		return NULL;
	d->config = *c;
	d->image = *im;
	while (*link)
		link = &(*link)->next;
	*link = d;
	return d;
}

struct domain *domain_find(const char *name)
{
	struct domain *d = domains;

	while (d && strcmp(d->config.name, name))
		d = d->next;
	return d;
}

void domain_forget(struct domain *d)
{
	struct domain **link = &domains;

	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	free(d);
}

static void domain_control(struct domain *d, unsigned int op)
{
	struct sluice_domid arg = { .domid = d->domid };
	long rc = control(op, &arg);

	if (rc)
		printf("dom0: %s: control %u: %ld\n", d->config.name,
		       op, rc);
}

/* Take back all that dom0 holds of it, and the domain itself. */
static void domain_remove(struct domain *d)
{
	rings_detach(d);
	vifs_remove(d);
	domain_control(d, SLUICE_CTL_DESTROY);
	nodes_remove(d);
	conmux_remove(&conmux, &d->con);
	d->state = DOMAIN_OFF;
	d->domid = 0;
}

static int start_failed(struct domain *d, int rc, const char *why)
{
	printf("dom0: %s: not started: %s\n", d->config.name, why);
	if (domain_ended_hook)
		domain_ended_hook(d, "not started");
	return rc;
}

int domain_start(struct domain *d)
{
	struct built built;
	char err[128];
	int rc;

	timer_cancel(&d->restart);	/* it may be waiting: not any more */
	d->state = DOMAIN_OFF;
	if (!d->image.kernel)
		return start_failed(d, -ENOENT, "its image was given back");
	rc = domain_build(&d->config, &d->image, &built, err, sizeof(err));
	if (rc)
		return start_failed(d, rc, err);
	d->domid = built.domid;
	d->state = DOMAIN_RUNNING;
	d->started_ns = time_now();
	conmux_add(&conmux, &d->con, d->config.name, d->started_ns);
	rc = nodes_create(d, &built);
	rc = rc ?: vifs_create(d);
	if (!rc)
		rc = rings_attach(d, &built);
	if (rc) {
		domain_remove(d);
		return start_failed(d, rc, "its store or rings");
	}
	printf("dom0: %s: started\n", d->config.name);
	if (!d->config.paused)
		domain_control(d, SLUICE_CTL_UNPAUSE);
	if (domain_started_hook)
		domain_started_hook(d);
	return 0;
}

void domain_destroy(struct domain *d)
{
	timer_cancel(&d->restart);
	if (d->state != DOMAIN_OFF)
		printf("dom0: %s: ended: destroyed\n", d->config.name);
	if (d->state == DOMAIN_RUNNING || d->state == DOMAIN_PRESERVED)
		domain_remove(d);
	d->state = DOMAIN_OFF;
}

static void restart_now(void *arg);

/*
 * The first restart comes at once.  A domain that ends again before long waits
 * longer each time, so that one that cannot run does not keep dom0 busy.
 */
static void restart_later(struct domain *d)
{
	uint64_t delay = d->backoff_ns;

	d->backoff_ns = delay * 2;
	if (d->backoff_ns < BACKOFF_MIN_NS)
		d->backoff_ns = BACKOFF_MIN_NS;
	if (d->backoff_ns > BACKOFF_MAX_NS)
		d->backoff_ns = BACKOFF_MAX_NS;
	d->state = DOMAIN_WAITING;
	printf("dom0: %s: starts again in %lu s\n", d->config.name,
	       delay / SECONDS);
	timer_set(&d->restart, time_now() + delay, restart_now, d);
}

/* What keeps it from starting, as others that have the memory, may pass. */
static void restart_now(void *arg)
{
	struct domain *d = arg;

	if (domain_start(d))
		restart_later(d);
}

static void domain_restart(struct domain *d)
{
	if (time_now() - d->started_ns >= LIVED_WELL_NS)
		d->backoff_ns = 0;
	restart_later(d);
}

static enum policy policy_for(const struct domain *d, unsigned int reason)
{
	if (reason == SHUTDOWN_poweroff)
		return d->config.on_poweroff;
	if (reason == SHUTDOWN_reboot)
		return d->config.on_reboot;
	return d->config.on_crash;
}

static void domain_ended(struct domain *d, unsigned int reason)
{
	enum policy policy = policy_for(d, reason);

	rings_serve(d);			/* its last words */
	printf("dom0: %s: ended: %s\n", d->config.name,
	       shutdown_name(reason));
	if (policy == POLICY_PRESERVE)
		d->state = DOMAIN_PRESERVED;
	else
		domain_remove(d);
	if (domain_ended_hook)
		domain_ended_hook(d, shutdown_name(reason));
	if (policy == POLICY_RESTART)
		domain_restart(d);
}

/* VIRQ_DOM_EXC: some domain has ended; it does not say which. */
static void domains_check(void *arg)
{
	struct domain *d = domains, *next;

	for (; d; d = next) {
		struct sluice_info info = { .domid = d->domid };

		next = d->next;
		if (d->state != DOMAIN_RUNNING ||
		    control(SLUICE_CTL_GETINFO, &info) ||
		    info.found != d->domid)
			continue;
		if (info.state & SLUICE_DOM_SHUTDOWN)
			domain_ended(d, info.shutdown_reason);
	}
}

void domain_ask(struct domain *d, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown",
		 d->domid);
	xs_set(&xs_server, path, what);
	rings_serve_all();
}

bool domain_ping(struct domain *d)
{
	if (d->state != DOMAIN_RUNNING || !d->answer_port)
		return false;
	d->answered_ns = 0;
	d->asked_ns = time_now();
	return event_send(d->answer_port) == 0;
}

bool domain_answered(const struct domain *d)
{
	return d->answered_ns >= d->asked_ns;
}

unsigned int domain_clone(const struct domain *d, const char *prefix,
			  unsigned int n)
{
	struct domain_config c = d->config;
	unsigned int started = 0;

	c.paused = false;
	for (unsigned int i = 1; i <= n; i++) {
		struct domain *copy;

		snprintf(c.name, sizeof(c.name), "%s%u", prefix, i);
		if (domain_find(c.name))
			continue;
		copy = domain_define(&c, &d->image);
		if (!copy)
			break;
		if (domain_start(copy)) {
			domain_forget(copy);
			break;		/* nor will those behind it */
		}
		started++;
	}
	return started;
}

void domains_init(void)
{
	grant_init();
	nodes_init();
	event_bind_virq(VIRQ_DOM_EXC, 0, domains_check, NULL);
}
