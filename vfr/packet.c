/*
 * packet.c: pieces of a packet into one, its header copy, its checksum.
 */
#include <errno.h>

#include "internal.h"

int vfr_packet_add(struct vfr_packet *p, const void *data, uint64_t handle,
		   uint32_t offset, uint32_t len)
{
	if (p->nr_frags == VFR_MAX_FRAGS || !len || len > VFR_MAX_LEN ||
	    p->len + len > VFR_MAX_LEN)
		return -E2BIG;
	p->frags[p->nr_frags++] = (struct vfr_frag){
		.data = data, .handle = handle, .len = len, .offset = offset,
	};
	p->len += len;
	return 0;
}

/* Move bytes from the fragments to the end of hdr, until it has n. */
static void pull_to(struct vfr_packet *p, unsigned int n)
{
	unsigned int used = 0;

	while (p->hdr_len < n) {
		struct vfr_frag *f = &p->frags[used];
		uint32_t k = n - p->hdr_len;

		if (k > f->len)
			k = f->len;
		memcpy(p->hdr + p->hdr_len, f->data, k);
		p->hdr_len += k;
		f->data += k;
		f->offset += k;
		f->len -= k;
		if (!f->len)
			used++;
	}
	if (used) {
		p->nr_frags -= used;
		memmove(p->frags, p->frags + used,
			p->nr_frags * sizeof(p->frags[0]));
	}
}

void vfr_packet_seal(struct vfr_packet *p)
{
	pull_to(p, p->len < VFR_HDR_PULL ? p->len : VFR_HDR_PULL);
}

int vfr_packet_pull(struct vfr_packet *p, unsigned int n)
{
	if (n <= p->hdr_len)
		return 0;
	if (n > p->len || n > VFR_HDR_MAX)
		return -EINVAL;
	pull_to(p, n);
	return 0;
}

unsigned int vfr_packet_copy(const struct vfr_packet *p, unsigned int from,
			     void *to, unsigned int n)
{
	uint8_t *out = to;
	unsigned int i, done = 0, k;

	if (from < p->hdr_len) {
		k = p->hdr_len - from;
		if (k > n)
			k = n;
		memcpy(out, p->hdr + from, k);
		done = k;
		from = 0;
	} else {
		from -= p->hdr_len;
	}
	for (i = 0; i < p->nr_frags && done < n; i++) {
		const struct vfr_frag *f = &p->frags[i];

		if (from >= f->len) {
			from -= f->len;
			continue;
		}
		k = f->len - from;
		if (k > n - done)
			k = n - done;
		memcpy(out + done, f->data + from, k);
		done += k;
		from = 0;
	}
	return done;
}

uint64_t packet_sum(const struct vfr_packet *p, uint32_t from, uint32_t n)
{
	uint64_t sum = 0;
	uint8_t piece[256];

	while (n) {
		uint32_t k = vfr_packet_copy(p, from, piece,
					     n < sizeof(piece) ? n
							       : sizeof(piece));

		if (!k)
			break;
		sum = sum_add(sum, piece, k);
		from += k;
		n -= k;
	}
	return sum;
}

void vfr_packet_checksum(struct vfr_packet *p)
{
	uint32_t at = p->csum_start + p->csum_offset;
	uint16_t sum;

	if (p->csum != VFR_CSUM_PARTIAL || at + 2 > p->hdr_len)
		return;
	sum = (uint16_t)~sum_fold(packet_sum(p, p->csum_start,
					     p->len - p->csum_start));
	if (!sum && p->csum_offset == 6)
		sum = 0xffff;	/* UDP: 0 would mean "none" (RFC 768) */
	sum_store(p->hdr + at, sum);
	p->csum = VFR_CSUM_NONE;
}

/* What changes in the TCP and IP headers from segment to segment. */
static void segment_header(const struct vfr_packet *p, unsigned int i,
			   uint8_t *hdr, uint32_t l3, uint32_t hlen,
			   uint32_t n, bool last)
{
	uint8_t *ip = hdr + l3, *tcp = hdr + p->csum_start;
	uint32_t l4_len = hlen - p->csum_start + n;
	uint16_t sum;

	put32(tcp + 4, get32(tcp + 4) + i * p->gso_size);
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (i)
		tcp[13] &= 0x7f;	/* CWR only once (RFC 3168) */
	if (p->gso == VFR_GSO_TCP4) {
		put16(ip + 2, hlen - l3 + n);
		put16(ip + 4, get16(ip + 4) + i);
		put16(ip + 10, 0);
		sum_store(ip + 10, ~sum_fold(sum_add(0, ip, (ip[0] & 15) * 4)));
		sum = sum_fold(sum_pseudo(ip + 12, ip + 16, 4, IP_TCP, l4_len));
	} else {
		put16(ip + 4, hlen - l3 - IP6_LEN + n);
		sum = sum_fold(sum_pseudo(ip + 8, ip + 24, 16, IP_TCP, l4_len));
	}
	sum_store(tcp + 16, sum);
}

int vfr_packet_segment(const struct vfr_packet *p, unsigned int i,
		       uint8_t *hdr, unsigned int hdr_cap, uint32_t *from,
		       uint32_t *n)
{
	uint32_t l3 = ETH_LEN, hlen, at;
	uint16_t sum;
	bool last;

	if (p->gso == VFR_GSO_NONE || !p->gso_size ||
	    p->csum_start + TCP_LEN > p->hdr_len)
		return -EINVAL;
	if (get16(p->hdr + 12) == ETH_VLAN)
		l3 += VLAN_LEN;
	hlen = p->csum_start + (p->hdr[p->csum_start + 12] >> 4) * 4;
	if (hlen > p->hdr_len || hlen > hdr_cap || p->csum_start < l3 + IP4_LEN)
		return -EINVAL;
	at = hlen + i * p->gso_size;
	if (at >= p->len && i)
		return 0;
	*from = at;
	*n = p->len - at;
	last = *n <= p->gso_size;
	if (!last)
		*n = p->gso_size;
	memcpy(hdr, p->hdr, hlen);
	segment_header(p, i, hdr, l3, hlen, *n, last);
	/* The field holds the pseudo header's sum; an even header length
	   keeps the payload's words in step. */
	sum = sum_fold(sum_add(0, hdr + p->csum_start, hlen - p->csum_start) +
		       packet_sum(p, at, *n));
	sum_store(hdr + p->csum_start + 16, (uint16_t)~sum);
	return (int)hlen;
}
