/* check.c: counting and printing. */
#include "kit/check.h"

#include <stdint.h>
#include <stdio.h>

#include <xen/sched.h>

static unsigned int passed, failed;

static bool matches(long got, long want)
{
	if (want == ANY_ERROR)
		return got < 0;
	if (want == NOT_NEGATIVE)
		return got >= 0;
	if (want == NOTHING_DONE)
		return got <= 0;
	return want == ANYTHING || got == want;
}

bool check(const char *what, long got, long want)
{
	bool ok = matches(got, want);

	if (ok)
		printf("ok %s\n", what);
	else if (want == ANY_ERROR)
		printf("FAILED %s: %ld, not an error\n", what, got);
	else if (want == NOT_NEGATIVE)
		printf("FAILED %s: error %ld\n", what, got);
	else
		printf("FAILED %s: %ld (0x%lx), not %ld\n", what, got, got,
		       want);
	passed += ok;
	failed += !ok;
	return ok;
}

void check_rows(const struct check_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(rows[i].what, rows[i].run(), rows[i].want);
}

int check_result(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	printf("result: %s: %u checks\n", failed ? "failure" : "success",
	       passed + failed);
	return SHUTDOWN_poweroff;
}
