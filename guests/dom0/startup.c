/* startup.c: see startup.h. */
#include "dom0/startup.h"

#include <string.h>

#include "dom0/domain.h"
#include "dom0/module.h"
#include "kit/kit.h"
#include "kit/time.h"

static struct timer look_timer;

/* ---- the boot modules ---- */

static bool starts_again(const struct domain *d)
{
	return d->config.on_poweroff == POLICY_RESTART ||
	       d->config.on_reboot == POLICY_RESTART ||
	       d->config.on_crash == POLICY_RESTART;
}

static void image_release(const void *data)
{
	for (struct domain *d = domains; d; d = d->next)
		if (d->image.kernel == data || d->image.ramdisk == data)
			return;		/* an appliance file may name it twice */
	module_release(data);
}

static void first_start(void *arg)
{
	struct domain *d = arg;
	struct kernel_image was = d->image;

	if (domain_start(d) || starts_again(d))
		return;
	d->image = (struct kernel_image){ 0 };
	image_release(was.kernel);
	image_release(was.ramdisk);
}

/* ---- who waits for whom ---- */

/* The first of those that d waits for and that does not run; NULL: all run. */
static const char *misses(const struct domain *d)
{
	static char name[SLUICE_NAME_MAX];
	const char *s = d->config.after;

	for (size_t len; *s; s += len + (s[len] == ' ')) {
		const struct domain *other;

		len = strcspn(s, " ");
		snprintf(name, sizeof(name), "%.*s", (int)len, s);
		other = domain_find(name);
		if (!other || other->state != DOMAIN_RUNNING)
			return name;
	}
	return NULL;
}

/* None of those that it waited for is missing any more. */
static void go(struct domain *d)
{
	d->awaits = false;
	if (!d->config.delay_ns) {
		first_start(d);
		return;
	}
	printf("dom0: %s: starts in %lu ms\n", d->config.name,
	       d->config.delay_ns / MILLISECONDS);
	timer_set(&d->restart, time_now() + d->config.delay_ns, first_start, d);
}

static void look(void *unused)
{
	for (struct domain *d = domains; d; d = d->next)
		if (d->state == DOMAIN_WAITING && d->awaits && !misses(d))
			go(d);
}

/* From the event loop: others may be about to start as well. */
static void started(struct domain *d)
{
	timer_set(&look_timer, time_now(), look, NULL);
}

void domains_startup(void)
{
	domain_started_hook = started;
	for (struct domain *d = domains; d; d = d->next) {
		const char *other = misses(d);

		if (d->config.manual)
			continue;
		if (!other && !d->config.delay_ns) {
			first_start(d);
			continue;
		}
		d->state = DOMAIN_WAITING;
		d->awaits = true;
		if (other)
			printf("dom0: %s: waits for %s\n", d->config.name,
			       other);
		else
			go(d);
	}
	/* Nobody was served so far: their time to speak begins now. */
	for (struct domain *d = domains; d; d = d->next)
		d->started_ns = time_now();
}
