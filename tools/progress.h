/*
 * progress.h: a line on stderr that says how far a long run is.
 *
 * Shown only where somebody looks: when stderr is a terminal, or when asked
 * for.  Nothing is shown in a run's first second, and then ten times a second
 * at most.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool		 on, shown;
	const char	*what;
	uint64_t	 total;		/* bytes; 0: not known */
	uint64_t	 next_ns;	/* when to show the next line */
	unsigned int	 calls;
};

/* forced: show it even if stderr is no terminal, and from the start. */
void progress_begin(struct progress *p, const char *what, uint64_t total,
		    bool forced);

/* done of total bytes are through, and that many packets. */
void progress_update(struct progress *p, uint64_t done, uint64_t packets);

/* Remove the line, before anything else is printed. */
void progress_end(struct progress *p);

#endif
