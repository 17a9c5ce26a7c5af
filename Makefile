# Sluice: `make help` lists what there is to do.
#
# One make process builds everything.  Each folder has a build.mk that adds its
# own objects and programs; this file holds what they share: tools, flags and
# the rules from source to object.  All output lies under build/:
#
#   build/hv/     freestanding, for the hypervisor (vfr/ is the same there and on the host)
#   build/guest/  freestanding, for guests of the kit
#   build/host/   the host's own programs
#   build/san/    as host, with AddressSanitizer and UBSan, for the unit tests
#   build/fuzz/   as san, with libFuzzer's coverage

B := build
.DEFAULT_GOAL := all
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:

CC      ?= gcc
CC      := $(if $(filter cc,$(CC)),gcc,$(CC))
CLANG   ?= clang
DEBUG   ?= 1

# The same input gives the same bytes: no build paths, no dates.
export SOURCE_DATE_EPOCH ?= 0
export LC_ALL := C

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wvla -Wundef -Wno-unused-parameter -Wno-missing-field-initializers
BASE := -std=gnu11 -g -O2 -pipe -fno-strict-aliasing -fno-common $(WARN) \
	-ffile-prefix-map=$(CURDIR)=. -Iinclude -D__XEN_INTERFACE_VERSION__=0x00040e00 \
	$(if $(filter 1,$(DEBUG)),-DSLUICE_DEBUG)
FREE := -ffreestanding -mno-red-zone -mgeneral-regs-only -fno-asynchronous-unwind-tables \
	-fcf-protection=none -fno-jump-tables

# Position-independent, so that the same vfr objects link into a host program.
CFLAGS_hv    := $(BASE) $(FREE) -fpie -fvisibility=hidden -fno-omit-frame-pointer -fno-stack-protector
CFLAGS_guest := $(BASE) $(FREE) -fno-pic -mno-sse -fno-stack-protector
CFLAGS_host  := $(BASE) -D_GNU_SOURCE
CFLAGS_san   := $(BASE) -D_GNU_SOURCE -DSLUICE_TEST -O1 -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_fuzz  := $(filter-out -Werror,$(BASE)) -D_GNU_SOURCE -DSLUICE_TEST -O1 \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# A folder may add flags for its own sources: CFLAGS_DIR_vfr := -Ivfr/include
dirflags = $(CFLAGS_DIR_$(firstword $(subst /, ,$<)))

define compile_rules
$(B)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$(2) $$(CFLAGS_$(1)) $$(dirflags) $$(CFLAGS_$$*.c) -MMD -MP -c -o $$@ $$<
$(B)/$(1)/%.o: %.S
	@mkdir -p $$(@D)
	$$(call say,AS,$$@)$(2) $$(CFLAGS_$(1)) $$(dirflags) -D__ASSEMBLY__ -MMD -MP -c -o $$@ $$<
endef
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

$(eval $(call compile_rules,hv,$(CC)))
$(eval $(call compile_rules,guest,$(CC)))
$(eval $(call compile_rules,host,$(CC)))
$(eval $(call compile_rules,san,$(CC)))
$(eval $(call compile_rules,fuzz,$(CLANG)))

# objs KIND,SOURCES: the object files of SOURCES, built as KIND
objs = $(addsuffix .o,$(basename $(addprefix $(B)/$(1)/,$(2))))

# What the folders' build.mk files add to.
ALL        :=# files that `make` builds
UNIT_TESTS :=# names: tests/unit/NAME_test.c with $(NAME_SRCS) becomes build/san/NAME_test
FUZZERS    :=# names: tests/fuzz/NAME_fuzz.c with $(NAME_FUZZ_SRCS) becomes build/fuzz/NAME_fuzz
SCRIPT_TESTS :=# names: $(NAME_RUN) is a command that passes with exit status 0
BENCHES    :=# programs that `make bench` runs: they print `name value unit`
HELP       :=# lines of `make help`

include $(wildcard xen-core/build.mk vfr/build.mk rules/build.mk netback/build.mk \
	blkback/build.mk guests/build.mk tools/build.mk tests/build.mk docs/build.mk examples/build.mk)

all: $(ALL)

define unit_rule
$(B)/san/$(1)_test: $(call objs,san,tests/unit/$(1)_test.c $($(1)_SRCS))
	$$(call say,LINK,$$@)$(CC) $(CFLAGS_san) -o $$@ $$^ -lcmocka $($(1)_LIBS)
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_rule,$(t))))

define fuzz_rule
$(B)/fuzz/$(1)_fuzz: $(call objs,fuzz,tests/fuzz/$(1)_fuzz.c $($(1)_FUZZ_SRCS))
	$$(call say,LINK,$$@)$(CLANG) $(CFLAGS_fuzz) -fsanitize=fuzzer -o $$@ $$^ $($(1)_FUZZ_LIBS)
endef
$(foreach t,$(FUZZERS),$(eval $(call fuzz_rule,$(t))))

clean:
	rm -rf $(B)

.PHONY: all clean help run test bench iso lint fuzz

# Headers found by the compiler in earlier runs.
-include $(shell find $(B) -name '*.d' 2>/dev/null)
