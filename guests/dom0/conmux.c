/*
 * conmux.c: lines, prefixes, rates, and the keys.
 */
#include "dom0/conmux.h"

#include <stdio.h>
#include <string.h>

#define PROMPT		"dom0> "
#define TOKEN		1000
#define ERASE_LINE	"\r\033[K"
#define SHOW_AT_ATTACH	2048
#define KEY_INTERRUPT	0x03	/* Ctrl-C */
#define KEY_KILL	0x15	/* Ctrl-U */
#define KEY_ESC		0x1b

static void emit_text(struct conmux *m, const char *text)
{
	m->emit(text, strlen(text));
}

void conmux_prompt(struct conmux *m)
{
	emit_text(m, PROMPT);
	m->emit(m->typed, m->typed_len);
	m->prompted = true;
}

static bool rate_allows(struct con *c, uint64_t now_ns)
{
	uint64_t elapsed_us = (now_ns - c->tokens_at_ns) / 1000;

	/* One token is TOKEN units; after a second the bucket is full. */
	if (elapsed_us > 10000000)
		elapsed_us = 10000000;
	if (elapsed_us) {
		c->tokens += elapsed_us * CON_LINES_PER_S * TOKEN / 1000000;
		c->tokens_at_ns = now_ns;
	}
	if (c->tokens > CON_LINES_BURST * TOKEN)
		c->tokens = CON_LINES_BURST * TOKEN;
	if (c->tokens < TOKEN)
		return false;
	c->tokens -= TOKEN;
	return true;
}

static void line_show(struct conmux *m, struct con *c)
{
	char head[48];

	if (m->prompted)
		emit_text(m, ERASE_LINE);
	m->prompted = false;
	m->busy = true;
	snprintf(head, sizeof(head), "[%s] ", c->name);
	emit_text(m, head);
	m->emit(c->line, c->line_len);
	emit_text(m, "\n");
}

static void line_end(struct conmux *m, struct con *c, uint64_t now_ns)
{
	char text[80];

	if (m->attached) {
		/* Another domain has the terminal: history alone. */
	} else if (!rate_allows(c, now_ns)) {
		c->suppressed++;
	} else {
		if (c->suppressed) {
			snprintf(text, sizeof(text),
				 "[%s] (%lu lines left out)\n", c->name,
				 (unsigned long)c->suppressed);
			emit_text(m, text);
			c->suppressed = 0;
		}
		line_show(m, c);
	}
	c->line_len = 0;
}

/* No controls but tab: a guest shall not play with the operator's terminal. */
static bool printable(char ch)
{
	return ((unsigned char)ch >= ' ' && ch != 0x7f) || ch == '\t';
}

static void history_add(struct con *c, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		c->history[c->history_end++ % CON_HISTORY] = buf[i];
}

void conmux_output(struct conmux *m, struct con *c, const char *buf,
		   size_t len, uint64_t now_ns)
{
	history_add(c, buf, len);
	c->output_at_ns = now_ns;
	if (m->attached == c) {
		m->emit(buf, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n' || c->line_len == CON_LINE_MAX)
			line_end(m, c, now_ns);
		if (printable(buf[i]))
			c->line[c->line_len++] = buf[i];
	}
}

void conmux_flush(struct conmux *m, uint64_t now_ns)
{
	for (struct con *c = m->cons; c; c = c->next)
		if (c->line_len && c != m->attached &&
		    now_ns - c->output_at_ns >= CON_PARTIAL_NS)
			line_end(m, c, now_ns);
	/* The prompt comes back once nobody has said anything for a while. */
	if (!m->busy && !m->prompted && !m->attached)
		conmux_prompt(m);
	m->busy = false;
}

void conmux_add(struct conmux *m, struct con *c, const char *name,
		uint64_t now_ns)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->tokens = CON_LINES_BURST * TOKEN;
	c->tokens_at_ns = now_ns;
	c->next = m->cons;
	m->cons = c;
}

void conmux_remove(struct conmux *m, struct con *c)
{
	struct con **link = &m->cons;

	if (m->attached == c)
		conmux_attach(m, NULL);
	if (c->line_len)
		line_show(m, c);
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
}

struct con *conmux_find(struct conmux *m, const char *name)
{
	struct con *c = m->cons;

	while (c && strcmp(c->name, name))
		c = c->next;
	return c;
}

static void history_show(struct conmux *m, struct con *c)
{
	uint64_t at = c->history_end > SHOW_AT_ATTACH
		? c->history_end - SHOW_AT_ATTACH : 0;

	for (; at < c->history_end; at++)
		m->emit(&c->history[at % CON_HISTORY], 1);
}

void conmux_attach(struct conmux *m, struct con *c)
{
	char text[80];

	if (m->attached) {
		snprintf(text, sizeof(text), "\n(left %s)\n",
			 m->attached->name);
		emit_text(m, text);
	}
	m->attached = c;
	m->prompted = false;
	if (!c)
		return;
	snprintf(text, sizeof(text), "(console of %s; Ctrl-] leaves it)\n",
		 c->name);
	emit_text(m, text);
	c->line_len = 0;
	history_show(m, c);
}

/* Arrows and their like have no meaning here: ESC [ ... up to a letter or ~. */
static bool escape_key(struct conmux *m, char key)
{
	bool was = m->escape != 0;

	if (key < ' ' && key != KEY_ESC) {
		m->escape = 0;
		return false;
	}
	if (key == KEY_ESC)
		m->escape = key;
	else if (m->escape == KEY_ESC && (key == '[' || key == 'O'))
		m->escape = key;
	else if (m->escape == KEY_ESC || (key >= '@' && key <= '~'))
		m->escape = 0;
	return was || m->escape;
}

static void line_forget(struct conmux *m, const char *shown)
{
	m->typed_len = 0;
	emit_text(m, shown);
	conmux_prompt(m);
}

static void command_enter(struct conmux *m)
{
	char line[CON_LINE_MAX];

	emit_text(m, "\n");
	m->prompted = false;
	memcpy(line, m->typed, m->typed_len);
	line[m->typed_len] = 0;
	m->typed_len = 0;
	m->command(line);
	if (!m->attached)
		conmux_prompt(m);
}

static void command_key(struct conmux *m, char key)
{
	if (escape_key(m, key))
		return;
	if (key == '\r' || key == '\n') {
		command_enter(m);
	} else if (key == KEY_INTERRUPT) {
		line_forget(m, "^C\n");
	} else if (key == KEY_KILL) {
		line_forget(m, "\n");
	} else if (key == '\b' || key == 0x7f) {
		if (m->typed_len) {
			m->typed_len--;
			emit_text(m, "\b \b");
		}
	} else if (key >= ' ' && m->typed_len + 1 < sizeof(m->typed)) {
		m->typed[m->typed_len++] = key;
		m->emit(&key, 1);
	}
}

void conmux_input(struct conmux *m, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n' && m->last_key == '\r') {
			m->last_key = 0;	/* CR LF is one key */
			continue;
		}
		m->last_key = buf[i];
		if (!m->attached) {
			command_key(m, buf[i]);
		} else if (buf[i] == CON_LEAVE) {
			conmux_attach(m, NULL);
			conmux_prompt(m);
		} else {
			m->to_domain(m->attached, &buf[i], 1);
		}
	}
}
