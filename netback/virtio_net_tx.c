/*
 * virtio_net_tx.c: packets that leave, by scatter-gather straight from the
 * frames they lie in (5.1.6.2, "Packet Transmission").
 */
#include "virtio_net.h"

#include "lib.h"
#include "nic_flow.h"

static uint64_t phys(const void *directmap)
{
	return (uint64_t)directmap - DIRECTMAP_VIRT;
}

static void header_fill(struct vnet_hdr *h, const struct vfr_packet *p)
{
	memset(h, 0, sizeof(*h));
	if (p->csum == VFR_CSUM_PARTIAL) {
		h->flags = HDR_NEEDS_CSUM;
		h->csum_start = p->csum_start;
		h->csum_offset = p->csum_offset;
	}
	if (p->gso != VFR_GSO_NONE) {
		h->gso_type = p->gso == VFR_GSO_TCP4 ? GSO_TCPV4 : GSO_TCPV6;
		h->gso_size = p->gso_size;
		h->hdr_len = p->hdr_len;
	}
}

/*
 * The device's header stands right before the packet's own, in the headroom, so
 * that both are one piece.  Where the VFR made the packet it is no net_packet;
 * what is remembered is only its address.
 */
int vnet_transmit(struct nic *nic, struct vfr_packet *p)
{
	struct virtio_net *n = virtio_net_of(nic);
	struct vnet_tx *tx = n->tx[0];
	struct vnet_hdr *h;

	if (n->tx_pairs > 1)
		tx = n->tx[nic_flow_hash(p->hdr, p->hdr_len) % n->tx_pairs];
	if (tx->q.nr_free < p->nr_frags + 1u)
		return -ENOBUFS;
	if (p->hdr - p->buf < (int)sizeof(*h))
		return -EINVAL;
	h = (struct vnet_hdr *)(p->hdr - sizeof(*h));
	header_fill(h, p);
	virtq_add(&tx->q, phys(h), sizeof(*h) + p->hdr_len, 0);
	for (unsigned i = 0; i < p->nr_frags; i++)
		virtq_add(&tx->q, phys(p->frags[i].data), p->frags[i].len, 0);
	tx->packet[virtq_end(&tx->q)] = p;
	tx->count->tx_packets++;
	return 0;
}

void vnet_flush(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);

	for (uint32_t i = 0; i < n->tx_pairs; i++)
		virtq_publish(&n->tx[i]->q);
}

static void queue_reclaim(struct virtio_net *n, struct vnet_tx *tx)
{
	struct vfr_packet *p;
	uint32_t len;
	uint16_t id;
	int rc;

	while ((rc = virtq_take(&tx->q, &id, &len)) > 0) {
		p = tx->packet[id];
		tx->packet[id] = NULL;
		tx->count->tx_done++;
		p->release(p);
	}
	if (rc < 0)
		nic_fail(&n->nic, "it sends a packet that it does not have");
}

void vnet_reclaim(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);

	for (uint32_t i = 0; i < n->nr_pairs; i++)
		queue_reclaim(n, n->tx[i]);
}

void vnet_tx_drop(struct vnet_tx *tx)
{
	for (uint16_t i = 0; i < VIRTQ_MAX; i++) {
		struct vfr_packet *p = tx->packet[i];

		tx->packet[i] = NULL;
		if (p)
			p->release(p);
	}
}
