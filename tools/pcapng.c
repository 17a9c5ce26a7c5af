/*
 * pcapng.c: the pcapng blocks that a firewall needs.
 *
 * A block is: type, total length, body, options, total length again.  All
 * parts are multiples of 4 bytes.  Options are collected in a small buffer
 * first, since the length goes in front of them; packet bytes are never copied.
 *
 * Source: IETF draft "PCAP Now Generic (pcapng) Capture File Format",
 * draft-ietf-opsawg-pcapng.
 */
#include "pcapng.h"

#include <errno.h>
#include <string.h>

#define LINKTYPE_ETHERNET 1
#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define SECTION_LEN_UNKNOWN (~0ull)

enum block_type {
	BLOCK_SECTION	= 0x0a0d0d0a,
	BLOCK_IFACE	= 1,
	BLOCK_STATS	= 5,
	BLOCK_PACKET	= 6,
};

enum option {		/* numbered per block, but for the first two */
	OPT_END			= 0,
	OPT_COMMENT		= 1,
	SHB_USERAPPL		= 4,
	IF_NAME			= 2,
	IF_DESCRIPTION		= 3,
	IF_MACADDR		= 6,
	IF_SPEED		= 8,
	IF_TSRESOL		= 9,
	IF_FILTER		= 11,
	EPB_FLAGS		= 2,
	EPB_DROPCOUNT		= 4,
	EPB_PACKETID		= 5,
	EPB_VERDICT		= 7,
	ISB_STARTTIME		= 2,
	ISB_ENDTIME		= 3,
	ISB_IFRECV		= 4,
	ISB_IFDROP		= 5,
	ISB_FILTERACCEPT	= 6,
	ISB_OSDROP		= 7,
	ISB_USRDELIV		= 8,
};

#define TSRESOL_NS		9	/* 10^-9 s */
#define FILTER_TEXT		0	/* if_filter: the filter in words */
#define EPB_FLAG_CSUM_PARTIAL	(1u << 9)
#define EPB_FLAG_GSO		(1u << 11)
#define VERDICT_XDP		2	/* epb_verdict: enum xdp_action */

#define OPTIONS_MAX	2048		/* bytes; longer text is cut */
#define OPTION_HEADER	4

struct options {
	uint8_t	bytes[OPTIONS_MAX];
	size_t	len;
};

static size_t pad4(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void put16(struct options *o, uint16_t v)
{
	memcpy(o->bytes + o->len, &v, sizeof(v));
	o->len += sizeof(v);
}

/* Room is always left for OPT_END. */
static size_t options_room(const struct options *o)
{
	return OPTIONS_MAX - o->len - 2 * OPTION_HEADER;
}

static void option_bytes(struct options *o, uint16_t code, const void *data,
			 size_t len)
{
	if (pad4(len) > options_room(o))
		return;
	put16(o, code);
	put16(o, len);
	memcpy(o->bytes + o->len, data, len);
	memset(o->bytes + o->len + len, 0, pad4(len) - len);
	o->len += pad4(len);
}

/* Where to cut text so that at most max bytes and no half character stay. */
static size_t text_cut(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	len = max;
	while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void option_text(struct options *o, uint16_t code, const char *text)
{
	if (text)
		option_bytes(o, code, text,
			     text_cut(text, options_room(o) & ~(size_t)3));
}

static void option_u64(struct options *o, uint16_t code, uint64_t v)
{
	option_bytes(o, code, &v, sizeof(v));
}

/* Times go high word first, whatever the byte order. */
static void option_time(struct options *o, uint16_t code, uint64_t time_ns)
{
	uint32_t words[2] = { time_ns >> 32, (uint32_t)time_ns };

	option_bytes(o, code, words, sizeof(words));
}

static void options_end(struct options *o)
{
	if (o->len == 0)
		return;
	put16(o, OPT_END);
	put16(o, 0);
}

static int emit(struct pcapng *w, const void *data, size_t len)
{
	if (!w->error && len)
		w->error = w->write(w->ctx, data, len);
	return w->error;
}

/* Write one block: a fixed part, packet bytes or none, options. */
static int emit_block(struct pcapng *w, uint32_t type, const void *fixed,
		      size_t fixed_len, const void *data, size_t data_len,
		      struct options *o)
{
	static const uint8_t zeros[3];
	uint32_t total, head[2];

	options_end(o);
	total = sizeof(head) + fixed_len + pad4(data_len) + o->len +
		sizeof(total);
	head[0] = type;
	head[1] = total;
	emit(w, head, sizeof(head));
	emit(w, fixed, fixed_len);
	emit(w, data, data_len);
	emit(w, zeros, pad4(data_len) - data_len);
	emit(w, o->bytes, o->len);
	return emit(w, &total, sizeof(total));
}

int pcapng_begin(struct pcapng *w, pcapng_write_fn *write, void *ctx,
		 uint32_t snaplen, const char *application,
		 const char *comment)
{
	struct {
		uint32_t magic;
		uint16_t major, minor;
		uint64_t len;
	} fixed = { BYTE_ORDER_MAGIC, 1, 0, SECTION_LEN_UNKNOWN };
	struct options o = { .len = 0 };

	if (snaplen == 0 || snaplen > PCAPNG_SNAPLEN_MAX)
		return -EMSGSIZE;
	*w = (struct pcapng){ .write = write, .ctx = ctx, .snaplen = snaplen };
	option_text(&o, SHB_USERAPPL, application);
	option_text(&o, OPT_COMMENT, comment);
	return emit_block(w, BLOCK_SECTION, &fixed, sizeof(fixed), NULL, 0, &o);
}

int pcapng_add_iface(struct pcapng *w, const struct pcapng_iface *iface)
{
	struct {
		uint16_t linktype, reserved;
		uint32_t snaplen;
	} fixed = { LINKTYPE_ETHERNET, 0, w->snaplen };
	static const uint8_t tsresol = TSRESOL_NS;
	struct options o = { .len = 0 };

	option_bytes(&o, IF_TSRESOL, &tsresol, sizeof(tsresol));
	if (iface->mac)
		option_bytes(&o, IF_MACADDR, iface->mac, 6);
	if (iface->speed_bps)
		option_u64(&o, IF_SPEED, iface->speed_bps);
	option_text(&o, IF_NAME, iface->name);
	option_text(&o, IF_DESCRIPTION, iface->description);
	if (iface->filter) {
		char text[512] = { FILTER_TEXT };
		size_t len = text_cut(iface->filter, sizeof(text) - 1);

		memcpy(text + 1, iface->filter, len);
		option_bytes(&o, IF_FILTER, text, 1 + len);
	}
	w->nr_ifaces++;
	return emit_block(w, BLOCK_IFACE, &fixed, sizeof(fixed), NULL, 0, &o);
}

static void option_verdict(struct options *o, enum pcapng_verdict verdict)
{
	uint8_t bytes[1 + sizeof(uint64_t)] = { VERDICT_XDP };
	uint64_t value = verdict;

	if (verdict == PCAPNG_VERDICT_NONE)
		return;
	memcpy(bytes + 1, &value, sizeof(value));
	option_bytes(o, EPB_VERDICT, bytes, sizeof(bytes));
}

int pcapng_packet(struct pcapng *w, const struct pcapng_packet *p)
{
	uint32_t caplen = p->caplen < w->snaplen ? p->caplen : w->snaplen;
	uint32_t fixed[] = {
		p->iface, p->time_ns >> 32, (uint32_t)p->time_ns,
		caplen, p->len,
	};
	uint32_t flags = p->direction;
	struct options o = { .len = 0 };

	if (p->iface >= w->nr_ifaces)
		return -EINVAL;
	if (p->csum_partial)
		flags |= EPB_FLAG_CSUM_PARTIAL;
	if (p->gso)
		flags |= EPB_FLAG_GSO;
	if (flags)
		option_bytes(&o, EPB_FLAGS, &flags, sizeof(flags));
	if (p->lost)
		option_u64(&o, EPB_DROPCOUNT, p->lost);
	if (p->id)
		option_u64(&o, EPB_PACKETID, p->id);
	option_verdict(&o, p->verdict);
	option_text(&o, OPT_COMMENT, p->comment);
	return emit_block(w, BLOCK_PACKET, fixed, sizeof(fixed), p->data,
			  caplen, &o);
}

int pcapng_stats(struct pcapng *w, uint32_t iface, const struct pcapng_stats *s)
{
	uint32_t fixed[] = {
		iface, s->end_ns >> 32, (uint32_t)s->end_ns,
	};
	struct options o = { .len = 0 };

	if (iface >= w->nr_ifaces)
		return -EINVAL;
	option_time(&o, ISB_STARTTIME, s->start_ns);
	option_time(&o, ISB_ENDTIME, s->end_ns);
	option_u64(&o, ISB_IFRECV, s->received);
	option_u64(&o, ISB_IFDROP, s->dropped);
	option_u64(&o, ISB_FILTERACCEPT, s->accepted);
	option_u64(&o, ISB_OSDROP, s->lost);
	option_u64(&o, ISB_USRDELIV, s->delivered);
	return emit_block(w, BLOCK_STATS, fixed, sizeof(fixed), NULL, 0, &o);
}
