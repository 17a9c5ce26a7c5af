/*
 * netabuse.h: frontends that mean harm, and one that means well.
 *
 * The domain does what is typed at its console: one word of commands[] in
 * main.c, with a number behind it where it takes one.  "role=echo" on the
 * command line makes it the bystander instead, which sends every UDP packet
 * back.  ip=A.B.C.D is its own address.
 */
#ifndef NETABUSE_NETABUSE_H
#define NETABUSE_NETABUSE_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>

#define RING		256	/* entries of each ring */
#define TX_PAGES	240
#define RX_PAGES	256
#define ANSWER_NS	(2000 * 1000000ul)	/* time enough for any answer */
#define SILENCE_NS	(30 * 1000000ul)	/* so long: nobody answers */

/* A raw frontend of device/vif/0: nothing here keeps to the protocol by
 * itself. */
struct front {
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	int tx_ref, rx_ref, port;
	uint32_t tx_prod, tx_seen;	/* requests made, responses taken */
	uint32_t rx_prod, rx_seen;
	void *tx_page[TX_PAGES], *rx_page[RX_PAGES];
	int tx_gref[TX_PAGES], rx_gref[RX_PAGES];
};

extern struct front front;
extern uint8_t my_mac[6], gateway_mac[6];
extern uint32_t my_ip, gateway_ip;	/* in host order */

/* ---- front.c ---- */

void front_init(void);		/* pages and their grants; once */
/* New rings, their grants, a port: named in the store.  state: the one to go
 * to; 0: none.  Nothing is checked. */
void front_prepare(enum xenbus_state state);
/* Prepare, and connect: 0, or -EIO when the backend does not want us. */
int front_connect(void);
/* Close, take everything back, and wait until the backend waits: 0, or -EBUSY
 * where a grant is still held. */
int front_disconnect(void);
/* Rings and port taken back, when the backend has let them go. */
int front_release(void);
int front_write(const char *node, const char *value);
int front_write_number(const char *node, unsigned long value);
/* Wait until the backend's state is this one; else false. */
bool backend_wait(enum xenbus_state state);
enum xenbus_state backend_state(void);

/* An entry of the table that stays without a grant. */
uint32_t grant_of_nothing(void);
void front_notify(void);
void tx_put(const struct netif_tx_request *r); /* not yet published */
void tx_push(void);
/* The next response; false: none came in time. */
bool tx_wait(struct netif_tx_response *r, uint64_t ns);
void rx_put(uint16_t id, uint32_t gref);
void rx_push(void);
bool rx_wait(struct netif_rx_response *r, uint64_t ns);
/* A good packet's response within ns: 0 it was served, 1 nobody answers, or a
 * status. */
long tx_good(uint64_t ns);

/* ---- packet.c ---- */

#define UDP_HEADERS	42

/* An Ethernet frame of len bytes in buf, UDP to that address and port. */
void udp_make(uint8_t *buf, uint32_t ip, uint16_t port, uint32_t len);
/* The same for TCP: the first packet of a connection. */
void tcp_make(uint8_t *buf, uint32_t ip, uint16_t port, uint32_t len);
void arp_ask(uint8_t *buf);	/* 60 bytes: for the gateway */
/* Make a UDP packet into its answer. */
void udp_turn(uint8_t *buf);
bool is_udp(const uint8_t *buf, uint32_t len);
/* Learn the gateway's address on the link. */
int gateway_find(void);

/* ---- what is done with it; each returns when it is over ---- */

void echo_run(void);
void burst_run(void);
void attack_tx(unsigned long n);
void attack_index(unsigned long n);
void attack_rx(unsigned long n);
void attack_store(unsigned long n);
void attack_rings(unsigned long n);
void attack_race(unsigned long ms);
void attack_rewrite(unsigned long ms);
void attack_stall(unsigned long ms);
void attack_leech(unsigned long ms);
void attack_events(unsigned long ms);
void attack_garbage(unsigned long ms);
void attack_cycles(unsigned long n);
void attack_flood(unsigned long ms);
void attack_ghosts(unsigned long n);
void attack_deaf(unsigned long ms);
void attack_segments(unsigned long ms);

/* Have vcpu 1 call fn again and again; NULL: stop, and wait until it has. */
void other_vcpu(void (*fn)(void));
uint64_t random64(void);

#endif
