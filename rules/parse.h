/*
 * parse.h: what the files of the parser share.  See parse.c for how they read.
 */
#ifndef RULES_PARSE_H
#define RULES_PARSE_H

#include "rules_int.h"

struct parser {
	struct rules	*r;
	struct lexer	 lx;
	struct token	 tok;		/* the next one, not yet taken */
	struct token	 stmt;		/* the statement's first word */
	struct rules_node **tail;	/* where the next statement goes */
	bool		 failed;	/* this statement has had its error */
	uint32_t	 depth;		/* of includes */
};

/* Reports about t unless the statement has failed already; returns false. */
bool parse_error(struct parser *p, const struct token *t, enum rules_code code,
		 const char *hint, const char *fmt, ...);
/* "expected WHAT, found `x`" */
bool parse_expected(struct parser *p, const char *what);
bool parse_expected_hint(struct parser *p, const char *what, const char *hint);
void parse_next(struct parser *p);
/*
 * A word of the language.  No $variable stands for one: fmt, which does not
 * know what they stand for, reads all that the compiler does.
 */
bool tok_is(const struct parser *p, const char *keyword);
bool tok_value_is(const struct parser *p, const char *value);	/* it may */
bool tok_is_punct(const struct parser *p, char c);
bool parse_accept(struct parser *p, const char *keyword);
bool parse_accept_punct(struct parser *p, char c);
bool tok_ends(const struct parser *p);		/* statement or list is over */
bool tok_breaks(const struct parser *p);	/* braces end without } */
bool tok_opaque(const struct parser *p);	/* a $variable left as it is */

/* Start and end a node: position, comments.  size: of the whole struct. */
void *node_begin(struct parser *p, size_t size, enum rules_kind kind);
void node_end(struct parser *p, struct rules_node *n);
/* One more member of some list.  NULL: too many. */
void *member_begin(struct parser *p, size_t size, enum rules_kind kind);

/* May these letters be a name; do they mean something already? */
bool name_valid(const char *s, size_t len);
bool name_dotted(const char *s, size_t len);	/* NAME or NAME.NAME */
bool name_reserved(const char *s, size_t len);

/* The token as it is written.  False: no memory. */
bool text_set(struct parser *p, struct rules_text *t);
bool parse_text(struct parser *p, struct rules_text *t);	/* any word */
bool parse_name(struct parser *p, const char **name, const char *what);
bool parse_node_name(struct parser *p, struct rules_node *n, const char *what);
bool parse_string(struct parser *p, const char **s, bool *quoted,
		  const char *what);
/* A path that the file being read names: joined to that file's folder.  NULL
 * without memory. */
const char *path_beside(struct parser *p, const char *path);
bool parse_number(struct parser *p, struct rules_text *t, uint64_t lo,
		  uint64_t hi, uint64_t *n, const char *what);
bool parse_quantity(struct parser *p, struct rules_text *t,
		    const struct unit *units, uint64_t *n, const char *what);
/* A rate in bits per second: of a nic, a domain or its interface. */
bool parse_rate(struct parser *p, struct rules_text *t, uint64_t *bps);
bool parse_mac(struct parser *p, struct rules_text *t, uint8_t mac[6]);

enum ref_syntax {
	REF_HOSTS,		/* names, addresses, prefixes, ranges, any */
	REF_PORTS,		/* ports, ranges of them, names */
	REF_NAMES,		/* names alone */
	REF_ADDRS,		/* single addresses */
	REF_PREFIXES,		/* prefixes */
	REF_LINKS,		/* addresses with the length of their link */
	REF_ANY_MEMBER,		/* of a set: hosts or ports */
};
/* One, several with commas, or { a list }. */
struct rules_ref *parse_refs(struct parser *p, enum ref_syntax syntax);
struct rules_ref *parse_ref(struct parser *p, enum ref_syntax syntax);
struct rules_ref *parse_ref_block(struct parser *p, enum ref_syntax syntax,
				  struct rules_comment **tail);
struct rules_match *parse_matches(struct parser *p);
struct rules_match *parse_match_block(struct parser *p,
				      struct rules_comment **tail);
bool parse_match_proto(struct parser *p, struct rules_match *m);
bool parse_icmp_type(struct parser *p, struct rules_match *m);
bool parse_open(struct parser *p, struct token *brace);	/* { */
/* At }: take it.  False and an error if the text ends or a statement starts. */
bool parse_close(struct parser *p, const struct token *brace,
		 struct rules_comment **tail);
void parse_separators(struct parser *p);		/* , and ; in braces */

/*
 * A keyword and what follows it, of a table that ends with word NULL.  parse()
 * is called behind the keyword and fills in the statement it is handed.
 */
struct clause {
	const char	*word;
	bool		(*parse)(struct parser *p, void *obj);
	bool		 many;		/* may be given more than once */
};
bool parse_clause(struct parser *p, const struct clause *table, void *obj,
		  uint32_t *seen, const char *what);
bool parse_clauses(struct parser *p, const struct clause *table, void *obj,
		   const char *what);	/* until the statement ends */

struct rules_node *parse_nic(struct parser *p);
struct rules_node *parse_net(struct parser *p);
struct rules_node *parse_domain(struct parser *p);
struct rules_node *parse_route(struct parser *p);
struct rules_node *parse_rule(struct parser *p);
struct rules_node *parse_nat(struct parser *p);
struct rules_node *parse_expect(struct parser *p);
bool parse_packet(struct parser *p, struct rules_packet *pkt);
bool parse_flags(struct parser *p, struct rules_text *t, uint8_t *flags,
		 uint8_t *mask);
bool parse_endpoint(struct parser *p, struct rules_endpoint *e);

/* Does this word begin a statement that cannot stand inside braces? */
bool word_starts_statement(const struct token *t);

#endif
