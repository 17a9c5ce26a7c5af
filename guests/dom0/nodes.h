/*
 * nodes.h: what the store holds about a domain before it starts.
 */
#ifndef DOM0_NODES_H
#define DOM0_NODES_H

struct built;
struct domain;

/* The store itself and dom0's own nodes. */
void nodes_init(void);
int nodes_create(struct domain *d, const struct built *b);
void nodes_remove(struct domain *d);

#endif
