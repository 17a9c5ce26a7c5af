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
#include "dom0/room.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/time.h"

#define NAME_MAX	128
#define LINE_MAX	512
#define AGAIN_NS	(1 * SECONDS)	/* after going back has failed */
#define TIMES_TEXT	32	/* bytes to compile one byte of text, measured */

struct set {
	void	*blob;		/* in the room; NULL: none */
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

/* From r, of which all else stays as it is. */
static int set_make(struct set *s, const char *name, const struct rules *r,
		    const void *blob, size_t len)
{
	*s = (struct set){ .len = len };
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->blob = room_place(len, r->arena.used);
	if (!s->blob)
		return -ENOMEM;
	memcpy(s->blob, blob, len);
	return vfr_ruleset_open(&s->rs, s->blob, len, NULL);
}

static void set_keep(struct set *s)
{
	void *to;

	if (!s->blob)
		return;
	to = room_keep(s->len);
	if (to == s->blob)
		return;
	s->blob = memmove(to, s->blob, s->len);
	if (vfr_ruleset_open(&s->rs, s->blob, s->len, NULL))
		panic("a ruleset that was checked is broken");
}

/* Side by side at the end of the room: what lies there now goes first. */
static void sets_keep(void)
{
	bool swapped = (char *)before.blob < (char *)current.blob;

	room_empty();
	set_keep(swapped ? &current : &before);
	set_keep(swapped ? &before : &current);
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

static int compile(struct rules *r, const struct ruleset_load *l,
		   const void **blob, size_t *len)
{
	int rc = rules_parse(r, l->name, l->text, l->len, RULES_FORGET);
	int bad = rules_check(r);

	rc = rc ?: bad;
	return rc ?: rules_compile(r, blob, len);
}

static void went_back(void *arg);

/* new is in force: it is the current one, and that the one before. */
static void set_take(struct set *new, uint32_t confirm_s,
		     const struct rules_out *out)
{
	before = current;
	current = *new;
	timer_cancel(&unconfirmed);
	if (!confirm_s)
		return;
	if (before.blob)
		timer_set(&unconfirmed, time_now() + confirm_s * SECONDS,
			  went_back, NULL);
	else
		say(out, "dom0: %s: there are no rules to go back to: these "
		    "stay, confirmed or not\n", current.name);
}

/* What can be done about it.  all: dom0 had what it can have. */
static void say_no_memory(const struct rules *r, const char *name, bool all,
			  const struct rules_out *out)
{
	size_t text = 0;

	for (uint32_t i = 0; i < r->nr_sources; i++)
		text += r->sources[i].len;
	if (all)
		say(out, "dom0: %s: not loaded: no memory: dom0_mem=%zu is too "
		    "little for these rules and those in force; start with "
		    "dom0_mem=%zu\n", name, room_dom0_mib(),
		    room_more_mib(text * TIMES_TEXT));
	else
		say(out, "dom0: %s: not loaded: no memory: domains have what "
		    "compiling takes; end one\n", name);
}

static int compile_and_load(struct rules *r, const struct ruleset_load *l,
			    bool all, const struct rules_out *out)
{
	struct set new;
	const void *blob;
	size_t len;
	int rc = compile(r, l, &blob, &len);

	if (!rc)
		rc = set_make(&new, l->name, r, blob, len);
	if (rc == -ENOMEM)
		say_no_memory(r, l->name, all, out);
	else if (rc)
		say(out, "dom0: %s: not loaded: it has errors\n", l->name);
	if (rc)
		return rc;
	if (!l->loaded) /* which may be what the hypervisor needs for the set */
		room_shrink(new.blob);
	rc = set_install(&new, l->keep_flows, out);
	if (rc)
		return rc;
	set_take(&new, l->confirm_s, out);
	if (l->loaded)
		l->loaded(r);
	return 0;
}

int ruleset_load(const struct ruleset_load *l, const struct rules_out *out)
{
	const struct rules_host host = { .ctx = (void *)out,
					 .read = read_file, .diag = diag_say };
	static struct rules rules;
	size_t bytes;
	void *mem;
	bool all;
	int rc;

	if (!l->text && !appliance_file(l->name)) {
		say(out, "dom0: there is no boot module ':file %s'\n", l->name);
		return -ENOENT;
	}
	mem = room_open(&bytes, &all);
	rules_init(&rules, &host, mem, bytes);	/* of none, parsing says so */
	rc = compile_and_load(&rules, l, all, out);
	sets_keep();
	room_close();
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
	if (!ruleset_rollback(false, &terminal))
		return;
	say(&terminal, "dom0: %s: still in force: again in 1 s\n",
	    current.name);
	timer_set(&unconfirmed, time_now() + AGAIN_NS, went_back, NULL);
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
