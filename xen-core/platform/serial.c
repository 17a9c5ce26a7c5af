/*
 * serial.c: the first serial port, a 16550 or what passes for one.
 *
 * Output is polled, with a bound: a line that does not take characters (flow
 * control, nobody at the other end) costs one long wait and then none until it
 * is ready again.  Input is taken by interrupt into a ring.
 *
 * Lock: serial_lock guards the UART and the input ring; taken with interrupts
 * off, inside all others.
 */
#include "platform.h"

#include "hypercalls.h"
#include "io.h"
#include "spinlock.h"

#define COM1		0x3f8
#define COM1_IRQ	4

#define UART_DATA	(COM1 + 0)	/* divisor low byte with DLAB */
#define UART_IER	(COM1 + 1)	/* divisor high byte with DLAB */
#define UART_FCR	(COM1 + 2)
#define UART_LCR	(COM1 + 3)
#define UART_MCR	(COM1 + 4)
#define UART_LSR	(COM1 + 5)
#define UART_SCRATCH	(COM1 + 7)

#define IER_RX		0x01
#define FCR_ON_CLEAR	0x07
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define MCR_DTR_RTS	0x03
#define MCR_OUT2	0x08		/* lets the interrupt through */
#define LSR_DATA	0x01
#define LSR_TX_EMPTY	0x20

#define UART_CLOCK	115200
#define TX_POLLS	200000		/* about 0.2 s on a real UART */
#define RX_BURST	256		/* bytes in one interrupt, at most */
#define RX_RING		1024		/* a power of two */

static struct spinlock serial_lock = SPINLOCK_INIT;
static bool present;
static bool stuck;	/* the last wait was in vain */
static bool panicking;
static char rx[RX_RING];
static uint32_t rx_prod, rx_cons; /* free-running */

/* An absent port reads as ones. */
static bool uart_probe(void)
{
	outb(UART_SCRATCH, 0x5a);
	if (inb(UART_SCRATCH) != 0x5a)
		return false;
	outb(UART_SCRATCH, 0xa5);
	return inb(UART_SCRATCH) == 0xa5;
}

void serial_init(unsigned baud)
{
	unsigned divisor = UART_CLOCK / MAX(baud, 1u);

	divisor = MIN(MAX(divisor, 1u), 0xffffu);
	present = uart_probe();
	if (!present)
		return;
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_DLAB);
	outb(UART_DATA, divisor & 0xff);
	outb(UART_IER, divisor >> 8);
	outb(UART_LCR, LCR_8N1);
	outb(UART_FCR, FCR_ON_CLEAR);
	outb(UART_MCR, MCR_DTR_RTS | MCR_OUT2);
}

static void uart_put(char c)
{
	unsigned polls = stuck ? 1 : TX_POLLS;

	while (!(inb(UART_LSR) & LSR_TX_EMPTY)) {
		if (--polls == 0) {
			stuck = true;
			return;
		}
		cpu_relax();
	}
	stuck = false;
	outb(UART_DATA, (uint8_t)c);
}

static uint64_t serial_acquire(void)
{
	uint64_t flags = irq_save();

	if (!READ_ONCE(panicking))
		spin_lock(&serial_lock);
	return flags;
}

static void serial_release(uint64_t flags)
{
	if (!READ_ONCE(panicking))
		spin_unlock(&serial_lock);
	irq_restore(flags);
}

void serial_panic(void)
{
	WRITE_ONCE(panicking, true);
}

void serial_write(const char *s, size_t len)
{
	uint64_t flags;
	size_t i;

	if (!present)
		return;
	flags = serial_acquire();
	for (i = 0; i < len; i++) {
		if (s[i] == '\n')
			uart_put('\r');
		uart_put(s[i]);
	}
	serial_release(flags);
}

int serial_read(char *buf, size_t len)
{
	uint64_t flags = serial_acquire();
	size_t n = 0;

	while (n < len && rx_cons != rx_prod)
		buf[n++] = rx[rx_cons++ % RX_RING];
	serial_release(flags);
	return (int)n;
}

/*
 * Interrupts off.  What finds no room is dropped: people type slowly.  The
 * interrupt comes with an edge: while data waits there is none, so one that
 * ends before the data does asks for another by switching the source off and
 * on (16550 data sheet, interrupt enable register).
 */
static void serial_interrupt(void *unused)
{
	uint64_t flags = serial_acquire();
	unsigned burst;

	for (burst = RX_BURST; burst > 0; burst--) {
		char c;

		if (!(inb(UART_LSR) & LSR_DATA))
			break;
		c = (char)inb(UART_DATA);
		if (rx_prod - rx_cons < RX_RING)
			rx[rx_prod++ % RX_RING] = c;
	}
	if (!burst) {
		outb(UART_IER, 0);
		outb(UART_IER, IER_RX);
	}
	serial_release(flags);
	console_input();
}

void serial_irq_init(void)
{
	int vector;

	if (!present)
		return;
	vector = irq_alloc(serial_interrupt, NULL);
	if (vector < 0 || ioapic_route_isa(COM1_IRQ, vector) != 0)
		return;
	outb(UART_IER, IER_RX);
	serial_interrupt(NULL); /* what came before raises no interrupt */
}
