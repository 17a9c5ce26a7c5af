/* pool.c: see pool.h. */
#include "web/pool.h"

#include <stddef.h>

#include <lwip/tcp.h>

#define POLL_TICKS	4	/* of lwIP's half seconds */
#define POLL_S		2

struct idle {
	struct tcp_pcb *pcb;	/* NULL: free */
	unsigned int	quiet_s;
};

static struct idle pool[POOL_MAX];
static unsigned int nr_places;

void pool_init(unsigned int most)
{
	nr_places = most < POOL_MAX ? most : POOL_MAX;
}

static void callbacks_clear(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
}

static err_t pcb_close(struct tcp_pcb *pcb)
{
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static struct tcp_pcb *idle_take(struct idle *i)
{
	struct tcp_pcb *pcb = i->pcb;

	i->pcb = NULL;
	callbacks_clear(pcb);
	return pcb;
}

static void idle_failed(void *arg, err_t e)
{
	((struct idle *)arg)->pcb = NULL;
}

/* The server closes it; or says what nobody asked, and so cannot be trusted to
 * answer the next request on it. */
static err_t idle_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
			   err_t e)
{
	idle_take(arg);
	if (!p)
		return pcb_close(pcb);
	pbuf_free(p);
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t idle_polled(void *arg, struct tcp_pcb *pcb)
{
	struct idle *i = arg;

	i->quiet_s += POLL_S;
	return i->quiet_s < POOL_IDLE_S ? ERR_OK : pcb_close(idle_take(i));
}

struct tcp_pcb *pool_take(void)
{
	struct idle *best = NULL;

	/* The one used last is the least likely to be closed just now. */
	for (unsigned int i = 0; i < nr_places; i++)
		if (pool[i].pcb && (!best || pool[i].quiet_s < best->quiet_s))
			best = &pool[i];
	return best ? idle_take(best) : NULL;
}

err_t pool_put(struct tcp_pcb *pcb)
{
	struct idle *i = pool;

	while (i < pool + nr_places && i->pcb)
		i++;
	if (i == pool + nr_places)
		return pcb_close(pcb);
	*i = (struct idle){ .pcb = pcb };
	tcp_arg(pcb, i);
	tcp_recv(pcb, idle_received);
	tcp_err(pcb, idle_failed);
	tcp_poll(pcb, idle_polled, POLL_TICKS);
	return ERR_OK;
}
