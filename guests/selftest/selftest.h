/*
 * selftest.h: the groups of checks, one file each.
 */
#ifndef SELFTEST_SELFTEST_H
#define SELFTEST_SELFTEST_H

void test_pointers(void);	/* every hypercall with wild arguments */
void test_traps(void);		/* exceptions, returns, emulation */
void test_memory(void);		/* frames and page tables */
void test_events(void);
void test_grants(void);
void test_vcpus(void);		/* further vcpus, run states, timers */
void test_user(void);		/* the guest's own user mode */

#endif
