/*
 * room.h: the memory of rulesets.
 *
 * One piece of dom0's address space, all but what dom0 needs for itself.  The
 * compiled sets lie side by side at its end.  The compiler gets all in front of
 * them, but only while it works: at other times there is no memory there, the
 * hypervisor has it.
 *
 *	room_open, then compile, room_place for the result; room_shrink once
 *	nothing else of the compiler's is needed; then room_keep for each set
 *	that is to stay, from the last one of them on; room_close
 */
#ifndef DOM0_ROOM_H
#define DOM0_ROOM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The compiler's memory, down to the sets; NULL: there is none.  *all is false
 * where the hypervisor has less than there is place for.
 */
void *room_open(size_t *bytes, bool *all);

/* Where a set of len bytes can be put, in front of the others; NULL where that
 * would be within the first `used` bytes of the compiler's. */
void *room_place(size_t len, size_t used);

/* The hypervisor gets what lies in front of the set that was placed there. */
void room_shrink(void *set);

/* All sets are gone; and the last place of len bytes in front of those kept
 * since then.  What moves there moves towards the end. */
void room_empty(void);
void *room_keep(size_t len);

/* The hypervisor gets the compiler's memory, and that of sets not kept. */
void room_close(void);

/* The dom0_mem= that dom0 was started with, and one with which the compiler has
 * so many bytes, and twice what it has now at the least. */
size_t room_dom0_mib(void);
size_t room_more_mib(size_t bytes);

#endif
