/*
 * list.c: all domains, their ids, and how one is found.
 *
 * Every domain is in the list `domains`, by id, and in the slot that its id
 * names, from its creation until its last reference goes.  A dying domain is
 * found by domain_find() alone.
 *
 * Ids count up, and begin anew at 1 after MAX_DOMID: so a stale id names nobody
 * until that many domains have been created.
 *
 * Lock: domains_lock guards list, slots and names.
 */
#include "domain_private.h"
#include "lib.h"

struct spinlock domains_lock;
struct domain *domains;

/* domains_lock to write: an id lives in slot id % MAX_DOMAINS. */
static struct domain *slots[MAX_DOMAINS];
static uint32_t nr_domains;		/* domains_lock */
static uint32_t next_domid;		/* domains_lock */

/* ---- finding ---- */

struct domain *domain_of(uint16_t domid)
{
	struct domain *d = __atomic_load_n(&slots[domid % MAX_DOMAINS],
					   __ATOMIC_ACQUIRE);

	return d && d->domid == domid ? d : NULL;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d;

	if (domid == DOMID_SELF || domid == current->d->domid) {
		domain_hold(current->d); /* it runs, so it is alive */
		return current->d;
	}
	spin_lock(&domains_lock);
	d = domain_of(domid);
	if (d && (!d->created || d->dying))
		d = NULL;
	if (d)
		domain_hold(d);
	spin_unlock(&domains_lock);
	return d;
}

/* One whose last reference is just going is passed over. */
static bool hold_unless_gone(struct domain *d)
{
	uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

	while (refs != 0)
		if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

struct domain *domain_find(uint16_t domid)
{
	struct domain *d;

	spin_lock(&domains_lock);
	for (d = domains; d; d = d->next)
		if (d->domid >= domid && d->created && hold_unless_gone(d))
			break;
	spin_unlock(&domains_lock);
	return d;
}

uint32_t domain_count(void)
{
	return READ_ONCE(nr_domains);
}

/* ---- the list ---- */

static void list_add(struct domain *d)
{
	struct domain **p = &domains;

	while (*p && (*p)->domid < d->domid)
		p = &(*p)->next;
	d->next = *p;
	*p = d;
	__atomic_store_n(&slots[d->domid % MAX_DOMAINS], d, __ATOMIC_RELEASE);
	nr_domains++;
}

void domain_list_leave(struct domain *d)
{
	struct domain **p;

	for (p = &domains; *p != d; p = &(*p)->next)
		;
	*p = d->next;
	__atomic_store_n(&slots[d->domid % MAX_DOMAINS], NULL,
			 __ATOMIC_RELEASE);
	nr_domains--;
}

static bool name_taken(const char *name)
{
	struct domain *d;

	for (d = domains; d; d = d->next)
		if (!d->dying && strcmp(d->name, name) == 0)
			return true;
	return false;
}

/* The next id whose slot is free; there is one. */
static uint16_t domid_take(void)
{
	uint32_t id = next_domid;

	while (slots[id % MAX_DOMAINS])
		id = id < MAX_DOMID ? id + 1 : 1;
	next_domid = id < MAX_DOMID ? id + 1 : 1;
	return (uint16_t)id;
}

int domain_list_enter(struct domain *d)
{
	if (name_taken(d->name))
		return -EEXIST;
	if (nr_domains == MAX_DOMAINS)
		return -ENOSPC;
	d->domid = domid_take();
	list_add(d);
	return 0;
}
