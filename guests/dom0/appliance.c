/*
 * appliance.c: from the appliance file to domains and a loaded ruleset.
 *
 * The text is compiled here, outside the hypervisor, which gets the checked
 * ruleset alone.  A file with errors loads nothing: the VFR drops everything
 * until there is a ruleset.
 */
#include "dom0/appliance.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rules/rules.h>
#include <sluice/net.h>

#include "dom0/domain.h"
#include "dom0/module.h"
#include "dom0/vif_addr.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"

#define FILES_MAX	64
#define ARENA_SHARE	2	/* the compiler gets a half of what is free */
#define MIB		(1ull << 20)

struct file {
	const char *name;
	const struct module *module;
};

static struct file files[FILES_MAX];
static unsigned int nr_files;
static const struct module *appliance;
static struct rules rules;

bool appliance_module(const struct module *m)
{
	static const char text[] = ":appliance ", file[] = ":file ";

	if (m->line[0] != ':')
		return false;
	if (!strncmp(m->line, text, sizeof(text) - 1) && !appliance) {
		appliance = m;
	} else if (!strncmp(m->line, file, sizeof(file) - 1) &&
		   nr_files < FILES_MAX) {
		files[nr_files].name = m->line + sizeof(file) - 1;
		files[nr_files++].module = m;
	} else {
		printf("dom0: module '%s': not used\n", m->line);
	}
	return true;
}

static const struct module *file_find(const char *name)
{
	for (unsigned int i = 0; i < nr_files; i++)
		if (!strcmp(files[i].name, name))
			return files[i].module;
	return NULL;
}

/* ---- the compiler's host ---- */

static int read_file(void *ctx, const char *path, const char **text,
		     size_t *len)
{
	const struct module *m = file_find(path);

	if (!m)
		return -ENOENT;
	*text = m->data;
	*len = m->size;
	return 0;
}

static void out_write(void *ctx, const char *s, size_t n)
{
	printf("%.*s", (int)n, s);
}

static const struct rules_out console_out = { .write = out_write };

static void say(void *ctx, const struct rules_diag *d)
{
	rules_diag_print(d, &console_out);
}

static const struct rules_host host = { .read = read_file, .diag = say };

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
		.warp_us = rd->warp_ns / 1000,
		.on_reboot = POLICY_RESTART,
		.on_crash = policies[rd->on_crash],
	};
	strcpy(c->name, rd->node.name);
	strcpy(c->cmdline, rd->cmdline);
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
	kernel = file_find(rd->kernel);
	if (*rd->ramdisk)
		ramdisk = file_find(rd->ramdisk);
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

/* Those with a block and a kernel run here; others are names of hosts. */
static void domains_define(void)
{
	struct rules_node *n = NULL;

	while ((n = rules_next(&rules, RULES_DOMAIN, n)) != NULL) {
		const struct rules_domain *rd = (const void *)n;
		const char *why;

		if (!rd->has_block || !*rd->kernel || !rd->autostart)
			continue;
		why = domain_take(rd);
		if (why)
			printf("dom0: %s: not started: %s\n", n->name, why);
	}
}

/* ---- rules ---- */

static void ruleset_load(const void *blob, size_t len)
{
	struct sluice_ruleset load = { .blob = (uint64_t)blob, .size = len };
	long rc = control(SLUICE_NET_LOAD, &load);

	if (rc || load.status)
		printf("dom0: the rules are not loaded: %ld: %s\n",
		       rc ? rc : load.status, rc ? "" : load.why);
	else
		printf("dom0: rules loaded: %zu bytes\n", len);
}

void appliance_init(void)
{
	size_t pages = pages_nr_free() / ARENA_SHARE, len;
	const void *blob;
	void *mem = NULL;
	int rc;

	if (!appliance)
		return;
	while (pages && !(mem = pages_alloc(pages)))
		pages /= 2;
	if (!mem)
		panic("no memory to read the appliance file");
	rules_init(&rules, &host, mem, pages * PAGE_SIZE);
	rc = rules_parse(&rules, strchr(appliance->line, ' ') + 1,
			 appliance->data, appliance->size, 0);
	if (rules_check(&rules))
		rc = -EINVAL;
	if (!rc)
		rc = rules_compile(&rules, &blob, &len);
	if (rc) {
		printf("dom0: the appliance file has errors: nothing of it is "
		       "started, every packet is dropped\n");
	} else {
		ruleset_load(blob, len);
		domains_define();
	}
	pages_free(mem, pages);
}
