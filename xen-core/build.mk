# The hypervisor.
CFLAGS_DIR_xen-core := -Ixen-core/include

XEN_CORE_SRCS := $(sort $(wildcard xen-core/*/*.c xen-core/*/*.S))

# One ELF reader and one plan of a domain's memory: ours for dom0, dom0's for
# the other domains.
XEN_CORE_SRCS += $(addprefix guests/dom0/,elf.c notes.c layout.c)
CFLAGS_xen-core/domain/dom0_build.c := -Iguests
