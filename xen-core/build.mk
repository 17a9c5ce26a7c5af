# The hypervisor: build/sluice.elf, a Multiboot2 image.

CFLAGS_DIR_xen-core := -Ixen-core/include -Ixen-core/mm -Ixen-core/cpu -I$(B)/hv

XEN_CORE_SRCS := $(filter-out xen-core/cpu/asm_offsets.c, \
	$(sort $(wildcard xen-core/*/*.c xen-core/*/*.S)))

# One ELF reader and one plan of a domain's memory: ours for dom0, dom0's for
# the other domains.
XEN_CORE_SRCS += $(addprefix guests/dom0/,elf.c notes.c layout.c)
CFLAGS_xen-core/domain/dom0_build.c := -Iguests

# The backends, and what they are built on, register themselves at boot.
XEN_CORE_SRCS += $(sort $(wildcard netback/*.c vfr/*.c vfr/classify/*.c))

XEN_CORE_OBJS := $(call objs,hv,$(XEN_CORE_SRCS))

ALL += $(B)/sluice.elf

# Numbers for assembly, from C's own view of the structs.
$(B)/hv/asm_offsets.h: xen-core/cpu/asm_offsets.c
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(CC) $(CFLAGS_hv) $(dirflags) -MMD -MP -MT $@ -MF $(B)/hv/asm_offsets.d \
		-S -o - $< | sed -n 's/.*"->\(.*\) \$$*\([-0-9]*\)".*/#define \1 \2/p' > $@
$(B)/hv/xen-core/cpu/entry.o: $(B)/hv/asm_offsets.h

# Linked twice: the names of functions, for backtraces, come from the first.
HV_LINK = $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--no-relax -T xen-core/boot/link.lds

$(B)/hv/sluice.1: $(XEN_CORE_OBJS) xen-core/boot/link.lds
	$(call say,LINK,$@)$(HV_LINK) -o $@ $(XEN_CORE_OBJS)
$(B)/hv/symbols.S: $(B)/hv/sluice.1 xen-core/lib/mksymbols.awk
	$(call say,GEN,$@)nm -n $< | awk -f xen-core/lib/mksymbols.awk > $@
$(B)/hv/symbols.o: $(B)/hv/symbols.S
	$(call say,AS,$@)$(CC) -c -o $@ $<
$(B)/sluice.elf: $(B)/hv/symbols.o $(XEN_CORE_OBJS) xen-core/boot/link.lds
	$(call say,LINK,$@)$(HV_LINK) -o $@ $(XEN_CORE_OBJS) $(B)/hv/symbols.o

# Rules of ports and of grants, on the host.
UNIT_TESTS += domain_list
domain_list_SRCS := xen-core/domain/list.c
CFLAGS_tests/unit/domain_list_test.c := -iquote xen-core/include

UNIT_TESTS += evtchn
evtchn_SRCS := $(addprefix xen-core/event/,evtchn.c port.c pending.c)
CFLAGS_tests/unit/evtchn_test.c := -iquote xen-core/include

UNIT_TESTS += grant
grant_SRCS := xen-core/grant/grant.c xen-core/grant/maptrack.c
CFLAGS_tests/unit/grant_test.c := -iquote xen-core/include

# What runs on the host as well.
UNIT_TESTS += format string timerq bvt clock acpi virtq
virtq_SRCS := xen-core/lib/virtq.c
FUZZERS += virtq
virtq_FUZZ_SRCS := xen-core/lib/virtq.c
CFLAGS_tests/fuzz/virtq_fuzz.c := -iquote xen-core/include
format_SRCS := xen-core/lib/format.c
timerq_SRCS := xen-core/lib/timerq.c
bvt_SRCS := xen-core/sched/bvt.c
clock_SRCS := xen-core/platform/rtc.c
acpi_SRCS := xen-core/platform/acpi.c
$(foreach t,format string timerq bvt clock acpi virtq,\
	$(eval CFLAGS_tests/unit/$(t)_test.c := -Ixen-core/include))

# What may be exchanged.
UNIT_TESTS += page_replace
page_replace_SRCS := xen-core/mm/page.c
CFLAGS_tests/unit/page_replace_test.c := -iquote xen-core/include

# Page tables, and preemption of what is done with them.
UNIT_TESTS += tables
tables_SRCS := $(addprefix xen-core/mm/,page.c validate.c pte.c root.c)
CFLAGS_tests/unit/tables_test.c := -iquote xen-core/include

# Grants, mappings, exchanges and ends of domains, in any order.
UNIT_TESTS += sharing
sharing_SRCS := tests/unit/sharing_machine.c tests/unit/sharing_audit.c \
	$(addprefix xen-core/grant/,maptrack.c grant_map.c grant_copy.c) \
	$(addprefix xen-core/mm/,page.c validate.c pte.c root.c grant_pte.c \
		exchange.c reserve.c memory_op.c mmu_list.c mmu_update.c mmuext.c)
$(foreach f,test machine audit,\
	$(eval CFLAGS_tests/unit/sharing_$f.c := -iquote xen-core/include -iquote xen-core/mm))

# What two CPUs take and give back at once.
UNIT_TESTS += buddy
buddy_SRCS := xen-core/mm/buddy.c
buddy_LIBS := -pthread
CFLAGS_tests/unit/buddy_test.c := -iquote xen-core/include
