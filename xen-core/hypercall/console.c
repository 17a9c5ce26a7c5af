/*
 * console.c: console_io: the machine's serial line.
 *
 * dom0 writes it as it is and reads what is typed.  What another domain writes
 * is collected until a line is full, and comes out through the log, with its
 * name and a limited rate: no guest can flood the line or forge another's
 * output, for only printable characters pass.
 */
#include "domain.h"
#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "hypercalls.h"
#include "log.h"
#include "platform.h"

#define CHUNK	128	/* bytes between two looks at more urgent work */

struct console_line {
	struct spinlock lock;	/* vcpus of one domain write at once */
	uint32_t len;		/* lock */
	char text[120];		/* lock; NUL-ended when it is printed */
};

void console_free(struct domain *d)
{
	heap_free_for(d, d->console);
}

/* Two vcpus may come first at once: one of them puts its buffer in place. */
static struct console_line *line_get(struct domain *d)
{
	struct console_line *line = __atomic_load_n(&d->console,
						    __ATOMIC_ACQUIRE);
	struct console_line *new;

	if (line)
		return line;
	new = heap_alloc_for(d, sizeof(*new));
	if (new && !__atomic_compare_exchange_n(&d->console, &line, new, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE)) {
		heap_free_for(d, new);
		return line;
	}
	return new;
}

static void line_add(struct domain *d, struct console_line *line, char c)
{
	if (c == '\t')
		c = ' ';
	if (c >= ' ' && c < 0x7f)
		line->text[line->len++] = c;
	if (c != '\n' && line->len < sizeof(line->text) - 1)
		return;
	line->text[line->len] = '\0';
	line->len = 0;
	log_guest(d, "(%s) %s", d->name, line->text);
}

static int write_chunk(struct domain *d, const char *text, unsigned len)
{
	struct console_line *line;
	unsigned i;

	if (d->privileged) {
		serial_write(text, len);
		return 0;
	}
	line = line_get(d);
	if (!line)
		return -ENOMEM;
	spin_lock(&line->lock);
	for (i = 0; i < len; i++)
		line_add(d, line, text[i]);
	spin_unlock(&line->lock);
	return 0;
}

static long console_write(unsigned count, uint64_t buf)
{
	char chunk[CHUNK];

	while (count > 0) {
		unsigned len = MIN(count, CHUNK);
		int rc;

		if (copy_from_guest(chunk, buf, len))
			return -EFAULT;
		rc = write_chunk(current->d, chunk, len);
		if (rc)
			return rc;
		count -= len;
		buf += len;
		if (count > 0 && hypercall_preempt())
			return hypercall_continue(__HYPERVISOR_console_io, 3,
						  (uint64_t)CONSOLEIO_write,
						  (uint64_t)count, buf);
	}
	return 0;
}

/* Gives what is there, up to a chunk; characters that dom0 cannot take, as its
 * pointer is bad, are lost. */
static long console_read(unsigned count, uint64_t buf)
{
	char chunk[CHUNK];
	int len;

	if (!current->d->privileged)
		return -EPERM;
	if (!guest_range_ok(buf, count))
		return -EFAULT;
	len = serial_read(chunk, MIN(count, CHUNK));
	if (len > 0 && copy_to_guest(buf, chunk, (uint64_t)len))
		return -EFAULT;
	return len;
}

long do_console_io(unsigned cmd, unsigned count, uint64_t buf)
{
	switch (cmd) {
	case CONSOLEIO_write:
		return console_write(count, buf);
	case CONSOLEIO_read:
		return console_read(count, buf);
	default:
		return -ENOSYS;
	}
}

void console_input(void)
{
	if (dom0)
		virq_raise_global(dom0, VIRQ_CONSOLE);
}
