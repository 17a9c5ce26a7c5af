/*
 * log.c: the console log.
 *
 * Each line goes to a ring, which dom0 reads through the control hypercall, and
 * to the serial line if it is important enough.  Positions in the ring are
 * bytes since boot; a reader that was overtaken learns how much it lost.
 *
 * Lock: log_lock guards the ring, the line being made and the counts in struct
 * domain.  It is the innermost lock but for the serial line's.
 */
#include "log.h"

#include "domain.h"
#include "lib.h"
#include "platform.h"
#include "spinlock.h"
#include "time.h"

#define RING_SIZE	 (64 * 1024) /* a power of two */
#define LINE_MAX	 512

/* What a domain may cause to be logged: this many lines in each window. */
#define GUEST_WINDOW_NS	 1000000000ull
#define GUEST_LINES	 20

enum log_level log_level = LOG_INFO;

static struct spinlock log_lock = SPINLOCK_INIT;
static bool panicking;
static char ring[RING_SIZE];
static uint64_t ring_end; /* position behind the newest byte */

static uint64_t log_acquire(void)
{
	uint64_t flags = irq_save();

	if (!READ_ONCE(panicking))
		spin_lock(&log_lock);
	return flags;
}

static void log_release(uint64_t flags)
{
	if (!READ_ONCE(panicking))
		spin_unlock(&log_lock);
	irq_restore(flags);
}

void log_panic(void)
{
	WRITE_ONCE(panicking, true);
	serial_panic();
}

static void ring_write(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		ring[(ring_end + i) % RING_SIZE] = s[i];
	ring_end += len;
}

static void vlog(enum log_level level, const char *prefix, const char *fmt,
		 __builtin_va_list ap)
{
	static const char *const mark[] = {"error: ", "warning: ", "", ""};
	static char line[LINE_MAX]; /* log_lock */
	uint64_t us = now_ns() / 1000;
	size_t len;

	len = (size_t)format(line, sizeof(line), "[%5lu.%06lu] %s%s",
			     us / 1000000, us % 1000000, mark[level], prefix);
	len += (size_t)vformat(line + len, sizeof(line) - len, fmt, ap);
	len = MIN(len, sizeof(line) - 2);
	line[len++] = '\n';
	ring_write(line, len);
	if (level <= log_level)
		serial_write(line, len);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	uint64_t flags = log_acquire();
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vlog(level, "", fmt, ap);
	__builtin_va_end(ap);
	log_release(flags);
}

static void log_say(enum log_level level, const char *prefix, const char *fmt,
		    ...) printf_like(3, 4);

/* As log_line(), under log_lock. */
static void log_say(enum log_level level, const char *prefix, const char *fmt,
		    ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vlog(level, prefix, fmt, ap);
	__builtin_va_end(ap);
}

/* Under log_lock: may d have another line?  Tells of those it lost before. */
static bool guest_may_log(struct domain *d, const char *prefix)
{
	uint64_t window = now_ns() / GUEST_WINDOW_NS;

	if (window != d->log_window) {
		if (d->log_lost != 0)
			log_say(LOG_WARN, prefix, "%lu lines left out",
				d->log_lost);
		d->log_window = window;
		d->log_lines = 0;
		d->log_lost = 0;
	}
	if (d->log_lines >= GUEST_LINES) {
		d->log_lost++;
		return false;
	}
	d->log_lines++;
	return true;
}

void log_guest(struct domain *d, const char *fmt, ...)
{
	uint64_t flags = log_acquire();
	char prefix[48];
	__builtin_va_list ap;

	format(prefix, sizeof(prefix), "d%u: ", d->domid);
	if (guest_may_log(d, prefix)) {
		__builtin_va_start(ap, fmt);
		vlog(LOG_INFO, prefix, fmt, ap);
		__builtin_va_end(ap);
	}
	log_release(flags);
}

size_t log_read(uint64_t *pos, char *buf, size_t len, uint64_t *lost)
{
	uint64_t flags = log_acquire();
	uint64_t oldest = ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;
	size_t i;

	if (*pos > ring_end)
		*pos = ring_end;
	if (*pos < oldest) {
		*lost += oldest - *pos;
		*pos = oldest;
	}
	len = MIN(len, ring_end - *pos);
	for (i = 0; i < len; i++)
		buf[i] = ring[(*pos + i) % RING_SIZE];
	*pos += len;
	log_release(flags);
	return len;
}
