/*
 * vif.h: dom0's side of virtual interfaces: the store's nodes, and the talk with
 * frontends over them (xen/io/netif.h and xenbus.h).  The packets never come
 * here: the hypervisor serves the rings that a frontend names.
 */
#ifndef DOM0_VIF_H
#define DOM0_VIF_H

struct domain;

/* Nodes of all vifs of the domain, which does not run yet; 0 or -errno. */
int vifs_create(struct domain *d);

/* The domain is going: nothing of it is served any more. */
void vifs_remove(struct domain *d);

/* The store has changed at path, by anyone. */
void vif_node_changed(const char *path);

#endif
