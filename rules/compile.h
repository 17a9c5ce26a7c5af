/*
 * compile.h: what the files of the compiler share.
 *
 * Where nothing is returned to tell of it, out of memory is r->fatal.
 */
#ifndef RULES_COMPILE_H
#define RULES_COMPILE_H

#include "rules_int.h"

/* The parts of a blob, as they grow. */
struct compiler {
	struct rules	*r;
	struct vec	 strings;	/* char */
	struct vec	 addrs;		/* struct vfr_prefix */
	struct vec	 nets, ports, routes, nats, rules; /* struct vfr_rs_* */
	struct vec	 atoms, sets, ranges;	/* struct vfr_cls_* */
	uint32_t	*file_names;	/* by source */
	const struct rules_nat *last_nat; /* whose entry is the last one */
};

/* --- compile.c --- */

/* Reports that there are too many of `what`; returns -E2BIG. */
int too_large(struct compiler *c, const struct rules_pos *pos,
	      const char *what);
/* Where a copy of s is among the strings: 0 if it is empty. */
uint32_t add_string(struct compiler *c, const char *s);
/* The same of the name of a source, which is there once. */
uint32_t file_string(struct compiler *c, uint32_t file);
/* One more of the addresses of a net or port, the last that was begun. */
void add_addr(struct compiler *c, const struct vfr_addr *a, unsigned int len);

/* --- compile_prefix.c --- */

/* How many prefixes the ranges make; counting ends soon after max. */
uint32_t count_prefixes(const struct ranges *a, uint32_t max);
/* The longest prefix that holds all of the ranges.  There must be one. */
struct vfr_prefix hull_prefix(const struct ranges *a);

/* --- compile_net.c, compile_nat.c, compile_rule.c: one statement each --- */

void compile_net(struct compiler *c, const struct rules_net *n);
/* n: of r->ports, a nic or an interface of a domain. */
void compile_port(struct compiler *c, const struct rules_node *n);
void compile_route(struct compiler *c, const struct rules_route *rt);
void compile_nat(struct compiler *c, const struct rules_nat *n);
/* 0, -ENOMEM or -E2BIG. */
int compile_rule(struct compiler *c, const struct rules_rule *rule);

#endif
