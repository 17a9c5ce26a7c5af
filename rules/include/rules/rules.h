/*
 * rules/rules.h: the language of the appliance, from text to ruleset.
 *
 *	rules_init, rules_parse, rules_check, rules_compile
 *
 * or rules_init, rules_parse with RULES_FORMAT_ONLY, rules_format.  The library
 * is freestanding: it has no globals, no libc beyond memcpy and its like, takes
 * its memory as one piece and reads files through a callback.  Text is hostile:
 * time and memory are bounded by struct rules_limits, whatever it holds.
 *
 * Errors are reported one by one through host->diag, and reading goes on with
 * the next statement.  Functions return 0 or a negative errno:
 *	-EINVAL	at least one error was reported
 *	-ENOMEM	the arena is too small (reported too)
 *	-E2BIG	a limit was reached (reported too), what follows was not read
 * Warnings alone return 0.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rules/ast.h>
#include <rules/diag.h>

/* How much of everything; 0 in a field takes the default in brackets. */
struct rules_limits {
	uint32_t file_bytes;	/* of one file [16 MiB] */
	uint32_t files;		/* read altogether [256] */
	uint32_t include_depth;	/* [16] */
	uint32_t line_bytes;	/* [65536] */
	uint32_t string_bytes;	/* of a "string" [4096] */
	uint32_t statements;	/* [262144] */
	uint32_t members;	/* of all lists together [1048576] */
	uint32_t nesting;	/* braces within braces; sets within sets [16] */
	uint32_t errors;	/* reported before giving up [100] */
	uint32_t warnings;	/* reported [200]; the rest is counted */
	uint32_t shadow_work;	/* pairs of rules compared [200 million] */
};
#define RULES_NAME_MAX	32	/* bytes of a name with its NUL */

struct rules_host {
	void	*ctx;
	/*
	 * Read a file whole.  path: as given to rules_parse(), or that of an
	 * include joined to the folder of the file that names it.  The text
	 * must stay as it is until the struct rules is done with.  0, or a
	 * negative errno.  NULL: includes are errors.
	 */
	int	(*read)(void *ctx, const char *path, const char **text,
			size_t *len);
	void	(*diag)(void *ctx, const struct rules_diag *d);	/* or NULL */
	struct rules_limits limits;
};

/*
 * A bump allocator over memory of the caller, from both its ends.  What the
 * statements of rules were read into, which is nearly all, comes from the end.
 */
struct rules_arena {
	uint8_t	*base;
	size_t	 size, used;	/* used: from both ends together ... */
	size_t	 end;		/* ... of that from the end */
	size_t	 peak;		/* the most that was used */
	size_t	 lacking;	/* bytes by which it was too small, so far */
	bool	 at_end;	/* where the next one comes from */
};

struct rules_source {
	const char	*path;
	const char	*text;
	size_t		 len;
	uint32_t	 includer;	/* index; its own for the first */
};

struct rules_symbol;

struct rules {
	struct rules_arena	arena;
	const struct rules_host	*host;
	struct rules_limits	limits;		/* defaults filled in */
	struct rules_source	*sources;
	uint32_t		nr_sources;
	struct rules_node	*stmts;		/* of all files, in order */
	struct rules_comment	*tail;		/* format only: at the end */
	uint32_t		nr_stmts, nr_members;
	uint32_t		nr_errors, nr_warnings;
	int			fatal;		/* -ENOMEM or -E2BIG: stop */
	bool			format_only, forget;	/* RULES_* below */
	struct rules_pos	seen;		/* diag.c: last line shown ... */
	const char		*seen_at;	/* ... and where it starts */
	struct rules_symbol	**symbols;	/* names.c */
	uint32_t		nr_buckets, nr_symbols;
	/* check */
	uint32_t		nr_ports, nr_nets;
	struct rules_node	**ports;	/* by VFR port index: a nic (kind
						   RULES_NIC) or an iface
						   (RULES_DOMAIN) */
	struct rules_net	**nets;		/* by index */
};

enum {
	RULES_FORMAT_ONLY = 1,	/* do not follow includes, do not expand
				   variables: for rules_format() */
	RULES_FORGET = 2,	/* rules_compile() works where the statements
				   of rules are: there are none after it */
};

/*
 * mem (16-byte aligned) holds everything: 16 MiB and 4 KiB a rule suffice, with
 * RULES_FORGET 2 KiB a rule.
 */
void rules_init(struct rules *r, const struct rules_host *host, void *mem,
		size_t mem_bytes);

/* Parse a text as `path`; or read it through host->read if text is NULL. */
int rules_parse(struct rules *r, const char *path, const char *text,
		size_t len, unsigned int flags);

/* Resolve names, find contradictions, warn.  Call it after rules_parse(),
   also after -EINVAL: what could be read is checked. */
int rules_check(struct rules *r);

/* Write the first file in the canonical layout.  -EINVAL if it has errors. */
int rules_format(struct rules *r, const struct rules_out *out);

/*
 * Compile a checked file to a blob of vfr/ruleset.h, in the arena.  Rules that
 * cannot be resolved match nothing.  -EINVAL if the file has errors; -E2BIG if
 * it is larger than the VFR takes.
 */
int rules_compile(struct rules *r, const void **blob, size_t *len);

/*
 * A packet in words ("tcp web:40000 -> db:5432 flags S"), resolved against a
 * checked file.  Errors are reported with the file name "packet".
 */
int rules_packet_parse(struct rules *r, const char *text, size_t len,
		       struct rules_packet *pkt);

/* The packet in canonical words, with addresses for names. */
void rules_packet_print(const struct rules *r, const struct rules_packet *pkt,
			const struct rules_out *out);

/*
 * The language's name of an ICMP (proto 1) or ICMPv6 (58) type, NULL if it has
 * none.  A name that says the code too (needs-fragment) only for that code;
 * code -1: any.
 */
const char *rules_icmp_name(int proto, int type, int code);

/* Name of a VFR port (index < nr_ports) as rules and logs have it. */
const char *rules_port_name(const struct rules *r, uint32_t port);

/* VFR port of that name ("wan", "web", "web.dmz"), or -ENOENT. */
int rules_port_find(const struct rules *r, const char *name);

const char *rules_file_name(const struct rules *r, uint32_t file);

/* The statement of a kind after prev (NULL: the first), or NULL. */
struct rules_node *rules_next(const struct rules *r, enum rules_kind kind,
			      const struct rules_node *prev);

#endif
