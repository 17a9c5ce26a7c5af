/*
 * check.h: what the files of the checker share; check.c runs them in order.
 */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include "rules_int.h"

#define KINDS_HOST (KIND_BIT(RULES_NIC) | KIND_BIT(RULES_NET) |		\
		    KIND_BIT(RULES_DOMAIN) | KIND_BIT(RULES_SET))
#define KINDS_PORT (KIND_BIT(RULES_NIC) | KIND_BIT(RULES_NET) |		\
		    KIND_BIT(RULES_DOMAIN))
#define KINDS_MEMBER (KIND_BIT(RULES_NET) | KIND_BIT(RULES_DOMAIN) |	\
		      KIND_BIT(RULES_SET))

/* What a name is to people: "a net". */
const char *kind_words(enum rules_kind kind);

/*
 * The statement that ref names, if it is of one of the kinds; ref->target and
 * ->iface are set.  NULL: reported, as a warning if `soft`, unless what it
 * names was reported before.
 */
struct rules_node *resolve(struct rules *r, struct rules_ref *ref,
			   uint32_t kinds, bool soft);
/* The same for a name kept as text. */
struct rules_node *resolve_text(struct rules *r, const struct rules_text *t,
				uint32_t kinds);
/* Is something of this key (an address, a MAC) there twice?  Then reports. */
bool check_unique(struct rules *r, const char *key, struct rules_node *n,
		  const struct rules_pos *pos, const char *what);

/* --- the passes --- */

void check_nets(struct rules *r);	/* nics, nets, domains, routes */
void check_blocks(struct rules *r);	/* the blocks of domains */
void check_sets(struct rules *r);	/* sets and services */
void check_rules(struct rules *r);	/* rules and translations */
void check_expects(struct rules *r);
void check_spaces(struct rules *r);	/* what each rule matches */
void check_shadows(struct rules *r);	/* shadowed, redundant */
void check_outsides(struct rules *r);	/* the same of translations */
void check_unused(struct rules *r);

/* --- check.c --- */

/* The nic whose link an address is on, or NULL. */
struct rules_nic *nic_of_addr(const struct rules *r, const struct vfr_addr *a);
/* Index of the port that addresses are reached by or come from. */
uint16_t port_of_addr(const struct rules *r, const struct vfr_addr *a);

/* --- check_set.c --- */

/*
 * The names in a list of a rule, of a service: false if one is not known, or a
 * set or service that is named holds such a name.  soft: a warning.
 */
bool resolve_matches(struct rules *r, struct rules_match *list, bool soft);
bool resolve_ports(struct rules *r, struct rules_ref *list, bool soft);
bool resolve_hosts(struct rules *r, struct rules_ref *list, uint32_t kinds,
		   bool soft);

/*
 * For where a name stands for addresses alone: behind `not`, in sets, in what
 * is translated or routed by its source.  One whose addresses are not known
 * would count for nothing there; by its port it can be found elsewhere.
 */
void check_has_addresses(struct rules *r, const struct rules_ref *ref);

/* What kinds of protocols a list is about. */
enum {
	CLASS_TCP	= 1,
	CLASS_UDP	= 2,	/* and SCTP */
	CLASS_PORTS	= CLASS_TCP | CLASS_UDP,
	CLASS_ANY	= 4,
	CLASS_OTHER	= 8,
};
uint8_t match_classes(const struct rules_match *list);

/* --- check_nat.c --- */

void check_nat(struct rules *r, struct rules_nat *n);

/* --- check_outside.c --- */

/* The address that n is given `at`, or `as`, on the nic. */
void check_outside(struct rules *r, const struct rules_nat *n,
		   const struct rules_nic *nic);

/* --- check_shadow.c --- */

bool kind_covers(const struct kind *a, const struct kind *b);

/* --- check_overlap.c --- */

void check_overlaps(struct rules *r);	/* of links, nets and routes */

/* --- check_net.c, check_iface.c --- */

/* One more port.  n: a nic or an interface. */
uint16_t add_port(struct rules *r, struct vec *ports, struct rules_node *n);
/* Nobody else may have this address, this MAC; or make a MAC of a name. */
void claim_addr(struct rules *r, const struct vfr_addr *a,
		struct rules_node *n, const struct rules_pos *pos);
void claim_mac(struct rules *r, const uint8_t mac[6], struct rules_node *n,
	       const struct rules_text *text);
void choose_mac(struct rules *r, uint8_t mac[6], const char *name,
		struct rules_node *n);
bool mac_is_set(const uint8_t mac[6]);
/* Of one family, and in it.  p: a prefix, or an address with its link's. */
bool prefix_has(const struct rules_ref *p, const struct vfr_addr *a);

/* Is a, in prefix p (or of link p), an address that one host may have? */
void check_host(struct rules *r, const struct rules_ref *a,
		const struct rules_ref *p);
void check_iface(struct rules *r, struct rules_iface *i, struct vec *ports);
void check_route(struct rules *r, struct rules_route *rt);

#endif
