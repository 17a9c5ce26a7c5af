/* ruleset.c: see ruleset.h. */
#include "dom0/ruleset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rules/rules.h>
#include <sluice/net.h>
#include <vfr/ruleset.h>

#include "dom0/appliance.h"
#include "dom0/module.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"

#define KEEP_PAGES	768	/* dom0's own; the compiler gets all others */
#define NAME_MAX	128
#define LINE_MAX	512

struct set {
	void	*blob;		/* own pages; NULL: none */
	size_t	 len;
	char	 name[NAME_MAX];
	struct vfr_ruleset rs;	/* pointers into blob */
};

static struct set current, before;
static struct timer unconfirmed;	/* set: `before` comes back then */

static void say(const struct rules_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct rules_out *out, const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	out->write(out->ctx, line,
		   n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* ---- compiled sets ---- */

static size_t pages_of(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static void set_free(struct set *s)
{
	if (s->blob)
		pages_free(s->blob, pages_of(s->len));
	*s = (struct set){ 0 };
}

static int set_make(struct set *s, const char *name, const void *blob,
		    size_t len)
{
	*s = (struct set){ .len = len };
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->blob = pages_alloc(pages_of(len));
	if (!s->blob)
		return -ENOMEM;
	memcpy(s->blob, blob, len);
	if (vfr_ruleset_open(&s->rs, s->blob, len, NULL)) {
		set_free(s);
		return -EINVAL;
	}
	return 0;
}

const struct vfr_ruleset *ruleset_loaded(void)
{
	return current.blob ? &current.rs : NULL;
}

/* ---- the hypervisor's side ---- */

/* Of a vif that the rules do not name nothing passes: say so. */
static void closed_say(const struct rules_out *out)
{
	struct sluice_port p = { .index = 0 };

	for (; control(SLUICE_NET_PORT, &p) == 0;
	     p = (struct sluice_port){ .index = p.index + 1 })
		if (*p.device && p.kind == VFR_PORT_VIF && !p.live)
			say(out, "dom0: %s: not in these rules: closed\n",
			    p.device);
}

static int set_install(const struct set *s, bool keep_flows,
		       const struct rules_out *out)
{
	struct sluice_ruleset load = {
		.blob = (uint64_t)s->blob,
		.size = s->len,
		.flags = keep_flows ? SLUICE_LOAD_KEEP_FLOWS : 0,
	};
	long rc = control(SLUICE_NET_LOAD, &load);

	if (rc || load.status) {
		say(out, "dom0: the rules are not loaded: %ld: %s\n",
		    rc ? rc : load.status, rc ? "" : load.why);
		return rc ? (int)rc : load.status;
	}
	say(out, "dom0: rules loaded: %s: %u rules, %zu bytes; of %lu tracked "
	    "flows %lu closed\n", s->name, s->rs.p.nr_rules, s->len,
	    load.checked, load.closed);
	closed_say(out);
	return 0;
}

/* ---- the compiler ---- */

static int read_file(void *ctx, const char *path, const char **text,
		     size_t *len)
{
	const struct module *m = appliance_file(path);

	if (!m)
		return -ENOENT;
	*text = m->data;
	*len = m->size;
	return 0;
}

static void diag_say(void *ctx, const struct rules_diag *d)
{
	rules_diag_print(d, ctx);
}

/*
 * What the compiler works in: pages in a row, which the hypervisor has but for
 * that time.
 */
static struct {
	char	*mem;
	size_t	 pages;		/* of address space ... */
	size_t	 there;		/* ... and with memory, from its start */
} arena;

/* Once: as much as there is, less what dom0 needs for itself. */
static void arena_make(void)
{
	size_t n = pages_nr_free();

	n = n > 2 * KEEP_PAGES ? n - KEEP_PAGES : n / 2;
	while (n && !(arena.mem = pages_alloc(n)))
		n -= n / 8 + 1;
	arena.pages = arena.there = n;
}

static void arena_get(void)
{
	if (arena.mem)
		arena.there = pages_regain(arena.mem, arena.pages);
	else
		arena_make();
}

static void arena_put(void)
{
	arena.there -= pages_release(arena.mem, arena.there);
}

/* For a set larger than what dom0 keeps: the arena's end, behind what is in use,
 * is dom0's from now on. */
static void arena_cede(const struct rules *r, size_t pages)
{
	size_t used = (r->arena.used + PAGE_SIZE - 1) / PAGE_SIZE;

	if (pages_nr_free() >= pages + KEEP_PAGES / 2 ||
	    arena.there != arena.pages || arena.pages < used + pages)
		return;
	arena.pages -= pages;
	arena.there -= pages;
	pages_free(arena.mem + arena.pages * PAGE_SIZE, pages);
}

static int compile(struct rules *r, const struct ruleset_load *l,
		   const void **blob, size_t *len)
{
	int rc = rules_parse(r, l->name, l->text, l->len, 0);
	int bad = rules_check(r);

	rc = rc ?: bad;
	return rc ?: rules_compile(r, blob, len);
}

static void went_back(void *arg);

/* new is in force: it is the current one, and that the one before. */
static void set_take(struct set *new, uint32_t confirm_s)
{
	set_free(&before);
	before = current;
	current = *new;
	timer_cancel(&unconfirmed);
	if (confirm_s && before.blob)
		timer_set(&unconfirmed, time_now() + confirm_s * SECONDS,
			  went_back, NULL);
}

static int compile_and_load(struct rules *r, const struct ruleset_load *l,
			    const struct rules_out *out)
{
	struct set new;
	const void *blob;
	size_t len;
	int rc = compile(r, l, &blob, &len);

	if (!rc) {
		arena_cede(r, pages_of(len));
		rc = set_make(&new, l->name, blob, len);
	}
	if (rc) {
		say(out, "dom0: %s: not loaded: %s\n", l->name,
		    rc == -ENOMEM ? "no memory" : "it has errors");
		return rc;
	}
	rc = set_install(&new, l->keep_flows, out);
	if (rc) {
		set_free(&new);
		return rc;
	}
	set_take(&new, l->confirm_s);
	if (l->loaded)
		l->loaded(r);
	return 0;
}

int ruleset_load(const struct ruleset_load *l, const struct rules_out *out)
{
	const struct rules_host host = { .ctx = (void *)out,
					 .read = read_file, .diag = diag_say };
	static struct rules rules;
	int rc;

	if (!l->text && !appliance_file(l->name)) {
		say(out, "dom0: there is no boot module ':file %s'\n", l->name);
		return -ENOENT;
	}
	arena_get();
	if (!arena.there) {
		say(out, "dom0: %s: not loaded: no memory\n", l->name);
		return -ENOMEM;
	}
	rules_init(&rules, &host, arena.mem, arena.there * PAGE_SIZE);
	rc = compile_and_load(&rules, l, out);
	arena_put();
	return rc;
}

/* ---- back again ---- */

int ruleset_rollback(bool keep_flows, const struct rules_out *out)
{
	struct set s = before;
	int rc;

	if (!before.blob) {
		say(out, "dom0: there are no rules before these\n");
		return -ENOENT;
	}
	rc = set_install(&s, keep_flows, out);
	if (rc)
		return rc;
	before = current;
	current = s;
	timer_cancel(&unconfirmed);
	return 0;
}

static void terminal_write(void *ctx, const char *text, size_t len)
{
	printf("%.*s", (int)len, text);
}

static void went_back(void *arg)
{
	static const struct rules_out terminal = { .write = terminal_write };

	say(&terminal, "dom0: %s: not confirmed: back to the rules before\n",
	    current.name);
	ruleset_rollback(false, &terminal);
}

int ruleset_confirm(const struct rules_out *out)
{
	if (!unconfirmed.at_ns) {
		say(out, "dom0: no rules wait to be confirmed\n");
		return -ENOENT;
	}
	timer_cancel(&unconfirmed);
	say(out, "dom0: %s: confirmed\n", current.name);
	return 0;
}

/* ---- what can be seen ---- */

static const char *counters_text(const struct sluice_rule *c, char *buf,
				 size_t size)
{
	int n = snprintf(buf, size, "packets %lu bytes %lu flows %lu",
			 c->packets, c->bytes, c->flows);

	if (c->limited && n < (int)size)
		snprintf(buf + n, size - (size_t)n, " limited %lu", c->limited);
	return buf;
}

/* False: it does not exist, or nothing has matched it and not all is asked. */
static bool counters_get(struct sluice_rule *c, bool all)
{
	return control(SLUICE_NET_RULE, c) == 0 &&
	       (all || c->packets || c->limited);
}

static void rules_print(bool all, const struct rules_out *out)
{
	const struct vfr_ruleset *rs = &current.rs;
	const struct vfr_rs_rule *r = rs->p.rules;
	uint32_t shown = 0;
	char counters[128];

	for (uint32_t i = 0; i < rs->p.nr_rules; i++, r++) {
		struct sluice_rule c = { .index = i };

		if (!counters_get(&c, all))
			continue;
		shown++;
		say(out, "%s:%u %s: %s\n", vfr_ruleset_text(rs, r->file),
		    r->line, vfr_ruleset_text(rs, r->text),
		    counters_text(&c, counters, sizeof(counters)));
	}
	if (shown < rs->p.nr_rules)
		say(out, "%u rules that nothing has matched\n",
		    rs->p.nr_rules - shown);
}

static void nats_print(bool all, const struct rules_out *out)
{
	static const char *const kinds[] = {
		[VFR_NAT_MASQUERADE] = "masquerade",
		[VFR_NAT_REDIRECT] = "redirect",
		[VFR_NAT_STATIC] = "static",
	};
	const struct vfr_ruleset *rs = &current.rs;
	const struct vfr_rs_nat *t = rs->p.nats;
	char counters[128];

	for (uint32_t i = 0; i < rs->p.nr_nats; i++, t++) {
		struct sluice_rule c = { .index = i, .nat = 1 };

		if (counters_get(&c, all))
			say(out, "%s:%u %s: %s\n",
			    vfr_ruleset_text(rs, t->file), t->line,
			    kinds[t->kind],
			    counters_text(&c, counters, sizeof(counters)));
	}
}

void ruleset_print(bool all, const struct rules_out *out)
{
	struct sluice_rule deny = { .index = UINT32_MAX };
	char counters[128];

	if (!current.blob) {
		say(out, "no rules are loaded: every packet is dropped\n");
		return;
	}
	rules_print(all, out);
	nats_print(all, out);
	if (control(SLUICE_NET_RULE, &deny) == 0)
		say(out, "no rule allows it: %s\n",
		    counters_text(&deny, counters, sizeof(counters)));
	say(out, "rules: %s, %u rules, hash %016lx, before them: %s%s\n",
	    current.name, current.rs.p.nr_rules, current.rs.hdr->hash,
	    before.blob ? before.name : "none",
	    unconfirmed.at_ns ? ", not confirmed" : "");
}
