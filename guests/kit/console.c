/*
 * console.c: the PV console's ring, and CONSOLEIO for dom0.
 */
#include "kit/console.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <xen/io/console.h>

#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"

#define OUT_SIZE	((XENCONS_RING_IDX)sizeof(ring->out))
#define PRINTF_MAX	1024
#define SPACE_WAIT_NS	(10 * MILLISECONDS)

static struct xencons_interface *ring;	/* NULL: by CONSOLEIO */
static unsigned int ring_port;
static void (*on_input)(const char *buf, size_t len);

void console_emergency(const char *buf, size_t len)
{
	hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, len, buf);
}

static void ring_write(const char *buf, size_t len)
{
	while (len) {
		XENCONS_RING_IDX prod = ring->out_prod;
		XENCONS_RING_IDX cons =
			__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);

		if (prod - cons >= OUT_SIZE) {
			event_send(ring_port);
			event_poll(ring_port, time_now() + SPACE_WAIT_NS);
			continue;
		}
		ring->out[MASK_XENCONS_IDX(prod, ring->out)] = *buf++;
		len--;
		__atomic_store_n(&ring->out_prod, prod + 1, __ATOMIC_RELEASE);
	}
	event_send(ring_port);
}

void console_write(const char *buf, size_t len)
{
	if (ring)
		ring_write(buf, len);
	else
		console_emergency(buf, len);
}

static void ring_input(void *arg)
{
	XENCONS_RING_IDX prod = __atomic_load_n(&ring->in_prod,
						__ATOMIC_ACQUIRE);
	char buf[128];
	size_t n;

	while (ring->in_cons != prod) {
		for (n = 0; n < sizeof(buf) && ring->in_cons != prod; n++) {
			buf[n] = ring->in[MASK_XENCONS_IDX(ring->in_cons,
							   ring->in)];
			__atomic_store_n(&ring->in_cons, ring->in_cons + 1,
					 __ATOMIC_RELEASE);
		}
		if (on_input)
			on_input(buf, n);
	}
	event_send(ring_port);
}

static void hypervisor_input(void *arg)
{
	char buf[128];
	long n;

	for (;;) {
		n = hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read,
			       sizeof(buf), buf);
		if (n <= 0)
			return;
		if (on_input)
			on_input(buf, n);
	}
}

void console_on_input(void (*fn)(const char *buf, size_t len))
{
	on_input = fn;
}

void console_init(void)
{
	if (start_info->flags & SIF_INITDOMAIN) {
		event_bind_virq(VIRQ_CONSOLE, 0, hypervisor_input, NULL);
		return;
	}
	if (!start_info->console.domU.mfn)
		return;
	ring = pfn_to_va(mfn_to_pfn(start_info->console.domU.mfn));
	ring_port = start_info->console.domU.evtchn;
	event_attach(ring_port, ring_input, NULL);
}

int printf(const char *fmt, ...)
{
	char buf[PRINTF_MAX];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(buf))
		len = sizeof(buf) - 1;
	console_write(buf, len);
	return len;
}
