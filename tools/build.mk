# The host command `sluice`: the libraries vfr/ and rules/ at a desk.

TOOL_SRCS := $(sort $(filter-out tools/main.c,$(wildcard tools/*.c)))
TOOL_LIBS := -lpcap -ljansson

CFLAGS_DIR_tools := -Ivfr/include -Irules/include
CFLAGS_DIR_tests += -I.

UNIT_TESTS += tool_pcapng tool_frame tool_cli tool_capture
tool_pcapng_SRCS  := tools/pcapng.c
tool_pcapng_LIBS  := -lpcap
tool_frame_SRCS   := tools/frame.c
tool_cli_SRCS     := tools/cli.c
tool_capture_SRCS := tools/capture.c
tool_capture_LIBS := -lpcap
