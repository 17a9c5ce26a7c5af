/*
 * check.h: how test guests report, one line for each check.
 *
 *	ok NAME
 *	FAILED NAME: why
 *	result: success: 12 checks	(or failure; the last line)
 */
#ifndef KIT_CHECK_H
#define KIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Results that are not one number. */
#define ANY_ERROR	(-100000l)	/* any negative number */
#define NOT_NEGATIVE	(-100001l)
#define NOTHING_DONE	(-100003l)	/* a count of 0, or an error */
#define ANYTHING	(-100002l)	/* that it returns is enough */

/* Count and print; whether it passed. */
bool check(const char *what, long got, long want);

/* Print the last line; the reason to shut down with. */
int check_result(void);

struct check_row {
	const char *what;
	long	  (*run)(void);
	long	    want;
};
void check_rows(const struct check_row *rows, size_t n);
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#endif
