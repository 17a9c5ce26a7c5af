/* errno.h: Xen's numbers, which are the usual ones; no errno variable. */
#ifndef KIT_ERRNO_H
#define KIT_ERRNO_H

#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
};
/* As macros too: io/xs_wire.h makes its table of errors where EINVAL is one. */
#define EINVAL EINVAL

#endif
