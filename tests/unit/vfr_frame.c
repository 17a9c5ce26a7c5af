/*
 * vfr_frame.c: frames byte by byte, and a look at those that come out.
 *
 * Checksums are added up here in the plain way, to check the VFR's clever one.
 */
#include "vfr_kit.h"

#include <arpa/inet.h>

struct vfr_addr kit_addr(const char *text)
{
	struct vfr_addr a = { { 0 } };
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return vfr_addr_v4(ntohl(v4.s_addr));
	assert_int_equal(inet_pton(AF_INET6, text, a.b), 1);
	return a;
}

struct vfr_prefix kit_prefix(const char *text)
{
	struct vfr_prefix p = { { { 0 } }, 0, { 0 } };
	char addr[64];
	const char *slash;

	if (!text)
		return p;
	slash = strchr(text, '/');
	snprintf(addr, sizeof(addr), "%.*s",
		 slash ? (int)(slash - text) : (int)strlen(text), text);
	p.addr = kit_addr(addr);
	p.len = 128;
	if (slash)
		p.len = (uint8_t)(atoi(slash + 1) +
				  (vfr_addr_is_v4(&p.addr) ? 96 : 0));
	return p;
}

uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

void w16(uint8_t *p, uint16_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

void w32(uint8_t *p, uint32_t x)
{
	w16(p, (uint16_t)(x >> 16));
	w16(p + 2, (uint16_t)x);
}

uint32_t add_sum(uint32_t sum, const uint8_t *p, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

struct layers {
	uint32_t	l3, l4, end;
	uint8_t		proto;
	bool		v6, later;
};

static struct layers layers_of(const uint8_t *b)
{
	struct layers l = { .l3 = be16(b + 12) == 0x8100 ? 18 : 14 };

	l.v6 = b[l.l3] >> 4 == 6;
	if (l.v6) {
		l.l4 = l.l3 + 40;
		l.end = l.l4 + be16(b + l.l3 + 4);
		l.proto = b[l.l3 + 6];
	} else {
		l.l4 = l.l3 + (b[l.l3] & 15) * 4u;
		l.end = l.l3 + be16(b + l.l3 + 2);
		l.proto = b[l.l3 + 9];
		l.later = be16(b + l.l3 + 6) & 0x3fff;
	}
	return l;
}

static int sum_at(uint8_t proto)
{
	/* UDP, UDP-Lite (all of it covered), DCCP */
	return proto == 6 ? 16 : proto == 17 || proto == 136 || proto == 33 ? 6 :
	       proto == 1 || proto == 58 ? 2 : -1;
}

static uint32_t l4_sum(const uint8_t *b, const struct layers *l)
{
	uint8_t pseudo[4] = { 0, l->proto };
	uint32_t sum = 0;

	if (l->proto != 1) {
		w16(pseudo + 2, (uint16_t)(l->end - l->l4));
		sum = add_sum(0, b + l->l3 + (l->v6 ? 8 : 12), l->v6 ? 32 : 8);
		sum = add_sum(sum, pseudo, 4);
	}
	return add_sum(sum, b + l->l4, l->end - l->l4);
}

bool sums_ok(const uint8_t *b, uint32_t len)
{
	struct layers l = layers_of(b);

	if (!l.v6 && add_sum(0, b + l.l3, l.l4 - l.l3) != 0xffff)
		return false;
	if (l.later || sum_at(l.proto) < 0)
		return true;
	if (l.proto == 17 && !l.v6 && !be16(b + l.l4 + 6))
		return true;
	return l.end <= len && l4_sum(b, &l) == 0xffff;
}

void frame_sums(struct frame *f)
{
	struct layers l = layers_of(f->b);
	int at = sum_at(l.proto);

	if (!l.v6) {
		w16(f->b + l.l3 + 10, 0);
		w16(f->b + l.l3 + 10,
		    (uint16_t)~add_sum(0, f->b + l.l3, l.l4 - l.l3));
	}
	if (at < 0 || l.later)
		return;
	w16(f->b + l.l4 + at, 0);
	w16(f->b + l.l4 + at, (uint16_t)~l4_sum(f->b, &l));
}

uint8_t *frame_l4(struct frame *f)
{
	return f->b + layers_of(f->b).l4;
}

void frame_ip(struct frame *f, int port, const char *src, const char *dst,
	      uint8_t proto, uint32_t payload)
{
	struct vfr_addr s = kit_addr(src), d = kit_addr(dst);
	uint8_t *ip = f->b + 14;
	uint32_t i;

	memcpy(f->b, kit_gw_mac[port], 6);
	memcpy(f->b + 6, kit_mac[port], 6);
	if (vfr_addr_is_v4(&s)) {
		w16(f->b + 12, 0x800);
		memset(ip, 0, 20);
		ip[0] = 0x45;
		w16(ip + 2, (uint16_t)(20 + payload));
		w16(ip + 4, 1);
		ip[8] = 64;
		ip[9] = proto;
		memcpy(ip + 12, s.b + 12, 4);
		memcpy(ip + 16, d.b + 12, 4);
		f->len = 34 + payload;
	} else {
		w16(f->b + 12, 0x86dd);
		memset(ip, 0, 40);
		ip[0] = 0x60;
		w16(ip + 4, (uint16_t)payload);
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, s.b, 16);
		memcpy(ip + 24, d.b, 16);
		f->len = 54 + payload;
	}
	for (i = f->len - payload; i < f->len; i++)
		f->b[i] = (uint8_t)(i * 7);
	frame_sums(f);
}

void frame_udp(struct frame *f, int port, const char *src, int sport,
	       const char *dst, int dport, uint32_t payload)
{
	uint8_t *h;

	frame_ip(f, port, src, dst, 17, 8 + payload);
	h = frame_l4(f);
	w16(h, (uint16_t)sport);
	w16(h + 2, (uint16_t)dport);
	w16(h + 4, (uint16_t)(8 + payload));
	frame_sums(f);
}

void frame_tcp(struct frame *f, int port, const char *src, int sport,
	       const char *dst, int dport, const struct tcp_spec *t)
{
	uint8_t *h;

	frame_ip(f, port, src, dst, 6, 20 + t->payload);
	h = frame_l4(f);
	memset(h, 0, 20);
	w16(h, (uint16_t)sport);
	w16(h + 2, (uint16_t)dport);
	w32(h + 4, t->seq);
	w32(h + 8, t->ack);
	h[12] = 0x50;
	h[13] = t->flags;
	w16(h + 14, t->win);
	frame_sums(f);
}

void frame_echo(struct frame *f, int port, const char *src, const char *dst,
		uint8_t type, uint16_t id, uint32_t payload)
{
	struct vfr_addr s = kit_addr(src);
	uint8_t *h;

	frame_ip(f, port, src, dst, vfr_addr_is_v4(&s) ? 1 : 58, 8 + payload);
	h = frame_l4(f);
	memset(h, 0, 8);
	h[0] = type;
	w16(h + 4, id);
	w16(h + 6, 1);
	frame_sums(f);
}

void frame_error(struct frame *f, int port, const char *src, const char *dst,
		 uint8_t type, uint8_t code, const void *quote, uint32_t n)
{
	uint8_t *h;

	frame_echo(f, port, src, dst, type, 0, n);
	h = frame_l4(f);
	h[1] = code;
	memcpy(h + 8, quote, n);
	frame_sums(f);
}

void frame_arp(struct frame *f, int port, uint16_t op, const uint8_t *sha,
	       const char *spa, const char *tpa)
{
	struct vfr_addr s = kit_addr(spa), t = kit_addr(tpa);
	static const uint8_t start[6] = { 0, 1, 8, 0, 6, 4 };
	uint8_t *h = f->b + 14;

	memset(f->b, 0xff, 6);
	if (op == 2)
		memcpy(f->b, kit_gw_mac[port], 6);
	memcpy(f->b + 6, sha, 6);
	w16(f->b + 12, 0x806);
	memcpy(h, start, 6);
	w16(h + 6, op);
	memcpy(h + 8, sha, 6);
	memcpy(h + 14, s.b + 12, 4);
	memset(h + 18, 0, 6);
	memcpy(h + 24, t.b + 12, 4);
	f->len = 42;
}

void frame_nd(struct frame *f, int port, uint8_t type, const char *src,
	      const char *dst, const char *target, const uint8_t *mac)
{
	uint32_t option = type == RS ? 8 : type == RA ? 16 :
			  type == REDIRECT ? 40 : 24;
	struct vfr_addr a = kit_addr(target);
	uint8_t *h;

	frame_ip(f, port, src, dst, 58, option + 8);
	f->b[21] = 255;
	h = frame_l4(f);
	memset(h, 0, option + 8);
	h[0] = type;
	if (type >= NS)
		memcpy(h + 8, a.b, 16);
	h[option] = type == NA ? 2 : 1;		/* the target's, the source's */
	h[option + 1] = 1;
	memcpy(h + option + 2, mac, 6);
	frame_sums(f);
}

void frame_fragment(struct frame *out, const struct frame *f, uint16_t id,
		    uint32_t from, uint32_t to, bool more)
{
	memcpy(out->b, f->b, 34);
	memcpy(out->b + 34, f->b + 34 + from, to - from);
	out->len = 34 + to - from;
	w16(out->b + 16, (uint16_t)(20 + to - from));
	w16(out->b + 18, id);
	w16(out->b + 20, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
	frame_sums(out);
}
