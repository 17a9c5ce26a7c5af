/*
 * conn.h: connections of dom0's server: each brings one request and takes one
 * answer, or what a capture sees until it ends.
 *
 * All that a client can make dom0 hold is bounded: connections, bytes of a
 * request and of an answer, time until that is taken (less, where others come and
 * there is no room; a capture has no end, but needs the token).
 */
#ifndef DOM0_CONN_H
#define DOM0_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <lwip/tcp.h>

#include "dom0/bytes.h"
#include "dom0/capture.h"
#include "http/http.h"

#define CONN_HEAD_MAX	16384	/* bytes of a request's head */

struct conn {
	/* For who answers. */
	struct tcp_pcb	*pcb;
	struct bytes	 out;		/* empty, with room for any answer */
	struct capture	*capture;	/* what follows out, in chunks; or NULL */
	bool		 done;		/* out is the rest of the answer */

	/* conn.c alone. */
	struct conn	*next;
	uint64_t	 since_ns;
	char		*head;		/* while it is read */
	size_t		 head_len;
	size_t		 sent;		/* of out, given to TCP */
	bool		 ending;	/* of the capture no more is wanted */
};

/* Answers: puts a head and a body into out and sets done, or sets capture. */
typedef void conn_answer_fn(struct conn *c, const struct http_request *r);
/* Answers what is no request: status, 400 or more. */
typedef void conn_refuse_fn(struct conn *c, int status);

/* Serve this TCP port: 0, or -ENOMEM. */
int conns_serve(uint16_t port, conn_answer_fn *answer, conn_refuse_fn *refuse);

#endif
