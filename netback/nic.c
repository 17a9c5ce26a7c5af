/*
 * nic.c: NICs as ports of the VFR; the drivers are behind struct nic_ops.
 *
 * Life: found on PCI at boot, then it works; it fails when its driver says so
 * or when it sends nothing for HANG_NS; while it has failed its port has no
 * link, until a reset starts it anew.  One that fails again and again is reset
 * at longer and longer intervals.
 */
#include "nic.h"

#include "lib.h"
#include "log.h"
#include "pci.h"
#include "percpu.h"
#include "time.h"

#define NICS_MAX	8
/* Of the 255 buffers at least that one of its queues has.  The VFR may hold 64 in
 * fragments and 48 for neighbours besides, so that some always come in. */
#define NIC_WAITS	128
#define BURST		VFR_BURST
#define TX_WAIT		256		/* packets that wait for its rings; a */
					/* half is the most that one is cut in */
#define HANG_NS		5000000000ull
#define WAIT_MIN_NS	100000000ull
#define WAIT_MAX_NS	60000000000ull	/* also: a device that held so long */
					/* is taken to be well */

static struct nic *nics[NICS_MAX];
static uint32_t nr_nics;

static const struct {
	uint16_t vendor, device;
	int (*probe)(const struct pci_device *d);
} drivers[] = {
	{ 0x1af4, 0x1000, virtio_net_probe }, /* transitional */
	{ 0x1af4, 0x1041, virtio_net_probe },
	{ 0x8086, 0x100e, e1000_probe }, /* 82540EM */
	{ 0x8086, 0x100f, e1000_probe }, /* 82545EM */
	{ 0x8086, 0x10d3, e1000_probe }, /* 82574L */
};

/* To the device, or to the end of those that wait for room in its rings. */
static int give(void *ctx, struct vfr_packet *p)
{
	struct nic *n = ctx;
	int rc = n->nr_wait ? -ENOBUFS : n->ops->transmit(n, p);

	if (rc != -ENOBUFS || n->nr_wait == TX_WAIT)
		return rc;
	packets_push(&n->wait, p);
	n->nr_wait++;
	return 0;
}

static void lose(struct nic *n, struct vfr_packet *p)
{
	n->tx_lost++;
	p->release(p);
}

/* What the device is done with makes room for what waits. */
static void reclaim(struct nic *n)
{
	struct vfr_packet *p, *next;
	int rc;

	n->ops->reclaim(n);
	if (!n->nr_wait)
		return;
	for (p = n->wait.head; p; p = next) {
		next = p->next; /* p is the device's from transmit() on */
		rc = n->ops->transmit(n, p);
		if (rc == -ENOBUFS)
			break;
		n->nr_wait--;
		if (rc)
			lose(n, p);
	}
	n->wait.head = p;
	n->ops->flush(n);
}

static void drop_waiting(struct nic *n)
{
	struct vfr_packet *p;

	while ((p = packets_pop(&n->wait))) {
		n->nr_wait--;
		lose(n, p);
	}
}

static bool must_cut(const struct nic *n, const struct vfr_packet *p)
{
	return p->gso != VFR_GSO_NONE &&
	       !(n->features & (p->gso == VFR_GSO_TCP4 ? VFR_DEV_TSO4 :
							 VFR_DEV_TSO6));
}

/* What takes room until it is sent: fragments, or whole segments. */
static uint32_t pieces(const struct nic *n, const struct vfr_packet *p)
{
	return must_cut(n, p) && p->gso_size ?
		       (p->len + p->gso_size - 1u) / p->gso_size :
		       p->nr_frags + 1u;
}

/* What the device cannot do is done here: then it only gets what it can. */
static int send(struct nic *n, struct vfr_packet *p)
{
	if (must_cut(n, p))
		return net_segments(p, give, n, &n->tx_lost);
	if (p->csum == VFR_CSUM_PARTIAL && !(n->features & VFR_DEV_CSUM))
		vfr_packet_checksum(p);
	return give(n, p);
}

static int port_transmit(void *ctx, struct vfr_packet *p)
{
	struct nic *n = ctx;
	int rc;

	if (n->failed)
		return -EIO;
	if (!vif_sends(p, pieces(n, p), TX_WAIT - n->nr_wait))
		return -ENOBUFS;
	rc = send(n, p);
	if (rc)
		vif_sends_not(p);
	return rc;
}

static void port_flush(void *ctx)
{
	struct nic *n = ctx;

	if (!n->failed)
		n->ops->flush(n);
}

static const struct vfr_port_ops port_ops = {
	.transmit = port_transmit,
	.flush = port_flush,
};

int nic_register(struct nic *n)
{
	struct vfr_device dev = { .kind = VFR_PORT_NIC, .ops = &port_ops,
				  .ctx = n, .features = n->features,
				  .mtu = n->mtu, .name = n->name,
				  .alias = n->address };

	if (nr_nics == NICS_MAX)
		return -ENOSPC;
	format(n->name, sizeof(n->name), "nic%u", nr_nics);
	format(n->address, sizeof(n->address), "0000:%02x:%02x.%x",
	       n->pci->bus, n->pci->dev, n->pci->fn);
	memcpy(dev.mac, n->mac, sizeof(dev.mac));
	n->source = (struct net_source){ FROM_NIC, NIC_WAITS, 1 };
	n->up = n->ops->link(n);
	spin_lock(&net_lock);
	n->port = vfr_port_attach(net_vfr, &dev);
	if (n->port >= 0) {
		vfr_port_link(net_vfr, (unsigned)n->port, n->up);
		nics[nr_nics++] = n;
	}
	net_unlock();
	if (n->port < 0)
		return n->port;
	log_info("net: %s at %s: %02x:%02x:%02x:%02x:%02x:%02x, %s, %u queues, "
		 "link %s", n->name, n->address, n->mac[0], n->mac[1],
		 n->mac[2], n->mac[3], n->mac[4], n->mac[5], n->driver,
		 n->nr_queues, n->up ? "up" : "down");
	return 0;
}

static void found(const struct pci_device *d)
{
	int rc = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i].vendor == d->vendor &&
		    drivers[i].device == d->device)
			rc = drivers[i].probe(d);
	if (!rc)
		return;
	pci_stop_dma(d);
	log_warn("net: the NIC at %x:%x.%x (%x:%x) cannot be used (%d)",
		 d->bus, d->dev, d->fn, d->vendor, d->device, rc);
}

void nics_init(void)
{
	pci_scan(found);
}

void nic_interrupt(struct nic *n, uint32_t queue)
{
	__atomic_fetch_add(&n->queue[queue].interrupts, 1, __ATOMIC_RELAXED);
	net_kick();
}

void nic_look(struct nic *n)
{
	__atomic_store_n(&n->look, true, __ATOMIC_RELEASE);
	net_kick();
}

static void link_update(struct nic *n)
{
	bool up;

	/* Before we look: a change from now on sets it again. */
	__atomic_store_n(&n->look, false, __ATOMIC_SEQ_CST);
	up = !n->failed && n->ops->link(n);
	if (up == n->up)
		return;
	n->up = up;
	vfr_port_link(net_vfr, (unsigned)n->port, up);
	log_info("net: %s: link %s", n->name, up ? "up" : "down");
}

/* ---- failure and reset ---- */

void nic_fail(struct nic *n, const char *why)
{
	uint64_t now = now_ns();

	if (n->failed)
		return;
	n->failed = why;
	n->emptied = false;
	n->failures++;
	n->wait_ns = n->resets && now - n->reset_ns < WAIT_MAX_NS ?
			     MIN(2 * n->wait_ns, WAIT_MAX_NS) :
			     WAIT_MIN_NS;
	n->retry_ns = now + n->wait_ns;
	nic_look(n); /* its port has no link now */
	log_warn("net: %s: %s: reset in %lu ms", n->name, why,
		 n->wait_ns / 1000000);
}

/* All packets come back from it.  As ops->reset. */
static int nic_restart(struct nic *n, uint64_t now)
{
	int rc = n->ops->reset(n);

	drop_waiting(n);
	for (uint32_t i = 0; i < n->nr_queues; i++) {
		n->queue[i].tx_done = n->queue[i].tx_packets;
		n->queue[i].moved_ns = now; /* it was not to move till now */
	}
	n->emptied = true;
	return rc;
}

static void nic_reset(struct nic *n, uint64_t now)
{
	int rc = nic_restart(n, now);

	n->resets++;
	n->reset_ns = now;
	if (rc) {
		n->failed = NULL;
		nic_fail(n, "it does not start");
		return;
	}
	n->failed = NULL;
	log_info("net: %s: was reset", n->name);
}

static bool hangs(struct nic *n, uint64_t now)
{
	bool hang = false;

	for (uint32_t i = 0; i < n->nr_queues; i++) {
		struct nic_queue *q = &n->queue[i];

		if (q->seen_done != q->tx_done ||
		    q->tx_packets == q->tx_done) {
			q->seen_done = q->tx_done;
			q->moved_ns = now;
		}
		hang |= now - q->moved_ns > HANG_NS;
	}
	return hang;
}

/*
 * One notification that is missed would be the last: the device waits for it,
 * and asks for no other.  QEMU misses some where it runs all CPUs in one thread:
 * then it leaves out our barrier between the index and the device's wish.
 */
static void remind(struct nic *n)
{
	uint64_t moved = 0;

	for (uint32_t i = 0; i < n->nr_queues; i++)
		moved += n->queue[i].rx_packets + n->queue[i].tx_done;
	if (moved == n->seen_moved && n->ops->remind)
		n->ops->remind(n);
	n->seen_moved = moved;
}

static void nic_tick(struct nic *n, uint64_t now)
{
	const char *why;

	if (!n->failed) {
		reclaim(n);
		remind(n);
		why = n->ops->check(n);
		if (!why && hangs(n, now))
			why = "it sends nothing";
		if (why)
			nic_fail(n, why);
	}
	if (n->failed && now >= n->retry_ns)
		nic_reset(n, now);
	else if (n->failed && !n->emptied) /* their senders wait for them */
		nic_restart(n, now);
	link_update(n);
}

void nics_tick(uint64_t now)
{
	for (uint32_t i = 0; i < nr_nics; i++)
		nic_tick(nics[i], now);
}

/* ---- packets ---- */

static void reclaim_all(void)
{
	for (uint32_t i = 0; i < nr_nics; i++)
		if (!nics[i]->failed)
			reclaim(nics[i]);
}

/* True: the budget ended before the packets did. */
static bool nic_run(struct nic *n, uint32_t budget, uint64_t now)
{
	struct vfr_packet *pkts[BURST];
	uint64_t began;
	uint32_t got;

	if (__atomic_load_n(&n->look, __ATOMIC_ACQUIRE))
		link_update(n);
	n->often = now - n->got_ns < NET_HOLD_NS;
	while (budget) {
		began = now_ns();
		reclaim_all(); /* what the last burst gave to some of them */
		if (n->failed)
			return false;
		got = n->ops->receive(n, pkts, MIN(budget, (uint32_t)BURST));
		if (!got)
			return false;
		n->got_ns = now;
		vfr_rx(net_vfr, (unsigned)n->port, pkts, got, now);
		vifs_charge(now_ns() - began);
		budget -= got;
	}
	return true;
}

bool nics_run(uint32_t budget, bool poll_busy, uint64_t now)
{
	bool more = false;

	for (uint32_t i = 0; i < nr_nics; i++) {
		if (poll_busy || !nics[i]->busy)
			nics[i]->busy = nic_run(nics[i], budget, now);
		more |= nics[i]->busy;
	}
	return more;
}

/* It may not say when it has sent what it has. */
static bool sends(const struct nic *n)
{
	for (uint32_t i = 0; i < n->nr_queues; i++)
		if (n->queue[i].tx_packets != n->queue[i].tx_done)
			return true;
	return false;
}

/*
 * Its interrupts stay off if it is busy, since it is polled again soon, or
 * held.  True: something came in meanwhile.
 */
static bool nic_rearm(struct nic *n, uint64_t now, uint64_t *again_ns)
{
	bool hold = n->often && current != this_cpu()->idle;

	if (n->failed || n->busy)
		return false;
	if (hold || sends(n))
		*again_ns = MIN(*again_ns, now + NET_HOLD_NS);
	return n->ops->rearm(n, hold);
}

bool nics_rearm(uint64_t now, uint64_t *again_ns)
{
	bool more = false;

	reclaim_all();
	for (uint32_t i = 0; i < nr_nics; i++)
		more |= nic_rearm(nics[i], now, again_ns);
	return more;
}

struct nic *nic_at(uint32_t index)
{
	return index < nr_nics ? nics[index] : NULL;
}

const struct nic *nic_of_port(unsigned port)
{
	for (uint32_t i = 0; i < nr_nics; i++)
		if (nics[i]->port == (int)port)
			return nics[i];
	return NULL;
}
