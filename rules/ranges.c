/*
 * ranges.c: sets of addresses as ascending, disjoint ranges.
 *
 * Each operation walks its arguments once.  False means out of memory, which
 * has been reported.
 */
#include "rules_int.h"

#define ITEM_MAX 64

static const struct vfr_cls_range whole = {
	.hi = { { 255, 255, 255, 255, 255, 255, 255, 255,
		  255, 255, 255, 255, 255, 255, 255, 255 } },
};
const struct ranges ranges_any = { &whole, 1 };

static const struct vfr_cls_range mapped = {
	{ { [10] = 0xff, 0xff } },
	{ { [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
};
const struct ranges ranges_v4 = { &mapped, 1 };

static void sift_down(uint8_t *a, size_t i, size_t n, size_t size,
		      int (*cmp)(const void *, const void *))
{
	uint8_t tmp[ITEM_MAX];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n &&
		    cmp(a + child * size, a + (child + 1) * size) < 0)
			child++;
		if (cmp(a + i * size, a + child * size) >= 0)
			return;
		memcpy(tmp, a + i * size, size);
		memcpy(a + i * size, a + child * size, size);
		memcpy(a + child * size, tmp, size);
		i = child;
	}
}

/* Heap sort: no recursion, no worst case. */
void sort_items(void *items, size_t n, size_t size,
		int (*cmp)(const void *a, const void *b))
{
	uint8_t *a = items, tmp[ITEM_MAX];
	size_t i;

	for (i = n / 2; i > 0; i--)
		sift_down(a, i - 1, n, size, cmp);
	for (i = n; i > 1; i--) {
		memcpy(tmp, a, size);
		memcpy(a, a + (i - 1) * size, size);
		memcpy(a + (i - 1) * size, tmp, size);
		sift_down(a, 0, i - 1, size, cmp);
	}
}

static int range_cmp(const void *a, const void *b)
{
	return addr_cmp(&((const struct vfr_cls_range *)a)->lo,
			&((const struct vfr_cls_range *)b)->lo);
}

/* Does b start within a or right behind it? */
static bool joins(const struct vfr_cls_range *a, const struct vfr_cls_range *b)
{
	struct vfr_addr next = a->hi;

	return addr_cmp(&b->lo, &a->hi) <= 0 ||
	       (addr_next(&next) && addr_cmp(&b->lo, &next) == 0);
}

/* v: struct vfr_cls_range in any order, overlapping; it is used up. */
bool ranges_build(struct rules *r, struct vec *v, struct ranges *out)
{
	struct vfr_cls_range *a = v->data;
	size_t i, n = 0;

	for (i = 1; i < v->n && addr_cmp(&a[i - 1].lo, &a[i].lo) <= 0; i++)
		;
	if (i < v->n)
		sort_items(a, v->n, sizeof(*a), range_cmp);
	for (i = 0; i < v->n; i++) {
		if (!n || !joins(&a[n - 1], &a[i]))
			a[n++] = a[i];
		else if (addr_cmp(&a[i].hi, &a[n - 1].hi) > 0)
			a[n - 1].hi = a[i].hi;
	}
	*out = (struct ranges){ a, n };
	return !r->fatal;
}

bool ranges_add(struct rules *r, struct vec *v, const struct vfr_addr *lo,
		const struct vfr_addr *hi)
{
	struct vfr_cls_range *slot = vec_add(r, v, sizeof(*slot));

	if (slot)
		*slot = (struct vfr_cls_range){ *lo, *hi };
	return slot;
}

/* IPv4 is kept in the middle of IPv6: that part is left out of what is IPv6. */
bool ranges_add_ref(struct rules *r, struct vec *v, const struct rules_ref *ref)
{
	const struct vfr_cls_range *v4 = ranges_v4.r;
	struct vfr_addr below = v4->lo, above = v4->hi;

	if (vfr_addr_is_v4(&ref->lo) || addr_cmp(&ref->hi, &v4->lo) < 0 ||
	    addr_cmp(&ref->lo, &v4->hi) > 0)
		return ranges_add(r, v, &ref->lo, &ref->hi);
	addr_prev(&below);
	addr_next(&above);
	return ranges_add(r, v, &ref->lo, &below) &&
	       (addr_cmp(&above, &ref->hi) > 0 ||
		ranges_add(r, v, &above, &ref->hi));
}

bool ranges_hold(const struct ranges *a, const struct vfr_addr *lo,
		 const struct vfr_addr *hi)
{
	uint32_t from = 0, to = a->n;

	while (from < to) {	/* the first that does not end below lo */
		uint32_t mid = from + (to - from) / 2;

		if (addr_cmp(&a->r[mid].hi, lo) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < a->n && addr_cmp(&a->r[from].lo, lo) <= 0 &&
	       addr_cmp(hi, &a->r[from].hi) <= 0;
}

bool ranges_subtract(struct rules *r, const struct ranges *a,
		     const struct ranges *b, struct ranges *out)
{
	struct vec v = { NULL };
	uint32_t i, j = 0, k;

	for (i = 0; i < a->n; i++) {
		struct vfr_addr lo = a->r[i].lo, end;
		bool over = false;

		while (j < b->n && addr_cmp(&b->r[j].hi, &lo) < 0)
			j++;
		for (k = j; k < b->n && !over &&
		     addr_cmp(&b->r[k].lo, &a->r[i].hi) <= 0; k++) {
			if (addr_cmp(&lo, &b->r[k].lo) < 0) {
				end = b->r[k].lo;
				addr_prev(&end);
				if (!ranges_add(r, &v, &lo, &end))
					return false;
			}
			lo = b->r[k].hi;
			over = !addr_next(&lo);
		}
		if (!over && addr_cmp(&lo, &a->r[i].hi) <= 0 &&
		    !ranges_add(r, &v, &lo, &a->r[i].hi))
			return false;
	}
	*out = (struct ranges){ v.data, v.n };
	return true;
}

/* Is all of a in b? */
bool ranges_within(const struct ranges *a, const struct ranges *b)
{
	uint32_t i, j = 0;

	for (i = 0; i < a->n; i++) {
		while (j < b->n && addr_cmp(&b->r[j].hi, &a->r[i].lo) < 0)
			j++;
		if (j == b->n || addr_cmp(&a->r[i].lo, &b->r[j].lo) < 0 ||
		    addr_cmp(&b->r[j].hi, &a->r[i].hi) < 0)
			return false;
	}
	return true;
}

bool ranges_meet(const struct ranges *a, const struct ranges *b)
{
	uint32_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		if (addr_cmp(&a->r[i].hi, &b->r[j].lo) < 0)
			i++;
		else if (addr_cmp(&b->r[j].hi, &a->r[i].lo) < 0)
			j++;
		else
			return true;
	}
	return false;
}
