# netback: part of the hypervisor's image; xen-core/build.mk links it.
CFLAGS_DIR_netback := -Ixen-core/include -Ixen-core/hypercall -Ivfr/include

UNIT_TESTS += nic_flow
nic_flow_SRCS := netback/nic_flow.c
CFLAGS_tests/unit/nic_flow_test.c := -Inetback
