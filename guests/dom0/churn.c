/* churn.c: see churn.h. */
#include "dom0/churn.h"

#include <errno.h>
#include <stdio.h>

#include "dom0/domain.h"
#include "kit/time.h"

#define LOOK_NS		(1 * MILLISECONDS)
#define LATEST_NS	(10 * SECONDS)	/* then it has failed */
#define MORE_MS		4

static struct {
	struct domain *d;
	unsigned long left, done, connected;
	uint64_t began_ns, until_ns;	/* when it is ended; 0: not connected */
	struct timer timer;
} churn;

static void finish(const char *why)
{
	printf("churn: %lu times, %lu connected, %lu ms%s\n", churn.done,
	       churn.connected,
	       (time_now() - churn.began_ns) / MILLISECONDS, why);
	churn.d = NULL;
}

static bool start(void)
{
	churn.until_ns = 0;
	if (!domain_start(churn.d))
		return true;
	finish(": it does not start");
	return false;
}

/* It has lived long enough, or has ended by itself. */
static bool next(void)
{
	domain_destroy(churn.d);
	churn.done++;
	if (--churn.left)
		return start();
	finish("");
	return false;
}

static void look(void *arg)
{
	struct domain *d = churn.d;
	uint64_t now = time_now();

	if (!churn.until_ns && d->vif_connected[0]) {
		churn.connected++;
		churn.until_ns = now + churn.done % MORE_MS * MILLISECONDS;
	}
	if (d->state != DOMAIN_RUNNING ||
	    (churn.until_ns && now >= churn.until_ns)) {
		if (!next())
			return;
	} else if (now - d->started_ns > LATEST_NS) {
		finish(": its vif is not connected");
		return;
	}
	timer_set(&churn.timer, now + LOOK_NS, look, NULL);
}

int churn_start(struct domain *d, unsigned long count)
{
	if (churn.d)
		return -EBUSY;
	if (!count)
		return 0;
	domain_destroy(d);
	churn.d = d;
	churn.left = count;
	churn.done = churn.connected = 0;
	churn.began_ns = time_now();
	if (start())
		timer_set(&churn.timer, time_now() + LOOK_NS, look, NULL);
	return 0;
}
