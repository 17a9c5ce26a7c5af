/* port.h: between the files of guests/net. */
#ifndef NET_PORT_H
#define NET_PORT_H

#include "net/net.h"

int net_addresses(const struct net_config *c);

#endif
