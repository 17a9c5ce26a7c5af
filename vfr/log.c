/*
 * log.c: what people want to read about, and no more of it than they can.
 *
 * Each rule may write ten lines a second, and each port as many about drops
 * that no rule decided.  What is not written is counted and told by the next
 * line.  The ring overwrites nothing: when it is full, lines are lost and
 * counted, and packets go on.
 */
#include "internal.h"

#define LINES_PER_S	10
#define LINES_BURST	10

static struct vfr_log_entry *entry(struct vfr *v)
{
	struct log_ring *r = &v->log;

	if (r->prod - __atomic_load_n(&r->cons, __ATOMIC_ACQUIRE) >=
	    v->lim.log) {
		r->lost++;
		v->st.log_lost++;
		return NULL;
	}
	return &r->e[r->prod & (v->lim.log - 1)];
}

static void publish(struct vfr *v)
{
	__atomic_store_n(&v->log.prod, v->log.prod + 1, __ATOMIC_RELEASE);
}

static void fill(struct vfr *v, struct vfr_log_entry *e,
		 const struct judge *j, uint8_t kind)
{
	memset(e, 0, sizeof(*e));
	e->time_ns = v->now;
	e->kind = kind;
	e->rule = j->rule;
	e->len = j->p ? j->p->len : 0;
	e->in = j->dev;
	e->out = NONE16;
	if (j->l4) {		/* else they are those of a packet before */
		e->src = j->key.src;
		e->dst = j->key.dst;
	}
	e->sport = j->key.sport;
	e->dport = j->key.dport;
	e->proto = j->key.proto;
	e->reason = j->reason;
	if (j->p && j->p->hdr_len >= 12)
		memcpy(e->mac_src, j->p->hdr + 6, 6);
}

void log_rule(struct vfr *v, const struct judge *j, uint32_t rule)
{
	const struct vfr_rs_rule *r = &v->t->rs.p.rules[rule];
	struct rule_rt *rt = &v->rules[rule];
	struct bucket b = { rt->log_ns, rt->log_tokens };
	struct vfr_log_entry *e = NULL;

	if (bucket_take(v, &b, LINES_PER_S, 1000, LINES_BURST))
		e = entry(v);
	rt->log_ns = b.last_ns;
	rt->log_tokens = b.tokens;
	if (!e) {
		rt->log_pending++;
		rt->log_suppressed++;
		return;
	}
	fill(v, e, j, VFR_LOG_RULE);
	e->rule_id = r->id;
	e->action = r->action;
	if (r->action != VFR_ALLOW)
		e->reason = VFR_DROP_RULE;
	e->out = v->t->ifaces[j->key.out].dev;
	e->suppressed = rt->log_pending;
	rt->log_pending = 0;
	publish(v);
}

void log_drop(struct vfr *v, const struct judge *j)
{
	struct port *o = &v->ports[port_slot(v, j->dev)];
	struct vfr_log_entry *e = NULL;

	if (bucket_take(v, &o->log, LINES_PER_S, 1000, LINES_BURST))
		e = entry(v);
	if (!e) {
		o->log_pending++;
		return;
	}
	fill(v, e, j, VFR_LOG_DROP);
	e->action = VFR_DENY;
	e->suppressed = o->log_pending;
	o->log_pending = 0;
	publish(v);
}

/* One line for each flow that a reload closes, as far as there is room. */
void log_closed(struct vfr *v, const struct flow *f)
{
	const struct flow_key *k = &f->side[0].key;
	struct judge j = { .dev = k->dev, .rule = NONE32 };
	struct vfr_log_entry *e = entry(v);

	if (!e)
		return;
	j.key.src = k->src;
	j.key.dst = k->dst;
	j.key.sport = k->sport;
	j.key.dport = k->dport;
	j.key.proto = k->proto;
	fill(v, e, &j, VFR_LOG_FLOW_CLOSED);
	publish(v);
}

uint32_t vfr_log_read(struct vfr *v, struct vfr_log_entry *e, uint32_t n,
		      uint64_t *lost)
{
	struct log_ring *r = &v->log;
	uint64_t prod = __atomic_load_n(&r->prod, __ATOMIC_ACQUIRE);
	uint32_t k;

	for (k = 0; k < n && r->cons + k != prod; k++)
		e[k] = r->e[(r->cons + k) & (v->lim.log - 1)];
	__atomic_store_n(&r->cons, r->cons + k, __ATOMIC_RELEASE);
	if (lost)
		*lost = r->lost;
	return k;
}
