/*
 * guest_access.h: the one way to a guest's memory by its virtual address.
 *
 * The address is checked against the hypervisor's range, user access is opened
 * for SMAP, and a fault ends the copy.  What is copied in is a private copy:
 * check that, never the guest's memory again.  In the context of the vcpu only
 * (its kernel root is loaded), with no spinlock that another CPU's fault
 * handling would want; mm_lock may be held.
 */
#ifndef GUEST_ACCESS_H
#define GUEST_ACCESS_H

#include "types.h"

/* True if [addr, addr + len) lies outside the hypervisor's range and does not
 * wrap or leave the canonical halves. */
bool guest_range_ok(uint64_t addr, uint64_t len);

/* 0 or -EFAULT; on a fault a part may have been copied. */
int copy_from_guest(void *to, uint64_t from, uint64_t len);
int copy_to_guest(uint64_t to, const void *from, uint64_t len);
int clear_guest(uint64_t to, uint64_t len);

#endif
