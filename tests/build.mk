# What people type: run, test, bench, iso, lint, fuzz.  The recipes are short;
# the work is done by scripts/ and tests/run.

T           ?=# make test T=name: only this test, or all below it (T=unit, T=system/boot)
DATA        ?=# a folder with shared rule sets and captures, for the tests that use it
FUZZ_SECONDS ?= 5
SUBMAKE     := $(MAKE) --no-print-directory -j$(shell nproc)

ifneq ($(DATA),)
export SLUICE_DATA := $(abspath $(DATA))
endif

# Nothing to boot, nothing to test.
ifneq ($(filter $(B)/sluice.elf,$(ALL)),)
SYSTEM_TESTS := $(patsubst tests/system/%.py,%,$(wildcard tests/system/*.py))
SCRIPT_TESTS += tree/build
endif

SCRIPT_TESTS += tree/unpack-kernel
tree/unpack-kernel_RUN := tests/tree/unpack-kernel
tree/build_RUN := tests/tree/build
# It builds the whole twice, beside other tests.
tree/build_LIMIT := 300

# One line per test for tests/run: name, limit in seconds, command.
limit = $(or $($(1)_LIMIT),$(2))
define manifest
$(foreach t,$(UNIT_TESTS),unit/$(t) $(call limit,$(t),60) $(B)/san/$(t)_test
)$(foreach t,$(FUZZERS),fuzz/$(t) $(call limit,$(t),60) tests/fuzz/run $(t) $(FUZZ_SECONDS) 1
)$(foreach t,$(SCRIPT_TESTS),$(t) $(call limit,$(t),120) $($(t)_RUN)
)$(foreach t,$(SYSTEM_TESTS),system/$(t) 0 tests/system/$(t).py
)
endef

# What must be built for T: one unit test or fuzzer alone, or everything.
UNIT_PROGS := $(UNIT_TESTS:%=$(B)/san/%_test)
FUZZ_PROGS := $(FUZZERS:%=$(B)/fuzz/%_fuzz)
TEST_PROGS := $(or $(filter $(T:unit/%=$(B)/san/%_test) $(T:fuzz/%=$(B)/fuzz/%_fuzz),\
		$(UNIT_PROGS) $(FUZZ_PROGS)),\
	$(if $(filter system%,$(T)),all),\
	$(if $(filter unit,$(T)),$(UNIT_PROGS)),\
	all $(UNIT_PROGS) $(FUZZ_PROGS))

deps-run:
	@scripts/install-deps build run

deps-test:
	@scripts/install-deps

# make itself ends with status 2 whatever a recipe says, but with -q it passes
# on the 1 of a recipe marked +: ONCE=1 tells by 0, 1 or 2 how the run went.
ifneq ($(and $(ONCE),$(filter run,$(MAKECMDGOALS))),)
MAKEFLAGS += -q
endif
# What every run needs; the runner makes what an appliance file names.
RUN_NEEDS := $(B)/sluice.elf $(B)/sluice $(B)/guests/dom0.elf $(B)/guests/hello.elf
run:
	+@scripts/install-deps build run && \
	env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory -s -j$(shell nproc) $(RUN_NEEDS) || exit 2; \
	exec setpriv --pdeathsig TERM scripts/run

test: deps-test
	$(if $(or $(if $(DATA),,none),$(wildcard $(DATA)/.)),,\
		$(error DATA=$(DATA): there is no such folder))
	@$(SUBMAKE) test-built

# What guests are made of comes before the tests: some of these have a network of
# their own, from which nothing can be fetched.  Tests that miss it say so.
test-built: $(TEST_PROGS) | $(B)/test/
	$(file >$(B)/test/list,$(manifest))
	$(if $(filter-out system%,$(or $(T),system)),,		-@scripts/fetch-guests && $(MAKE) --no-print-directory -s $(EXAMPLE_FILES))
	@tests/run $(B)/test/list $(T)

bench: deps-run all $(BENCHES)
	@tests/bench/run '$(T)' $(BENCHES)

fuzz: deps-test $(B)/fuzz/$(T)_fuzz
	@tests/fuzz/run $(T) $(or $(SECONDS),60)

iso: $(B)/sluice.iso

$(B)/sluice.iso: $(B)/sluice.elf $(GUEST_IMAGES) $(B)/sluice examples/first.vfr \
		scripts/run scripts/appliance.py scripts/mkiso $(if $(CONFIG)$(TOKEN),always)
	$(call say,ISO,$@)ISO=$@ scripts/run

lint: deps-test
	@scripts/lint

# For scripts/lint: the flags that sources of DIR get as KIND.
flags:
	@echo $(CFLAGS_$(KIND)) $(CFLAGS_DIR_$(DIR))

compile_commands.json:
	@$(SUBMAKE) -nB V=1 all $(UNIT_PROGS) | scripts/compile-commands >$@

$(B)/test/:
	@mkdir -p $@

.PHONY: always test-built flags compile_commands.json

define HELP_TESTS
make               build everything below build/
make run           the first appliance in QEMU: a web server behind the
                   firewall, at http://localhost:8080/ ; leave with Ctrl-A X
   CONFIG=file     another appliance file: examples/*.vfr, docs/sluice.vfr.5
   NET=user        its NICs end in QEMU's own network: no root needed
   NET=tap         as root: in a network namespace made for the run
   NET=none        nowhere
   PORT=n          the first port of localhost to take for NET=user (8080)
   CPUS=n          of the machine (2); MEMORY=MiB (what the file needs)
   KVM=1           with hardware virtualization, where there is some
   OPTIONS="..."   the hypervisor's own: docs/options.md
   KERNEL=file [RAMDISK=file] [CMDLINE="..."] [MEMORY=MiB] [VCPUS=n] [ONCE=1]
                   instead of an appliance: your own PV kernel as a domain
make test          every test; T=name or T=folder for some of them,
                   DATA=folder for shared rule sets and captures
make bench         measurements, as `name value unit`; T=name for one,
                   DATA=folder for Debian guests (T=linux), see docs/bench.md
make fuzz T=name   fuzz one target; SECONDS=n (60)
make iso           build/sluice.iso, for BIOS and UEFI: the first appliance,
                   or that of CONFIG=file; TOKEN=secret: for its dom0
make lint          headers, scripts, man pages, what cppcheck finds
make compile_commands.json    for editors
make clean         remove build/
endef

help:
	$(info $(HELP_TESTS))$(foreach l,$(HELP),$(info $(l)))@:
