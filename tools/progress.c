#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_AFTER_NS	1000000000ull
#define EVERY_NS	100000000ull
#define CALLS_PER_CLOCK	256		/* packets between looks at the clock */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void progress_begin(struct progress *p, const char *what, uint64_t total,
		    bool forced)
{
	*p = (struct progress){
		.on = forced || isatty(STDERR_FILENO),
		.what = what,
		.total = total,
	};
	if (p->on && !forced)
		p->next_ns = now_ns() + FIRST_AFTER_NS;
}

void progress_update(struct progress *p, uint64_t done, uint64_t packets)
{
	uint64_t now;

	if (!p->on || p->calls++ % CALLS_PER_CLOCK)
		return;
	now = now_ns();
	if (now < p->next_ns)
		return;
	p->next_ns = now + EVERY_NS;
	p->shown = true;
	if (p->total)
		fprintf(stderr, "\r%s: %3" PRIu64 " %%, %" PRIu64 " packets",
			p->what, done * 100 / p->total, packets);
	else
		fprintf(stderr, "\r%s: %" PRIu64 " packets", p->what, packets);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs(isatty(STDERR_FILENO) ? "\r\033[K" : "\n", stderr);
	p->shown = false;
}
