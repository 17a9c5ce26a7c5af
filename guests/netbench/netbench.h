/* netbench.h: between the files of guests/netbench. */
#ifndef NETBENCH_NETBENCH_H
#define NETBENCH_NETBENCH_H

#include <stdbool.h>
#include <stdint.h>

/* ---- sink.c ---- */

struct sink_counters {
	uint64_t udp_packets, udp_bytes;
	uint64_t tcp_bytes;
};
extern struct sink_counters sink_counters;

/* The services: discard, source, counters. */
int sink_start(void);

/* ---- send.c ---- */

/* What the option send= asks for; false: nothing, or nothing that is known. */
bool send_init(void);
/* Send a piece; true: there is more to do at once, else wait for events. */
bool send_run(void);

/* Bytes to send from, as many as one tcp_write() takes. */
extern char send_bytes[0xffff];

#endif
