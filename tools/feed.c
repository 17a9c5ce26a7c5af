/*
 * feed.c: from a captured frame to the frame that the VFR gets.
 */
#include "feed.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define FEED_FRAME_MAX	(VFR_MAX_LEN + 64)	/* bytes, tags included */
#define ADDR_TEXT_MAX	64

static bool parse_mac(const char *s, uint8_t mac[6])
{
	int end = 0;

	return sscanf(s, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &mac[0], &mac[1],
		      &mac[2], &mac[3], &mac[4], &mac[5], &end) == 6 &&
	       s[end] == '\0';
}

/* ADDRESS or ADDRESS/LENGTH of either family */
static bool parse_net(const char *s, struct vfr_prefix *p)
{
	char addr[ADDR_TEXT_MAX], *slash, *end;
	struct in_addr v4;
	unsigned long len, base = 0;

	snprintf(addr, sizeof(addr), "%s", s);
	slash = strchr(addr, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, addr, &v4) == 1) {
		p->addr = vfr_addr_v4(ntohl(v4.s_addr));
		base = VFR_V4_BITS;
	} else if (inet_pton(AF_INET6, addr, p->addr.b) != 1) {
		return false;
	}
	len = 128 - base;
	if (slash) {
		unsigned long given = strtoul(slash, &end, 10);

		if (*end || end == slash || given > len)
			return false;
		len = given;
	}
	p->len = base + len;
	return true;
}

int feed_map_add(struct feed *f, const char *entry)
{
	struct feed_map *m = &f->maps[f->nr_maps];
	const char *equals = strchr(entry, '=');
	char who[ADDR_TEXT_MAX];

	if (!equals || equals[1] == '\0')
		return cli_fail(EXIT_USAGE, "--map '%s': expected WHO=PORT, "
				"like 10.1.0.0/24=web, "
				"52:54:00:12:34:56=wan or any=wan", entry);
	if (f->nr_maps == FEED_MAPS_MAX)
		return cli_fail(EXIT_USAGE, "more than %d --map options",
				FEED_MAPS_MAX);
	snprintf(who, sizeof(who), "%.*s", (int)(equals - entry), entry);
	m->port_name = equals + 1;
	if (strcmp(who, "any") == 0)
		m->match = FEED_ANY;
	else if (parse_mac(who, m->mac))
		m->match = FEED_MAC;
	else if (parse_net(who, &m->net))
		m->match = FEED_NET;
	else
		return cli_fail(EXIT_USAGE, "--map '%s': '%s' is no MAC, no "
				"address or net, and not 'any'", entry, who);
	f->nr_maps++;
	return EXIT_OK;
}

static void print_ports(const struct vfr_ruleset *rs)
{
	uint32_t i;

	fputs("  its ports are:", stderr);
	for (i = 0; i < rs->p.nr_ports; i++)
		fprintf(stderr, " %s",
			vfr_ruleset_text(rs, rs->p.ports[i].name));
	fputc('\n', stderr);
}

static int resolve(struct feed_map *m, const struct vfr_ruleset *rs)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		if (strcmp(m->port_name, vfr_ruleset_text(
			rs, rs->p.ports[i].name)) == 0) {
			m->port = i;
			return EXIT_OK;
		}
	}
	cli_fail(EXIT_NOT_FOUND, "--map: the rule file has no port '%s'",
		 m->port_name);
	print_ports(rs);
	return EXIT_NOT_FOUND;
}

int feed_begin(struct feed *f, struct lab *lab)
{
	const struct vfr_ruleset *rs = vfr_loaded(lab->v);
	unsigned int i;
	int code;

	f->lab = lab;
	if (rs->p.nr_ports == 0)
		return cli_fail(EXIT_FAILED, "the rule file has no nic and no "
				"domain, so nothing can come in");
	for (i = 0; i < f->nr_maps; i++) {
		code = resolve(&f->maps[i], rs);
		if (code)
			return code;
	}
	f->frame = malloc(FEED_FRAME_MAX);
	return f->frame ? EXIT_OK : cli_fail(EXIT_FAILED, "out of memory");
}

void feed_end(struct feed *f)
{
	free(f->frame);
	f->frame = NULL;
}

static bool map_matches(const struct feed_map *m, const uint8_t *frame,
			uint32_t caplen, const struct frame_peek *p)
{
	switch (m->match) {
	case FEED_MAC:
		return caplen >= 2 * ETH_ALEN &&
		       memcmp(frame + ETH_ALEN, m->mac, ETH_ALEN) == 0;
	case FEED_NET:
		return p->has_addrs && vfr_prefix_has(&m->net, &p->src);
	default:
		return true;
	}
}

static unsigned int find_port(const struct feed *f, const uint8_t *frame,
			      uint32_t caplen, const struct frame_peek *p)
{
	unsigned int i;

	for (i = 0; i < f->nr_maps; i++)
		if (map_matches(&f->maps[i], frame, caplen, p))
			return f->maps[i].port;
	return lab_port_of(f->lab, &p->src);
}

/* A sender that says its own MAC in an ARP message says the new one. */
static void readdress_arp(uint8_t *frame, size_t off, uint32_t caplen,
			  const uint8_t *old_mac, const uint8_t *new_mac)
{
	uint8_t *sha = frame + off + offsetof(struct ether_arp, arp_sha);

	if (caplen >= off + sizeof(struct ether_arp) &&
	    memcmp(sha, old_mac, ETH_ALEN) == 0)
		memcpy(sha, new_mac, ETH_ALEN);
}

/* Write the Ethernet header anew in front of what follows the old tags. */
static void readdress(struct feed *f, const struct capture_packet *p,
		      const struct frame_peek *peek)
{
	uint32_t net_off = peek->net_off, off = 2 * ETH_ALEN;
	uint8_t *to = f->frame;
	struct lab_link link;
	uint16_t type = htons(peek->ethertype);
	bool group = p->data[0] & 1;

	lab_link(f->lab, f->port, &peek->src, &peek->dst, &link);
	memcpy(to, group ? p->data : link.dst_mac, ETH_ALEN);
	memcpy(to + ETH_ALEN, link.src_mac, ETH_ALEN);
	if (link.vlan) {
		uint16_t tag[2] = { htons(ETHERTYPE_VLAN), htons(link.vlan) };

		memcpy(to + off, tag, sizeof(tag));
		off += sizeof(tag);
	}
	memcpy(to + off, &type, sizeof(type));
	off += sizeof(type);
	memcpy(to + off, p->data + net_off, p->caplen - net_off);
	f->caplen = p->caplen - net_off + off;
	f->len = p->len - net_off + off;
	if (peek->arp)
		readdress_arp(to, off, f->caplen, p->data + ETH_ALEN,
			      link.src_mac);
}

void feed_packet(struct feed *f, const struct capture_packet *p)
{
	struct capture_packet cut = *p;
	struct frame_peek peek;
	uint64_t now;

	if (cut.caplen > VFR_MAX_LEN)
		cut.caplen = VFR_MAX_LEN;
	if (!f->started)
		f->first_ns = p->time_ns;
	f->started = true;
	now = p->time_ns > f->first_ns ? p->time_ns - f->first_ns : 0;
	now += LAB_START_NS;
	if (now > f->lab->now_ns)
		lab_wait(f->lab, now - f->lab->now_ns);

	frame_peek(cut.data, cut.caplen, &peek);
	f->port = find_port(f, cut.data, cut.caplen, &peek);
	if (peek.has_addrs && !f->keep_macs) {
		readdress(f, &cut, &peek);
	} else {
		memcpy(f->frame, cut.data, cut.caplen);
		f->caplen = cut.caplen;
		f->len = cut.len;
	}
	lab_send(f->lab, f->port, f->frame, f->caplen, f->len);
}
