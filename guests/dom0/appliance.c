/*
 * appliance.c: from the appliance file to domains and a loaded ruleset.
 *
 * A file with errors loads nothing: the VFR drops everything until there is a
 * ruleset.
 */
#include "dom0/appliance.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rules/rules.h>

#include "dom0/api.h"
#include "dom0/domain.h"
#include "dom0/module.h"
#include "dom0/ruleset.h"
#include "dom0/ownvif.h"
#include "dom0/vif_addr.h"
#include "kit/kit.h"

#define FILES_MAX	64
#define MIB		(1ull << 20)

struct file {
	const char *name;
	const struct module *module;
};

static struct file files[FILES_MAX];
static unsigned int nr_files;
static const char *appliance;	/* its name */

static void file_add(const char *name, const struct module *m)
{
	if (nr_files == FILES_MAX) {
		printf("dom0: module '%s': one too many\n", m->line);
		return;
	}
	files[nr_files].name = name;
	files[nr_files++].module = m;
}

bool appliance_module(const struct module *m)
{
	static const char text[] = ":appliance ", file[] = ":file ";

	if (m->line[0] != ':')
		return false;
	if (!strncmp(m->line, text, sizeof(text) - 1) && !appliance) {
		appliance = m->line + sizeof(text) - 1;
		file_add(appliance, m);
	} else if (!strncmp(m->line, file, sizeof(file) - 1)) {
		file_add(m->line + sizeof(file) - 1, m);
	} else {
		printf("dom0: module '%s': not used\n", m->line);
	}
	return true;
}

static struct vif_config own_vif;	/* dom0's; no device: it has none */

const struct module *appliance_file(const char *name)
{
	for (unsigned int i = 0; i < nr_files; i++)
		if (!strcmp(files[i].name, name) && files[i].module->data)
			return files[i].module;
	return NULL;
}

/* ---- domains ---- */

static const enum policy policies[] = {
	[RULES_CRASH_DESTROY] = POLICY_DESTROY,
	[RULES_CRASH_RESTART] = POLICY_RESTART,
	[RULES_CRASH_PRESERVE] = POLICY_PRESERVE,
};

static int vifs_take(const struct rules_domain *rd, struct domain_config *c)
{
	const struct rules_iface *i;

	for (i = rd->ifaces; i; i = (const void *)i->node.next) {
		struct vif_config *v = &c->vif[c->nr_vifs];

		if (c->nr_vifs == VIFS_MAX ||
		    strlen(i->port_name) >= sizeof(v->device))
			return -E2BIG;
		strcpy(v->device, i->port_name);
		memcpy(v->mac, i->mac, sizeof(v->mac));
		vif_addr_take(i, v);
		c->nr_vifs++;
	}
	return 0;
}

/*
 * Who sleeps most of the time, as servers do, comes soon when it wakes, though
 * others use the CPU all the time: unless the file says otherwise, each domain
 * may be ahead of its share by a little, and not for long at a time.
 */
static void warp_take(const struct rules_domain *rd, struct domain_config *c)
{
	c->warp_us = rd->warp_ns ? rd->warp_ns / 1000 : 20000;
	c->warp_limit_us = rd->warp_ns ? rd->warp_limit_ns / 1000 : 10000;
	c->unwarp_us = rd->warp_ns ? rd->unwarp_ns / 1000 : 5000;
}

static bool after_take(const struct rules_domain *rd, struct domain_config *c)
{
	const struct rules_ref *a;
	size_t len = 0;

	for (a = rd->after; a; a = (const void *)a->node.next) {
		int n = snprintf(c->after + len, sizeof(c->after) - len,
				 "%s%s", len ? " " : "", a->target->name);

		if (n < 0 || (size_t)n >= sizeof(c->after) - len)
			return false;
		len += (size_t)n;
	}
	return true;
}

static const char *config_take(const struct rules_domain *rd,
			       struct domain_config *c)
{
	if (strlen(rd->node.name) >= sizeof(c->name))
		return "its name is too long";
	if (strlen(rd->cmdline) >= sizeof(c->cmdline))
		return "its cmdline is too long";
	*c = (struct domain_config){
		.memory_mib = rd->memory_bytes ? rd->memory_bytes / MIB : 16,
		.vcpus = rd->vcpus,
		.weight = rd->weight,
		.on_reboot = POLICY_RESTART,
		.on_crash = policies[rd->on_crash],
		.manual = !rd->autostart,
		.delay_ns = rd->delay_ns,
	};
	warp_take(rd, c);
	strcpy(c->name, rd->node.name);
	strcpy(c->cmdline, rd->cmdline);
	if (!after_take(rd, c))
		return "it waits for too many others";
	return vifs_take(rd, c) ? "it has too many interfaces" : NULL;
}

static const char *domain_take(const struct rules_domain *rd)
{
	static struct domain_config c;
	const struct module *kernel, *ramdisk = NULL;
	struct kernel_image im = { 0 };
	const char *why = config_take(rd, &c);

	if (why)
		return why;
	kernel = appliance_file(rd->kernel);
	if (*rd->ramdisk)
		ramdisk = appliance_file(rd->ramdisk);
	if (!kernel || (*rd->ramdisk && !ramdisk))
		return "its kernel or ramdisk is not among the boot modules";
	im.kernel = kernel->data;
	im.kernel_bytes = kernel->size;
	if (ramdisk) {
		im.ramdisk = ramdisk->data;
		im.ramdisk_bytes = ramdisk->size;
	}
	if (domain_find(c.name))
		return "the name is taken";
	return domain_define(&c, &im) ? NULL : "no memory";
}

/* What the file may say, and nothing here does yet. */
static void not_kept(const struct rules_domain *rd)
{
	if (rd->disks)
		printf("dom0: %s: it has no disks: they are not served yet\n",
		       rd->node.name);
}

/* Of dom0 itself the file says where its interface is. */
static void own_take(const struct rules_domain *rd)
{
	static struct domain_config c;

	if (!vifs_take(rd, &c) && c.nr_vifs)
		own_vif = c.vif[0];
}

/* Those with a block and a kernel run here; others are names of hosts. */
static void domains_define(const struct rules *r)
{
	struct rules_node *n = NULL;

	while ((n = rules_next(r, RULES_DOMAIN, n)) != NULL) {
		const struct rules_domain *rd = (const void *)n;
		const char *why;

		if (!strcmp(n->name, OWNVIF_DOMAIN)) {
			own_take(rd);
			continue;
		}
		if (!rd->has_block || !*rd->kernel)
			continue;
		why = domain_take(rd);
		if (why)
			printf("dom0: %s: not started: %s\n", n->name, why);
		else
			not_kept(rd);
	}
}

static void own_start(void)
{
	int rc = ownvif_start(&own_vif);

	if (rc)
		printf("dom0: no interface for itself: %d\n", rc);
	else
		api_start();
}

static void terminal_write(void *ctx, const char *s, size_t n)
{
	printf("%.*s", (int)n, s);
}

void appliance_init(void)
{
	static const struct rules_out terminal = { .write = terminal_write };
	const struct ruleset_load load = { .name = appliance,
					   .loaded = domains_define };

	if (appliance && ruleset_load(&load, &terminal))
		printf("dom0: nothing of the appliance file is started, every "
		       "packet is dropped\n");
	if (*own_vif.device)
		own_start();
}
