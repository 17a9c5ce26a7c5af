/*
 * symbols.c: names for a backtrace.  The table is made from the first link; in
 * that link there is none, and weak symbols stand for it.
 */
#include "boot.h"
#include "cpu_private.h"

struct symbol {
	uint32_t at;	/* from image_start */
	uint32_t name;	/* offset in symbol_names */
};

extern const struct symbol symbol_table[] __attribute__((weak));
extern const uint32_t symbol_count __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));

const char *symbol_at(uint64_t rip, uint64_t *offset)
{
	uint64_t at = rip - (uint64_t)image_start;
	uint32_t lo = 0, hi;

	if (!symbol_table || rip < (uint64_t)image_start ||
	    rip >= (uint64_t)text_end)
		return NULL;
	for (hi = symbol_count; hi - lo > 1;) {
		uint32_t mid = (lo + hi) / 2;

		if (symbol_table[mid].at <= at)
			lo = mid;
		else
			hi = mid;
	}
	*offset = at - symbol_table[lo].at;
	return symbol_names + symbol_table[lo].name;
}
