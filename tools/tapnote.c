/*
 * tapnote.c: see tapnote.h.
 */
#include "tapnote.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <vfr/reason.h>

struct note {
	char	*s;
	size_t	 len;
};

static void add(struct note *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct note *n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(n->s + n->len, TAPNOTE_MAX - n->len, fmt, ap);
	va_end(ap);
	if (len > 0)
		n->len += (size_t)len;
	if (n->len >= TAPNOTE_MAX)
		n->len = TAPNOTE_MAX - 1;
}

/* Of the other drops the record may name the rule of the packet's flow. */
static bool rule_decided(const struct vfr_tap_record *r)
{
	return r->verdict != VFR_VERDICT_DROP || r->reason == VFR_DROP_RULE ||
	       r->reason == VFR_DROP_LIMIT;
}

const struct vfr_rs_rule *tapnote_rule(const struct vfr_ruleset *rs,
				       const struct vfr_tap_record *r)
{
	uint32_t i;

	if (!rs || r->rule == VFR_NONE32 || !rule_decided(r))
		return NULL;
	if (r->rule < rs->p.nr_rules && rs->p.rules[r->rule].id == r->rule_id)
		return &rs->p.rules[r->rule];
	/* Other rules have been loaded since. */
	for (i = 0; i < rs->p.nr_rules; i++)
		if (rs->p.rules[i].id == r->rule_id)
			return &rs->p.rules[i];
	return NULL;
}

static const char *verdict_word(const struct vfr_tap_record *r,
				const struct vfr_rs_rule *rule)
{
	if (r->stage == VFR_TAP_EGRESS)
		return "sent";
	if (r->verdict != VFR_VERDICT_DROP)
		return "allow";
	return rule && r->reason == VFR_DROP_RULE &&
	       rule->action == VFR_REJECT ? "reject" : "deny";
}

void tapnote_write(char buf[TAPNOTE_MAX], const struct vfr_ruleset *rs,
		   const struct vfr_tap_record *r, const char *in,
		   const char *out, uint64_t number)
{
	const struct vfr_rs_rule *rule = tapnote_rule(rs, r);
	struct note n = { .s = buf };

	add(&n, "%s", verdict_word(r, rule));
	if (rule)
		add(&n, " rule=%.200s:%u", vfr_ruleset_text(rs, rule->file),
		    rule->line);
	if (rule && rule->label)
		add(&n, " \"%.100s\"", vfr_ruleset_text(rs, rule->label));
	if (r->verdict == VFR_VERDICT_DROP)
		add(&n, " reason=%s", vfr_reason_word(r->reason));
	if (in && *in)
		add(&n, " in=%.64s", in);
	if (out && *out)
		add(&n, " out=%.64s", out);
	if (number)
		add(&n, " number=%lu", (unsigned long)number);
	if (rule)
		add(&n, ": %.400s", vfr_ruleset_text(rs, rule->text));
}

enum pcapng_verdict tapnote_verdict(const struct vfr_tap_record *r)
{
	if (r->stage == VFR_TAP_EGRESS)
		return PCAPNG_VERDICT_NONE;
	switch (r->verdict) {
	case VFR_VERDICT_DROP:
		return PCAPNG_VERDICT_DROP;
	case VFR_VERDICT_LOCAL:
		return PCAPNG_VERDICT_PASS;
	default:
		return PCAPNG_VERDICT_REDIRECT;
	}
}

void tapnote_port(char buf[TAPNOTE_MAX], const struct vfr_ruleset *rs,
		  uint32_t rs_port)
{
	const struct vfr_rs_port *p = &rs->p.ports[rs_port];
	struct note n = { .s = buf };

	if (p->kind == VFR_PORT_VIF) {
		add(&n, "domain %s, net %s", vfr_ruleset_text(rs, p->name),
		    vfr_ruleset_text(rs, rs->p.nets[p->net].name));
		return;
	}
	add(&n, "nic %s, ", vfr_ruleset_text(rs, p->name));
	if (p->vlan)
		add(&n, "VLAN %u of ", p->vlan);
	add(&n, "device %s", vfr_ruleset_text(rs, p->device));
}
