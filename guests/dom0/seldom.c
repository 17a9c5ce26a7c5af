/* seldom.c: see seldom.h. */
#include "dom0/seldom.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY_NS		1000000000ul
#define LINE_MAX	256

void seldom_say(struct seldom *s, uint64_t now_ns, const char *fmt, ...)
{
	char line[LINE_MAX], before[40] = "";
	va_list ap;

	if (s->said_ns && now_ns - s->said_ns < SAY_NS) {
		s->unsaid++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (s->unsaid)
		snprintf(before, sizeof(before), " (and %u times before)",
			 s->unsaid);
	printf("%s%s\n", line, before);
	*s = (struct seldom){ .said_ns = now_ns };
}
