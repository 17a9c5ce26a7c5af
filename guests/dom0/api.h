/*
 * api.h: dom0's server: HTTP/1.1 on port 80 of its own interface.
 *
 *	GET /v1/capture?port=&stages=&snaplen=&filter=&words=	pcapng, chunked
 *
 * Every call wants `Authorization: Bearer TOKEN`, with the token of dom0's GRUB
 * line (token=); without that there is no server.  What reaches the port at all
 * is up to the rules.  Errors are JSON: {"error": "why"}.
 */
#ifndef DOM0_API_H
#define DOM0_API_H

/* After the interface is up.  Says on the console why there is no server. */
void api_start(void);

#endif
