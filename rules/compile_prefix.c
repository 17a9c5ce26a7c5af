/*
 * compile_prefix.c: ranges of addresses as prefixes, and the families of these.
 */
#include "compile.h"

/*
 * Take the longest prefix off the front of lo..hi; returns its length and
 * moves *lo behind it, *done if that was all.
 */
static unsigned int range_take(u128 *lo, u128 hi, bool *done)
{
	unsigned int bits = 0;	/* of the host part */
	u128 end = *lo;

	while (bits < 128) {
		u128 bit = (u128)1 << bits, wider = end | bit;

		if (*lo & bit || wider > hi)
			break;
		end = wider;
		bits++;
	}
	*done = end == hi;
	*lo = end + 1;
	return 128 - bits;
}

uint32_t count_prefixes(const struct ranges *a, uint32_t max)
{
	uint32_t i, n = 0;

	for (i = 0; i < a->n && n <= max; i++) {
		u128 lo = addr_number(&a->r[i].lo);
		u128 hi = addr_number(&a->r[i].hi);
		bool done = false;

		while (!done) {
			range_take(&lo, hi, &done);
			n++;
		}
	}
	return n;
}

bool list_prefixes(struct rules *r, const struct ranges *a, struct vec *out)
{
	uint32_t i;

	for (i = 0; i < a->n; i++) {
		u128 lo = addr_number(&a->r[i].lo);
		u128 hi = addr_number(&a->r[i].hi);
		bool done = false;

		while (!done) {
			struct vfr_prefix *p = vec_add(r, out, sizeof(*p));

			if (!p)
				return false;
			p->addr = number_addr(lo);
			p->len = range_take(&lo, hi, &done);
		}
	}
	return true;
}

struct vfr_prefix hull_prefix(const struct ranges *a)
{
	u128 lo = addr_number(&a->r[0].lo);
	u128 diff = lo ^ addr_number(&a->r[a->n - 1].hi);
	unsigned int len = 128;
	struct vfr_prefix p = { .addr = a->r[0].lo };
	struct vfr_addr hi;

	for (; diff; diff >>= 1)
		len--;
	p.len = len;
	prefix_bounds(&p.addr, len, &p.addr, &hi);
	return p;
}

unsigned int prefix_families(const struct vfr_prefix *p)
{
	static const struct vfr_addr mapped = { { [10] = 0xff, [11] = 0xff } };

	if (p->len >= VFR_V4_BITS)
		return vfr_addr_is_v4(&p->addr) ? FAMILY_4 : FAMILY_6;
	return vfr_prefix_has(p, &mapped) ? FAMILY_4 | FAMILY_6 : FAMILY_6;
}
