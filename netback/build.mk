# netback: part of the hypervisor's image; xen-core/build.mk links it.
CFLAGS_DIR_netback := -Ixen-core/include -Ixen-core/hypercall -Ivfr/include

UNIT_TESTS += nic_flow
nic_flow_SRCS := netback/nic_flow.c
CFLAGS_tests/unit/nic_flow_test.c := -Inetback

# What a frontend can write, read on the host.
UNIT_TESTS += vif_chain
vif_chain_SRCS := netback/vif_chain.c
CFLAGS_tests/unit/vif_chain_test.c := -iquote xen-core/include
FUZZERS += vif_chain
vif_chain_FUZZ_SRCS := netback/vif_chain.c
CFLAGS_tests/fuzz/vif_chain_fuzz.c := -iquote xen-core/include

UNIT_TESTS += flip
flip_SRCS := netback/flip_plan.c
CFLAGS_tests/unit/flip_test.c := -Ivfr/include -iquote xen-core/include

UNIT_TESTS += segment
segment_SRCS := netback/segment.c vfr/packet.c
CFLAGS_tests/unit/segment_test.c := -Inetback -Ivfr/include -iquote xen-core/include

# What waits for a guest's buffers, and what is delivered into them.
UNIT_TESTS += vif_rx
vif_rx_SRCS := netback/vif_rx.c netback/vif_deliver.c netback/segment.c \
	netback/packet.c vfr/packet.c
CFLAGS_tests/unit/vif_rx_test.c := -Inetback -Ivfr/include -iquote xen-core/include
