/*
 * send.c: this guest as the one that sends.
 */
#include "netbench/netbench.h"

#include <stdlib.h>
#include <string.h>

#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "kit/kit.h"
#include "kit/time.h"
#include "net/net.h"

#define BURST		64		/* packets before events get their turn */
#define LATE_MAX	32		/* more that are late are left out */
#define SAMPLES_MAX	65536		/* round trips that are kept */
#define LOST_NS		(1 * SECONDS)	/* an echo that does not come */
#define CONNECT_NS	(30 * SECONDS)	/* a peer that may still be booting */

static struct {
	ip_addr_t address;
	uint16_t port;
	uint32_t size, rate;
	uint64_t duration_ns;
	uint64_t begin_ns, end_ns;	/* of sending */
	uint64_t packets, bytes, lost;
	uint64_t left_out;
	bool	 (*begin)(void);		/* NULL: it has */
	bool	 (*run)(uint64_t now);
	struct udp_pcb *udp;
	struct tcp_pcb *tcp;
	struct timer timer;
} s;

static uint32_t *samples;		/* ns */
static uint64_t asked_ns;		/* 0: no question is open */

/* Only to end the guest's sleep. */
static void woken(void *arg)
{
}

static void wake_at(uint64_t at_ns)
{
	timer_set(&s.timer, at_ns, woken, NULL);
}

static void done(const char *what)
{
	printf("netbench: sent %s %lu packets %lu bytes %lu ns\n", what,
	       s.packets, s.bytes, time_now() - s.begin_ns);
	s.run = NULL;
}

/* ---- UDP ---- */

static bool datagram_send(void)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, s.size, PBUF_RAM);
	err_t e;

	if (!p)
		return false;
	e = net_udp_sendto(s.udp, p, &s.address, s.port);
	pbuf_free(p);
	if (e != ERR_OK)
		return false;
	s.packets++;
	s.bytes += s.size;
	return true;
}

/* How many should be out by now, at a rate.  After a pause they do not come all
 * at once: that would be a test of queues. */
static uint64_t packets_due(uint64_t now)
{
	uint64_t all = (now - s.begin_ns) / 1000 * s.rate / 1000000;

	if (all > s.packets + s.left_out + LATE_MAX)
		s.left_out = all - s.packets - LATE_MAX;
	return all - s.left_out;
}

static bool udp_run(uint64_t now)
{
	uint64_t due = UINT64_MAX;

	if (now >= s.end_ns) {
		done("udp");
		return false;
	}
	if (s.rate) {
		due = packets_due(now);
		wake_at(now + 1 * MILLISECONDS);
	}
	for (unsigned int i = 0; i < BURST; i++) {
		if (s.packets >= due)
			return false;
		if (!datagram_send()) {	/* the ring is full: it will tell */
			wake_at(now + 1 * MILLISECONDS);
			return false;
		}
	}
	return true;
}

/* ---- round trips ---- */

static void echoed(void *arg, struct udp_pcb *pcb, struct pbuf *p,
		   const ip_addr_t *from, u16_t port)
{
	pbuf_free(p);
	if (!asked_ns)
		return;
	if (s.packets - s.lost <= SAMPLES_MAX)
		samples[s.packets - s.lost - 1] = time_now() - asked_ns;
	asked_ns = 0;
}

static void sort(uint32_t *a, size_t n)		/* Shell's */
{
	for (size_t gap = n / 2; gap; gap /= 2)
		for (size_t i = gap; i < n; i++) {
			uint32_t v = a[i];
			size_t k = i;

			for (; k >= gap && a[k - gap] > v; k -= gap)
				a[k] = a[k - gap];
			a[k] = v;
		}
}

static void rtt_done(void)
{
	uint64_t n = s.packets - s.lost - (asked_ns != 0);

	n = n < SAMPLES_MAX ? n : SAMPLES_MAX;
	if (n) {
		sort(samples, n);
		printf("netbench: rtt %lu samples %lu lost p50 %u p99 %u "
		       "max %u ns\n", n, s.lost, samples[n / 2],
		       samples[n * 99 / 100], samples[n - 1]);
	}
	done("rtt");
}

static bool rtt_run(uint64_t now)
{
	if (now >= s.end_ns) {
		rtt_done();
		return false;
	}
	if (asked_ns && now - asked_ns > LOST_NS) {
		s.lost++;
		asked_ns = 0;
	}
	if (!asked_ns) {
		asked_ns = now;
		if (!datagram_send())
			asked_ns = 0;
	}
	wake_at(now + 100 * MILLISECONDS);
	return false;
}

/* ---- TCP ---- */

static err_t tcp_more(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	uint32_t n = tcp_sndbuf(pcb);

	s.bytes += len;
	if (!s.run)
		return ERR_OK;
	while (n && tcp_write(pcb, send_bytes, n, 0) == ERR_OK)
		n = tcp_sndbuf(pcb);
	tcp_output(pcb);
	return ERR_OK;
}

static err_t tcp_polled(void *arg, struct tcp_pcb *pcb)
{
	return tcp_more(arg, pcb, 0);
}

static err_t tcp_up(void *arg, struct tcp_pcb *pcb, err_t e)
{
	s.begin_ns = time_now();
	s.end_ns = s.begin_ns + s.duration_ns;
	return tcp_more(arg, pcb, 0);
}

static void tcp_failed(void *arg, err_t e)
{
	s.tcp = NULL;
	printf("netbench: the connection fails: %d\n", e);
}

static bool tcp_run(uint64_t now)
{
	if (!s.tcp || now >= s.end_ns) {
		done("tcp");
		if (s.tcp) {
			tcp_err(s.tcp, NULL);
			tcp_abort(s.tcp);
		}
	} else {
		wake_at(now + 10 * MILLISECONDS);
	}
	return false;
}

/* ---- start ---- */

static bool udp_begin(void)
{
	s.udp = udp_new_ip_type(IPADDR_TYPE_ANY);
	if (!s.udp)
		return false;
	udp_recv(s.udp, echoed, NULL);
	return true;
}

static bool rtt_begin(void)
{
	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	return samples && udp_begin();
}

static bool tcp_begin(void)
{
	s.tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!s.tcp)
		return false;
	tcp_err(s.tcp, tcp_failed);
	tcp_sent(s.tcp, tcp_more);
	tcp_poll(s.tcp, tcp_polled, 1);
	s.end_ns = s.begin_ns + CONNECT_NS;	/* tcp_up() sets it anew */
	return tcp_connect(s.tcp, &s.address, s.port, tcp_up) == ERR_OK;
}

static const struct {
	const char *name;
	bool (*begin)(void);
	bool (*run)(uint64_t now);
} modes[] = {
	{ "udp:", udp_begin, udp_run },
	{ "rtt:", rtt_begin, rtt_run },
	{ "tcp:", tcp_begin, tcp_run },
};

/* ADDRESS:PORT or [ADDRESS]:PORT */
static bool peer_parse(char *text)
{
	char *colon = strrchr(text, ':'), *end = colon;

	if (!colon)
		return false;
	*colon++ = 0;
	if (*text == '[' && end[-1] == ']') {
		text++;
		end[-1] = 0;
	}
	s.port = strtoul(colon, NULL, 10);
	return s.port && ipaddr_aton(text, &s.address);
}

bool send_init(void)
{
	char text[96];
	unsigned int i;

	if (!option_get("send", text, sizeof(text)))
		return false;
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strncmp(text, modes[i].name, strlen(modes[i].name)))
			break;
	if (i == ARRAY_SIZE(modes) ||
	    !peer_parse(text + strlen(modes[i].name))) {
		printf("netbench: send=%s is not understood\n", text);
		return false;
	}
	s.size = option_number("size", 64);
	s.rate = option_number("rate", 0);
	s.duration_ns = option_number("seconds", 10) * SECONDS;
	s.begin_ns = time_now() + option_number("wait", 0) * SECONDS;
	s.end_ns = s.begin_ns + s.duration_ns;
	wake_at(s.begin_ns);
	s.begin = modes[i].begin;
	s.run = modes[i].run;
	return true;
}

/* True when s.run() may be called from now on. */
static bool begun(uint64_t now)
{
	bool (*begin)(void) = s.begin;

	if (now < s.begin_ns)
		return false;
	s.begin = NULL;
	if (begin && (s.size > 65000 || !begin())) {
		printf("netbench: cannot send\n");
		s.run = NULL;
	}
	return s.run;
}

bool send_run(void)
{
	uint64_t now = time_now();

	return s.run && begun(now) && s.run(now);
}
