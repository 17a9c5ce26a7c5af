/* echo.h: what comes in goes back (RFC 862). */
#ifndef NET_ECHO_H
#define NET_ECHO_H

#include <stdint.h>

/* On a port of TCP and of UDP; 0 or a negative errno. */
int echo_start(uint16_t port);

#endif
