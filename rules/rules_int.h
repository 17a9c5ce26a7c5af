/*
 * rules_int.h: what the files of rules/ share and nobody else sees.
 *
 * The path of a text: lex.c cuts it into tokens, parse*.c make statements of
 * them, check*.c resolve names and look for trouble, space*.c say what a rule
 * matches as sets of numbers, compile*.c write the ruleset.
 */
#ifndef RULES_INT_H
#define RULES_INT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rules/rules.h>
#include <vfr/classify.h>

/* A statement with errors: its name is known, and nothing else. */
#define RULES_BROKEN	255

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* --- arena.c --- */

/* Zeroed, 16-byte aligned; NULL (and r->fatal set, reported) if full. */
void *rules_alloc(struct rules *r, size_t bytes);

/* Take from the end, or the start, from now on.  Returns how it was before. */
bool arena_turn(struct rules *r, bool at_end);
/* How far the end in use is given out; give back what was taken since then. */
size_t arena_mark(const struct rules *r);
void arena_release(struct rules *r, size_t mark);
/*
 * What is left between the ends, as it is; and take the first bytes of it as if
 * they came from the start: for what shows its length when it is written.
 */
void *arena_rest(const struct rules *r, size_t *bytes);
void arena_take_rest(struct rules *r, size_t bytes);
/* So many more would have been needed: report it. */
void arena_full(struct rules *r, size_t bytes);

/* NUL-terminated copy; "" if full (and r->fatal set). */
const char *rules_strdup(struct rules *r, const char *s, size_t len);

/*
 * A growing array in the arena.  Growing leaves the old copy behind, so that a
 * vector costs at most twice its last size.
 */
struct vec {
	void	*data;
	size_t	 n, cap;
};
/* Of an empty one: room for n.  False: no memory. */
bool vec_reserve(struct rules *r, struct vec *v, size_t n, size_t size);
/* Room for one more of `size` bytes at the end, zeroed; NULL: no memory. */
void *vec_add(struct rules *r, struct vec *v, size_t size);

/* --- text.c --- */

/*
 * Formatted text: %s %c %u %d, %lu (uint64_t), %x (uint64_t, 16 digits),
 * %A (struct vfr_addr *), %q (text as a quoted "string" of the language), and
 * %.*s (somebody's text of any length: cut off after 40 bytes).
 */
void out_print(const struct rules_out *out, const char *fmt, ...);
void out_vprint(const struct rules_out *out, const char *fmt, va_list ap);

/* A bounded buffer as an out: cut off when full, always NUL-terminated. */
struct strbuf {
	char		*buf;
	size_t		 cap, len;	/* len < cap */
	struct rules_out out;
};
void strbuf_init(struct strbuf *b, char *buf, size_t cap);

bool word_is(const char *s, size_t len, const char *keyword);

/* --- diag.c --- */

/*
 * Report.  hint may be NULL; other: a second place, or NULL.  Errors and
 * warnings are counted here, and cut off at their limits.
 */
struct diag_args {
	enum rules_severity	severity;
	enum rules_code		code;
	const struct rules_pos	*pos;
	const struct rules_pos	*other;
	const char		*hint;
};
void diag_report(struct rules *r, const struct diag_args *a, const char *fmt,
		 ...);
#define error_at(r, c, p, h, ...) diag_report(r, &(struct diag_args){	\
	.severity = RULES_ERROR, .code = RULES_CODE_##c, .pos = (p),	\
	.hint = (h) }, __VA_ARGS__)
#define warn_at(r, c, p, h, ...) diag_report(r, &(struct diag_args){	\
	.severity = RULES_WARNING, .code = RULES_CODE_##c, .pos = (p),	\
	.hint = (h) }, __VA_ARGS__)

/* Report once that a limit stops everything. */
void diag_fatal(struct rules *r, int error, const struct rules_pos *pos,
		const char *fmt, ...);

/* --- names.c --- */

struct rules_symbol {
	struct rules_symbol	*next;
	struct rules_node	*node;
	const char		*name;
	uint32_t		 hash;
};

uint64_t hash_text(uint64_t seed, const char *s, size_t len);
#define HASH_SEED 0xcbf29ce484222325ull

struct rules_node *symbol_find(const struct rules *r, const char *name,
			       size_t len);
int symbol_define(struct rules *r, const char *name, struct rules_node *node);

/* The candidate nearest to what was written, if near enough to be meant. */
struct nearest {
	const char	*text;
	size_t		 len;
	const char	*best;
	unsigned int	 distance;
};
void nearest_init(struct nearest *n, const char *text, size_t len);
void nearest_try(struct nearest *n, const char *candidate);
/* "did you mean `x`?" in buf, or "". */
const char *nearest_hint(const struct nearest *n, char *buf, size_t cap);
void nearest_symbols(struct nearest *n, const struct rules *r, uint32_t kinds);
#define KIND_BIT(k)	(1u << (k))
#define KINDS_ALL	UINT32_MAX
#define HINT_MAX	160

/* --- value.c: 0 or -EINVAL unless said otherwise --- */

int value_number(const char *s, size_t len, uint64_t *n);	/* -ERANGE */
/* A number and its unit out of a table that ends with name NULL. */
struct unit {
	const char	*name;
	uint64_t	 factor;
};
extern const struct unit units_size[], units_rate[], units_time[];
int value_unit(const char *s, size_t len, const struct unit *units,
	       uint64_t *n);
int value_addr(const char *s, size_t len, struct vfr_addr *a);
/* A, A/N or A-B.  *why says what is wrong with what looks like one. */
struct value_range {
	struct vfr_addr	lo, hi;
	struct vfr_addr	as_written;	/* A, host bits and all */
	uint8_t		prefix_len;
	bool		has_len, range;
};
int value_range(const char *s, size_t len, struct value_range *v,
		const char **why);
int value_mac(const char *s, size_t len, uint8_t mac[6]);
void prefix_bounds(const struct vfr_addr *a, unsigned int len,
		   struct vfr_addr *lo, struct vfr_addr *hi);
static inline int addr_cmp(const struct vfr_addr *a, const struct vfr_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}
bool addr_next(struct vfr_addr *a);	/* false: it was the last one */
void addr_prev(struct vfr_addr *a);	/* not of :: */
/* An address as a number, to count with, and back. */
typedef unsigned __int128 u128;
u128 addr_number(const struct vfr_addr *a);
struct vfr_addr number_addr(u128 n);
/* Protocols and ICMP types by name: -1 if there is none. */
int proto_by_name(const char *s, size_t len);
const char *proto_name(int proto);
bool proto_has_ports(int proto);
int icmp_by_name(const char *s, size_t len, int16_t *v4, int16_t *v6,
		 int16_t *code);
void nearest_protos(struct nearest *n);
void nearest_icmp(struct nearest *n);
#define PROTO_ICMP	1
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_ICMP6	58
#define PROTO_SCTP	132

/* --- lex.c --- */

enum token_kind {
	TOK_EOF,
	TOK_END,		/* of a line outside braces, or ; there */
	TOK_WORD,
	TOK_STRING,
	TOK_PUNCT,		/* { } , = or > for -> */
};

struct token {
	struct rules_pos pos;
	const char	*s;	/* WORD: after expansion; STRING: decoded, NUL */
	uint32_t	 len;
	const char	*raw;	/* as written */
	uint32_t	 raw_len;
	uint8_t		 kind;
	char		 punct;
	bool		 first;	/* on its line */
	bool		 bad;	/* reported already */
	bool		 expanded;	/* it held a $variable */
};

struct lexer {
	struct rules	*r;
	const char	*p, *end, *line_start;
	uint32_t	 file, line;
	uint32_t	 depth;			/* of braces */
	uint32_t	 token_line;		/* of the last token */
	struct rules_comment *lead, **lead_tail;	/* not yet attached */
	const char	*trail;
};

void lex_init(struct lexer *lx, struct rules *r, uint32_t file);
void lex_next(struct lexer *lx, struct token *t);

/* --- parse_word.c, parse_domain.c --- */

/* The i-th word of the language, or setting of a domain; NULL behind them. */
const char *keyword_at(unsigned int i);
const char *domain_setting_at(unsigned int i);

/* --- space*.c: what rules match, as sets of numbers --- */

/* Ascending, disjoint, not adjacent. */
struct ranges {
	const struct vfr_cls_range *r;
	uint32_t		 n;
};

/* Addresses at one port, or at any. */
struct place {
	uint16_t	port;		/* RULES_PORT_ANY */
	struct ranges	addrs;
};

/* The ways through the VFR that a rule speaks of: in by, from, out by, to. */
struct lane {
	uint16_t	in, out;
	struct ranges	src, dst;
};

/* The rest of an atom of the classifier. */
struct kind {
	uint8_t		proto;
	bool		any_proto;
	uint16_t	sport_lo, sport_hi, dport_lo, dport_hi;
};

/* All lanes times all kinds. */
struct space {
	const struct lane *lanes;
	const struct kind *kinds;
	uint32_t	nr_lanes, nr_kinds;
	uint8_t		tcp_flags, tcp_mask;
	uint8_t		frag, frag_mask;
};

extern const struct ranges ranges_v4;	/* where IPv4 is kept */
extern const struct ranges ranges_any;

/* One more in v, a vector of struct vfr_cls_range; false: out of memory. */
bool ranges_add(struct rules *r, struct vec *v, const struct vfr_addr *lo,
		const struct vfr_addr *hi);
/* An address, prefix or range as written: ::/0 means no IPv4. */
bool ranges_add_ref(struct rules *r, struct vec *v,
		    const struct rules_ref *ref);
bool ranges_build(struct rules *r, struct vec *v, struct ranges *out);
bool ranges_subtract(struct rules *r, const struct ranges *a,
		     const struct ranges *b, struct ranges *out);
bool ranges_hold(const struct ranges *a, const struct vfr_addr *lo,
		 const struct vfr_addr *hi);	/* is lo..hi in a? */
bool ranges_within(const struct ranges *a, const struct ranges *b);
bool ranges_meet(const struct ranges *a, const struct ranges *b);

/* Is there something in the list, and all of it marked `not`? */
bool only_nots(const struct rules_ref *list);
/* Places of a list of hosts.  from: seen as source, else as destination. */
bool space_places(struct rules *r, const struct rules_ref *list, bool from,
		  struct vec *places);
/* Addresses alone: of masquerade, static, routes and sets. */
bool space_addrs(struct rules *r, const struct rules_ref *list,
		 struct ranges *out);
/* Protocols and ports: of rules and redirects. */
bool space_kinds(struct rules *r, const struct rules_match *m,
		 const struct rules_ref *from_ports, struct vec *kinds);
/* A set's own ports, a vector for space_kind.c, made once.  NULL: no memory. */
const struct vec *space_set_ports(struct rules *r, struct rules_set *s);
const struct space *space_of_rule(struct rules *r,
				  const struct rules_rule *rule);

/* Sort n items of `size` bytes (at most 64); no order among equals. */
void sort_items(void *items, size_t n, size_t size,
		int (*cmp)(const void *a, const void *b));

/* --- format.c --- */

/* A rule or NAT statement on one line, without # comments. */
void format_canonical(const struct rules_node *n, const struct rules_out *out);
void format_endpoint(const struct rules_endpoint *e,
		     const struct rules_out *out);

/* --- check*.c --- */

#define foreach_stmt(r, kind, n)					\
	for ((n) = rules_next((r), (kind), NULL); (n);			\
	     (n) = rules_next((r), (kind), (n)))
#define foreach_node(n, list)						\
	for ((n) = (void *)(list); (n);					\
	     (n) = (void *)((struct rules_node *)(n))->next)

/* Names and ports of a packet in words; false: reported. */
bool check_packet(struct rules *r, struct rules_packet *pkt);
/* Of which families the list has addresses; names are not looked into. */
enum { FAMILY_4 = 1, FAMILY_6 = 2 };
/* Which families a prefix has members of: ::/0 has both. */
unsigned int prefix_families(const struct vfr_prefix *p);
/* Adds the ranges' prefixes to out, a vector of struct vfr_prefix.  False: no
   memory. */
bool list_prefixes(struct rules *r, const struct ranges *a, struct vec *out);

/* What a route is in the VFR's table. */
struct route_entry {
	struct vfr_prefix dst, src;
};
/* Adds those of rt to out, a vector of them.  False: no memory. */
bool route_entries(struct rules *r, const struct rules_route *rt,
		   struct vec *out);
unsigned int refs_families(const struct rules_ref *list);
/* The addresses of the one host that a translation names. */
const struct rules_ref *nat_host(const struct rules_ref *ref);
/* Our address in a prefix of a routed net: the one written, or the first. */
struct vfr_addr net_gateway_in(const struct rules_net *n,
			       const struct rules_ref *p);
#endif
