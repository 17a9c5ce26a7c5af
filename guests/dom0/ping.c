/*
 * ping.c: a walk over the domains, one event at a time.
 */
#include <errno.h>

#include "dom0/domain.h"
#include "dom0/ping.h"
#include "kit/time.h"

#define WITHIN_NS	(5 * SECONDS)
#define LOOK_NS		(1 * MILLISECONDS)
#define YOUNG_NS	(10 * SECONDS)	/* may still want to make its port */

static struct ping {
	bool		    busy, only_one;
	uint32_t	    domid;	/* of the one that was asked */
	struct timer	    timer;
	struct ping_result  result;
	void		  (*each)(struct domain *d, bool alive);
	void		  (*done)(const struct ping_result *r);
} ping;

static void ping_look(void *arg);

/* The domain asked may have ended meanwhile: find it, or the next, by id. */
static struct domain *domain_from(uint32_t domid)
{
	struct domain *best = NULL;

	for (struct domain *d = domains; d; d = d->next)
		if (d->state == DOMAIN_RUNNING && d->answer_port &&
		    d->domid >= domid && (!best || d->domid < best->domid))
			best = d;
	return best;
}

/* A guest that has just been started gets time to say where it answers. */
static bool is_young_silent(const struct domain *d)
{
	return d->state == DOMAIN_RUNNING && !d->answer_port &&
	       !d->config.paused && time_now() - d->started_ns < YOUNG_NS;
}

/* One of those that are to be asked may yet say where. */
static bool someone_may_speak(void)
{
	for (struct domain *d = domains; d; d = d->next)
		if (is_young_silent(d) &&
		    (!ping.only_one || d->domid == ping.domid))
			return true;
	return false;
}

static void ping_ask(struct domain *d)
{
	ping.domid = d->domid;
	ping.result.asked++;
	domain_ping(d);
	timer_set(&ping.timer, time_now() + LOOK_NS, ping_look, NULL);
}

static void ping_over(void)
{
	ping.busy = false;
	if (ping.done)
		ping.done(&ping.result);
}

static void ping_look(void *arg)
{
	struct domain *d = domain_from(ping.domid);

	if (d && d->domid == ping.domid) {
		if (!domain_answered(d) &&
		    time_now() - d->asked_ns < WITHIN_NS) {
			timer_set(&ping.timer, time_now() + LOOK_NS, ping_look,
				  NULL);
			return;
		}
		ping.result.answered += domain_answered(d);
		if (ping.each)
			ping.each(d, domain_answered(d));
	}
	d = ping.only_one ? NULL : domain_from(ping.domid + 1);
	if (d)
		ping_ask(d);
	else
		ping_over();
}

static void ping_first(void *arg)
{
	struct domain *d = domain_from(ping.domid);

	if (someone_may_speak())
		timer_set(&ping.timer, time_now() + LOOK_NS, ping_first, NULL);
	else if (d && (!ping.only_one || d->domid == ping.domid))
		ping_ask(d);
	else
		ping_over();
}

int ping_start(struct domain *one, void (*each)(struct domain *d, bool alive),
	       void (*done)(const struct ping_result *r))
{
	if (ping.busy)
		return -EBUSY;
	ping = (struct ping){
		.busy = true, .only_one = one != NULL,
		.domid = one ? one->domid : 0, .each = each, .done = done,
	};
	ping_first(NULL);
	return 0;
}
