# Guests of the kit.  build/guests/NAME.elf is guests/NAME/*.c with the kit.

CFLAGS_DIR_guests := -Iguests
CFLAGS_guest += -mcmodel=kernel -isystem guests/kit/libc \
	-fno-tree-loop-distribute-patterns

GUESTS := hello dom0
KIT_SRCS := $(wildcard guests/kit/*.[cS] guests/kit/libc/*.c)
KIT_LDS := $(B)/guests/kit.lds

$(KIT_LDS): guests/kit/kit.lds guests/kit/layout.h
	@mkdir -p $(@D)
	$(call say,LDS,$@)$(CC) -E -P -x c -D__ASSEMBLY__ -o $@ $<

# The symbols stay, for addresses that a guest prints; the rest of -g goes.
define guest_rule
$(B)/guests/$(1).elf: $(call objs,guest,$(wildcard guests/$(1)/*.[cS]) $(KIT_SRCS)) $(KIT_LDS)
	$$(call say,LD,$$@)$(LD) -static -nostdlib --build-id=none -z max-page-size=4096 \
		-z noexecstack -S -T $(KIT_LDS) -o $$@ $$(filter %.o,$$^)
endef
$(foreach g,$(GUESTS),$(eval $(call guest_rule,$(g))))

GUEST_IMAGES := $(patsubst %,$(B)/guests/%.elf,$(GUESTS))
ALL += $(GUEST_IMAGES)
