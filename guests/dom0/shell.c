/*
 * shell.c: a table of commands.
 */
#include "dom0/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rules/diag.h>

#include "dom0/churn.h"
#include "dom0/domain.h"
#include "dom0/module.h"
#include "dom0/nics.h"
#include "dom0/once.h"
#include "dom0/ping.h"
#include "dom0/ports.h"
#include "dom0/rings.h"
#include "dom0/ruleset.h"
#include "dom0/uses.h"
#include "kit/console.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"

#define NS_PER_MS 1000000

static void do_help(struct domain *d, char *rest);

static void say_no_domain(const char *name)
{
	if (*name)
		printf("no domain '%s'; list shows them all\n", name);
	else
		printf("which domain? list shows them all\n");
}

/* Cut the first word off; what follows it. */
static char *word_cut(char *s)
{
	char *end = strchr(s, ' ');

	if (!end)
		return s + strlen(s);
	*end++ = 0;
	while (*end == ' ')
		end++;
	return end;
}

/* Digits alone, up to max. */
static bool number_read(const char *text, unsigned long max, unsigned long *n)
{
	char *end;

	*n = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *n <= max;
}

static const char *state_text(uint32_t state)
{
	if (state & SLUICE_DOM_DYING)
		return "dying";
	if (state & SLUICE_DOM_SHUTDOWN)
		return "ended";
	if (state & SLUICE_DOM_PAUSED)
		return "paused";
	if (state & SLUICE_DOM_BLOCKED)
		return "blocked";
	return "running";
}

static void do_list(struct domain *none, char *rest)
{
	struct sluice_info info = { 0 };
	uint32_t next = 0;

	printf("%-24s %5s %8s %5s %-8s %10s %7s %5s\n", "name", "id", "MiB",
	       "vcpus", "state", "cpu ms", "heap B", "ports");
	for (;; next = info.found + 1) {
		info = (struct sluice_info){ .domid = next };
		if (control(SLUICE_CTL_GETINFO, &info))
			break;
		printf("%-24s %5u %8lu %5u %-8s %10lu %7lu %5lu\n", info.name,
		       info.found, info.tot_pages / 256, info.online_vcpus,
		       state_text(info.state), info.cpu_time_ns / NS_PER_MS,
		       info.heap_bytes, info.evtchn_ports);
	}
	for (struct domain *d = domains; d; d = d->next)
		if (d->state == DOMAIN_OFF || d->state == DOMAIN_WAITING)
			printf("%-24s %5s %8u %5u %-8s\n", d->config.name, "-",
			       d->config.memory_mib, d->config.vcpus,
			       d->state == DOMAIN_OFF ? "off" : "waiting");
}

/* What the appliance takes beside its domains and their files. */
static void footprint(uint64_t hv_pages)
{
	struct sluice_info own = { .domid = 0 };
	uint64_t files = modules_bytes() / PAGE_SIZE, mine;

	if (control(SLUICE_CTL_GETINFO, &own))
		return;
	mine = own.tot_pages - files;
	printf("hypervisor %lu KiB, dom0 %lu KiB, together %lu KiB; "
	       "boot modules %lu KiB\n", hv_pages * 4, mine * 4,
	       (hv_pages + mine) * 4, files * 4);
}

static void do_info(struct domain *none, char *rest)
{
	struct sluice_physinfo p = { 0 };
	long rc = control(SLUICE_CTL_PHYSINFO, &p);

	if (rc) {
		printf("physinfo: %ld\n", rc);
		return;
	}
	printf("cpus %u, TSC %lu kHz\n", p.nr_cpus, p.tsc_khz);
	printf("memory: %lu pages, %lu free, %lu the hypervisor's "
	       "(heap %lu bytes)\n",
	       p.total_pages, p.free_pages, p.hv_pages, p.heap_bytes);
	printf("domains %u of %u; interrupts off at most %lu ns; "
	       "dom0: %zu pages free\n", p.nr_domains, p.max_domains,
	       p.irqs_off_max_ns, pages_nr_free());
	footprint(p.hv_pages);
}

static bool exists(const struct domain *d)
{
	return d->state == DOMAIN_RUNNING || d->state == DOMAIN_PRESERVED;
}

/* What the hypervisor answers, in words. */
static void say_refused(long rc)
{
	static const struct {
		long	    rc;
		const char *text;
	} words[] = {
		{ -EPERM, "not allowed" },
		{ -ENOENT, "there is none" },
		{ -ESRCH, "it has ended" },
		{ -ENOMEM, "no memory" },
		{ -EBUSY, "busy" },
		{ -EINVAL, "no such value" },
		{ -ENOSYS, "not in this hypervisor" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].rc == rc) {
			printf("refused: %s\n", words[i].text);
			return;
		}
	}
	printf("refused: error %ld\n", rc);
}

static void do_attach(struct domain *d, char *rest)
{
	conmux_attach(&conmux, &d->con);
}

/* send NAME TEXT: as if the text and Enter were typed at its console */
static void do_send(struct domain *d, char *rest)
{
	rings_type(&d->con, rest, strlen(rest));
	rings_type(&d->con, "\r", 1);
}

static void do_start(struct domain *d, char *rest)
{
	if (exists(d))
		printf("%s runs\n", d->config.name);
	else
		domain_start(d);
}

/* clone NAME PREFIX COUNT */
static void do_clone(struct domain *d, char *rest)
{
	char *count = word_cut(rest);
	unsigned int n = strtoul(count, NULL, 10);

	printf("dom0: %u of %u started\n", domain_clone(d, rest, n), n);
}

/* destroy NAME, or all whose name starts with PREFIX for PREFIX* */
static void do_destroy(struct domain *none, char *rest)
{
	size_t len = strlen(rest);
	bool prefix = len && rest[len - 1] == '*';
	unsigned int n = 0;

	if (prefix)
		rest[--len] = 0;
	for (struct domain *d = domains; d; d = d->next) {
		if (d->state == DOMAIN_OFF ||
		    (prefix ? strncmp(d->config.name, rest, len)
			    : strcmp(d->config.name, rest)))
			continue;
		domain_destroy(d);
		n++;
	}
	printf("dom0: %u destroyed\n", n);
}

static void control_domain(struct domain *d, unsigned int op)
{
	struct sluice_domid arg = { .domid = d->domid };
	long rc = control(op, &arg);

	if (rc)
		say_refused(rc);
}

static void do_pause(struct domain *d, char *rest)
{
	control_domain(d, SLUICE_CTL_PAUSE);
}

static void do_unpause(struct domain *d, char *rest)
{
	control_domain(d, SLUICE_CTL_UNPAUSE);
}

static void do_shutdown(struct domain *d, char *rest)
{
	domain_ask(d, "poweroff");
}

static void do_reboot(struct domain *d, char *rest)
{
	domain_ask(d, "reboot");
}

static void pong(struct domain *d, bool alive)
{
	if (!alive)
		printf("no answer: %s\n", d->config.name);
}

static void pongs(const struct ping_result *r)
{
	printf("pong: %u of %u\n", r->answered, r->asked);
}

static void pong_one(struct domain *d, bool alive)
{
	printf("%s %s\n", alive ? "pong" : "no answer:", d->config.name);
}

static void pong_none(const struct ping_result *r)
{
	if (!r->asked)
		printf("it cannot answer\n");
}

/* ping NAME, or all */
static void do_ping(struct domain *none, char *rest)
{
	struct domain *d = domain_find(rest);

	if (!d && strcmp(rest, "all"))
		say_no_domain(rest);
	else if (ping_start(d, d ? pong_one : pong, d ? pong_none : pongs))
		printf("busy\n");
}

/* cycle NAME COUNT: what it takes to make such a domain and to end it */
static void do_cycle(struct domain *d, char *rest)
{
	struct sluice_domid gone = { 0 };
	uint64_t made_ns = 0, ended_ns = 0, start;
	unsigned long n = strtoul(rest, NULL, 10), i;
	struct domain_config c = d->config;
	struct built built;
	char err[128];

	snprintf(c.name, sizeof(c.name), "cycle");
	for (i = 0; i < n; i++) {
		start = time_now();
		if (domain_build(&c, &d->image, &built, err, sizeof(err))) {
			printf("cycle: %s\n", err);
			return;
		}
		made_ns += time_now() - start;
		gone.domid = built.domid;
		start = time_now();
		control(SLUICE_CTL_DESTROY, &gone);
		ended_ns += time_now() - start;
	}
	if (n)
		printf("domain_create %lu us\ndomain_destroy %lu us\n",
		       made_ns / n / MICROSECONDS,
		       ended_ns / n / MICROSECONDS);
}

/* churn NAME COUNT: end and start a domain as soon as its vif is connected */
static void do_churn(struct domain *d, char *rest)
{
	if (churn_start(d, strtoul(rest, NULL, 10)))
		printf("busy\n");
}

static void do_uses(struct domain *none, char *rest)
{
	uses_print();
}

static void do_memory(struct domain *none, char *rest)
{
	struct sluice_physinfo p = { 0 };

	if (control(SLUICE_CTL_PHYSINFO, &p) == 0)
		printf("memory: free %lu pages, heap %lu bytes\n",
		       p.free_pages, p.heap_bytes);
}

/* sched NAME [WEIGHT [WARP_US]] */
static void do_sched(struct domain *d, char *rest)
{
	struct sluice_sched s = { .domid = d->domid };
	long rc = control(SLUICE_CTL_GET_SCHED, &s);
	char *end = rest;
	unsigned long weight = strtoul(rest, &end, 10);

	if (!rc && end != rest) {
		s.weight = weight;
		s.slice_ns = 0; /* the machine's, as it is */
		if (*end == ' ') {
			s.warp_ns = strtoul(end, NULL, 10) * 1000;
			s.warp_on = s.warp_ns != 0;
		}
		rc = control(SLUICE_CTL_SET_SCHED, &s);
	}
	if (rc)
		say_refused(rc);
	else
		printf("%s: weight %u, warp %s %lu us\n", d->config.name,
		       s.weight, s.warp_on ? "on" : "off", s.warp_ns / 1000);
}

static void do_audit(struct domain *none, char *rest)
{
	audit_print();
}

static void do_ports(struct domain *none, char *rest)
{
	ports_print();
}

/* nics, or nics reset NUMBER */
static void do_nics(struct domain *none, char *rest)
{
	char *number = word_cut(rest);
	unsigned long n;

	if (strcmp(rest, "reset"))
		nics_print();
	else if (number_read(number, UINT32_MAX, &n))
		nic_reset(n);
	else
		printf("nics reset: which?  0 is nic0\n");
}

/* ---- rules ---- */

static void terminal_write(void *ctx, const char *text, size_t len)
{
	printf("%.*s", (int)len, text);
}

static const struct rules_out terminal = { .write = terminal_write };

static void rules_load(char *rest)
{
	struct ruleset_load l = { .name = rest };
	char *word = word_cut(rest), *next, *seconds;
	unsigned long n;

	for (; *word; word = next) {
		next = word_cut(word);
		if (!strcmp(word, "keep-flows")) {
			l.keep_flows = true;
		} else if (!strcmp(word, "confirm")) {
			seconds = next;
			next = word_cut(next);
			if (!number_read(seconds, UINT32_MAX, &n) || !n) {
				printf("rules load: confirm SECONDS: '%s' is no "
				       "number of them\n", seconds);
				return;
			}
			l.confirm_s = n;
		} else {
			printf("rules load: what is '%s'?\n", word);
			return;
		}
	}
	ruleset_load(&l, &terminal);
}

/* rules [all | load NAME [keep-flows] [confirm SECONDS] | rollback | confirm] */
static void do_rules(struct domain *none, char *rest)
{
	char *more = word_cut(rest);

	if (!*rest || !strcmp(rest, "all"))
		ruleset_print(*rest, &terminal);
	else if (!strcmp(rest, "load") && *more)
		rules_load(more);
	else if (!strcmp(rest, "rollback"))
		ruleset_rollback(!strcmp(more, "keep-flows"), &terminal);
	else if (!strcmp(rest, "confirm"))
		ruleset_confirm(&terminal);
	else
		printf("rules [all | load NAME [keep-flows] [confirm SECONDS] |"
		       " rollback [keep-flows] | confirm]\n");
}

static void do_dmesg(struct domain *none, char *rest)
{
	char buf[512];
	struct sluice_dmesg op = { 0 };

	do {
		op.buf = (uint64_t)buf;
		op.len = sizeof(buf);
		if (control(SLUICE_CTL_DMESG, &op))
			break;
		console_write(buf, op.len);
	} while (op.len);
}

static void do_poweroff(struct domain *none, char *rest)
{
	struct sluice_power op = {
		.action = SLUICE_POWER_OFF,
		.status = strtoul(rest, NULL, 10),
	};

	say_refused(control(SLUICE_CTL_POWER, &op));
}

static void do_restart(struct domain *none, char *rest)
{
	struct sluice_power op = { .action = SLUICE_POWER_REBOOT };

	say_refused(control(SLUICE_CTL_POWER, &op));
}

enum wants { NO_DOMAIN, A_DOMAIN, ONE_THAT_RUNS };

static const struct command {
	const char *name;
	enum wants  wants;
	void	  (*run)(struct domain *d, char *rest);
	const char *help;		/* "ARGUMENTS: text", or the text */
} commands[] = {
	{ "help", NO_DOMAIN, do_help, "this list" },
	{ "list", NO_DOMAIN, do_list, "all domains" },
	{ "attach", ONE_THAT_RUNS, do_attach,
	  "NAME: show its console; Ctrl-] leaves" },
	{ "send", ONE_THAT_RUNS, do_send, "NAME TEXT: type to its console" },
	{ "start", A_DOMAIN, do_start, "NAME: start a domain that is off" },
	{ "shutdown", ONE_THAT_RUNS, do_shutdown, "NAME: ask it to power off" },
	{ "reboot", ONE_THAT_RUNS, do_reboot, "NAME: ask it to reboot" },
	{ "destroy", NO_DOMAIN, do_destroy, "NAME or PREFIX*: end at once" },
	{ "pause", ONE_THAT_RUNS, do_pause, "NAME: stop its vcpus" },
	{ "unpause", ONE_THAT_RUNS, do_unpause, "NAME: let them run again" },
	{ "clone", A_DOMAIN, do_clone, "NAME PREFIX COUNT: more of the same" },
	{ "sched", ONE_THAT_RUNS, do_sched,
	  "NAME [WEIGHT [WARP_US]]: show or set its share" },
	{ "ping", NO_DOMAIN, do_ping, "NAME or all: do guests answer?" },
	{ "ports", NO_DOMAIN, do_ports, "the firewall's ports and counters" },
	{ "rules", NO_DOMAIN, do_rules,
	  "[all|load|rollback|confirm]: the rules" },
	{ "nics", NO_DOMAIN, do_nics,
	  "[reset NUMBER]: the NICs; start one anew" },
	{ "info", NO_DOMAIN, do_info, "the machine and its memory" },
	{ "memory", NO_DOMAIN, do_memory,
	  "free pages and the hypervisor's heap" },
	{ "audit", NO_DOMAIN, do_audit, "check the frame table" },
	{ "cycle", A_DOMAIN, do_cycle,
	  "NAME COUNT: time to create and destroy" },
	{ "churn", A_DOMAIN, do_churn,
	  "NAME COUNT: start and destroy it, with its vif" },
	{ "uses", NO_DOMAIN, do_uses, "counts that must not grow for ever" },
	{ "dmesg", NO_DOMAIN, do_dmesg, "the hypervisor's log" },
	{ "poweroff", NO_DOMAIN, do_poweroff, "[STATUS]: the whole machine" },
	{ "restart", NO_DOMAIN, do_restart, "the whole machine" },
};

static void do_help(struct domain *none, char *rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		const char *text = strchr(c->help, ':');
		int args = text ? text - c->help : 0;

		printf("%-9s%-28.*s%s\n", c->name, args, c->help,
		       text ? text + 2 : c->help);
	}
}

static void command_run(const struct command *c, char *rest)
{
	struct domain *d = NULL;

	if (c->wants != NO_DOMAIN) {
		char *name = rest;

		rest = word_cut(name);
		d = domain_find(name);
		if (!d) {
			say_no_domain(name);
			return;
		}
		if (c->wants == ONE_THAT_RUNS && !exists(d)) {
			printf("%s does not run; start it?\n", name);
			return;
		}
	}
	c->run(d, rest);
}

void shell_run(char *line)
{
	char *rest;

	while (*line == ' ')
		line++;
	if (!*line)
		return;
	rest = word_cut(line);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, line)) {
			command_run(&commands[i], rest);
			return;
		}
	}
	printf("no command '%s'; help lists them\n", line);
}

void shell_attach(const char *name)
{
	struct domain *d = domain_find(name);

	if (d && exists(d))
		do_attach(d, NULL);
}
