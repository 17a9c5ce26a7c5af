/*
 * start.c: from the builder's state to guest_main(), and the ways out.
 */
#include "kit/kit.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "kit/console.h"
#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

struct start_info *start_info;
struct shared_info *shared_info;

/* shared_info takes the place of this page in the address space. */
static char shared_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

_Noreturn void kit_start(struct start_info *si, void *stack_top);

void guest_shutdown(unsigned int reason)
{
	struct sched_shutdown op = { .reason = reason };

	for (;;)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
}

void panic(const char *fmt, ...)
{
	static const char head[] = "panic: ", end[] = "\n";
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	console_emergency(head, sizeof(head) - 1);
	console_emergency(buf, strlen(buf));
	console_emergency(end, sizeof(end) - 1);
	guest_shutdown(SHUTDOWN_crash);
}

void abort(void)
{
	panic("abort");
}

bool option_get(const char *key, char *buf, size_t size)
{
	const char *word = (const char *)start_info->cmd_line;
	const char *end = word + strnlen(word, sizeof(start_info->cmd_line));
	size_t len = strlen(key);

	while (word < end) {
		size_t n = 0;

		while (word + n < end && word[n] != ' ')
			n++;
		if (n > len && word[len] == '=' && !strncmp(word, key, len)) {
			snprintf(buf, size, "%.*s", (int)(n - len - 1),
				 word + len + 1);
			return true;
		}
		word += n + 1;
	}
	return false;
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
	char buf[32];

	return option_get(key, buf, sizeof(buf)) ? strtoul(buf, NULL, 0)
						 : otherwise;
}

void kit_start(struct start_info *si, void *stack_top)
{
	start_info = si;
	shared_info = (struct shared_info *)shared_page;
	vcpu_init(0, stack_top);
	if (pte_set(shared_page, si->shared_info | PTE_LEAF_RW))
		guest_shutdown(SHUTDOWN_crash);
	trap_init();
	event_init();
	mm_init();
	time_init();
	console_init();
	guest_shutdown(guest_main());
}
