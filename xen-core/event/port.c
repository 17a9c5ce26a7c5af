/*
 * port.c: the table of a domain's ports, in buckets.
 */
#include "evtchn_private.h"
#include "heap.h"
#include "nospec.h"

struct evtchn *port_of(struct domain *d, uint32_t port)
{
	struct evtchn *bucket;

	if (port == 0 || port >= MAX_EVTCHNS)
		return NULL;
	port = index_nospec(port, MAX_EVTCHNS);
	bucket = d->event.bucket[port / EVTCHN_BUCKET];
	return bucket ? &bucket[port % EVTCHN_BUCKET] : NULL;
}

/* With the lock: the spare goes where a bucket is wanted. */
static bool bucket_ready(struct domain *d, uint32_t port)
{
	struct evtchn **b = &d->event.bucket[port / EVTCHN_BUCKET];

	if (!*b) {
		*b = d->event.spare;
		d->event.spare = NULL;
	}
	return *b;
}

int port_spare_add(struct domain *d)
{
	struct evtchn *new = heap_alloc_for(d, EVTCHN_BUCKET * sizeof(*new));
	uint64_t flags;

	if (!new)
		return -ENOMEM;
	flags = spin_lock_irqsave(&d->event.lock);
	if (!d->event.spare) {
		d->event.spare = new;
		new = NULL;
	}
	spin_unlock_irqrestore(&d->event.lock, flags);
	heap_free_for(d, new); /* another vcpu was faster */
	return 0;
}

int port_alloc(struct domain *d, uint8_t state, uint8_t vcpu,
	       struct evtchn **out)
{
	struct domain_event *e = &d->event;
	uint32_t port;

	if (e->closed)
		return -EINVAL;
	for (port = e->hint; port < MAX_EVTCHNS; port++) {
		if (!bucket_ready(d, port))
			return -ERESTART;
		*out = port_of(d, port);
		if ((*out)->state == EVTCHNSTAT_closed)
			break;
	}
	if (port == MAX_EVTCHNS)
		return -ENOSPC;

	**out = (struct evtchn){ .state = state, .vcpu = vcpu };
	e->hint = port + 1;
	e->nr_used++;
	return (int)port;
}

/* Ports without any in use go, but for the first: every domain has some. */
static void bucket_trim(struct domain *d, uint32_t port)
{
	struct evtchn **b = &d->event.bucket[port / EVTCHN_BUCKET];
	uint32_t i;

	if (port < EVTCHN_BUCKET)
		return;
	for (i = 0; i < EVTCHN_BUCKET; i++)
		if ((*b)[i].state != EVTCHNSTAT_closed)
			return;
	heap_free_for(d, *b);
	*b = NULL;
}

void port_free(struct domain *d, uint32_t port, struct evtchn *c)
{
	*c = (struct evtchn){ .state = EVTCHNSTAT_closed };
	d->event.nr_used--;
	d->event.hint = MIN(d->event.hint, port);
	port_clear_pending(d, port);
	bucket_trim(d, port);
}

int evtchn_init(struct domain *d)
{
	d->event.hint = 1;
	if (port_spare_add(d))
		return -ENOMEM;
	bucket_ready(d, 0);
	return 0;
}

void evtchn_destroy(struct domain *d)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	uint32_t port;

	d->event.closed = true;
	spin_unlock_irqrestore(&d->event.lock, flags);

	for (port = 1; port < MAX_EVTCHNS; port++)
		evtchn_close(d, port);
}

void evtchn_free(struct domain *d)
{
	uint32_t i;

	heap_free_for(d, d->event.spare);
	for (i = 0; i < ARRAY_SIZE(d->event.bucket); i++)
		heap_free_for(d, d->event.bucket[i]);
}
