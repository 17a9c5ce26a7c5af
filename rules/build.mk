# rules/: the language, from text to ruleset.  Freestanding: the same sources
# serve the host command and dom0.  Link with VFR_SRCS, whose classifier builder
# and ruleset writer the compiler uses.

RULES_SRCS := $(sort $(wildcard rules/*.c))
# What a test or fuzzer of the language links with.
RULES_TEST_SRCS := $(RULES_SRCS) $(VFR_SRCS)

CFLAGS_DIR_rules := -Irules/include -Irules -Ivfr/include
CFLAGS_DIR_tests += -Irules/include -Irules

# Built with the rest, so that no call into a libc can slip in.
ALL += $(call objs,guest,$(RULES_SRCS))

UNIT_TESTS += rules_golden rules_hostile rules_layout rules_manual rules_meaning rules_data
rules_golden_SRCS := $(RULES_TEST_SRCS)
rules_hostile_SRCS := $(RULES_TEST_SRCS)
rules_layout_SRCS := $(RULES_TEST_SRCS)
rules_data_SRCS := $(RULES_TEST_SRCS)
rules_meaning_SRCS := $(RULES_TEST_SRCS)
rules_manual_SRCS := $(RULES_TEST_SRCS)

FUZZERS += rules_text
rules_text_FUZZ_SRCS := $(RULES_TEST_SRCS)

# Each file of rules/examples in canonical layout, without a warning, and every
# packet it expects judged as it says.
SCRIPT_TESTS += tools/examples
tools/examples_RUN := tests/tools/examples-run
