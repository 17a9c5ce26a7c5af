/*
 * xs_ring.h: a domain's store connection over its shared page.
 */
#ifndef DOM0_XS_RING_H
#define DOM0_XS_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "dom0/xs.h"

/*
 * Move what can be moved both ways, once: a peer on another CPU may keep up with
 * us for ever.  True: the peer should be told, and there may be more to move.
 * A peer that breaks the indices is cut off: c->broken.
 */
bool xs_ring_serve(struct xs_conn *c, struct xenstore_domain_interface *ring);

#endif
