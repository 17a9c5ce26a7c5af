# The hypervisor.
CFLAGS_DIR_xen-core := -Ixen-core/include

XEN_CORE_SRCS := $(sort $(wildcard xen-core/*/*.c xen-core/*/*.S))
