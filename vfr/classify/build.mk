# The classifier.  Its tests and its bench share rule sets and headers.

CLASSIFY_SRCS := $(wildcard vfr/classify/*.c) tests/bench/classify_data.c
UNIT_TESTS += classify_diff classify_limits
classify_diff_SRCS := $(CLASSIFY_SRCS)
classify_diff_LIMIT := 180
classify_limits_SRCS := $(CLASSIFY_SRCS)
FUZZERS += classify_blob
classify_blob_FUZZ_SRCS := $(CLASSIFY_SRCS)

# It measures the hypervisor's own objects, beside librte_acl where that is.
BENCHES += $(B)/host/classify_bench
ifeq ($(shell pkg-config --exists libdpdk 2>/dev/null && echo yes),yes)
CLASSIFY_ACL := tests/bench/classify_acl.c
CLASSIFY_ACL_LIBS := -lrte_acl -lrte_eal
CFLAGS_tests/bench/classify_acl.c := \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))
else
CLASSIFY_ACL := tests/bench/classify_noacl.c
endif
$(B)/host/classify_bench: $(call objs,hv,$(wildcard vfr/classify/*.c)) \
	$(call objs,host,tests/bench/classify_bench.c \
		tests/bench/classify_data.c $(CLASSIFY_ACL))
	$(call say,LINK,$@)$(CC) $(CFLAGS_host) -o $@ $^ $(CLASSIFY_ACL_LIBS)

# The whole way from the language to the verdict, beside Linux.
SCRIPT_TESTS += rules/nftables
rules/nftables_RUN := tests/rules/nftables
