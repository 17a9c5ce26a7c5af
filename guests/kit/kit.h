/*
 * kit.h: what every guest of the kit starts from.
 *
 * The kit boots a 64-bit PV domain and runs it to completion: guest_main() is
 * called on vcpu 0, sets up what it wants, and usually ends in event_loop().
 * Nothing interrupts the kit's own code: events are taken where the code says
 * so (event.h).  There are no threads and so no locks.
 */
#ifndef KIT_KIT_H
#define KIT_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <xen/xen.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

extern struct start_info *start_info;
extern struct shared_info *shared_info;

/* The guest itself; what it returns is the reason of its SCHEDOP_shutdown. */
int guest_main(void);

/* End the domain for one of the SHUTDOWN_* reasons of xen/sched.h. */
_Noreturn void guest_shutdown(unsigned int reason);

/* Say why, with registers where a trap gave them, and end as a crash. */
_Noreturn void panic(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * The value of "key=value" on the guest's command line, up to the next space,
 * in buf; false where there is no such word.
 */
bool option_get(const char *key, char *buf, size_t size);
/* The same as a number, or otherwise where there is none. */
uint64_t option_number(const char *key, uint64_t otherwise);

#endif
