/* table.h: one hypercall by number; for do_hypercall() and multicall. */
#ifndef TABLE_H
#define TABLE_H

#include "types.h"

long hypercall_call(uint64_t nr, const uint64_t args[6]);

/* The entry of a multicall that is being worked on by this CPU, or NULL:
 * hypercall_continue() changes its arguments. */
struct multicall_entry;
extern struct multicall_entry *multicall_now[MAX_CPUS];

#endif
