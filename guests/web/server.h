/*
 * server.h: HTTP over lwIP.  It asks content.c for what to answer.
 */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <lwip/err.h>

#include "web/request.h"

struct tcp_pcb;

struct answer {
	int	    status;
	const char *type;	/* NULL: none */
	const char *body;
	uint64_t    len;
	bool	    lasting;	/* the body stays as it is: sent in place */
};

struct server_counters {
	uint64_t requests, refused, connections;
	unsigned int open;
};
extern struct server_counters server_counters;

/* Listen; 0 or a negative errno. */
int server_start(uint16_t port);

/* ---- content.c ---- */

/* What to answer.  A body that is not lasting holds until the next call. */
void content_find(const char *path, struct answer *a);

/* ---- forward.c ---- */

/* From the command line: forward=/db=10.1.0.20:80. */
void forward_init(void);
/* What is forwarded, and to whom; "" if nothing is. */
const char *forward_prefix(void);
const char *forward_server(void);
bool forward_wanted(const char *path);

/*
 * Ask the other server and pass what it says to client, which is closed at the
 * end.  From now on client is forward.c's; ERR_OK, or ERR_ABRT: it is gone.
 */
err_t forward_start(struct tcp_pcb *client, const struct web_request *q);

#endif
