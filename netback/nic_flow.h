/* nic_flow.h: which flow a packet is of, for the choice of a queue. */
#ifndef NIC_FLOW_H
#define NIC_FLOW_H

#include <stdint.h>

/* The same number for all packets of a flow in one direction.  frame: the
 * packet's first len bytes, from its Ethernet header on. */
uint32_t nic_flow_hash(const uint8_t *frame, unsigned len);

#endif
