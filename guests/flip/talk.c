/*
 * talk.c: datagrams over the kit's netfront, in either mode.
 *
 * One for ECHO_PORT goes back in the very pages that it came in.  One for GO_PORT
 * has this guest ask another: so many datagrams to its ECHO_PORT, whose answers
 * are compared byte by byte.
 */
#include <stdlib.h>
#include <string.h>

#include "flip/flip.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/netfront.h"
#include "kit/time.h"

#define ECHO_PORT	9001
#define GO_PORT		9002
#define ANSWER_PORT	9003
#define SPIN_TURNS	1000000
#define WINDOW		32		/* questions on their way */

struct frame {			/* as on the wire */
	uint8_t	 dst[6], src[6];
	uint16_t ethertype;
	uint8_t	 version, tos;
	uint16_t len, id, fragment;
	uint8_t	 ttl, proto;
	uint16_t sum;
	uint8_t	 from[4], to[4];
	uint16_t sport, dport, udp_len, udp_sum;
	uint8_t	 data[];
} __attribute__((packed));

struct go {			/* what the host asks for */
	uint8_t	 peer[4];
	uint16_t count, len;	/* network order */
} __attribute__((packed));

static struct netfront *nf;
static struct frame head;	/* of questions */
static unsigned int sent, wanted, right, wrong, size;
static uint8_t *pages[WINDOW];	/* for questions that are on their way */
static unsigned int nr_pages;
static uint64_t step;		/* received frames between two lines */

static uint16_t swap16(uint16_t v)
{
	return v << 8 | v >> 8;
}

static void ip_sum(struct frame *f)
{
	const uint16_t *w = (const void *)&f->version;
	uint32_t sum = 0;

	f->sum = 0;
	for (unsigned int i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	f->sum = ~(uint16_t)(sum + (sum >> 16));
}

/* To where f came from.  No checksum of UDP: it may have been a blank one. */
static void turn(struct frame *f)
{
	uint8_t mac[6], ip[4];
	uint16_t port = f->sport;

	memcpy(mac, f->src, 6);
	memcpy(f->src, f->dst, 6);
	memcpy(f->dst, mac, 6);
	memcpy(ip, f->from, 4);
	memcpy(f->from, f->to, 4);
	memcpy(f->to, ip, 4);
	f->sport = f->dport;
	f->dport = port;
	f->udp_sum = 0;
	f->ttl = 64;
	ip_sum(f);
}

/* token: a buf of netfront's, or with the low bit set a page of ours. */
static bool transmit(const void *data, unsigned int len, void *token)
{
	struct netfront_piece piece = { .data = data, .len = len };
	struct netfront_frame f = { .pieces = &piece, .nr = 1, .token = token };

	return netfront_transmit(nf, &f) == 0;
}

static void on_sent(void *ctx, void *token)
{
	if ((uint64_t)token & 1)
		pages[nr_pages++] = (uint8_t *)token - 1;
	else
		netfront_buf_free(nf, token);
}

/* ---- asking ---- */

/* Byte i of question n. */
static uint8_t pattern(unsigned int n, unsigned int i)
{
	return n * 31 + i;
}

static void ask(void)
{
	while (sent < wanted && sent - right - wrong < WINDOW && nr_pages) {
		struct frame *f = (struct frame *)pages[--nr_pages];

		*f = head;
		f->data[0] = sent >> 8;
		f->data[1] = sent;
		for (unsigned int i = 2; i < size; i++)
			f->data[i] = pattern(sent, i);
		ip_sum(f);
		if (!transmit(f, sizeof(*f) + size, (uint8_t *)f + 1)) {
			pages[nr_pages++] = (uint8_t *)f;
			break;
		}
		sent++;
	}
}

static void go(const struct frame *f, const struct go *g)
{
	head = *f;
	turn(&head);
	memcpy(head.to, g->peer, 4);
	size = swap16(g->len);
	head.len = swap16(28 + size);
	head.udp_len = swap16(8 + size);
	head.sport = swap16(ANSWER_PORT);
	head.dport = swap16(ECHO_PORT);
	wanted = swap16(g->count);
	sent = right = wrong = 0;
}

static void answer(const struct frame *f, unsigned int len)
{
	unsigned int n = f->data[0] << 8 | f->data[1], i = 2;

	while (i < size && f->data[i] == pattern(n, i))
		i++;
	if (len == sizeof(*f) + size && i == size)
		right++;
	else
		wrong++;
	if (right + wrong == wanted)
		printf("asked %u, %u right\n", wanted, right);
}

/* ---- what comes in: each frame in one page, as it is no longer than 1500 ---- */

static void on_receive(void *ctx, const struct netfront_packet *p)
{
	struct netfront_buf *b = p->bufs;
	struct frame *f = (struct frame *)b->data;
	bool keep = false;

	if (!b->next && p->len >= sizeof(*f) + sizeof(struct go)) {
		switch (swap16(f->dport)) {
		case ECHO_PORT:
			turn(f);
			keep = transmit(f, p->len, b);
			break;
		case GO_PORT:
			go(f, (const struct go *)f->data);
			break;
		case ANSWER_PORT:
			answer(f, p->len);
			break;
		}
	}
	while (b) {
		struct netfront_buf *next = b->next;

		if (!keep)
			netfront_buf_free(nf, b);
		b = next;
	}
}

/*
 * With spin=1 the guest never sleeps, and counts what it does without need: all
 * other time is work, the hypervisor's and its own.
 */
static uint64_t turns, turn_ps;	/* that found nothing; what one takes */

static uint64_t work_ns(void)
{
	return time_now() - turns * turn_ps / 1000;
}

static void spin(void)
{
	turns += !event_dispatch();
}

static void spin_measure(void)
{
	uint64_t began = time_now();

	while (turns < SPIN_TURNS)
		spin();
	turn_ps = (time_now() - began) * 1000 / SPIN_TURNS;
}

static void on_idle(void *ctx)
{
	static uint64_t said;
	const struct netfront_counters *c = netfront_counters(nf);

	ask();
	netfront_flush(nf);
	if (c->rx_frames / step == said)
		return;
	said = c->rx_frames / step;
	printf("received %lu exchanged %lu errors %lu frames %ld work %lu\n",
	       c->rx_frames, c->rx_exchanged, c->rx_errors, reservation(),
	       work_ns());
}

void talk(void)
{
	static const struct netfront_handler handler = {
		.receive = on_receive, .sent = on_sent, .idle = on_idle,
	};

	step = option_number("step", 100);
	for (nr_pages = 0; nr_pages < WINDOW; nr_pages++)
		pages[nr_pages] = pages_alloc(1);
	nf = netfront_open(0, &handler, NULL, NETFRONT_BUFS);
	if (!nf)
		panic("no vif");
	if (option_number("spin", 0))
		spin_measure();
	printf("talking frames %ld\n", reservation());
	while (turn_ps)
		spin();
	event_loop();
}
