/*
 * tcp.c: is this segment a possible next one of its connection?
 *
 * Two checks.  The state machine is a table over what the segment is and who
 * sent it.  The window check follows van Rooij, "Real Stateful TCP Packet
 * Filtering": from what both sides have sent and offered follows which
 * sequence and acknowledgement numbers can still come.  In the spirit of RFC
 * 5961 a reset ends the flow only if its number is exactly the next one; any
 * other within the window, and any SYN inside a connection, is passed on and
 * changes nothing here: the endpoint answers with a challenge.  A SYN need not
 * be within the window: a client that restarted knows no number of the old
 * connection, and learns the one to reset it by from the challenge.
 */
#include "internal.h"

enum tcp_state {
	SYN_SENT,
	SYN_RECEIVED,
	ESTABLISHED,
	FIN_OPENER,		/* the opener has closed its side */
	FIN_ANSWERER,
	CLOSING,		/* both have */
	TIME_WAIT,
	CLOSED,			/* by a reset */
	NR_STATES,
	DROP,			/* impossible here */
	PASS,			/* pass it on, change nothing */
	REOPEN,			/* a new connection on the same ports */
};

enum tcp_kind { SYN, SYNACK, ACK, FIN, RST, NR_KINDS };

static const struct {
	const char *name;
	uint32_t seconds;	/* without a packet */
	uint8_t next[2][NR_KINDS];	/* [from opener, from answerer] */
} states[NR_STATES] = {
/*			  SYN	       SYNACK	     ACK	   FIN		 RST */
[SYN_SENT] = { "syn_sent", 30, {
			{ SYN_SENT,    DROP,	     DROP,	   DROP,	 CLOSED },
			{ DROP,	       SYN_RECEIVED, PASS,	   DROP,	 CLOSED } } },
[SYN_RECEIVED] = { "syn_received", 60, {
			{ PASS,	       DROP,	     ESTABLISHED,  FIN_OPENER,	 CLOSED },
			{ DROP,	       SYN_RECEIVED, SYN_RECEIVED, FIN_ANSWERER, CLOSED } } },
[ESTABLISHED] = { "established", 24 * 3600, {
			{ PASS,	       DROP,	     ESTABLISHED,  FIN_OPENER,	 CLOSED },
			{ PASS,	       PASS,	     ESTABLISHED,  FIN_ANSWERER, CLOSED } } },
[FIN_OPENER] = { "fin_opener", 3600, {
			{ PASS,	       DROP,	     FIN_OPENER,   FIN_OPENER,	 CLOSED },
			{ DROP,	       PASS,	     FIN_OPENER,   CLOSING,	 CLOSED } } },
[FIN_ANSWERER] = { "fin_answerer", 3600, {
			{ PASS,	       DROP,	     FIN_ANSWERER, CLOSING,	 CLOSED },
			{ DROP,	       PASS,	     FIN_ANSWERER, FIN_ANSWERER, CLOSED } } },
[CLOSING] = { "closing", 60, {
			{ PASS,	       DROP,	     TIME_WAIT,	   CLOSING,	 CLOSED },
			{ DROP,	       DROP,	     TIME_WAIT,	   CLOSING,	 CLOSED } } },
[TIME_WAIT] = { "time_wait", 60, {
			{ REOPEN,      DROP,	     TIME_WAIT,	   TIME_WAIT,	 CLOSED },
			{ REOPEN,      DROP,	     TIME_WAIT,	   TIME_WAIT,	 CLOSED } } },
[CLOSED] = { "closed", 10, {
			{ REOPEN,      DROP,	     DROP,	   DROP,	 PASS },
			{ REOPEN,      DROP,	     DROP,	   DROP,	 PASS } } },
};

enum { TCP_PEER_SCALES = 1, TCP_PEER_SEEN = 2 };

/* Which kind each combination of flags is; -1: none that may exist. */
static int kind_of(uint8_t flags)
{
	switch (flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) {
	case TCP_SYN:
		return SYN;
	case TCP_SYN | TCP_ACK:
		return SYNACK;
	case TCP_ACK:
		return ACK;
	case TCP_FIN | TCP_ACK:
		return FIN;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return RST;
	default:
		return -1;
	}
}

struct segment {
	uint32_t seq, end, ack, win;
	int kind;
	bool has_ack;
};

static void segment_read(const struct judge *j, struct segment *s)
{
	const uint8_t *h = j->p->hdr + j->l4;
	uint32_t hlen = (h[12] >> 4) * 4;
	uint8_t flags = h[13];

	s->kind = kind_of(flags);
	s->seq = get32(h + 4);
	s->ack = get32(h + 8);
	s->win = get16(h + 14);
	s->has_ack = flags & TCP_ACK;
	s->end = s->seq + (j->l3 + j->ip_len - j->l4 - hlen) +
		 !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
}

static bool before(uint32_t a, uint32_t b)	/* a < b, modulo 2^32 */
{
	return (int32_t)(a - b) < 0;
}

/* The window scale that a SYN offers, or -1. */
static int scale_offered(const struct judge *j)
{
	const uint8_t *h = j->p->hdr + j->l4, *o = h + TCP_LEN;
	uint32_t n = (h[12] >> 4) * 4 - TCP_LEN;

	while (n && *o) {
		uint32_t len = *o == 1 ? 1 : n > 1 ? o[1] : 0;

		if (!len || len > n || (*o != 1 && len < 2))
			return -1;
		if (*o == 3 && len == 3)
			return o[2] > 14 ? 14 : o[2];	/* RFC 7323, 2.3 */
		o += len;
		n -= len;
	}
	return -1;
}

/* A SYN starts the account of the side that sends it. */
static void peer_start(struct tcp_peer *p, const struct segment *s, int scale)
{
	p->end = s->end;
	p->max_end = s->end;
	p->max_win = s->win ? s->win : 1;
	p->scale = scale > 0 ? (uint8_t)scale : 0;
	p->flags = TCP_PEER_SEEN | (scale >= 0 ? TCP_PEER_SCALES : 0);
}

/* Until it is answered max_end lies behind the SYN alone, before its data. */
static void opener_start(struct flow *f, const struct judge *j,
			 const struct segment *s)
{
	peer_start(&f->peer[0], s, scale_offered(j));
	f->peer[0].max_end = s->seq + 1;
}

static void state_set(struct vfr *v, struct flow *f, uint8_t state)
{
	f->state = state;
	f->expires = v->ticks + TICKS(states[state].seconds);
}

bool tcp_open(struct vfr *v, struct flow *f, const struct judge *j)
{
	struct segment s;

	segment_read(j, &s);
	if (s.kind != SYN)
		return false;
	opener_start(f, j, &s);
	state_set(v, f, SYN_SENT);
	return true;
}

/* The first segment from the answerer: its SYN-ACK or a reset. */
static bool answer_ok(struct flow *f, const struct judge *j,
		      const struct segment *s)
{
	struct tcp_peer *o = &f->peer[0], *a = &f->peer[1];
	/* A SYN's data may be left for later (RFC 7413, 4.2). */
	bool acks = !before(s->ack, o->max_end) && !before(o->end, s->ack);

	if (s->kind == RST)
		return s->has_ack && acks;
	if (s->kind != SYNACK)
		return s->kind == ACK;	/* it may remember an old one */
	if (!acks)
		return false;
	peer_start(a, s, scale_offered(j));
	if (!(a->flags & o->flags & TCP_PEER_SCALES))
		a->scale = o->scale = 0;
	o->max_end = s->ack + (s->win ? s->win : 1);
	return true;
}

/* Sequence and acknowledgement fit what was sent and offered before. */
static bool window_ok(const struct tcp_peer *s, const struct tcp_peer *r,
		      const struct segment *g)
{
	uint32_t back = s->max_win > 66000 ? s->max_win : 66000;

	if (before(s->max_end + 1, g->seq))	/* + 1: window probes */
		return false;
	if (before(g->end, s->end - r->max_win))
		return false;
	return !g->has_ack || (!before(r->end, g->ack) &&
			       !before(g->ack, r->end - back));
}

static void window_update(struct tcp_peer *s, struct tcp_peer *r,
			  const struct segment *g)
{
	uint32_t win = g->kind == SYN || g->kind == SYNACK
		? g->win : g->win << s->scale;

	if (before(s->end, g->end))
		s->end = g->end;
	if (before(s->max_end, s->end))
		s->max_end = s->end;
	if (win > s->max_win)
		s->max_win = win;
	if (g->has_ack && before(r->max_end, g->ack + (win ? win : 1)))
		r->max_end = g->ack + (win ? win : 1);
}

/* Will the receiver find the checksum right?  j: no fragment. */
static bool sum_ok(const struct judge *j)
{
	const uint8_t *ip = j->p->hdr + j->l3;
	uint32_t n = j->l3 + j->ip_len - j->l4;
	uint64_t sum;

	if (j->p->csum != VFR_CSUM_NONE)
		return true;
	sum = j->v6 ? sum_pseudo(ip + 8, ip + 24, 16, IP_TCP, n)
		    : sum_pseudo(ip + 12, ip + 16, 4, IP_TCP, n);
	return sum_fold(sum + packet_sum(j->p, j->l4, n)) == 0xffff;
}

/*
 * What the opener sends before the flow is established completes the handshake
 * only if its sender has seen the answer, and if the answerer will take it:
 * the flow lives for a day from then on, and gives way to nobody.
 */
static uint8_t handshake_next(const struct judge *j, const struct segment *g,
			      const struct tcp_peer *answerer, uint8_t next)
{
	if (g->ack != answerer->end)
		return PASS;
	if (j->frag)		/* who knows; the next whole one may */
		return SYN_RECEIVED;
	return sum_ok(j) ? next : PASS;
}

enum tcp_verdict tcp_track(struct vfr *v, struct flow *f, int dir,
			   const struct judge *j)
{
	struct tcp_peer *s = &f->peer[dir], *r = &f->peer[!dir];
	struct segment g;
	uint8_t next;

	segment_read(j, &g);
	if (unlikely(g.kind < 0))
		return TCP_DROP;
	next = states[f->state].next[dir][g.kind];
	if (next == DROP)
		return TCP_DROP;
	if (next == REOPEN)
		return TCP_REOPEN;
	if (unlikely(next == PASS && g.kind == SYN))
		return TCP_OK;
	if (unlikely(!(s->flags & TCP_PEER_SEEN))) {
		if (!answer_ok(f, j, &g))
			return TCP_DROP;
	} else if (unlikely(f->state == SYN_SENT)) {
		if (g.kind == SYN)	/* again, perhaps with another number */
			opener_start(f, j, &g);
		else if (g.seq != s->end)
			next = PASS;	/* a reset by who guesses */
	} else if (unlikely(!window_ok(s, r, &g))) {
		return TCP_DROP;
	} else {
		/* A reset that is not the very next one: for the endpoint. */
		if (g.kind == RST && g.seq != s->end)
			next = PASS;
		if (unlikely(f->state == SYN_RECEIVED && dir == 0 &&
			     next != PASS && next != CLOSED))
			next = handshake_next(j, &g, r, next);
		if (next != PASS)
			window_update(s, r, &g);
	}
	if (next == PASS)
		return TCP_OK;
	/* A reset before that makes none: anybody could have it made. */
	if (unlikely(f->state < ESTABLISHED) && next >= ESTABLISHED &&
	    next != CLOSED)
		flow_establish(v, f);
	state_set(v, f, next);
	return TCP_OK;
}

/* The number behind the bytes of j's segment that this packet has. */
uint32_t tcp_end(const struct judge *j)
{
	struct segment s;

	segment_read(j, &s);
	return s.end;
}

/* Does not count if the first fragment did not: the endpoint will judge it. */
void tcp_extend(struct flow *f, int dir, uint32_t first, uint32_t end)
{
	struct tcp_peer *s = &f->peer[dir];

	if (!before(s->end, first) && before(s->end, end))
		s->end = end;
}

/* Could the sender of direction dir have sent seq lately? */
bool tcp_seq_known(const struct flow *f, int dir, uint32_t seq)
{
	const struct tcp_peer *s = &f->peer[dir];
	uint32_t back = f->peer[!dir].max_win > 66000 ? f->peer[!dir].max_win
						      : 66000;

	return !before(s->end, seq) && !before(seq, s->end - back);
}

const char *vfr_flow_state_name(uint8_t proto, uint8_t state)
{
	if (proto == IP_TCP)
		return state < NR_STATES ? states[state].name : "";
	return state ? "answered" : "asked";
}
