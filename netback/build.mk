# netback: part of the hypervisor's image; xen-core/build.mk links it.
CFLAGS_DIR_netback := -Ixen-core/include -Ixen-core/hypercall -Ivfr/include
