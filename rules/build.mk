# rules/: the language, from text to ruleset.  Freestanding: the same sources
# serve the host command and dom0.

RULES_SRCS :=# $(wildcard)-free on purpose: one line a file
CFLAGS_DIR_rules := -Irules/include -Ivfr/include
CFLAGS_DIR_tests += -Irules/include -Irules
