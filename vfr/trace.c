/*
 * trace.c: the steps of a packet, for people who ask why.
 */
#include "internal.h"

void vfr_trace_to(struct vfr *v, struct vfr_trace *t)
{
	v->trace = t;
}

void trace_add(struct vfr *v, const struct judge *j, enum vfr_step step,
	       uint32_t index, uint32_t arg)
{
	struct vfr_trace *t = v->trace;

	if (t->nr >= VFR_TRACE_MAX)
		return;
	t->steps[t->nr++] = (struct vfr_trace_step){
		.step = (uint8_t)step, .proto = j->key.proto,
		.sport = j->key.sport, .dport = j->key.dport,
		.src = j->key.src, .dst = j->key.dst,
		.index = index, .arg = arg,
	};
}
