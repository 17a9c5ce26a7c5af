/*
 * pool.h: open connections to the other server that nobody uses at present.
 *
 * A connection on which the server says something unasked, or that it closes,
 * is no longer there.  A second answer to one request that comes only when the
 * next one has been sent looks like the answer to that: so much the server must
 * be trusted, as by everybody who keeps connections.
 */
#ifndef WEB_POOL_H
#define WEB_POOL_H

#include <lwip/err.h>

struct tcp_pcb;

#define POOL_MAX	64	/* whatever the option says */
#define POOL_DEFAULT	8
#define POOL_IDLE_S	20	/* then one is closed; servers have less patience
				   than our own with its 60 */

/* Keep at most so many; 0: none. */
void pool_init(unsigned int most);

/* One of them, the callbacks of which are the caller's to set; or NULL. */
struct tcp_pcb *pool_take(void);

/* An open connection on which nothing is on its way; it is closed if there are
 * enough.  ERR_OK, or ERR_ABRT: what its callback must return. */
err_t pool_put(struct tcp_pcb *pcb);

#endif
