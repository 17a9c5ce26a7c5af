/*
 * dom0: the management domain.  It builds the other domains from the boot
 * modules, and serves their stores and consoles for as long as it runs.
 *
 * Options on its own GRUB line:
 *	attach=NAME	the terminal belongs to that domain's console at first
 *	once=NAME	power off when that domain has ended; see once.h
 *	token=SECRET	what clients of the API must know; without it there is none
 */
#include <stdint.h>
#include <string.h>

#include "dom0/appliance.h"
#include "dom0/config.h"
#include "dom0/conmux.h"
#include "dom0/domain.h"
#include "dom0/module.h"
#include "dom0/once.h"
#include "dom0/rings.h"
#include "dom0/shell.h"
#include "dom0/startup.h"
#include "kit/console.h"
#include "kit/control.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"

struct conmux conmux = {
	.emit = console_write,
	.to_domain = rings_type,
	.command = shell_run,
};

static void keys(const char *buf, size_t len)
{
	conmux_input(&conmux, buf, len);
}

static void ramdisk_set(const char *name, const struct module *m)
{
	struct domain *d = domain_find(name);

	if (!d) {
		printf("dom0: module '%s': no domain %s before it\n", m->line,
		       name);
		return;
	}
	d->image.ramdisk = m->data;
	d->image.ramdisk_bytes = m->size;
}

static void module_define(const struct module *m)
{
	static struct domain_config c;
	struct kernel_image im = { m->data, m->size };
	enum module_kind kind;
	char err[128];

	if (config_parse(m->line, &kind, &c, err, sizeof(err))) {
		printf("dom0: %s: not started: %s\n", c.name, err);
		return;
	}
	if (kind == MODULE_RAMDISK)
		ramdisk_set(c.name, m);
	else if (domain_find(c.name))
		printf("dom0: %s: not started: the name is taken\n", c.name);
	else if (!domain_define(&c, &im))
		panic("no memory for domain %s", c.name);
}

/* Prompts of domains wait in unfinished lines. */
static void lines_flush(void *arg)
{
	static struct timer timer;

	conmux_flush(&conmux, time_now());
	timer_set(&timer, time_now() + CON_PARTIAL_NS, lines_flush, NULL);
}

/*
 * dom0 sleeps most of the time and has little to do when it wakes; all others
 * wait for that.  So it may run ahead, but not for long at a stretch.
 */
static void warp_self(void)
{
	struct sluice_sched s = {
		.domid = 0,
		.weight = 256,
		.warp_on = 1,
		.warp_ns = 50 * MILLISECONDS,
		.warp_limit_ns = 20 * MILLISECONDS,
		.unwarp_ns = 20 * MILLISECONDS,
	};

	if (control(SLUICE_CTL_SET_SCHED, &s))
		printf("dom0: no warp for itself\n");
}

int guest_main(void)
{
	static char name[SLUICE_NAME_MAX], attach[SLUICE_NAME_MAX];
	const struct module *modules;
	unsigned int n;

	n = modules_find(&modules);
	printf("dom0: up %lu ms, %lu pages, %u modules\n",
	       time_now() / MILLISECONDS, start_info->nr_pages, n);
	warp_self();
	domains_init();
	console_on_input(keys);
	for (unsigned int i = 0; i < n; i++)
		if (!appliance_module(&modules[i]))
			module_define(&modules[i]);
	appliance_init();
	if (option_get("once", name, sizeof(name)))
		once_init(name);
	domains_startup();
	printf("dom0: ready\n");
	if (option_get("attach", attach, sizeof(attach)))
		shell_attach(attach);
	if (!conmux.attached)
		conmux_prompt(&conmux);
	lines_flush(NULL);
	event_loop();
}
