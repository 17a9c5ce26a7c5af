/*
 * vfr/trace.h: what the evaluator decided about a packet, step by step.
 *
 * The evaluator itself fills the trace while it works, so an explanation
 * cannot drift from what is done.  Text is the caller's job: steps hold
 * indices into the loaded ruleset.
 */
#ifndef VFR_TRACE_H
#define VFR_TRACE_H

#include <stdint.h>

#include <vfr/addr.h>
#include <vfr/reason.h>

#define VFR_TRACE_MAX	32

/* X(NAME, what index is) */
enum vfr_step {
	VFR_STEP_PORT,		/* came in on ruleset port `index` */
	VFR_STEP_BINDING,	/* source is bound to that port: ok */
	VFR_STEP_FRAGMENT,	/* judged as its datagram was */
	VFR_STEP_FLOW_HIT,	/* belongs to a flow; index: its rule */
	VFR_STEP_RELATED,	/* an ICMP error about a flow; index: its rule */
	VFR_STEP_FLOW_NEW,	/* opens a flow; index: its rule */
	VFR_STEP_FLOW_CLOSED,	/* a reload forbids its flow; index: old rule */
	VFR_STEP_NAT_DST,	/* destination translated by nat `index` */
	VFR_STEP_NAT_SRC,	/* source translated by nat `index` */
	VFR_STEP_ROUTE,		/* way out: port `index`; arg: route index, or
				   VFR_NONE32 for a net, address or gateway */
	VFR_STEP_BRIDGE,	/* bridged to port `index` */
	VFR_STEP_RULE,		/* rule `index` is the first to match */
	VFR_STEP_NO_RULE,	/* none matches */
	VFR_STEP_LIMIT,		/* above the limit of rule `index` */
	VFR_STEP_LOCAL,		/* the VFR itself takes or answers it */
	VFR_STEP_HELD,		/* waits for a neighbour or a fragment */
	VFR_STEP_SENT,		/* given to port `index` */
	VFR_STEP_DROPPED,	/* index: enum vfr_reason */
	VFR_NR_STEPS
};

struct vfr_trace_step {
	uint8_t		step;		/* enum vfr_step */
	uint8_t		proto;
	uint16_t	sport, dport;	/* the packet at this moment */
	struct vfr_addr	src, dst;
	uint32_t	index, arg;
};

struct vfr_trace {
	uint32_t		nr;	/* <= VFR_TRACE_MAX; more are lost */
	struct vfr_trace_step	steps[VFR_TRACE_MAX];
};

#endif
