/*
 * lwipopts.h: how lwIP is built for guests of the kit.
 *
 * One thread, its raw API, IPv4 and IPv6, addresses as dom0 gives them.  Every
 * kind of object has a limit of its own; packet memory has one for all
 * (net_heap_pages, heap.c).
 */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#include <stddef.h>

/* ---- the platform ---- */
#define NO_SYS				1
#define SYS_LIGHTWEIGHT_PROT		0
#define LWIP_NETCONN			0
#define LWIP_SOCKET			0
#define LWIP_STATS			0
#define MEM_ALIGNMENT			8
#define LWIP_NETIF_TX_SINGLE_PBUF	0
#define LWIP_SINGLE_NETIF		0

/* ---- memory ---- */
#define MEM_LIBC_MALLOC			1
void *net_malloc(size_t size);
void *net_calloc(size_t n, size_t size);
void net_free(void *p);
#define mem_clib_malloc			net_malloc
#define mem_clib_calloc			net_calloc
#define mem_clib_free			net_free
#define MEMP_NUM_TCP_PCB		1024
#define MEMP_NUM_TCP_PCB_LISTEN		16
#define MEMP_NUM_TCP_SEG		8192
#define MEMP_NUM_UDP_PCB		16
#define MEMP_NUM_PBUF			8192	/* of memory that is not its own */
#define MEMP_NUM_REASSDATA		16
#define MEMP_NUM_ND6_QUEUE		16
#define MEMP_NUM_SYS_TIMEOUT		16
#define PBUF_POOL_SIZE			16	/* received frames are elsewhere */

/* ---- protocols ---- */
#define LWIP_IPV4			1
#define LWIP_IPV6			1
#define LWIP_IPV6_MLD			0	/* one router, no snooping switch */
#define LWIP_IPV6_AUTOCONFIG		0
#define LWIP_IPV6_DHCP6			0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT	0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS	0	/* dom0 gives each address once */
#define IPV6_FRAG_COPYHEADER		1	/* 64-bit pointers */
#define LWIP_ICMP			1
#define LWIP_RAW			0
#define LWIP_DHCP			0
#define LWIP_DNS			0
#define ARP_QUEUEING			1
#define ARP_TABLE_SIZE			16
#define IP_REASS_MAX_PBUFS		64
#define IP_FORWARD			0
#define LWIP_HOOK_FILENAME		"net/hooks.h"
#define LWIP_HOOK_ND6_GET_GW(netif, dest) net_gateway6(netif, dest)

/* ---- TCP ---- */
#define LWIP_TCP			1
#define TCP_MSS				1460
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			3
#define TCP_WND				(256 * 1024)
/* Joined segments (tx.c) come as one: acknowledge at once what is more. */
#define TCP_WND_UPDATE_THRESHOLD	(TCP_MSS + 1)
#define TCP_SND_BUF			(256 * 1024)
#define TCP_SND_QUEUELEN		512
#define TCP_SNDLOWAT			(TCP_SND_BUF / 2)
#define TCP_SNDQUEUELOWAT		256
#define TCP_LISTEN_BACKLOG		1
#define TCP_DEFAULT_LISTEN_BACKLOG	255
#define LWIP_TCP_RTO_TIME		1000	/* RFC 6298, 2.1 */
#define TCP_OOSEQ_MAX_PBUFS		64
#define LWIP_TCP_SACK_OUT		1
#define LWIP_TCP_TIMESTAMPS		0
#define LWIP_TCP_KEEPALIVE		1
#define LWIP_DISABLE_TCP_SANITY_CHECKS	1	/* they count PBUF_POOL alone */

/* ---- checksums: netif.c says which are made and checked here ---- */
#define LWIP_CHECKSUM_CTRL_PER_NETIF	1

/* ---- the HTTP server ---- */
#define LWIP_HTTPD_SUPPORT_11_KEEPALIVE	1
#define LWIP_HTTPD_DYNAMIC_HEADERS	1
#define LWIP_HTTPD_SUPPORT_V09		0
#define LWIP_HTTPD_MAX_REQUEST_URI_LEN	255
#define LWIP_HTTPD_ABORT_ON_CLOSE_MEM_ERROR 1
#define HTTPD_LIMIT_SENDING_TO_2MSS	0
#define HTTPD_SERVER_AGENT		"sluice"

#endif
