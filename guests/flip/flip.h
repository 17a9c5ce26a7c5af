/*
 * flip.h: a flip frontend whose every slot is written by hand: post() names any
 * entry, and the answers are looked at as they are.
 */
#ifndef FLIP_FLIP_H
#define FLIP_FLIP_H

#include <stdbool.h>
#include <stdint.h>

#include <sluice/flip.h>

#define LARGE	1400u	/* payload that is exchanged, bytes */
#define SMALL	100u	/* and that is not */

/* What became of a page: results of the checks. */
enum { COPIED = 0, EXCHANGED = 1, REFUSED = 2, NO_ANSWER = -10, WRONG_BYTES };

/* Rings, in the store and connected; panics where that fails. */
void ring_connect(void);

/* Post an entry; the slot's number. */
unsigned int ring_post(uint64_t pte);
/* Pretend that n more are posted. */
void ring_lie(unsigned int n);
/* Have the host send datagrams until all that is posted is answered, and do
 * meanwhile() over and over, if given.  False: it is not, in a long time. */
bool ring_answered(unsigned int payload, void (*meanwhile)(void));
const struct sluice_flip_response *ring_response(unsigned int slot);

/* One page through the ring: what became of it, with its bytes checked. */
long ring_page(void *page, uint64_t pte, unsigned int payload);

/* Frames that are the guest's, as the hypervisor counts. */
long reservation(void);

/* talk.c: the kit's own frontend; does not return. */
_Noreturn void talk(void);

#endif
