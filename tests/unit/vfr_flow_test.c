/*
 * Flows: TCP's states and windows, lifetimes, room and floods, reloads.
 */
#include "vfr_kit.h"

#include "../../vfr/internal.h"

static const struct kit_rule web_to_db[] = {
	{ VFR_ALLOW, .src = "10.1.0.10", .dst = "10.1.0.20", .id = 5 },
};
static const struct kit_rule web6_to_db6[] = {
	{ VFR_ALLOW, .src = "fd00:1::10", .dst = "fd00:1::20" },
};

/*
 * A conversation between web (opener, ISN 1000) and db (ISN 5000), in steps:
 * who sends which segment, and whether it gets through.
 */
struct step {
	char		from;		/* 'o' opener, 'a' answerer, 0 end */
	uint8_t		flags;
	int		seq, ack;	/* relative to the ISNs */
	uint32_t	payload;
	bool		passes;
	const char	*state;		/* afterwards; NULL: do not look */
};

#define HANDSHAKE \
	{ 'o', SYN, 0, 0, 0, true, "syn_sent" }, \
	{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" }, \
	{ 'o', ACK, 1, 1, 0, true, "established" }

static const struct {
	const char *what;
	struct step s[16];
} talks[] = {
	{ "a whole connection", { HANDSHAKE,
		{ 'o', ACK | PSH, 1, 1, 100, true, "established" },
		{ 'a', ACK, 1, 101, 500, true, "established" },
		{ 'o', FIN | ACK, 101, 501, 0, true, "fin_opener" },
		{ 'a', ACK, 501, 102, 10, true, "fin_opener" },
		{ 'a', FIN | ACK, 511, 102, 0, true, "closing" },
		{ 'o', ACK, 102, 512, 0, true, "time_wait" } } },
	{ "the answerer closes first", { HANDSHAKE,
		{ 'a', FIN | ACK, 1, 1, 0, true, "fin_answerer" },
		{ 'o', ACK, 1, 2, 50, true, "fin_answerer" },
		{ 'o', FIN | ACK, 51, 2, 0, true, "closing" } } },
	{ "no connection begins in its middle", {
		{ 'o', ACK, 1, 1, 0, false, NULL } } },
	{ "nor with a FIN", { { 'o', FIN | ACK, 1, 1, 0, false, NULL } } },
	{ "nor with a reset", { { 'o', RST, 1, 0, 0, false, NULL } } },
	{ "nor with SYN and ACK", { { 'o', SYN | ACK, 0, 1, 0, false, NULL } } },
	{ "nor with SYN and FIN", { { 'o', SYN | FIN, 0, 0, 0, false, NULL } } },
	{ "nor with no flag at all", { { 'o', 0, 0, 0, 0, false, NULL } } },
	{ "a SYN may be sent again", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" } } },
	{ "the answer must answer this SYN", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 77, 0, false, "syn_sent" } } },
	{ "nor something before it", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 0, 0, false, "syn_sent" } } },
	{ "a SYN's data may be taken", {
		{ 'o', SYN, 0, 0, 100, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 101, 0, true, "syn_received" },
		{ 'o', ACK, 101, 1, 0, true, "established" } } },
	{ "or declined, and sent again", {
		{ 'o', SYN, 0, 0, 100, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" },
		{ 'o', ACK, 1, 1, 100, true, "established" },
		{ 'a', ACK, 1, 101, 0, true, "established" } } },
	{ "but no more taken than there was", {
		{ 'o', SYN, 0, 0, 100, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 102, 0, false, "syn_sent" },
		{ 'a', SYN | ACK, 0, 0, 0, false, "syn_sent" } } },
	{ "a SYN is sent again without its data", {
		{ 'o', SYN, 0, 0, 100, true, "syn_sent" },
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" } } },
	{ "a split handshake is no handshake", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN, 0, 0, 0, false, "syn_sent" } } },
	{ "who has not seen the answer cannot complete", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" },
		{ 'o', ACK, 1, 900, 0, false, "syn_received" } } },
	{ "nor by an acknowledgement of something older", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" },
		{ 'o', ACK, 1, -100, 0, true, "syn_received" } } },
	{ "a refused connection", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', RST | ACK, 0, 1, 0, true, "closed" } } },
	{ "a blind reset of a SYN fails", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', RST | ACK, 0, 99, 0, false, "syn_sent" } } },
	{ "so does one in the name of who sent it", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'o', RST, 99, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" } } },
	{ "who sent it may take it back", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'o', RST, 1, 0, 0, true, "closed" } } },
	{ "the exact reset closes", { HANDSHAKE,
		{ 'a', RST, 1, 0, 0, true, "closed" },
		{ 'o', ACK, 1, 1, 0, false, "closed" } } },
	{ "a reset inside the window is for the endpoint to judge", { HANDSHAKE,
		{ 'a', RST, 500, 0, 0, true, "established" } } },
	{ "a reset outside of the window is not passed", { HANDSHAKE,
		{ 'a', RST, 70000, 0, 0, false, "established" },
		{ 'a', RST, -70000, 0, 0, false, "established" } } },
	{ "a SYN in the window is for the endpoint", { HANDSHAKE,
		{ 'o', SYN, 200, 0, 0, true, "established" } } },
	{ "who forgot the connection begins anew, by the endpoint's challenge", {
		HANDSHAKE,
		{ 'o', SYN, 0x60000000, 0, 0, true, "established" },
		{ 'a', ACK, 1, 1, 0, true, "established" },
		{ 'o', RST, 1, 0, 0, true, "closed" },
		{ 'o', SYN, 0x60000000, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 0x60000001, 0, true, "syn_received" } } },
	{ "or forgot it before it was established", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" },
		{ 'o', SYN, 0x60000000, 0, 0, true, "syn_received" },
		{ 'a', ACK, 1, 1, 0, true, "syn_received" },
		{ 'o', RST, 1, 0, 0, true, "closed" },
		{ 'o', SYN, 0x60000000, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 0x60000001, 0, true, "syn_received" } } },
	{ "a reset that guesses does not close it then", {
		{ 'o', SYN, 0, 0, 0, true, "syn_sent" },
		{ 'a', SYN | ACK, 0, 1, 0, true, "syn_received" },
		{ 'o', RST, 500, 0, 0, true, "syn_received" },
		{ 'o', RST, -70000, 0, 0, false, "syn_received" },
		{ 'o', ACK, 1, 1, 0, true, "established" } } },
	{ "its number moves no window", { HANDSHAKE,
		{ 'o', SYN, 0x60000000, 0, 0, true, "established" },
		{ 'a', ACK, 1, 0x60000001, 0, false, "established" },
		{ 'o', ACK, 0x60000001, 1, 0, false, "established" } } },
	{ "data beyond the offered window", { HANDSHAKE,
		{ 'o', ACK, 40000, 1, 10, false, "established" } } },
	{ "an acknowledgement of what was never sent", { HANDSHAKE,
		{ 'o', ACK, 1, 2000, 0, false, "established" } } },
	{ "old data from far back", { HANDSHAKE,
		{ 'o', ACK, -60000, 1, 10, false, "established" } } },
	{ "a retransmission", { HANDSHAKE,
		{ 'o', ACK, 1, 1, 100, true, "established" },
		{ 'o', ACK, 1, 1, 100, true, "established" } } },
	{ "data out of order", { HANDSHAKE,
		{ 'o', ACK, 1001, 1, 100, true, "established" },
		{ 'o', ACK, 1, 1, 1000, true, "established" } } },
	{ "ports used again after the end", { HANDSHAKE,
		{ 'a', RST, 1, 0, 0, true, "closed" },
		{ 'o', SYN, 90000, 0, 0, true, "syn_sent" } } },
};

static const char *flow_state(struct kit *k)
{
	struct vfr_flow_info fi;
	uint32_t pos = 0;

	if (vfr_flow_next(k->v, &pos, &fi))
		return "none";
	return vfr_flow_state_name(fi.proto, fi.state);
}

static void talk(const char *what, const struct step *s)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	int n;

	KIT_LOAD(k, web_to_db);
	for (n = 0; s[n].from; n++) {
		bool o = s[n].from == 'o';
		struct tcp_spec t = {
			s[n].flags, (o ? 1000u : 5000u) + (uint32_t)s[n].seq,
			(o ? 5000u : 1000u) + (uint32_t)s[n].ack, 20000,
			s[n].payload,
		};

		kit_clear(k);
		if (o)
			frame_tcp(&f, WEB, "10.1.0.10", 7, "10.1.0.20", 8, &t);
		else
			frame_tcp(&f, DB, "10.1.0.20", 8, "10.1.0.10", 7, &t);
		kit_rx(k, o ? WEB : DB, &f);
		if (k->nr_caught != s[n].passes)
			fail_msg("%s: step %d: %s", what, n,
				 kit_last_reason(k));
		if (s[n].state && strcmp(flow_state(k), s[n].state))
			fail_msg("%s: step %d: state %s, not %s", what, n,
				 flow_state(k), s[n].state);
	}
	kit_free(k);
}

static void test_tcp(void **state)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(talks); i++)
		talk(talks[i].what, talks[i].s);
}

static void open_tcp(struct kit *k, int from, const char *src, int sport,
		     int to, const char *dst, int dport)
{
	struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	struct tcp_spec synack = { SYN | ACK, 5000, 1001, 9999, 0 };
	struct tcp_spec ack = { ACK, 1001, 5001, 9999, 0 };
	struct frame f;

	frame_tcp(&f, from, src, sport, dst, dport, &syn);
	kit_rx(k, from, &f);
	frame_tcp(&f, to, dst, dport, src, sport, &synack);
	kit_rx(k, to, &f);
	frame_tcp(&f, from, src, sport, dst, dport, &ack);
	kit_rx(k, from, &f);
}

/*
 * The answerer throws a segment with a wrong checksum away: it must not make a
 * flow that lives for a day and gives way to nobody.
 */
static void test_handshake_sum(void **state)
{
	enum { FRAGMENT = 1400 };	/* bytes; the first 520 come */
	static const struct {
		const char *what;
		bool v6, wrong;
		uint8_t csum;		/* VFR_CSUM_* */
		uint32_t payload;
		uint32_t cut;		/* the frame is mapped in such pieces */
		const char *then;
	} t[] = {
		{ "right", false, false, VFR_CSUM_NONE, 0, 0, "established" },
		{ "wrong", false, true, VFR_CSUM_NONE, 0, 0, "syn_received" },
		{ "right, IPv6", true, false, VFR_CSUM_NONE, 0, 0, "established" },
		{ "wrong, IPv6", true, true, VFR_CSUM_NONE, 0, 0, "syn_received" },
		{ "with data", false, false, VFR_CSUM_NONE, 1001, 77, "established" },
		{ "wrong, with data", false, true, VFR_CSUM_NONE, 1001, 77, "syn_received" },
		{ "known to be right", false, true, VFR_CSUM_VALID, 0, 0, "established" },
		{ "for the last hop to add up", false, true, VFR_CSUM_PARTIAL, 9, 0, "established" },
		{ "a fragment, which cannot tell", false, false, VFR_CSUM_NONE, FRAGMENT, 0, "syn_received" },
	};
	static const struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	static const struct tcp_spec synack = { SYN | ACK, 5000, 1001, 9999, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct tcp_spec ack = { ACK, 1001, 5001, 9999, t[i].payload };
		const char *web = t[i].v6 ? "fd00:1::10" : "10.1.0.10";
		const char *db = t[i].v6 ? "fd00:1::20" : "10.1.0.20";
		struct kit *k = kit_new(NULL);
		struct vfr_packet *p;
		struct frame f, g;

		KIT_LOAD(k, allow_all);
		frame_tcp(&f, WEB, web, 7, db, 8, &syn);
		kit_rx(k, WEB, &f);
		frame_tcp(&f, DB, db, 8, web, 7, &synack);
		kit_rx(k, DB, &f);
		kit_clear(k);
		frame_tcp(&f, WEB, web, 7, db, 8, &ack);
		if (t[i].wrong)
			frame_l4(&f)[16] ^= 0x55;
		frame_fragment(&g, &f, 5, 0, 520, true);
		p = kit_packet(k, t[i].payload == FRAGMENT ? &g : &f,
			       t[i].cut);
		p->csum = t[i].csum;
		vfr_rx(k->v, WEB, &p, 1, ++k->now);
		kit_one(k, DB);		/* to be judged there */
		if (strcmp(flow_state(k), t[i].then))
			fail_msg("%s: %s", t[i].what, flow_state(k));
		kit_wait(k, 31);
		kit_free(k);
	}
}

static void test_window_scale(void **state)
{
	struct kit *k = kit_new(NULL);
	struct tcp_spec t = { ACK, 1001 + 300000, 5001, 100, 10 };
	struct frame f;
	uint8_t *h;
	int scaled;

	KIT_LOAD(k, web_to_db);
	for (scaled = 0; scaled < 2; scaled++) {
		struct tcp_spec syn = { SYN, 1000, 0, 20000, 4 };
		struct tcp_spec synack = { SYN | ACK, 5000, 1001, 20000, 4 };
		struct tcp_spec ack = { ACK, 5001, 1001, 20000, 0 };

		frame_tcp(&f, WEB, "10.1.0.10", 70 + scaled, "10.1.0.20", 8, &syn);
		h = frame_l4(&f);
		h[12] = 0x60;
		memcpy(h + 20, "\3\3\7\1", 4);
		frame_sums(&f);
		kit_rx(k, WEB, &f);
		frame_tcp(&f, DB, "10.1.0.20", 8, "10.1.0.10", 70 + scaled, &synack);
		h = frame_l4(&f);
		h[12] = 0x60;
		memcpy(h + 20, scaled ? "\3\3\5\1" : "\1\1\1\1", 4);
		frame_sums(&f);
		kit_rx(k, DB, &f);
		frame_tcp(&f, DB, "10.1.0.20", 8, "10.1.0.10", 70 + scaled, &ack);
		kit_rx(k, DB, &f);	/* 20000 << 5 if both scale */
		kit_clear(k);
		frame_tcp(&f, WEB, "10.1.0.10", 70 + scaled, "10.1.0.20", 8, &t);
		kit_rx(k, WEB, &f);
		assert_int_equal(k->nr_caught, scaled);
	}
	kit_free(k);
}

static void test_lifetimes(void **state)
{
	static const struct {
		const char *what;
		bool answer;
		int wait;
		bool alive;
	} t[] = {
		{ "a question lives half a minute", false, 25, true },
		{ "and no longer", false, 40, false },
		{ "an answered one lives three", true, 170, true },
		{ "and no longer", true, 200, false },
	};
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct kit *k = kit_new(NULL);
		struct frame f;

		KIT_LOAD(k, web_to_db);
		frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 9);
		kit_rx(k, WEB, &f);
		frame_udp(&f, DB, "10.1.0.20", 6, "10.1.0.10", 5, 9);
		if (t[i].answer)
			kit_rx(k, DB, &f);
		kit_wait(k, t[i].wait);
		kit_clear(k);
		kit_rx(k, DB, &f);
		if (k->nr_caught != t[i].alive)
			fail_msg("%s", t[i].what);
		kit_free(k);
	}
}

static uint32_t established(struct kit *k)
{
	struct vfr_flow_info fi;
	uint32_t pos = 0, n = 0;

	while (!vfr_flow_next(k->v, &pos, &fi))
		n += fi.established;
	return n;
}

/*
 * 1,024 flows, five ports: each has 102 for sure.  The SYN flood may take its
 * own domain's share and half of what is lent, but no established flow, and
 * not what others are sure of.
 */
static void test_syn_flood(void **state)
{
	struct kit *k = kit_new(NULL);
	struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	struct vfr_stats st;
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 50; i++) {
		open_tcp(k, WAN, "8.8.8.8", 2000 + i, WEB, "10.1.0.10", 80);
		open_tcp(k, WAN, "8.8.8.8", 2000 + i, DB, "10.1.0.20", 80);
		open_tcp(k, DB, "10.1.0.20", 100 + i, WAN, "9.9.9.9", 80);
	}
	assert_int_equal(established(k), 150);
	for (i = 0; i < 20000; i++) {
		char src[32];

		kit_clear(k);
		snprintf(src, sizeof(src), "7.%d.%d.1", i >> 8, i & 255);
		frame_tcp(&f, WAN, src, 3000, "10.1.0.10", 80, &syn);
		kit_rx(k, WAN, &f);
		assert_int_equal(k->nr_caught, 1);	/* new ones go on */
	}
	assert_int_equal(established(k), 150);
	vfr_stats(k->v, &st);
	assert_true(st.flows <= 102 + 256 + 150);
	assert_true(st.flows_evicted > 19000);
	/* A real client still gets in: its handshake is quick. */
	open_tcp(k, WAN, "8.8.8.8", 4000, WEB, "10.1.0.10", 80);
	assert_int_equal(established(k), 151);
	/* And the neighbour's new connections are not touched. */
	for (i = 0; i < 40; i++)
		open_tcp(k, WAN, "8.8.8.8", 5000 + i, DB, "10.1.0.20", 80);
	assert_int_equal(established(k), 191);
	kit_free(k);
}

/*
 * What a stranger can make with addresses that are not his, 500 times for web,
 * which may have 358 flows: none of it is in the way of a real client.
 */
static void syn_reset(struct kit *k, const char *src)
{
	const struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	const struct tcp_spec rst = { RST, 1001, 0, 0, 0 };
	struct frame f;

	frame_tcp(&f, WAN, src, 3000, "10.1.0.10", 80, &syn);
	kit_rx(k, WAN, &f);
	frame_tcp(&f, WAN, src, 3000, "10.1.0.10", 80, &rst);
	kit_rx(k, WAN, &f);
}

static void syn_refused(struct kit *k, const char *src)
{
	const struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	const struct tcp_spec rst = { RST | ACK, 0, 1001, 0, 0 };
	struct frame f;

	frame_tcp(&f, WAN, src, 3000, "10.1.0.10", 81, &syn);
	kit_rx(k, WAN, &f);
	frame_tcp(&f, WEB, "10.1.0.10", 81, src, 3000, &rst);
	kit_rx(k, WEB, &f);
}

static void question_answered(struct kit *k, const char *src)
{
	struct frame f;

	frame_udp(&f, WAN, src, 3000, "10.1.0.10", 53, 9);
	kit_rx(k, WAN, &f);
	frame_udp(&f, WEB, "10.1.0.10", 53, src, 3000, 9);
	kit_rx(k, WEB, &f);
}

static void ping_answered(struct kit *k, const char *src)
{
	struct frame f;

	frame_echo(&f, WAN, src, "10.1.0.10", 8, 7, 9);
	kit_rx(k, WAN, &f);
	frame_echo(&f, WEB, "10.1.0.10", src, 0, 7, 9);
	kit_rx(k, WEB, &f);
}

static void test_strangers(void **state)
{
	static const struct {
		const char *what;
		void (*send)(struct kit *k, const char *src);
	} t[] = {
		{ "a SYN and a reset", syn_reset },
		{ "a SYN to a closed port", syn_refused },
		{ "a question, which is answered", question_answered },
		{ "a ping, which is answered", ping_answered },
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct kit *k = kit_new(NULL);

		KIT_LOAD(k, allow_all);
		/* A talk that goes on is as safe as a connection. */
		question_answered(k, "8.8.8.8");
		question_answered(k, "8.8.8.8");
		for (n = 0; n < 500; n++) {
			char src[32];

			kit_clear(k);
			snprintf(src, sizeof(src), "7.%u.%u.1", n >> 8, n & 255);
			t[i].send(k, src);
			if (k->nr_caught != 2)
				fail_msg("%s: %u: %s", t[i].what, n,
					 kit_last_reason(k));
		}
		open_tcp(k, WAN, "8.8.8.8", 4000, WEB, "10.1.0.10", 80);
		if (established(k) != 2)
			fail_msg("%s: %u", t[i].what, established(k));
		kit_free(k);
	}
}

/* Established flows of one domain cannot take what others are sure of. */
static void test_hoarding(void **state)
{
	struct kit *k = kit_new(NULL);
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 2000; i++) {
		kit_clear(k);
		open_tcp(k, WEB, "10.1.0.10", 1000 + i, WAN, "8.8.8.8", 80);
	}
	assert_int_equal(established(k), 102 + 256);
	assert_true(kit_drops(k, WEB, VFR_DROP_FLOW_LIMIT) > 1600);
	for (i = 0; i < 300; i++)
		open_tcp(k, DB, "10.1.0.20", 1000 + i, WAN, "8.8.8.8", 80);
	assert_int_equal(established(k), 102 + 256 + 300);
	kit_free(k);
}

/* When all that is lent is in use, nobody's own share is touched. */
static void test_shares(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_stats st;
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 400; i++) {
		open_tcp(k, WEB, "10.1.0.10", 1000 + i, WAN, "8.8.8.8", 80);
		open_tcp(k, DB, "10.1.0.20", 1000 + i, WAN, "8.8.8.8", 80);
	}
	for (i = 0; i < 50; i++) {	/* 50 questions in LAN's share */
		frame_udp(&f, LAN, "192.168.1.9", 1000 + i, "8.8.8.8", 53, 9);
		kit_rx(k, LAN, &f);
	}
	vfr_stats(k->v, &st);
	assert_int_equal(st.embryonic, 50);
	for (i = 0; i < 150; i++)
		open_tcp(k, BR, "192.168.1.50", 1000 + i, WAN, "8.8.8.8", 80);
	vfr_stats(k->v, &st);
	assert_int_equal(st.embryonic, 50);
	assert_int_equal(established(k), 2 * (102 + 256) + 102);
	assert_true(kit_drops(k, BR, VFR_DROP_FLOW_LIMIT) >= 48);
	kit_free(k);
}

static void test_related(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f, q;

	KIT_LOAD(k, web_to_db);
	frame_udp(&q, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 9);
	kit_rx(k, WEB, &q);
	kit_clear(k);
	/* db: port unreachable; quotes what web sent. */
	frame_error(&f, DB, "10.1.0.20", "10.1.0.10", 3, 3, q.b + 14, 28);
	kit_rx(k, DB, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	assert_int_equal(kit_step(k, VFR_STEP_RELATED), 0);
	/* Quoting a packet that was never sent does not help. */
	f.b[42 + 21] ^= 1;
	frame_sums(&f);
	kit_rx(k, DB, &f);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "default_deny");
	kit_free(k);
}

/* A quote of IPv6 may have more between its header and the ports. */
static void test_related_behind_headers(void **state)
{
	static const struct {
		const char *what;
		uint8_t type, h[8];	/* h[0] is filled in: UDP follows */
		bool passes;
	} t[] = {
		{ "a destination option", 60, { 0, 0, 1, 4 }, true },
		{ "the first fragment", 44, { 0, 0, 0, 1, 0, 0, 0, 9 }, true },
		{ "a whole packet as fragment", 44, { 0 }, true },
		{ "a later fragment has no ports", 44, { 0, 0, 0, 8 }, false },
		{ "a route that is at its end", 43, { 0, 0, 0, 0 }, true },
		{ "one that goes on", 43, { 0, 0, 2, 1 }, false },
		{ "an option that runs over the end", 60, { 0, 9 }, false },
		{ "no header at all that we know", 135, { 0 }, false },
	};
	struct kit *k = kit_new(NULL);
	uint8_t quote[56];
	struct frame f, q;
	unsigned int i;

	KIT_LOAD(k, web6_to_db6);
	frame_udp(&q, WEB, "fd00:1::10", 5, "fd00:1::20", 6, 9);
	kit_rx(k, WEB, &q);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		kit_clear(k);
		memcpy(quote, q.b + 14, 40);
		quote[6] = t[i].type;
		memcpy(quote + 40, t[i].h, 8);
		quote[40] = 17;
		memcpy(quote + 48, q.b + 54, 8);
		frame_error(&f, DB, "fd00:1::20", "fd00:1::10", 1, 0, quote,
			    56);
		kit_rx(k, DB, &f);
		if (k->nr_caught != t[i].passes)
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	kit_free(k);
}

/*
 * An error goes to whoever sent the packet that it quotes.  With any other
 * destination a flow to one host would be a way to all behind the same port,
 * past the rules.
 */
static void test_related_astray(void **state)
{
	static const struct kit_rule rules[] = {
		{ VFR_ALLOW, .src = "10.1.0.10", .dst = "8.8.8.8" },
		{ VFR_ALLOW, .src = "fd00:1::10", .dst = "2001:db8::1" },
	};
	static const struct {
		const char *what;
		int from;
		const char *src, *dst;		/* of the error */
		const char *qsrc, *qdst;	/* of the packet it quotes */
		int out;			/* -1: dropped */
	} t[] = {
		{ "to the sender, inside", WAN, "8.8.8.8", "10.1.0.10", "10.1.0.10", "8.8.8.8", WEB },
		{ "to another inside", WAN, "8.8.8.8", "10.1.0.20", "10.1.0.10", "8.8.8.8", -1 },
		{ "to the sender, outside", WEB, "10.1.0.10", "8.8.8.8", "8.8.8.8", "10.1.0.10", WAN },
		{ "to another outside", WEB, "10.1.0.10", "8.8.4.4", "8.8.8.8", "10.1.0.10", -1 },
		{ "to the sender by IPv6, inside", WAN, "2001:db8::1", "fd00:1::10", "fd00:1::10", "2001:db8::1", WEB },
		{ "to another by IPv6, inside", WAN, "2001:db8::1", "fd00:1::20", "fd00:1::10", "2001:db8::1", -1 },
		{ "to another by IPv6, outside", WEB, "fd00:1::10", "2001:db8:5::1", "2001:db8::1", "fd00:1::10", -1 },
	};
	struct kit *k = kit_new(NULL);
	struct frame f, q;
	unsigned int i;

	KIT_LOAD(k, rules);
	frame_udp(&f, WEB, "10.1.0.10", 5, "8.8.8.8", 5, 9);
	kit_rx(k, WEB, &f);
	frame_udp(&f, WEB, "fd00:1::10", 5, "2001:db8::1", 5, 9);
	kit_rx(k, WEB, &f);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		bool v6 = strchr(t[i].src, ':');

		kit_clear(k);
		frame_udp(&q, t[i].from, t[i].qsrc, 5, t[i].qdst, 5, 0);
		frame_error(&f, t[i].from, t[i].src, t[i].dst, v6 ? 1 : 3, 0,
			    q.b + 14, v6 ? 48 : 28);
		kit_rx(k, t[i].from, &f);
		if (k->nr_caught != (t[i].out >= 0) ||
		    (k->nr_caught && k->caught[0].port != t[i].out))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	kit_free(k);
}

/* Only an echo request has an answer to wait for; whatever else ICMP says is
   judged by the rules, packet by packet, in each direction.  That holds for
   the id 0, too, which is what has no id. */
static void icmp_with_id(uint16_t known)
{
	static const struct kit_rule rules[] = {
		{ VFR_ALLOW, .src = "10.1.0.10", .proto = 1, .sport = 13 },
		{ VFR_ALLOW, .src = "10.1.0.10", .proto = 1, .sport = 8 },
		{ VFR_ALLOW, .src = "10.1.0.20", .proto = 1, .dst = "10.1.0.10",
		  .dport_lo = 1, .dport_hi = 1 },
	};
	static const struct {
		const char *what;
		int from;
		uint8_t type;
		uint16_t id;
		bool passes;
	} t[] = {
		{ "a timestamp request that a rule allows", WEB, 13, 1, true },
		{ "opens no way back for requests", DB, 13, 1, false },
		{ "nor for answers", DB, 14, 1, false },
		{ "nor for other questions", WEB, 17, 1, false },
		{ "an answer that nobody asked for", DB, 0, 5, false },
		{ "an echo request", WEB, 8, 5, true },
		{ "and its answer", DB, 0, 5, true },
		{ "but no answer to another", DB, 0, 6, false },
		{ "and no request the other way", DB, 8, 5, false },
		{ "and nothing else", DB, 5, 5, false },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, rules);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		bool web = t[i].from == WEB;

		kit_clear(k);
		frame_echo(&f, t[i].from, web ? "10.1.0.10" : "10.1.0.20",
			   web ? "10.1.0.20" : "10.1.0.10", t[i].type,
			   t[i].id == 5 ? known : t[i].id, 12);
		kit_rx(k, t[i].from, &f);
		if (k->nr_caught != t[i].passes)
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	/* An allowed answer without a question opens nothing, either. */
	frame_echo(&f, DB, "10.1.0.20", "10.1.0.10", 0, 9, 12);
	f.b[35] = 1;
	frame_sums(&f);
	kit_clear(k);
	kit_rx(k, DB, &f);
	kit_one(k, WEB);
	frame_echo(&f, WEB, "10.1.0.10", "10.1.0.20", 0, 9, 12);
	kit_rx(k, WEB, &f);
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

static void test_icmp(void **state)
{
	icmp_with_id(5);
	icmp_with_id(0);
}

/* A packet from WAN by the n-th source, and its hash. */
static uint32_t nth(struct vfr *v, struct frame *f, uint32_t n)
{
	struct flow_key key = { .dst = kit_addr("10.1.0.10"), .dport = 9,
				.sport = 7, .dev = WAN, .proto = 17 };
	char src[32];

	snprintf(src, sizeof(src), "8.%u.%u.%u", n >> 16, n >> 8 & 255,
		 n & 255);
	key.src = kit_addr(src);
	frame_udp(f, WAN, src, 7, "10.1.0.10", 9, 20);
	return flow_hash(v, &key);
}

/* Once freed, a flow is not found again: not by its tag in the lane beside one
   with the same tag, where a search of many lanes at once runs over. */
static void test_gone(void **state)
{
	static const struct vfr_limits lim = {
		.ports = 8, .flows = 64, .rules = 256, .neighbours = 16,
		.hosts = 64, .macs = 16, .fragments = 8, .packets = 32,
		.sources = 64, .taps = 4, .tap_insns = 64, .log = 64,
	};
	struct kit *k = kit_new(&lim);
	uint32_t first[32] = { 0 }, n, h = 0, a = 0;
	struct frame fa, fb;
	struct flow *f;
	int dir;

	KIT_LOAD(k, allow_all);
	for (n = 1; !a; n++) {		/* two of tag 1 in one bucket */
		h = nth(k->v, &fb, n);
		if (h >> 16 <= 1) {
			a = first[h & 31];
			first[h & 31] = n;
		}
	}
	nth(k->v, &fa, a);
	kit_rx(k, WAN, &fa);
	kit_rx(k, WAN, &fb);
	f = &k->v->flows[1];
	assert_ptr_equal(flow_find(k->v, &f->side[0].key, h, NONE32, &dir), f);
	flow_free(k->v, f);
	assert_null(flow_find(k->v, &f->side[0].key, h, NONE32, &dir));
	kit_free(k);
}

static void test_reload(void **state)
{
	static const struct kit_rule narrower[] = {
		{ VFR_DENY, .proto = 17, .dport_lo = 7, .id = 9 },
		{ VFR_ALLOW, .src = "10.1.0.10", .dst = "10.1.0.20", .id = 5 },
	};
	static const struct kit_rule none[] = { { VFR_DENY } };
	struct kit *k = kit_new(NULL);
	struct vfr_rule_stats rs;
	struct vfr_stats st;
	struct frame a, b, back;
	const void *old;
	int i;

	KIT_LOAD(k, web_to_db);
	frame_udp(&a, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 9);
	frame_udp(&b, WEB, "10.1.0.10", 5, "10.1.0.20", 7, 9);
	frame_udp(&back, DB, "10.1.0.20", 7, "10.1.0.10", 5, 9);
	kit_rx(k, WEB, &a);
	kit_rx(k, WEB, &b);
	kit_clear(k);

	/* Same rules: nothing is lost, counters go on. */
	KIT_LOAD(k, web_to_db);
	kit_rx(k, DB, &back);
	kit_one(k, WEB);
	vfr_rule_stats(k->v, 0, &rs);
	assert_int_equal(rs.packets, 3);

	/* Narrower: one flow is closed at its next packet, one stays. */
	KIT_LOAD(k, narrower);
	kit_rx(k, DB, &back);
	assert_string_equal(kit_last_reason(k), "default_deny");
	assert_true(kit_step(k, VFR_STEP_FLOW_CLOSED) >= 0);
	kit_rx(k, WEB, &a);
	kit_one(k, DB);
	assert_int_equal(kit_step(k, VFR_STEP_FLOW_HIT), 1);
	vfr_rule_stats(k->v, 1, &rs);
	assert_int_equal(rs.packets, 4);	/* carried by its id */
	assert_int_equal(rs.flows, 2);
	vfr_stats(k->v, &st);
	assert_int_equal(st.reload_closed, 1);
	assert_int_equal(st.reload_checked, 1);

	/* Without traffic the sweep finds it. */
	KIT_LOAD(k, none);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 1);
	for (i = 0; vfr_tick(k->v, ++k->now); i++)
		assert_true(i < 100);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 0);
	assert_int_equal(st.reload_closed, 1);
	assert_int_equal(st.reload_left, 0);

	/* keep-flows: what was open stays open, new ones are not. */
	KIT_LOAD(k, web_to_db);
	kit_rx(k, WEB, &a);
	kit_clear(k);
	assert_int_equal(kit_load(k, none, 1, NULL, 0,
				  VFR_LOAD_KEEP_FLOWS), 0);
	kit_rx(k, WEB, &a);
	kit_one(k, DB);
	kit_rx(k, WEB, &b);
	assert_string_equal(kit_last_reason(k), "rule");

	/* A damaged ruleset changes nothing. */
	{
		size_t len;
		uint8_t *blob = kit_blob(allow_all, 1, NULL, 0, &len);
		const char *why = NULL;

		blob[3] ^= 1;
		assert_int_equal(vfr_load(k->v, blob, len, 0, k->now, &old,
					  &why), -22);
		assert_string_equal(why, "this is no ruleset");
		kit_rx(k, WEB, &b);
		assert_string_equal(kit_last_reason(k), "rule");
		blob[3] ^= 1;
		/* Rollback: the old one comes back by loading it again. */
		assert_int_equal(vfr_load(k->v, blob, len, 0, k->now, &old,
					  NULL), 0);
		kit_rx(k, WEB, &b);
		kit_one(k, DB);
		assert_int_equal(vfr_load(k->v, old,
					  ((const struct vfr_rs_header *)old)->size,
					  0, k->now, NULL, NULL), 0);
		kit_rx(k, WEB, &b);
		assert_string_equal(kit_last_reason(k), "rule");
		free(blob);
	}
	kit_free(k);
}

/* A reload while a NIC has no link: its flows are there when it is back. */
static void test_reload_link_down(void **state)
{
	static const struct kit_rule none[] = { { VFR_DENY, .id = 9 } };
	struct kit *k = kit_new(NULL);
	struct vfr_stats st;
	struct frame f, back;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "8.8.8.8", 6, 9);
	frame_udp(&back, WAN, "8.8.8.8", 6, "10.1.0.10", 5, 9);
	kit_rx(k, WEB, &f);
	vfr_port_link(k->v, WAN, false);
	KIT_LOAD(k, allow_all);
	kit_wait(k, 6);
	kit_rx(k, WEB, &f);
	vfr_stats(k->v, &st);
	assert_int_equal(st.reload_closed, 0);
	assert_int_equal(st.reload_checked, 1);
	vfr_port_link(k->v, WAN, true);
	kit_clear(k);
	kit_rx(k, WAN, &back);
	kit_one(k, WEB);
	assert_true(kit_step(k, VFR_STEP_FLOW_HIT) >= 0);
	kit_rx(k, WEB, &f);
	kit_one(k, WAN);
	/* The rules are asked all the same. */
	vfr_port_link(k->v, WAN, false);
	KIT_LOAD(k, none);
	kit_wait(k, 6);
	vfr_stats(k->v, &st);
	assert_int_equal(st.reload_closed, 1);
	kit_free(k);
}

static void test_collisions(void **state)
{
	static const struct vfr_limits lim = {
		.ports = 8, .flows = 64, .rules = 16, .hosts = 64,
	};
	struct kit *k = kit_new(&lim);
	struct vfr_stats st;
	struct frame f;
	int round, i;

	/* A small table, filled and emptied: nothing is left behind. */
	KIT_LOAD(k, allow_all);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 100; i++) {
			kit_clear(k);
			frame_udp(&f, WEB + i % 2, i % 2 ? "10.1.0.20" : "10.1.0.10",
				  i + round * 7, "8.8.8.8", i, 9);
			kit_rx(k, WEB + i % 2, &f);
		}
		kit_wait(k, 40);
		vfr_stats(k->v, &st);
		assert_int_equal(st.flows, 0);
		assert_int_equal(st.embryonic, 0);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_handshake_sum),
		cmocka_unit_test(test_window_scale),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_hoarding),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_related),
		cmocka_unit_test(test_related_behind_headers),
		cmocka_unit_test(test_related_astray),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_link_down),
		cmocka_unit_test(test_collisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
