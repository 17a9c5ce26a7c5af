/*
 * nodes.c: /local/domain/ID.
 *
 * The directory is dom0's and the guest may read it; what the guest writes to
 * are directories of its own below.  A new node takes the permissions of its
 * directory, so the table's order matters: directories come first.
 */
#include "dom0/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/domain.h"
#include "dom0/vif.h"
#include "kit/answer.h"
#include "kit/event.h"
#include "kit/kit.h"

struct xs_server xs_server;

static const char *const guest_dirs[] = {
	"control", "data", "device", "drivers", "attr", "error", "feature",
};

static int node_set(struct domain *d, const char *node, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", d->domid, node);
	return xs_set(&xs_server, path, value);
}

static int node_set_number(struct domain *d, const char *node, uint64_t n)
{
	char value[24];

	snprintf(value, sizeof(value), "%lu", n);
	return node_set(d, node, value);
}

static int directory_make(struct domain *d)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u", d->domid);
	rc = xs_set(&xs_server, path, "");
	return rc ? rc : xs_set_owner(&xs_server, path, 0, d->domid);
}

static int guest_dir_make(struct domain *d, const char *dir)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", d->domid, dir);
	rc = xs_set(&xs_server, path, "");
	return rc ? rc : xs_set_owner(&xs_server, path, d->domid, d->domid);
}

int nodes_create(struct domain *d, const struct built *b)
{
	uint64_t kib = (uint64_t)d->config.memory_mib * 1024;
	char node[48];
	int rc = directory_make(d);

	for (unsigned int i = 0; i < ARRAY_SIZE(guest_dirs) && !rc; i++)
		rc = guest_dir_make(d, guest_dirs[i]);
	rc = rc ?: node_set(d, "name", d->config.name);
	rc = rc ?: node_set_number(d, "domid", d->domid);
	rc = rc ?: node_set_number(d, "memory/target", kib);
	rc = rc ?: node_set_number(d, "memory/static-max", kib);
	rc = rc ?: node_set(d, "control/shutdown", "");
	rc = rc ?: node_set(d, "control/platform-feature-multiprocessor-"
			    "suspend", "0");
	rc = rc ?: node_set_number(d, "console/ring-ref", BUILD_GRANT_CONSOLE);
	rc = rc ?: node_set_number(d, "console/port", b->console_remote_port);
	rc = rc ?: node_set(d, "console/type", "dom0");
	rc = rc ?: node_set_number(d, "console/limit", CON_HISTORY);
	rc = rc ?: node_set_number(d, "store/port", b->xenstore_remote_port);
	for (unsigned int i = 0; i < d->config.vcpus && !rc; i++) {
		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		rc = node_set(d, node, "online");
	}
	return rc;
}

void nodes_remove(struct domain *d)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u", d->domid);
	xs_delete(&xs_server, path);
	xs_special(&xs_server, "@releaseDomain");
}

static void answered(void *arg)
{
	struct domain *d = arg;

	d->answers++;
	d->answered_ns = time_now();
}

/* A guest of the kit has written where it answers; see kit/answer.h. */
static void node_changed(void *arg, const char *path)
{
	static const char head[] = "/local/domain/";
	char value[16], *node;
	struct domain *d;
	unsigned long id;
	int port;

	vif_node_changed(path);
	if (strncmp(path, head, sizeof(head) - 1))
		return;
	id = strtoul(path + sizeof(head) - 1, &node, 10);
	if (strcmp(node, "/" ANSWER_NODE) ||
	    xs_get(&xs_server, path, value, sizeof(value)) <= 0)
		return;
	for (d = domains; d; d = d->next)
		if (d->domid == id && d->state == DOMAIN_RUNNING)
			break;
	if (!d || d->answer_port)
		return;
	port = event_bind_interdomain(id, strtoul(value, NULL, 10), answered,
				      d);
	if (port < 0)
		seldom_say(&d->answer_refused, time_now(),
			   "dom0: %s: no answer port: %d", d->config.name,
			   port);
	else
		d->answer_port = port;
}

void nodes_init(void)
{
	if (xs_server_init(&xs_server))
		panic("no memory for the store");
	xs_set(&xs_server, "/local/domain/0/name", "dom0");
	xs_set(&xs_server, "/local/domain/0/domid", "0");
	xs_server.changed = node_changed;
}
