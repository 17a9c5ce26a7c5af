/* cc.h: what lwIP asks of compiler and platform (lwip/arch.h). */
#ifndef NET_ARCH_CC_H
#define NET_ARCH_CC_H

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTE_ORDER		LITTLE_ENDIAN
#define LWIP_NO_INTTYPES_H	1
#define LWIP_NO_UNISTD_H	1
#define LWIP_NO_CTYPE_H		1

#ifndef SSIZE_MAX
#define SSIZE_MAX		LONG_MAX
#endif
typedef long ssize_t;

#define X8_F	"02x"
#define U16_F	"u"
#define S16_F	"d"
#define X16_F	"x"
#define U32_F	"u"
#define S32_F	"d"
#define X32_F	"x"
#define SZT_F	"zu"

_Noreturn void panic(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
#define LWIP_PLATFORM_DIAG(x)	do { printf x; } while (0)
#define LWIP_PLATFORM_ASSERT(x)	panic("lwIP: %s", x)

uint32_t net_random(void);
#define LWIP_RAND()		net_random()

#endif
