/*
 * ownvif.c: see ownvif.h.
 *
 * dom0 is the store, so there is no handshake over it: the rings that its
 * netfront makes are given to the hypervisor at once.
 */
#include "dom0/ownvif.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sluice/net.h>

#include "dom0/portname.h"
#include "kit/control.h"
#include "kit/netfront.h"
#include "kit/netfront_rings.h"
#include "kit/time.h"
#include "net/net.h"

#define DOM0		0
#define HANDLE		0
#define BUFS		256	/* pages; netfront's least */
#define HEAP_PAGES	128	/* of lwIP's; clients have captures sent */

static char device[SLUICE_DEVICE_NAME];

const char *ownvif_device(void)
{
	return device;
}

static int connect(const struct netfront_rings *rings,
		   const struct vif_config *v)
{
	struct sluice_vif arg = {
		.domid = DOM0,
		.handle = HANDLE,
		.tx_ref = rings->tx_ref,
		.rx_ref = rings->rx_ref,
		.port = rings->port,
		.features = SLUICE_VIF_SG | SLUICE_VIF_TSO4 | SLUICE_VIF_TSO6 |
			    SLUICE_VIF_CSUM6,
		.mtu = 1500,
	};

	strcpy(arg.device, v->device);
	return (int)control(SLUICE_NET_CONNECT, &arg);
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

int ownvif_start(const struct vif_config *v)
{
	struct net_config c = {
		.ip = or_null(v->ip), .gateway = or_null(v->gateway),
		.ip6 = or_null(v->ip6), .gateway6 = or_null(v->gateway6),
	};
	const uint64_t before_ns = time_now();
	struct netfront_rings rings;
	struct netfront *nf;
	int rc;

	if (*device)
		return -EEXIST;
	nf = netfront_new(DOM0, false, &net_handler, NULL, BUFS, &rings);
	if (!nf)
		return -ENOMEM;
	netfront_name(nf, HANDLE, v->mac);
	rc = connect(&rings, v);
	if (rc) {
		netfront_free(nf);
		return rc;
	}
	portname_learn(before_ns);
	strcpy(device, v->device);
	net_heap_pages = HEAP_PAGES;
	return net_start(nf, &c);
}
