/*
 * tx.c: frames that lwIP sends.
 *
 * A pbuf is kept, and its memory used in place, until its frame has left.
 * Checksums of TCP and UDP are left to the other side of the ring.
 *
 * lwIP makes segments of one packet each.  Those of one connection that follow
 * each other here are put together to one frame, which says how large its
 * segments are: so the way through the firewall is gone once for up to 64 KiB.
 * The frame that is being put together has its room in the ring already.
 */
#include <string.h>

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/prot/udp.h>

#include "kit/kit.h"
#include "net/port.h"

#define PARTS_MAX	44	/* of a frame: with headers they are below 64 KiB */
#define SENDINGS	257	/* as many as the ring has slots, and one more */
#define JOIN_MIN	512	/* bytes of payload: less is not worth it */
#define FLAGS_JOINED	(TCP_ACK | TCP_PSH)	/* segments with others stay alone */

struct sending {		/* a frame on its way: netfront's token */
	struct sending *next;	/* while not in use */
	unsigned int nr;
	struct pbuf *part[PARTS_MAX];
};

struct segment {		/* what matters of one that may be joined */
	uint8_t *h;		/* from Ethernet on */
	uint32_t tcp;		/* offset of its header */
	uint32_t hdr_len;	/* up to the payload */
	uint32_t len;		/* of the payload */
	bool	 v6;
};

static struct netfront *front;
static struct sending sendings[SENDINGS], *sendings_free;
static bool refused;

static struct {			/* the frame that is being put together */
	struct sending *s;	/* NULL: none */
	struct segment first;
	uint32_t next_seq;
	bool	 full;		/* its last segment is as large as its first */
	struct netfront_frame f;
	struct netfront_piece piece[NETFRONT_PIECES];
} open;

void tx_init(struct netfront *nf)
{
	front = nf;
	for (unsigned int i = 0; i < SENDINGS; i++) {
		sendings[i].next = sendings_free;
		sendings_free = &sendings[i];
	}
}

void tx_sent(void *ctx, void *token)
{
	struct sending *s = token;

	for (unsigned int i = 0; i < s->nr; i++)
		pbuf_free(s->part[i]);
	s->next = sendings_free;
	sendings_free = s;
}

bool tx_refused(void)
{
	bool was = refused;

	refused = false;
	return was;
}

/* ---- checksums ---- */

/* What the transport's header needs, or 0: its checksum is not ours to leave. */
static uint32_t transport_len(uint8_t proto)
{
	return proto == IP_PROTO_TCP ? TCP_HLEN :
	       proto == IP_PROTO_UDP ? UDP_HLEN : 0;
}

static void checksum_put(uint8_t *l4, uint8_t proto, uint16_t sum)
{
	if (proto == IP_PROTO_TCP)
		((struct tcp_hdr *)l4)->chksum = sum;
	else
		((struct udp_hdr *)l4)->chksum = sum;
}

static bool blank4(struct pbuf *p)
{
	struct ip_hdr *ip = (void *)((uint8_t *)p->payload + SIZEOF_ETH_HDR);
	uint32_t need = SIZEOF_ETH_HDR + IP_HLEN, l4_len;
	ip4_addr_t src, dst;

	if (p->len < need || IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
		return false;
	need = transport_len(IPH_PROTO(ip));
	if (!need || p->len < SIZEOF_ETH_HDR + IPH_HL_BYTES(ip) + need)
		return false;
	l4_len = lwip_ntohs(IPH_LEN(ip)) - IPH_HL_BYTES(ip);
	ip4_addr_copy(src, ip->src);
	ip4_addr_copy(dst, ip->dest);
	checksum_put((uint8_t *)ip + IPH_HL_BYTES(ip), IPH_PROTO(ip),
		     ~inet_chksum_pseudo_partial(p, IPH_PROTO(ip), l4_len, 0,
						 &src, &dst));
	return true;
}

static bool blank6(struct pbuf *p)
{
	struct ip6_hdr *ip = (void *)((uint8_t *)p->payload + SIZEOF_ETH_HDR);
	uint32_t need = SIZEOF_ETH_HDR + IP6_HLEN;
	ip6_addr_t src, dst;

	if (p->len < need || !transport_len(IP6H_NEXTH(ip)) ||
	    p->len < need + transport_len(IP6H_NEXTH(ip)))
		return false;
	ip6_addr_copy_from_packed(src, ip->src);
	ip6_addr_copy_from_packed(dst, ip->dest);
	checksum_put((uint8_t *)ip + IP6_HLEN, IP6H_NEXTH(ip),
		     ~ip6_chksum_pseudo_partial(p, IP6H_NEXTH(ip),
						IP6H_PLEN(ip), 0, &src, &dst));
	return true;
}

/*
 * Where the transport checksum is still to be made, put the pseudo header's sum
 * in its place.  False: there is none, or it was made already.
 */
static bool checksum_blank(struct pbuf *p)
{
	const struct eth_hdr *eth = p->payload;

	if (p->len < SIZEOF_ETH_HDR)
		return false;
	if (eth->type == PP_HTONS(ETHTYPE_IP))
		return blank4(p);
	return eth->type == PP_HTONS(ETHTYPE_IPV6) && blank6(p);
}

/* ---- pieces ---- */

/* Add what p has from byte skip on; false: too many pieces, some may be there. */
static bool pieces_add(struct pbuf *p, uint32_t skip)
{
	for (; p; p = p->next) {
		struct netfront_piece *last = open.piece + open.f.nr - 1;
		uint8_t *data = (uint8_t *)p->payload + skip;
		uint32_t len = p->len - skip;

		if (skip >= p->len) {
			skip -= p->len;
			continue;
		}
		skip = 0;
		if (open.f.nr && (const uint8_t *)last->data + last->len ==
				 data) {
			last->len += len;
			continue;
		}
		if (open.f.nr == NETFRONT_PIECES)
			return false;
		open.piece[open.f.nr++] = (struct netfront_piece){ data, len };
	}
	return true;
}

static bool frame_fits(void)
{
	unsigned int slots = netfront_slots(&open.f);

	return slots <= NETFRONT_SLOTS && netfront_room(front, slots);
}

static void part_keep(struct pbuf *p)
{
	pbuf_ref(p);
	open.s->part[open.s->nr++] = p;
}

/* ---- joining ---- */

/* The segment in p; false: it is none that others could be joined to. */
static bool segment_read(struct pbuf *p, struct segment *g)
{
	const struct eth_hdr *eth = p->payload;
	struct tcp_hdr *tcp;

	*g = (struct segment){ .h = p->payload };
	if (p->len < SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN)
		return false;
	if (eth->type == PP_HTONS(ETHTYPE_IP)) {
		struct ip_hdr *ip = (void *)(g->h + SIZEOF_ETH_HDR);

		if (IPH_PROTO(ip) != IP_PROTO_TCP || IPH_HL_BYTES(ip) != IP_HLEN)
			return false;
		g->tcp = SIZEOF_ETH_HDR + IP_HLEN;
	} else if (eth->type == PP_HTONS(ETHTYPE_IPV6)) {
		struct ip6_hdr *ip = (void *)(g->h + SIZEOF_ETH_HDR);

		g->v6 = true;
		g->tcp = SIZEOF_ETH_HDR + IP6_HLEN;
		if (IP6H_NEXTH(ip) != IP_PROTO_TCP || p->len < g->tcp + TCP_HLEN)
			return false;
	} else {
		return false;
	}
	tcp = (void *)(g->h + g->tcp);
	g->hdr_len = g->tcp + TCPH_HDRLEN_BYTES(tcp);
	if (p->len < g->hdr_len)
		return false;
	g->len = p->tot_len - g->hdr_len;
	return g->len >= JOIN_MIN && !(TCPH_FLAGS(tcp) & ~FLAGS_JOINED);
}

static struct tcp_hdr *tcp_of(const struct segment *g)
{
	return (struct tcp_hdr *)(g->h + g->tcp);
}

/* Equal but for what differs from one segment to the next. */
static bool headers_equal(const struct segment *a, const struct segment *b)
{
	uint8_t copy[2][SIZEOF_ETH_HDR + IP6_HLEN + 60];
	const struct segment *g[2] = { a, b };

	if (a->v6 != b->v6 || a->hdr_len != b->hdr_len)
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		struct tcp_hdr *tcp = (void *)(copy[i] + a->tcp);

		memcpy(copy[i], g[i]->h, a->hdr_len);
		if (a->v6) {
			struct ip6_hdr *ip = (void *)(copy[i] + SIZEOF_ETH_HDR);

			IP6H_PLEN_SET(ip, 0);
		} else {
			struct ip_hdr *ip = (void *)(copy[i] + SIZEOF_ETH_HDR);

			IPH_LEN_SET(ip, 0);
			IPH_ID_SET(ip, 0);
			IPH_CHKSUM_SET(ip, 0);
		}
		tcp->seqno = 0;
		tcp->chksum = 0;
		TCPH_UNSET_FLAG(tcp, TCP_PSH);
	}
	return !memcmp(copy[0], copy[1], a->hdr_len);
}

/* Make p a part of the open frame; false: it must go by itself. */
static bool join(struct pbuf *p)
{
	unsigned int nr = open.f.nr;
	struct netfront_piece last;
	struct segment g;

	if (!open.full || open.s->nr == PARTS_MAX || !segment_read(p, &g) ||
	    g.len > open.first.len ||
	    lwip_ntohl(tcp_of(&g)->seqno) != open.next_seq ||
	    !headers_equal(&open.first, &g))
		return false;
	last = open.piece[nr - 1];
	open.f.gso = g.v6 ? NETFRONT_GSO_TCP6 : NETFRONT_GSO_TCP4;
	if (!pieces_add(p, g.hdr_len) || !frame_fits()) {
		open.f.nr = nr;
		open.piece[nr - 1] = last;
		return false;
	}
	part_keep(p);
	open.next_seq += g.len;
	if (TCPH_FLAGS(tcp_of(&g)) & TCP_PSH) {
		TCPH_SET_FLAG(tcp_of(&open.first), TCP_PSH);
		open.full = false;
	}
	open.full = open.full && g.len == open.first.len;
	return true;
}

/* The first header is that of the whole frame. */
static void header_finish(void)
{
	struct segment *g = &open.first;
	uint32_t len = 0;

	for (unsigned int i = 0; i < open.f.nr; i++)
		len += open.piece[i].len;
	if (g->v6) {
		struct ip6_hdr *ip = (void *)(g->h + SIZEOF_ETH_HDR);

		IP6H_PLEN_SET(ip, len - g->tcp);
	} else {
		struct ip_hdr *ip = (void *)(g->h + SIZEOF_ETH_HDR);

		IPH_LEN_SET(ip, lwip_htons(len - SIZEOF_ETH_HDR));
		IPH_CHKSUM_SET(ip, 0);
		IPH_CHKSUM_SET(ip, inet_chksum(ip, IP_HLEN));
	}
	open.f.gso_size = g->len;
	checksum_blank(open.s->part[0]);
}

static void frame_send(void)
{
	if (!open.s)
		return;
	if (open.s->nr > 1)
		header_finish();
	else
		open.f.gso = NETFRONT_GSO_NONE;
	open.f.token = open.s;
	if (netfront_transmit(front, &open.f))
		panic("net: no room for a frame that had some");
	open.s = NULL;
}

/* A new frame of p alone; false: no room, or too many slots. */
static bool frame_begin(struct pbuf *p)
{
	open.f = (struct netfront_frame){ .pieces = open.piece };
	if (!pieces_add(p, 0) || !frame_fits())
		return false;
	open.s = sendings_free;
	sendings_free = open.s->next;
	open.s->nr = 0;
	part_keep(p);
	open.f.csum_blank = checksum_blank(p);
	open.full = open.f.csum_blank && segment_read(p, &open.first) &&
		    !(TCPH_FLAGS(tcp_of(&open.first)) & TCP_PSH);
	if (open.full)
		open.next_seq = lwip_ntohl(tcp_of(&open.first)->seqno) +
				open.first.len;
	else
		frame_send();
	return true;
}

/* Too many pieces for a frame: one that has all of it. */
static err_t output_copied(struct pbuf *p)
{
	struct pbuf *q = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	bool ok = q && frame_begin(q);

	if (q)
		pbuf_free(q);
	if (!ok)
		refused = true;
	return ok ? ERR_OK : ERR_MEM;
}

err_t tx_output(struct netif *n, struct pbuf *p)
{
	if (open.s && join(p))
		return ERR_OK;
	frame_send();
	if (frame_begin(p))
		return ERR_OK;
	if (netfront_room(front, NETFRONT_SLOTS))
		return output_copied(p);
	refused = true;
	return ERR_MEM;
}

void tx_flush(void)
{
	frame_send();
	netfront_flush(front);
}
