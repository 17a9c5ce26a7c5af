/*
 * conmux.h: the consoles of all domains on one terminal.
 *
 * Nobody attached: each domain's output comes by lines, with its name before,
 * and what is typed goes to dom0's command line.  Attached to a domain: its
 * output comes as it is, what is typed goes to it, and Ctrl-] leaves.  At the
 * command line Backspace takes back a key, Ctrl-C and Ctrl-U the line.  Lines of
 * one domain beyond its rate are left out, with a count of them.
 */
#ifndef DOM0_CONMUX_H
#define DOM0_CONMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CON_LINE_MAX		512
#define CON_HISTORY		8192	/* bytes kept of each domain's output */
#define CON_LINES_BURST		400	/* lines at once */
#define CON_LINES_PER_S		200
#define CON_PARTIAL_NS		100000000ull
#define CON_LEAVE		0x1d	/* Ctrl-] */

struct conmux;

struct con {			/* one domain's console */
	struct con	*next;
	char		 name[32];
	char		 line[CON_LINE_MAX];
	size_t		 line_len;
	uint64_t	 tokens;	/* lines, in 1/1000 */
	uint64_t	 tokens_at_ns;
	uint64_t	 output_at_ns;	/* the last */
	uint64_t	 suppressed;	/* lines since the last shown */
	uint64_t	 history_end;	/* bytes ever written */
	char		 history[CON_HISTORY];
};

struct conmux {
	struct con	*cons;
	struct con	*attached;
	char		 typed[CON_LINE_MAX];	/* dom0's command line */
	size_t		 typed_len;
	bool		 prompted;	/* the last line is the prompt */
	bool		 busy;		/* lines since the last flush */
	char		 last_key;
	char		 escape;	/* ESC or what followed it, 0: none */
	void		(*emit)(const char *buf, size_t len);
	void		(*to_domain)(struct con *c, const char *buf,
				     size_t len);
	void		(*command)(char *line);
};

void conmux_add(struct conmux *m, struct con *c, const char *name,
		uint64_t now_ns);
/* Shows what is left of an unfinished line; c may be freed then. */
void conmux_remove(struct conmux *m, struct con *c);

/* Output of a domain at that time. */
void conmux_output(struct conmux *m, struct con *c, const char *buf,
		   size_t len, uint64_t now_ns);

/* Called every now and then: show unfinished lines that have waited long
 * enough, such as a guest's prompt, and then our own. */
void conmux_flush(struct conmux *m, uint64_t now_ns);

/* Keys typed at the terminal. */
void conmux_input(struct conmux *m, const char *buf, size_t len);

/* The command line, as far as it is typed; lines of domains go above it. */
void conmux_prompt(struct conmux *m);

/* Attach, showing the last of its history; NULL detaches. */
void conmux_attach(struct conmux *m, struct con *c);
struct con *conmux_find(struct conmux *m, const char *name);

#endif
