/*
 * difftext.c: statements of two rule files, compared.
 */
#include "difftext.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diff_sink_init(struct diff_sink *s, bool json)
{
	*s = (struct diff_sink){ .json = json };
	if (!json)
		return;
	s->changes = json_array();
	s->verdicts = json_array();
	s->flows = json_array();
}

void diff_print(struct diff_sink *s, const char *section, const char *fmt, ...)
{
	va_list ap;

	if (!s->section || strcmp(s->section, section) != 0)
		printf("%s%s\n", s->section ? "\n" : "", section);
	s->section = section;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

/* How a statement changed: its sign in text, its word in JSON. */
enum change { WENT, CAME, MOVED };

static const struct {
	char		 sign;
	const char	*word;
} changes[] = {
	[WENT] = { '-', "removed" },
	[CAME] = { '+', "added" },
	[MOVED] = { '~', "moved" },
};

static void tell(struct diff_sink *s, enum change c, const char *what,
		 const char *file, uint32_t line, const char *text)
{
	s->nr_changes++;
	if (s->json) {
		json_array_append_new(s->changes, json_pack(
			"{s:s, s:s, s:o, s:i, s:o}", "change", changes[c].word,
			"what", what, "file", json_words(file), "line",
			(int)line, "text", json_words(text)));
		return;
	}
	diff_print(s, what, "  %c %s:%" PRIu32 "  %s%s\n", changes[c].sign,
		   file, line, text, c == MOVED ? "  (moved)" : "");
}

/* A statement of either file: a key that makes it the same, where it is. */
struct item {
	uint64_t	 id;		/* rules and NAT: the key */
	char		*text;		/* else the text is the key */
	const char	*file;
	uint32_t	 line;
	size_t		 order;		/* place in its file */
	size_t		 partner;	/* index in the other list, or NONE */
};
#define NONE SIZE_MAX

struct items {
	struct item	*v;
	size_t		 nr, room;
};

static void items_add(struct items *l, uint64_t id, const char *text,
		      const char *file, uint32_t line)
{
	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->v = realloc(l->v, l->room * sizeof(*l->v));
		if (!l->v)
			abort();	/* a host tool without memory */
	}
	l->v[l->nr] = (struct item){
		.id = id, .text = strdup(text), .file = file, .line = line,
		.order = l->nr, .partner = NONE,
	};
	l->nr++;
}

static void items_free(struct items *l)
{
	while (l->nr)
		free(l->v[--l->nr].text);
	free(l->v);
}

static int compare_keys(const struct item *a, const struct item *b)
{
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->id ? 0 : strcmp(a->text, b->text);
}

static int compare_sorted(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rc = compare_keys(x, y);

	return rc ? rc : x->order < y->order ? -1 : 1;
}

static int compare_order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->order < y->order ? -1 : 1;
}

static void items_sort(struct items *l,
		       int (*compare)(const void *a, const void *b))
{
	if (l->nr)	/* else v may be NULL, which is not for qsort() */
		qsort(l->v, l->nr, sizeof(*l->v), compare);
}

/* Join equal keys; partner then holds the other's order. */
static void match(struct items *a, struct items *b)
{
	size_t i = 0, j = 0;

	items_sort(a, compare_sorted);
	items_sort(b, compare_sorted);
	while (i < a->nr && j < b->nr) {
		int rc = compare_keys(&a->v[i], &b->v[j]);

		if (rc == 0) {
			a->v[i].partner = b->v[j].order;
			b->v[j].partner = a->v[i].order;
		}
		i += rc <= 0;
		j += rc >= 0;
	}
	items_sort(a, compare_order);
	items_sort(b, compare_order);
}

/*
 * Which of the common statements have moved: those outside a longest run that
 * keeps its order (patience sorting; tails[k] ends the best run of k + 1).
 */
static bool *find_moved(const struct items *b)
{
	bool *moved = calloc(b->nr + 1, sizeof(*moved));
	size_t *tails = calloc(b->nr + 1, sizeof(*tails));
	size_t *before = calloc(b->nr + 1, sizeof(*before));
	size_t i, len = 0, at;

	if (!moved || !tails || !before)
		abort();
	for (i = 0; i < b->nr; i++) {
		size_t lo = 0, hi = len;

		if (b->v[i].partner == NONE)
			continue;
		moved[i] = true;
		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (b->v[tails[mid]].partner < b->v[i].partner)
				lo = mid + 1;
			else
				hi = mid;
		}
		before[i] = lo ? tails[lo - 1] : NONE;
		tails[lo] = i;
		if (lo == len)
			len++;
	}
	for (at = len ? tails[len - 1] : NONE; at != NONE; at = before[at])
		moved[at] = false;
	free(tails);
	free(before);
	return moved;
}

static void tell_items(struct diff_sink *s, const char *what, struct items *a,
		       struct items *b, bool ordered)
{
	bool *moved;
	size_t i;

	match(a, b);
	moved = find_moved(b);
	for (i = 0; i < a->nr; i++)
		if (a->v[i].partner == NONE)
			tell(s, WENT, what, a->v[i].file, a->v[i].line,
			     a->v[i].text);
	for (i = 0; i < b->nr; i++)
		if (b->v[i].partner == NONE || (ordered && moved[i]))
			tell(s, b->v[i].partner == NONE ? CAME : MOVED, what,
			     b->v[i].file, b->v[i].line, b->v[i].text);
	free(moved);
	items_free(a);
	items_free(b);
}

/* Text that grows; what does not fit any more is left out. */
static void __attribute__((format(printf, 2, 3)))
append(struct text *t, const char *fmt, ...)
{
	size_t len = strlen(t->s);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->s + len, sizeof(t->s) - len, fmt, ap);
	va_end(ap);
}

static void list_rules(struct items *l, const struct vfr_ruleset *rs)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_rules; i++) {
		const struct vfr_rs_rule *r = &rs->p.rules[i];

		items_add(l, r->id, vfr_ruleset_text(rs, r->text),
			  vfr_ruleset_text(rs, r->file), r->line);
	}
}

static void list_nats(struct items *l, const struct rules *r)
{
	const struct rules_node *n = NULL;

	while ((n = rules_next(r, RULES_NAT, n))) {
		const struct rules_nat *nat = (const struct rules_nat *)n;

		items_add(l, nat->id, nat->canonical,
			  rules_file_name(r, n->pos.file), n->pos.line);
	}
}

static void append_addrs(struct text *t, const struct vfr_ruleset *rs,
			 uint32_t first, uint32_t nr)
{
	struct text room;
	uint32_t i;

	for (i = 0; i < nr; i++)
		append(t, "%s %s", i ? "," : " address", describe_prefix(
			&room, &rs->p.addrs[first + i]));
}

static void append_addr(struct text *t, const char *word,
			const struct vfr_addr *a)
{
	struct text room;

	if (!vfr_addr_is_zero(a))
		append(t, " %s %s", word, describe_addr(&room, a));
}

static void list_ports(struct items *l, const struct rules *r,
		       const struct vfr_ruleset *rs)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports && i < r->nr_ports; i++) {
		const struct vfr_rs_port *p = &rs->p.ports[i];
		const struct rules_node *n = r->ports[i];
		static const uint8_t none[6];
		struct text t = { "" }, mac;

		append(&t, "%s %s", p->kind == VFR_PORT_NIC ? "nic" : "domain",
		       vfr_ruleset_text(rs, p->name));
		if (p->kind == VFR_PORT_NIC)
			append(&t, " device %s",
			       vfr_ruleset_text(rs, p->device));
		else
			append(&t, " on %s", vfr_ruleset_text(
				rs, rs->p.nets[p->net].name));
		if (p->vlan)
			append(&t, " vlan %u", p->vlan);
		append_addrs(&t, rs, p->first_addr, p->nr_addrs);
		append_addr(&t, "gateway", &p->gateway4);
		append_addr(&t, "gateway", &p->gateway6);
		if (memcmp(p->mac, none, sizeof(none)))
			append(&t, " mac %s", describe_mac(&mac, p->mac));
		if (p->rate_bps)
			append(&t, " rate %" PRIu64 "bit", p->rate_bps);
		if (p->mtu)
			append(&t, " mtu %" PRIu32, p->mtu);
		if (!(p->flags & VFR_PORT_PING))
			append(&t, " no ping");
		items_add(l, 0, t.s, rules_file_name(r, n->pos.file),
			  n->pos.line);
	}
}

static void list_nets(struct items *l, const struct rules *r,
		      const struct vfr_ruleset *rs)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_nets && i < r->nr_nets; i++) {
		const struct vfr_rs_net *n = &rs->p.nets[i];
		const struct rules_node *node = &r->nets[i]->node;
		struct text t = { "" };

		append(&t, "net %s", vfr_ruleset_text(rs, n->name));
		if (n->kind == VFR_NET_BRIDGED)
			append(&t, " bridged on %s", rs_port_name(rs, n->nic));
		append_addrs(&t, rs, n->first_addr, n->nr_addrs);
		items_add(l, 0, t.s, rules_file_name(r, node->pos.file),
			  node->pos.line);
	}
}

static void list_routes(struct items *l, const struct vfr_ruleset *rs)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_routes; i++) {
		const struct vfr_rs_route *rt = &rs->p.routes[i];
		struct text t = { "" }, room;

		append(&t, "route %s", describe_prefix(&room, &rt->dst));
		if (rt->src.len)
			append(&t, " from %s",
			       describe_prefix(&room, &rt->src));
		append_addr(&t, "via", &rt->via);
		append(&t, " on %s", rs_port_name(rs, rt->port));
		items_add(l, 0, t.s, vfr_ruleset_text(rs, rt->file), rt->line);
	}
}

static void append_refs(struct text *t, const struct rules_ref *ref)
{
	const char *comma = "";

	for (; ref; ref = (const struct rules_ref *)ref->node.next) {
		append(t, "%s %s%s", comma, ref->not ? "not " : "",
		       ref->text.text);
		comma = ",";
	}
}

/* Sets, member by member: a rule that names one changes with it. */
static void list_sets(struct items *l, const struct rules *r)
{
	const struct rules_node *n = NULL;

	while ((n = rules_next(r, RULES_SET, n))) {
		const struct rules_ref *ref =
			((const struct rules_set *)n)->members;

		for (; ref; ref = (const struct rules_ref *)ref->node.next) {
			struct text t = { "" };

			append(&t, "set %s: %s%s", n->name,
			       ref->not ? "not " : "", ref->text.text);
			items_add(l, 0, t.s,
				  rules_file_name(r, ref->node.pos.file),
				  ref->node.pos.line);
		}
	}
}

static void list_services(struct items *l, const struct rules *r)
{
	const struct rules_node *n = NULL;

	while ((n = rules_next(r, RULES_SERVICE, n))) {
		const struct rules_match *m =
			((const struct rules_service *)n)->members;

		for (; m; m = (const struct rules_match *)m->node.next) {
			struct text t = { "" };

			append(&t, "service %s: %s", n->name, m->text.text);
			append_refs(&t, m->ports);
			items_add(l, 0, t.s,
				  rules_file_name(r, m->node.pos.file),
				  m->node.pos.line);
		}
	}
}

/* What a domain's block says, but for its ports, which have their own list. */
static void list_settings(struct items *l, const struct rules *r)
{
	const struct rules_node *n = NULL;

	while ((n = rules_next(r, RULES_DOMAIN, n))) {
		const struct rules_setting *s =
			((const struct rules_domain *)n)->settings;

		for (; s; s = (const struct rules_setting *)s->node.next) {
			struct text t = { "" };
			unsigned int i;

			if (s->iface)
				continue;
			append(&t, "domain %s: %s", n->name, s->node.name);
			for (i = 0; i < s->nr_values; i++)
				append(&t, " %s", s->value[i].text);
			items_add(l, 0, t.s,
				  rules_file_name(r, s->node.pos.file),
				  s->node.pos.line);
		}
	}
}

void diff_texts(struct diff_sink *s, const struct rulefile *old,
		const struct rulefile *new, const struct vfr_ruleset *old_rs,
		const struct vfr_ruleset *new_rs)
{
	const struct rulefile *f[2] = { old, new };
	const struct vfr_ruleset *rs[2] = { old_rs, new_rs };
	struct items ports[2] = { 0 }, nets[2] = { 0 }, routes[2] = { 0 };
	struct items names[2] = { 0 }, nats[2] = { 0 }, rules[2] = { 0 };
	struct items settings[2] = { 0 };
	int i;

	for (i = 0; i < 2; i++) {
		list_settings(&settings[i], &f[i]->r);
		list_ports(&ports[i], &f[i]->r, rs[i]);
		list_nets(&nets[i], &f[i]->r, rs[i]);
		list_routes(&routes[i], rs[i]);
		list_sets(&names[i], &f[i]->r);
		list_services(&names[i], &f[i]->r);
		list_nats(&nats[i], &f[i]->r);
		list_rules(&rules[i], rs[i]);
	}
	tell_items(s, "settings", &settings[0], &settings[1], false);
	tell_items(s, "ports", &ports[0], &ports[1], false);
	tell_items(s, "nets", &nets[0], &nets[1], false);
	tell_items(s, "routes", &routes[0], &routes[1], true);
	tell_items(s, "names", &names[0], &names[1], false);
	tell_items(s, "translations", &nats[0], &nats[1], true);
	tell_items(s, "rules", &rules[0], &rules[1], true);
}

static void write_text(void *ctx, const char *text, size_t len)
{
	append(ctx, "%.*s", (int)len, text);
}

void diff_step_words(struct text *t, const struct rules *r,
		     const struct rules_step *step)
{
	struct rules_out out = { write_text, t };

	t->s[0] = '\0';
	if (step->step == RULES_STEP_PACKET)
		rules_packet_print(r, &step->packet, &out);
	else
		append(t, "%s", step->step == RULES_STEP_REPLY ? "reply" :
		       step->step == RULES_STEP_AGAIN ? "again" : "wait");
}

static bool same_steps(const struct rules *ra, const struct rules_step *x,
		       const struct rules *rb, const struct rules_step *y)
{
	while (x && y) {
		struct text tx, ty;

		diff_step_words(&tx, ra, x);
		diff_step_words(&ty, rb, y);
		if (x->step != y->step || x->repeat != y->repeat ||
		    x->wait_ns != y->wait_ns || strcmp(tx.s, ty.s) != 0)
			return false;
		x = (const struct rules_step *)x->node.next;
		y = (const struct rules_step *)y->node.next;
	}
	return !x && !y;
}

bool diff_same_expectation(const struct rules *ra,
			   const struct rules_expect *a,
			   const struct rules *rb,
			   const struct rules_expect *b)
{
	return same_steps(ra, a->steps, rb, b->steps) &&
	       same_steps(ra, a->steps6, rb, b->steps6);
}
