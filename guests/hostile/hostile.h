/*
 * hostile.h: guests that mean harm.  One attack a boot: attack=NAME on the
 * command line; attacks.txt says how each must end.
 */
#ifndef HOSTILE_HOSTILE_H
#define HOSTILE_HOSTILE_H

#include <stdint.h>

/* Random numbers from seed=; the same seed makes the same attack. */
uint64_t random64(void);
uint64_t random_below(uint64_t n);

/*
 * Run a(round) here and b(round) on vcpu 1 at the same time, again and again
 * for ms milliseconds; exceptions end a round.  Without a second vcpu both run
 * in turn.
 */
void race(void (*a)(void *), void (*b)(void *), unsigned int ms);

/* Each attack returns where it survives; what it saw wrong it check()s. */
void attack_ports(void);
void attack_msrs(void);
void attack_selectors(void);
void attack_descriptors(void);
void attack_ldt(void);
void attack_boundary(void);
void attack_mov_ss(void);
void attack_nested_fault(void);
void attack_bad_stack(void);
void attack_hypervisor_stack(void);
void attack_bad_handler(void);
void attack_bad_vcpu(void);
void attack_tables(void);
void attack_table_race(void);
void attack_toggle(void);
void attack_grant_race(void);
void attack_grant_hold(void);
void attack_event_race(void);
void attack_store(void);
void attack_console(void);
void attack_exit_race(void);
void attack_areas(void);
void attack_moves(void);
void attack_fuzz(void);
void attack_wild(void);

#endif
