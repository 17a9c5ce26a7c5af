/* room.c: see room.h. */
#include "dom0/room.h"

#include <stdint.h>

#include <sluice/control.h>

#include "dom0/module.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"

/* dom0's own, for domains, connections and captures.  These two may take 440 of
   it: buffers and heads of 12 clients (conn.c), 8 taps, lwIP's memory (ownvif.c). */
#define OWN_PAGES	736
#define PAGES_PER_MIB	((1ul << 20) / PAGE_SIZE)
#define MIB_STEP	8	/* of what is advised */

static struct {
	char   *mem;
	size_t	pages;		/* of address space */
	size_t	first;		/* from here on there is memory */
	size_t	kept;		/* at the end, of sets */
	size_t	dom0_mib;
} room;

static size_t pages_of(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static char *page_at(size_t n)
{
	return room.mem + n * PAGE_SIZE;
}

/* Once: as much as there is, less what dom0 needs for itself. */
static void room_make(void)
{
	size_t n = pages_nr_free();

	room.dom0_mib = (start_info->nr_pages - modules_bytes() / PAGE_SIZE) /
			PAGES_PER_MIB;
	n = n > 2 * OWN_PAGES ? n - OWN_PAGES : n / 2;
	while (n && !(room.mem = pages_alloc(n)))
		n -= n / 8 + 1;
	room.pages = n;
}

static size_t hypervisor_free(void)
{
	struct sluice_physinfo p = { 0 };

	return control(SLUICE_CTL_PHYSINFO, &p) ? 0 : p.free_pages;
}

/* Memory for the compiler, next to the sets, as much as can be had. */
static void room_fill(void)
{
	size_t n = hypervisor_free(), got;

	n = n < room.first ? n : room.first;
	got = pages_regain(page_at(room.first - n), n);
	if (got == n)
		room.first -= n;
	else			/* not what lies next to the sets */
		pages_release(page_at(room.first - n), got);
}

void *room_open(size_t *bytes, bool *all)
{
	if (!room.pages)
		room_make();
	else
		room_fill();
	*all = room.first == 0;
	*bytes = (room.pages - room.kept - room.first) * PAGE_SIZE;
	return *bytes ? page_at(room.first) : NULL;
}

void *room_place(size_t len, size_t used)
{
	size_t end = room.pages - room.kept, n = pages_of(len);

	if (n > end || end - n < room.first + pages_of(used))
		return NULL;
	return page_at(end - n);
}

static void release_to(size_t end)
{
	if (end > room.first)
		room.first += pages_release(page_at(room.first),
					    end - room.first);
}

void room_shrink(void *set)
{
	release_to((size_t)((char *)set - room.mem) / PAGE_SIZE);
}

void room_empty(void)
{
	room.kept = 0;
}

void *room_keep(size_t len)
{
	room.kept += pages_of(len);
	return page_at(room.pages - room.kept);
}

void room_close(void)
{
	release_to(room.pages - room.kept);
}

size_t room_dom0_mib(void)
{
	return room.dom0_mib;
}

size_t room_more_mib(size_t bytes)
{
	size_t front = room.pages - room.kept, more = front, mib;

	if (pages_of(bytes) > 2 * front)
		more = pages_of(bytes) - front;
	mib = room.dom0_mib + more / PAGES_PER_MIB + MIB_STEP;
	return mib - mib % MIB_STEP;
}
