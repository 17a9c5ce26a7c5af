/*
 * virtio_net_rx.c: packets that come in.  Single frames, of which the device
 * merges as many as a long packet needs (5.1.6.4, "Processing of Incoming
 * Packets").
 */
#include "virtio_net.h"

#include "leftover.h"
#include "lib.h"

static void post(struct vnet_rx *rx, struct page *pg)
{
	leftover_posted(pg);
	virtq_add(&rx->q, page_mfn(pg).n << PAGE_SHIFT, PAGE_SIZE, VIRTQ_WRITE);
	rx->page[virtq_end(&rx->q)] = pg;
}

int vnet_rx_alloc(struct vnet_rx *rx, uint16_t nr_pages)
{
	for (uint16_t i = 0; i < nr_pages; i++) {
		rx->page[i] = frames_alloc(0);
		if (!rx->page[i])
			return -ENOMEM;
		rx->nr_pages++;
	}
	return 0;
}

/* Requests of an empty queue are numbered from 0 on: so page[] is read before
 * it is written, and frames of packets on their way leave no holes. */
void vnet_rx_fill(struct vnet_rx *rx)
{
	for (uint16_t i = 0; i < VIRTQ_MAX; i++) {
		struct page *pg = rx->page[i];

		rx->page[i] = NULL;
		if (pg)
			post(rx, pg);
	}
}

static void release(struct vfr_packet *p)
{
	struct net_packet *np = net_packet_of(p);
	struct vnet_rx *rx = p->owner;

	for (uint32_t i = 0; i < np->nr_slots; i++)
		post(rx, np->slot[i].page);
	net_packet_put(np);
}

static bool offloads_set(struct vfr_packet *p, const struct vnet_hdr *h)
{
	if (h->flags & HDR_NEEDS_CSUM) {
		p->csum = VFR_CSUM_PARTIAL;
		p->csum_start = h->csum_start;
		p->csum_offset = h->csum_offset;
	} else if (h->flags & HDR_DATA_VALID) {
		p->csum = VFR_CSUM_VALID;
	}
	switch (h->gso_type & ~GSO_ECN) {
	case GSO_NONE:
		return true;
	case GSO_TCPV4:
		p->gso = VFR_GSO_TCP4;
		break;
	case GSO_TCPV6:
		p->gso = VFR_GSO_TCP6;
		break;
	default:
		return false;
	}
	p->gso_size = h->gso_size;
	return p->csum == VFR_CSUM_PARTIAL && h->gso_size;
}

/* One frame of a packet: skip bytes of it are the device's header.  False: it
 * does not fit in, and was posted again. */
static bool piece_add(struct vnet_rx *rx, struct net_packet *np, uint16_t id,
		      uint32_t len, uint32_t skip)
{
	struct page *pg = rx->page[id];

	rx->page[id] = NULL;
	if (len <= skip || len > PAGE_SIZE ||
	    vfr_packet_add(&np->p, (char *)page_virt(pg) + skip,
			   page_mfn(pg).n << PAGE_SHIFT, skip, len - skip)) {
		post(rx, pg);
		return false;
	}
	np->slot[np->nr_slots++].page = pg;
	return true;
}

/*
 * The packet that begins with this frame.  False: it is not what it must be;
 * np has what is to be posted again.  All frames that it names are taken.
 */
static bool packet_fill(struct vnet_rx *rx, struct net_packet *np, uint16_t id,
			uint32_t len)
{
	struct vnet_hdr h;
	unsigned left;
	bool good;

	/* Once: the device could still write there. */
	memcpy(&h, page_virt(rx->page[id]), sizeof(h));
	left = h.num_buffers;
	good = left >= 1 && left <= NET_SLOTS_MAX;
	if (!piece_add(rx, np, id, len, sizeof(h)))
		good = false;
	while (left > 1) {
		int rc = virtq_take(&rx->q, &id, &len);

		if (rc <= 0) {
			nic_fail(&rx->nic->nic,
				 "it says that a packet has more parts");
			return false;
		}
		left--;
		if (good) {
			good = piece_add(rx, np, id, len, 0);
			continue;
		}
		post(rx, rx->page[id]);
	}
	if (!good)
		return false;
	vfr_packet_seal(&np->p);
	return offloads_set(&np->p, &h);
}

/* Without a net_packet to hold it: all its frames are posted again. */
static void packet_skip(struct vnet_rx *rx, uint16_t id)
{
	const struct vnet_hdr *h = page_virt(rx->page[id]);
	unsigned left = READ_ONCE(h->num_buffers);
	uint32_t len;

	rx->nic->nic.rx_no_packet++;
	post(rx, rx->page[id]);
	while (left-- > 1 && virtq_take(&rx->q, &id, &len) > 0)
		post(rx, rx->page[id]);
}

static struct vfr_packet *packet_take(struct vnet_rx *rx, uint16_t id,
				      uint32_t len)
{
	struct net_packet *np = net_packet_get();

	if (!np) {
		packet_skip(rx, id);
		return NULL;
	}
	vfr_packet_init(&np->p, release, rx);
	np->nic = &rx->nic->nic;
	np->from = &np->nic->source;
	if (packet_fill(rx, np, id, len))
		return &np->p;
	rx->nic->nic.rx_bad++;
	release(&np->p);
	return NULL;
}

static uint32_t queue_receive(struct vnet_rx *rx, struct vfr_packet **pkts,
			      uint32_t budget)
{
	uint32_t got = 0, len;
	uint16_t id;
	int rc = 1;

	while (got < budget && !rx->nic->nic.failed) {
		rc = virtq_take(&rx->q, &id, &len);
		if (rc <= 0)
			break;
		pkts[got] = packet_take(rx, id, len);
		if (pkts[got])
			got++;
	}
	if (rc < 0)
		nic_fail(&rx->nic->nic,
			 "it returns a receive buffer that it does not have");
	rx->count->rx_packets += got;
	virtq_publish(&rx->q);
	return got;
}

/* The queues take turns in being first. */
uint32_t vnet_receive(struct nic *nic, struct vfr_packet **pkts,
		      uint32_t budget)
{
	struct virtio_net *n = virtio_net_of(nic);
	uint32_t got = 0;

	for (uint32_t i = 0; i < n->nr_pairs && got < budget; i++) {
		uint32_t at = n->rx_next;

		n->rx_next = at + 1 == n->nr_pairs ? 0 : at + 1;
		got += queue_receive(n->rx[at], pkts + got, budget - got);
	}
	return got;
}
