# The host command `sluice`: the libraries vfr/ and rules/ at a desk.

TOOL_SRCS := $(sort $(filter-out tools/main.c,$(wildcard tools/*.c)))
TOOL_LIBS := -lpcap -ljansson -lcurl

CFLAGS_DIR_tools := -Ivfr/include -Irules/include
CFLAGS_DIR_tests += -I.

UNIT_TESTS += tool_pcapng tool_frame tool_cli tool_capture tool_blocks
tool_pcapng_SRCS  := tools/pcapng.c
tool_pcapng_LIBS  := -lpcap
tool_frame_SRCS   := tools/frame.c
tool_blocks_SRCS  := tools/blocks.c tools/pcapng.c
tool_cli_SRCS     := tools/cli.c
tool_capture_SRCS := tools/capture.c
tool_capture_LIBS := -lpcap

ALL += $(B)/sluice

tool_objs = $(call objs,$(1),tools/main.c $(TOOL_SRCS) $(VFR_SRCS) $(RULES_SRCS))

$(B)/sluice: $(call tool_objs,host)
	$(call say,LINK,$@)$(CC) $(CFLAGS_host) -o $@ $^ $(TOOL_LIBS)

# The same with sanitizers, for tests of the whole command.
$(B)/san/sluice: $(call tool_objs,san)
	$(call say,LINK,$@)$(CC) $(CFLAGS_san) -o $@ $^ $(TOOL_LIBS)

UNIT_TESTS += tool_replay tool_speak tool_lab
tool_speak_SRCS := $(TOOL_SRCS) $(VFR_SRCS) $(RULES_SRCS)
tool_speak_LIBS := $(TOOL_LIBS)
tool_lab_SRCS := tools/lab.c tools/lab_link.c tools/frame.c $(VFR_SRCS)
tool_replay_SRCS  := $(TOOL_SRCS) $(VFR_SRCS) $(RULES_SRCS)
tool_replay_LIBS  := $(TOOL_LIBS)
tool_replay_LIMIT := 240

FUZZERS += tool_replay
tool_replay_FUZZ_SRCS := $(TOOL_SRCS) $(VFR_SRCS) $(RULES_SRCS)
tool_replay_FUZZ_LIBS := $(TOOL_LIBS)

SCRIPT_TESTS += tools/golden tools/golden-sanitized tools/replay tools/man \
		tools/capture
tools/capture_RUN  := tests/tools/capture-run
tools/man_RUN      := tests/tools/man-run
tools/golden_RUN   := tests/tools/golden-run
tools/golden-sanitized_RUN := tests/tools/golden-run -s
tools/replay_RUN   := tests/tools/replay-run
tools/replay_LIMIT := 300

ifneq ($(filter tools%,$(or $(T),tools)),)
test-built: $(B)/san/sluice
endif
