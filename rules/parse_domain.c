/*
 * parse_domain.c: domains: their interfaces, and the settings in their block.
 */
#include "parse.h"

#define VCPUS_MAX	64
#define IFACES_MAX	16
#define DISKS_MAX	16
#define WEIGHT_MAX	65535

/* --- interfaces --- */

static bool iface_address(struct parser *p, void *obj)
{
	struct rules_iface *i = obj;
	struct rules_ref *any;

	if (!tok_value_is(p, "any"))
		return (i->addresses = parse_refs(p, REF_ADDRS));
	any = parse_ref(p, REF_HOSTS);
	i->addresses = any;
	return any;
}

static bool iface_routes(struct parser *p, void *obj)
{
	struct rules_iface *i = obj;

	return (i->routes = parse_refs(p, REF_PREFIXES));
}

static bool iface_mac(struct parser *p, void *obj)
{
	struct rules_iface *i = obj;

	return parse_mac(p, &i->mac_text, i->mac);
}

static bool iface_rate(struct parser *p, void *obj)
{
	struct rules_iface *i = obj;

	return parse_rate(p, &i->rate_text, &i->rate_bps);
}

static const struct clause iface_clauses[] = {
	{ "address", iface_address }, { "routes", iface_routes },
	{ "mac", iface_mac }, { "rate", iface_rate }, { NULL },
};

static bool clause_known(const struct parser *p, const struct clause *table)
{
	for (; table->word; table++)
		if (tok_is(p, table->word))
			return true;
	return false;
}

/* on NET [address A, ...] [routes P, ...] [mac M] [rate R], behind `on` */
static struct rules_iface *parse_iface(struct parser *p, struct rules_domain *d)
{
	struct rules_iface *i = node_begin(p, sizeof(*i), RULES_DOMAIN), **end;
	uint32_t seen = 0, n = 0;

	if (!i)
		return NULL;
	i->domain = d;
	i->mac_text.text = i->rate_text.text = "";
	if (!parse_node_name(p, &i->node, "the net of the interface"))
		return NULL;
	while (clause_known(p, iface_clauses))
		if (!parse_clause(p, iface_clauses, i, &seen, ""))
			return NULL;
	for (end = &d->ifaces; *end;
	     end = (struct rules_iface **)&(*end)->node.next)
		n++;
	if (n >= IFACES_MAX) {
		parse_error(p, &p->tok, RULES_CODE_LIMIT, NULL, "a domain has "
			    "at most %d interfaces", IFACES_MAX);
		return NULL;
	}
	*end = i;
	return i;
}

/* --- the block --- */

/* What a setting's handler works on. */
struct setting_ctx {
	struct rules_domain	*d;
	struct rules_setting	*s;
};

static struct rules_text *setting_value(struct setting_ctx *c)
{
	struct rules_text *t = &c->s->value[c->s->nr_values++];

	t->text = "";
	return t;
}

static bool setting_string(struct parser *p, struct setting_ctx *c,
			   const char **to, const char *what)
{
	struct rules_text *t = setting_value(c);

	t->pos = p->tok.pos;
	if (!parse_string(p, to, &c->s->quoted, what))
		return false;
	t->text = *to;
	return true;
}

/* A file's path starts at the folder of the file that names it. */
static bool setting_path(struct parser *p, struct setting_ctx *c,
			 const char **to, const char *what)
{
	if (!setting_string(p, c, to, what))
		return false;
	if (**to)
		*to = path_beside(p, *to);
	return *to;
}

static bool domain_kernel(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_path(p, c, &c->d->kernel, "the kernel's file");
}

static bool domain_ramdisk(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_path(p, c, &c->d->ramdisk, "the ramdisk's file");
}

static bool domain_cmdline(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_string(p, c, &c->d->cmdline, "the kernel's command line");
}

static bool domain_memory(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return parse_quantity(p, setting_value(c), units_size,
			      &c->d->memory_bytes, "a size like 64M");
}

static bool domain_vcpus(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;
	uint64_t n;

	if (!parse_number(p, setting_value(c), 1, VCPUS_MAX, &n,
			  "a number of vcpus"))
		return false;
	c->d->vcpus = n;
	return true;
}

static bool domain_weight(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;
	uint64_t n;

	if (!parse_number(p, setting_value(c), 1, WEIGHT_MAX, &n, "a weight"))
		return false;
	c->d->weight = n;
	return true;
}

static bool setting_time(struct parser *p, struct setting_ctx *c, uint64_t *ns)
{
	return parse_quantity(p, setting_value(c), units_time, ns,
			      "a time like 10ms or 5s");
}

static bool domain_warp(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_time(p, c, &c->d->warp_ns);
}

static bool domain_warp_limit(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_time(p, c, &c->d->warp_limit_ns);
}

static bool domain_unwarp(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_time(p, c, &c->d->unwarp_ns);
}

static bool domain_rate(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return parse_rate(p, setting_value(c), &c->d->rate_bps);
}

static bool domain_delay(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	return setting_time(p, c, &c->d->delay_ns);
}

/* disk NAME "SOURCE" [ro|rw] */
static bool domain_disk(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;
	struct rules_disk *k = node_begin(p, sizeof(*k), RULES_DOMAIN), **end;
	struct rules_text *mode;
	uint32_t n = 0;

	if (!k)
		return false;
	if (!parse_node_name(p, &k->node, "the guest's name of the disk, like "
			"xvda"))
		return false;
	setting_value(c)->text = k->node.name;
	if (!setting_string(p, c, &k->source, "where the disk lies, like "
			    "\"gpt:NAME\""))
		return false;
	if (tok_value_is(p, "ro") || tok_value_is(p, "rw") || tok_opaque(p)) {
		k->read_only = tok_value_is(p, "ro");
		mode = setting_value(c);
		if (!parse_text(p, mode))
			return false;
	}
	for (end = &c->d->disks; *end;
	     end = (struct rules_disk **)&(*end)->node.next)
		n++;
	if (n >= DISKS_MAX)
		return parse_error(p, &p->tok, RULES_CODE_LIMIT, NULL, "a "
				   "domain has at most %d disks", DISKS_MAX);
	*end = k;
	return true;
}

/* One of a list of words; *n is its index. */
static bool setting_choice(struct parser *p, struct setting_ctx *c,
			   const char *const *words, const char *what,
			   unsigned int *n)
{
	struct nearest near;

	for (*n = 0; words[*n]; (*n)++)
		if (tok_value_is(p, words[*n]))
			return parse_text(p, setting_value(c));
	if (tok_opaque(p)) {
		*n = 0;
		return parse_text(p, setting_value(c));
	}
	nearest_init(&near, p->tok.s, p->tok.len);
	return parse_expected(p, what);
}

static bool domain_on_crash(struct parser *p, void *obj)
{
	static const char *const words[] = {
		[RULES_CRASH_DESTROY] = "destroy",
		[RULES_CRASH_RESTART] = "restart",
		[RULES_CRASH_PRESERVE] = "preserve", NULL,
	};
	struct setting_ctx *c = obj;
	unsigned int n;

	if (!setting_choice(p, c, words, "destroy, restart or preserve", &n))
		return false;
	c->d->on_crash = n;
	return true;
}

static bool domain_autostart(struct parser *p, void *obj)
{
	static const char *const words[] = { "no", "yes", NULL };
	struct setting_ctx *c = obj;
	unsigned int n;

	if (!setting_choice(p, c, words, "yes or no", &n))
		return false;
	c->d->autostart = n;
	return true;
}

static bool domain_after(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	c->d->after = c->s->list = parse_refs(p, REF_NAMES);
	return c->d->after;
}

static bool domain_on(struct parser *p, void *obj)
{
	struct setting_ctx *c = obj;

	c->s->iface = parse_iface(p, c->d);
	if (c->s->iface)
		c->s->iface->in_block = true;
	return c->s->iface;
}

static const struct clause domain_clauses[] = {
	{ "kernel", domain_kernel }, { "ramdisk", domain_ramdisk },
	{ "cmdline", domain_cmdline }, { "memory", domain_memory },
	{ "vcpus", domain_vcpus }, { "weight", domain_weight },
	{ "warp", domain_warp }, { "warp_limit", domain_warp_limit },
	{ "unwarp", domain_unwarp }, { "rate", domain_rate },
	{ "disk", domain_disk, true }, { "on_crash", domain_on_crash },
	{ "autostart", domain_autostart }, { "after", domain_after },
	{ "delay", domain_delay }, { "on", domain_on, true }, { NULL },
};

const char *domain_setting_at(unsigned int i)
{
	return i < ARRAY_LEN(domain_clauses) ? domain_clauses[i].word : NULL;
}

static bool parse_domain_block(struct parser *p, struct rules_domain *d)
{
	struct rules_node **end = (struct rules_node **)&d->settings;
	struct token brace;
	uint32_t seen = 0;

	d->has_block = true;
	if (!parse_open(p, &brace))
		return false;
	while (!tok_is_punct(p, '}') && p->tok.kind != TOK_EOF) {
		struct rules_setting *s;
		struct setting_ctx c = { d };

		if (p->tok.first && word_starts_statement(&p->tok))
			break;
		c.s = s = node_begin(p, sizeof(*s), RULES_DOMAIN);
		if (!s)
			return false;
		s->node.name = rules_strdup(p->r, p->tok.s, p->tok.len);
		if (!s->node.name ||
		    !parse_clause(p, domain_clauses, &c, &seen, "a setting of "
				  "the domain (kernel, memory, disk ...) or }"))
			return false;
		while (tok_is_punct(p, ';'))
			parse_next(p);
		node_end(p, &s->node);
		*end = &s->node;
		end = &s->node.next;
	}
	return parse_close(p, &brace, &d->tail);
}

/* domain NAME [on NET ...]... [{ SETTINGS }] */
struct rules_node *parse_domain(struct parser *p)
{
	struct rules_domain *d = node_begin(p, sizeof(*d), RULES_DOMAIN);

	if (!d)
		return NULL;
	d->kernel = d->ramdisk = d->cmdline = "";
	d->vcpus = 1;
	d->weight = 256;
	d->autostart = true;
	parse_next(p);
	if (!parse_node_name(p, &d->node, "a name for the domain"))
		return &d->node;
	while (parse_accept(p, "on"))
		if (!parse_iface(p, d))
			return &d->node;
	if (tok_is_punct(p, '{'))
		parse_domain_block(p, d);
	else if (!tok_ends(p))
		parse_expected(p, "`on NET`, address, routes, mac, rate or a "
			       "block { }");
	return &d->node;
}
