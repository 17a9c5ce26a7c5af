/*
 * domain_private.h: what the files of this folder share.
 */
#ifndef DOMAIN_PRIVATE_H
#define DOMAIN_PRIVATE_H

#include "domain.h"

/* ---- list.c: with domains_lock held ---- */

/* d, which has a name, gets an id, and is in the list: 0, -EEXIST the name is
 * taken, -ENOSPC there are MAX_DOMAINS. */
int domain_list_enter(struct domain *d);
void domain_list_leave(struct domain *d);

/* ---- domain.c ---- */

/* Vcpus leave the scheduler and their timers; for a domain in creation or one
 * that is paused for good. */
void domain_vcpus_stop(struct domain *d);

#endif
