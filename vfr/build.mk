# The virtual firewall-router, a freestanding library.  The same sources for
# the hypervisor and the host: link with $(call objs,KIND,$(VFR_SRCS)).

VFR_SRCS := $(sort $(wildcard vfr/*.c vfr/classify/*.c))

# memcpy of four bytes is a load: freestanding, but with builtins
CFLAGS_DIR_vfr   := -Ivfr/include -Ivfr -fbuiltin
CFLAGS_DIR_tests += -Ivfr/include -Ivfr

# Built with the rest, so that no call into a libc can slip in.
ALL += $(B)/hv/vfr/freestanding
$(B)/hv/vfr/freestanding: $(call objs,hv,$(VFR_SRCS))
	@ld -r -o $@.o $^
	@nm -u $@.o | awk '$$2 !~ /^(mem(cpy|set|cmp|move)|_GLOBAL_OFFSET_TABLE_)$$/ \
		{ print "vfr: needs " $$2; bad = 1 } END { exit bad }'
	@touch $@

# Tests: a small world of ports around the library.
VFR_KIT := $(VFR_SRCS) tests/unit/vfr_kit.c tests/unit/vfr_frame.c
VFR_KIT_TESTS := vfr_path vfr_frag vfr_judge vfr_claim vfr_neigh vfr_icmp vfr_bridge \
	vfr_packet vfr_port vfr_rate vfr_counters vfr_flow vfr_nat vfr_tap vfr_ruleset vfr_pcap
$(foreach t,$(VFR_KIT_TESTS),$(eval $(t)_SRCS := $(VFR_KIT)))
vfr_tap_LIBS := -lpcap	# to compare with its interpreter
vfr_pcap_LIBS := -lpcap
vfr_sched_SRCS := vfr/sched.c vfr/rate.c
UNIT_TESTS += $(VFR_KIT_TESTS) vfr_sched

include vfr/classify/build.mk

BENCHES += $(B)/host/vfr_bench
$(B)/host/vfr_bench: $(call objs,host,tests/bench/vfr_bench.c $(VFR_SRCS))
	$(call say,LINK,$@)$(CC) $(CFLAGS_host) -o $@ $^

FUZZERS += vfr_packet vfr_ruleset vfr_bpf
vfr_packet_FUZZ_SRCS := $(VFR_KIT)
vfr_packet_FUZZ_LIBS := -lcmocka
vfr_ruleset_FUZZ_SRCS := $(VFR_KIT)
vfr_ruleset_FUZZ_LIBS := -lcmocka
vfr_bpf_FUZZ_SRCS := vfr/bpf.c
vfr_bpf_FUZZ_LIBS := -lpcap
