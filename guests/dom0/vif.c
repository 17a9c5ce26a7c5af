/*
 * vif.c: the backend's half of the xenbus states.
 *
 * The frontend is at 1 (Initialising) when its domain starts and the backend at
 * 2 (InitWait) before it looks.  A frontend that has named its rings goes to 4
 * (Linux, straight from 1) or 3; the hypervisor then takes the rings as one
 * step, and the backend goes to 4, or to 6 with the reason in the store.  5 and
 * 6 of the frontend end the service; at 1 again the backend waits at 2: so a
 * boot loader hands its vif on to a kernel.
 */
#include "dom0/vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sluice/flip.h>
#include <sluice/net.h>
#include <xen/io/xenbus.h>

#include "dom0/domain.h"
#include "dom0/portname.h"
#include "kit/control.h"
#include "kit/kit.h"

#define PATH_MAX	128

static void front_path(char *path, const struct domain *d, unsigned int i,
		       const char *node)
{
	snprintf(path, PATH_MAX, "/local/domain/%u/device/vif/%u%s%s",
		 d->domid, i, *node ? "/" : "", node);
}

static void back_path(char *path, const struct domain *d, unsigned int i,
		      const char *node)
{
	snprintf(path, PATH_MAX, "/local/domain/0/backend/vif/%u/%u%s%s",
		 d->domid, i, *node ? "/" : "", node);
}

static int back_set(const struct domain *d, unsigned int i, const char *node,
		    const char *value)
{
	char path[PATH_MAX];

	back_path(path, d, i, node);
	return xs_set(&xs_server, path, value);
}

/* It is about an attempt; the next one that succeeds makes it untrue. */
static void error_clear(const struct domain *d, unsigned int i)
{
	char path[PATH_MAX], why[4];

	back_path(path, d, i, "error");
	if (xs_get(&xs_server, path, why, sizeof(why)) != -ENOENT)
		xs_delete(&xs_server, path);
}

static int front_set(const struct domain *d, unsigned int i, const char *node,
		     const char *value)
{
	char path[PATH_MAX];

	front_path(path, d, i, node);
	return xs_set(&xs_server, path, value);
}

static int state_set(const struct domain *d, unsigned int i,
		     enum xenbus_state state)
{
	char value[4];

	snprintf(value, sizeof(value), "%u", state);
	return back_set(d, i, "state", value);
}

/* A number that the frontend wrote, or fallback where it is none: digits alone,
 * and below 2^32. */
static uint32_t front_number(const struct domain *d, unsigned int i,
			     const char *node, uint32_t fallback)
{
	char path[PATH_MAX], value[16], *end;
	unsigned long n;

	front_path(path, d, i, node);
	if (xs_get(&xs_server, path, value, sizeof(value)) <= 0 ||
	    *value < '0' || *value > '9')
		return fallback;
	n = strtoul(value, &end, 10);
	return *end || n > UINT32_MAX ? fallback : n;
}

/* ---- nodes ---- */

/* What this backend offers. */
static const char *const offers[] = {
	"feature-rx-copy", "feature-sg", "feature-gso-tcpv4",
	"feature-gso-tcpv6", "feature-ipv6-csum-offload",
};

/* With a value: the newest version of the ring. */
#define OFFER_FLIP	"feature-sluice-flip"

static int directories_make(const struct domain *d, unsigned int i)
{
	char path[PATH_MAX];
	int rc;

	front_path(path, d, i, "");
	rc = xs_set(&xs_server, path, "");
	rc = rc ?: xs_set_owner(&xs_server, path, d->domid, 0);
	back_path(path, d, i, "");
	rc = rc ?: xs_set(&xs_server, path, "");
	return rc ?: xs_set_owner(&xs_server, path, 0, d->domid);
}

/* What the guest may want to know; it is not held to it here. */
static int addresses_write(const struct domain *d, unsigned int i)
{
	const struct vif_config *v = &d->config.vif[i];
	const struct {
		const char *node, *value;
	} table[] = {
		{ "ip", v->ip }, { "gateway", v->gateway },
		{ "ip6", v->ip6 }, { "gateway6", v->gateway6 },
	};
	int rc = 0;

	for (unsigned int k = 0; k < ARRAY_SIZE(table) && !rc; k++)
		if (*table[k].value)
			rc = front_set(d, i, table[k].node, table[k].value);
	return rc;
}

static int vif_create(struct domain *d, unsigned int i)
{
	const uint8_t *m = d->config.vif[i].mac;
	char path[PATH_MAX], mac[18], id[12], handle[12], flip[12];
	int rc = directories_make(d, i);

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
		 m[2], m[3], m[4], m[5]);
	front_path(path, d, i, "");
	rc = rc ?: back_set(d, i, "frontend", path);
	snprintf(id, sizeof(id), "%u", d->domid);
	rc = rc ?: back_set(d, i, "frontend-id", id);
	snprintf(handle, sizeof(handle), "%u", i);
	rc = rc ?: back_set(d, i, "handle", handle);
	rc = rc ?: back_set(d, i, "mac", mac);
	rc = rc ?: back_set(d, i, "online", "1");
	for (unsigned int k = 0; k < ARRAY_SIZE(offers) && !rc; k++)
		rc = back_set(d, i, offers[k], "1");
	snprintf(flip, sizeof(flip), "%u", SLUICE_FLIP_VERSION);
	rc = rc ?: back_set(d, i, OFFER_FLIP, flip);
	rc = rc ?: state_set(d, i, XenbusStateInitWait);
	back_path(path, d, i, "");
	rc = rc ?: front_set(d, i, "backend", path);
	rc = rc ?: front_set(d, i, "backend-id", "0");
	rc = rc ?: front_set(d, i, "handle", handle);
	rc = rc ?: front_set(d, i, "mac", mac);
	rc = rc ?: addresses_write(d, i);
	return rc ?: front_set(d, i, "state", "1");
}

int vifs_create(struct domain *d)
{
	int rc = 0;

	for (unsigned int i = 0; i < d->config.nr_vifs && !rc; i++) {
		d->vif_connected[i] = false;
		rc = vif_create(d, i);
	}
	return rc;
}

/* ---- the states ---- */

static void disconnect(struct domain *d, unsigned int i)
{
	struct sluice_vif_id id = { .domid = d->domid, .handle = i };

	if (d->vif_connected[i])
		control(SLUICE_NET_DISCONNECT, &id);
	d->vif_connected[i] = false;
}

static uint32_t features(const struct domain *d, unsigned int i)
{
	static const struct {
		const char *node;
		uint32_t bit;
	} table[] = {
		{ "feature-sg", SLUICE_VIF_SG },
		{ "feature-gso-tcpv4", SLUICE_VIF_TSO4 },
		{ "feature-gso-tcpv6", SLUICE_VIF_TSO6 },
		{ "feature-no-csum-offload", SLUICE_VIF_NO_CSUM },
		{ "feature-ipv6-csum-offload", SLUICE_VIF_CSUM6 },
	};
	uint32_t bits = 0;

	for (unsigned int k = 0; k < ARRAY_SIZE(table); k++)
		if (front_number(d, i, table[k].node, 0))
			bits |= table[k].bit;
	return bits;
}

static void refuse(struct domain *d, unsigned int i, const char *why)
{
	seldom_say(&d->vif_refused, time_now(),
		   "dom0: %s: vif %u cannot be connected: %s", d->config.name,
		   i, why);
	back_set(d, i, "error", why);
	state_set(d, i, XenbusStateClosed);
}

/* The version of flip rings that the frontend asks for; 0 without. */
static uint32_t flip_version(const struct domain *d, unsigned int i)
{
	return front_number(d, i, "request-sluice-flip", 0);
}

static void connect(struct domain *d, unsigned int i)
{
	struct sluice_vif v = {
		.domid = d->domid,
		.handle = i,
		.tx_ref = front_number(d, i, "tx-ring-ref", UINT32_MAX),
		.rx_ref = front_number(d, i, "rx-ring-ref", UINT32_MAX),
		.port = front_number(d, i, "event-channel", UINT32_MAX),
		.features = features(d, i),
		.mtu = 1500,
	};
	const uint64_t before_ns = time_now();
	char why[48];
	long rc;

	if (d->vif_connected[i])
		return;
	if (flip_version(d, i) > SLUICE_FLIP_VERSION)
		return refuse(d, i, "request-sluice-flip: no such version");
	if (flip_version(d, i))
		v.features |= SLUICE_VIF_FLIP;
	strcpy(v.device, d->config.vif[i].device);
	rc = control(SLUICE_NET_CONNECT, &v);
	if (rc) {
		snprintf(why, sizeof(why), "rings or event channel: %ld", rc);
		return refuse(d, i, why);
	}
	d->vif_connected[i] = true;
	portname_learn(before_ns);
	error_clear(d, i);
	if (state_set(d, i, XenbusStateConnected)) {
		disconnect(d, i);	/* it would wait for that for ever */
		refuse(d, i, "no memory for its state");
	}
}

static void front_changed(struct domain *d, unsigned int i)
{
	switch (front_number(d, i, "state", 0)) {
	case XenbusStateInitialising:
		disconnect(d, i);
		state_set(d, i, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		connect(d, i);
		break;
	case XenbusStateClosing:
		disconnect(d, i);
		state_set(d, i, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		disconnect(d, i);
		state_set(d, i, XenbusStateClosed);
		break;
	}
}

void vif_node_changed(const char *path)
{
	static const char head[] = "/local/domain/", mid[] = "/device/vif/";
	unsigned long id, i;
	struct domain *d;
	char *p;

	if (strncmp(path, head, sizeof(head) - 1))
		return;
	id = strtoul(path + sizeof(head) - 1, &p, 10);
	if (strncmp(p, mid, sizeof(mid) - 1))
		return;
	i = strtoul(p + sizeof(mid) - 1, &p, 10);
	if (strcmp(p, "/state"))
		return;
	for (d = domains; d; d = d->next)
		if (d->domid == id && d->state == DOMAIN_RUNNING &&
		    i < d->config.nr_vifs)
			front_changed(d, i);
}

void vifs_remove(struct domain *d)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < d->config.nr_vifs; i++)
		disconnect(d, i);
	snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u",
		 d->domid);
	xs_delete(&xs_server, path);
}
