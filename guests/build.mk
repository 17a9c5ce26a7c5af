# Guests of the kit.  build/guests/NAME.elf is guests/NAME/*.c with the kit.

CFLAGS_DIR_guests := -Iguests
CFLAGS_guest += -mcmodel=kernel -isystem guests/kit/libc \
	-fno-tree-loop-distribute-patterns

GUESTS := hello dom0 load selftest hostile storm bench echo netabuse flip web netbench
KIT_SRCS := $(wildcard guests/kit/*.[cS] guests/kit/libc/*.c)
KIT_LDS := $(B)/guests/kit.lds

$(KIT_LDS): guests/kit/kit.lds guests/kit/layout.h
	@mkdir -p $(@D)
	$(call say,LDS,$@)$(CC) -E -P -x c -D__ASSEMBLY__ -o $@ $<

# The symbols stay, for addresses that a guest prints; the rest of -g goes.
# Arithmetic that gcc calls for instead of writing it out.
LIBGCC := $(shell $(CC) -print-libgcc-file-name)

hostile_SRCS := guests/selftest/user_code.S

# For those that serve HTTP.
HTTP_SRCS := guests/http/http.c guests/http/text.c
web_SRCS := $(HTTP_SRCS)

# dom0 reads the appliance file and compiles its rules.
dom0_SRCS := $(wildcard rules/*.c vfr/classify/*.c) vfr/ruleset.c
dom0_SRCS += $(HTTP_SRCS)
# It writes captures as the host command does.
dom0_SRCS += vfr/reason.c tools/pcapng.c tools/tapnote.c
CFLAGS_DIR_guests += -Irules/include -Ivfr/include -I.

# TCP/IP for those that say so: lwIP, unpacked by scripts/fetch-lwip, and what
# joins it to the kit.
LWIP := $(B)/lwip
LWIP_SRCS := $(addprefix $(LWIP)/src/, \
	$(addprefix core/, def.c inet_chksum.c init.c ip.c mem.c memp.c \
		netif.c pbuf.c stats.c tcp.c tcp_in.c tcp_out.c timeouts.c \
		udp.c altcp.c altcp_alloc.c altcp_tcp.c) \
	$(addprefix core/ipv4/, etharp.c icmp.c ip4.c ip4_addr.c ip4_frag.c) \
	$(addprefix core/ipv6/, ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c \
		ip6_frag.c nd6.c) \
	netif/ethernet.c)
NET_SRCS := $(wildcard guests/net/*.c) $(LWIP_SRCS)
CFLAGS_DIR_guests += -isystem $(LWIP)/src/include -Iguests/net/include
CFLAGS_DIR_$(firstword $(subst /, ,$(B))) := -w -Iguests -Iguests/net/include \
	-I$(LWIP)/src/include

$(LWIP)/stamp: scripts/fetch-lwip
	$(call say,FETCH,$(LWIP))scripts/fetch-lwip $(LWIP) && touch $@

$(LWIP)/%.c: | $(LWIP)/stamp ;

NET_GUESTS := dom0 echo web netbench
$(foreach g,$(NET_GUESTS),$(eval $(g)_SRCS += $(NET_SRCS)))
$(call objs,guest,$(NET_SRCS) $(wildcard $(NET_GUESTS:%=guests/%/*.c))): \
	| $(LWIP)/stamp

define guest_rule
$(B)/guests/$(1).elf: $(call objs,guest,$(wildcard guests/$(1)/*.[cS]) $($(1)_SRCS) $(KIT_SRCS)) $(KIT_LDS)
	$$(call say,LD,$$@)$(LD) -static -nostdlib --build-id=none -z max-page-size=4096 \
		-z noexecstack -S -T $(KIT_LDS) -o $$@ $$(filter %.o,$$^) \
		$(LIBGCC)
endef
$(foreach g,$(GUESTS),$(eval $(call guest_rule,$(g))))

GUEST_IMAGES := $(patsubst %,$(B)/guests/%.elf,$(GUESTS))
ALL += $(GUEST_IMAGES)

# Logic of dom0 that runs on the host too: tests and fuzzers.  The tests lie
# outside of guests/, so they need its headers named.
BUILDER_SRCS := $(addprefix guests/dom0/,elf.c notes.c layout.c image.c)
XS_SRCS := $(addprefix guests/dom0/,store.c xs.c xs_ops.c xs_watch.c xs_ring.c)

UNIT_TESTS += builder
builder_SRCS := $(BUILDER_SRCS)
CFLAGS_tests/unit/builder_test.c := -Iguests
UNIT_TESTS += xenstore
xenstore_SRCS := $(XS_SRCS)
xenstore_LIBS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
CFLAGS_tests/unit/xenstore_test.c := -Iguests
UNIT_TESTS += console
console_SRCS := $(addprefix guests/dom0/,conmux.c config.c seldom.c)
console_LIBS := -Wl,--wrap=printf
CFLAGS_tests/unit/console_test.c := -Iguests

UNIT_TESTS += dom0_ruleset
dom0_ruleset_SRCS = $(RULES_TEST_SRCS)
CFLAGS_tests/unit/dom0_ruleset_test.c := -Iguests -Ivfr/include

UNIT_TESTS += portname
portname_SRCS = $(VFR_SRCS)
CFLAGS_tests/unit/portname_test.c := -Iguests -Ivfr/include

FUZZERS += elf xenstore
elf_FUZZ_SRCS := $(BUILDER_SRCS)
CFLAGS_tests/fuzz/elf_fuzz.c := -Iguests
xenstore_FUZZ_SRCS := $(XS_SRCS)
CFLAGS_tests/fuzz/xenstore_fuzz.c := -Iguests

# What reads requests of strangers, for all; for guests/web, with its ramdisk;
# and for dom0's API.
UNIT_TESTS += http web_text api_http
http_SRCS := $(HTTP_SRCS)
CFLAGS_tests/unit/http_test.c := -Iguests
web_text_SRCS := $(HTTP_SRCS) guests/web/request.c guests/web/files.c
CFLAGS_tests/unit/web_text_test.c := -Iguests
api_http_SRCS := $(HTTP_SRCS) guests/dom0/request.c
CFLAGS_tests/unit/api_http_test.c := -Iguests
FUZZERS += http web_text api_http
http_FUZZ_SRCS := $(HTTP_SRCS)
CFLAGS_tests/fuzz/http_fuzz.c := -Iguests
web_text_FUZZ_SRCS := $(web_text_SRCS)
CFLAGS_tests/fuzz/web_text_fuzz.c := -Iguests
api_http_FUZZ_SRCS := $(api_http_SRCS)
CFLAGS_tests/fuzz/api_http_fuzz.c := -Iguests

UNIT_TESTS += xenbus
xenbus_SRCS := guests/kit/xenbus.c
CFLAGS_tests/unit/xenbus_test.c := -Iguests

UNIT_TESTS += netfront
netfront_SRCS := guests/kit/netfront.c guests/kit/netfront_slot.c
CFLAGS_tests/unit/netfront_test.c := -Iguests

UNIT_TESTS += kit
kit_SRCS :=
CFLAGS_tests/unit/kit_test.c := -Iguests -Wno-format -Wno-alloc-size-larger-than

