/*
 * rules_common.h: a text through the language library, with what it says kept
 * as people would see it.
 */
#ifndef RULES_COMMON_H
#define RULES_COMMON_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules_int.h"

struct text {			/* grows; always terminated */
	char	*s;
	size_t	 len, cap;
};

static void text_add(void *ctx, const char *s, size_t len)
{
	struct text *t = ctx;

	if (t->len + len + 1 > t->cap) {
		t->cap = 2 * (t->len + len + 1);
		t->s = realloc(t->s, t->cap);
		if (!t->s)
			abort();
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = 0;
}

struct memory_file {
	const char	*path, *text;
	size_t		 len;	/* 0: strlen(text) */
};

struct run {
	struct rules		 r;
	struct rules_host	 host;
	const struct memory_file *files;	/* ends with path NULL */
	struct text		 said;		/* diagnostics, printed */
	void			*mem;		/* to be freed */
	char			*loaded[64];	/* files read from disk */
	unsigned int		 nr_loaded;
};

static char *file_load(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long size;

	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 &&
	    fseek(f, 0, SEEK_SET) == 0) {
		text = malloc(size + 1);
		*len = text ? fread(text, 1, size, f) : 0;
		if (text)
			text[*len] = 0;
	}
	fclose(f);
	return text;
}

static int run_read(void *ctx, const char *path, const char **text, size_t *len)
{
	const struct memory_file *f;
	struct run *run = ctx;

	for (f = run->files; f && f->path; f++)
		if (strcmp(f->path, path) == 0) {
			*text = f->text;
			*len = f->len ? f->len : strlen(f->text);
			return 0;
		}
	if (run->files || run->nr_loaded == 64)
		return -ENOENT;
	*text = run->loaded[run->nr_loaded] = file_load(path, len);
	if (!*text)
		return -ENOENT;
	run->nr_loaded++;
	return 0;
}

static void run_diag(void *ctx, const struct rules_diag *d)
{
	struct run *run = ctx;
	struct rules_out out = { text_add, &run->said };

	rules_diag_print(d, &out);
}

/* Memory is the caller's, or (NULL) made here and freed by run_done(). */
static void run_init_at(struct run *run, void *mem, size_t mem_bytes)
{
	memset(run, 0, sizeof(*run));
	if (!mem)
		mem = run->mem = malloc(mem_bytes ? mem_bytes : 1);
	if (!mem)
		abort();
	run->host = (struct rules_host){ .ctx = run, .read = run_read,
					 .diag = run_diag };
	text_add(&run->said, "", 0);
	rules_init(&run->r, &run->host, mem, mem_bytes);
}

static __attribute__((unused)) void run_init(struct run *run, size_t mem_bytes)
{
	run_init_at(run, NULL, mem_bytes);
}

static void run_done(struct run *run)
{
	while (run->nr_loaded)
		free(run->loaded[--run->nr_loaded]);
	free(run->said.s);
	free(run->mem);
}

/* Parse, check, compile; stops at the first that fails. */
static __attribute__((unused)) int
run_flags(struct run *run, const char *path, const char *text, size_t text_len,
	  unsigned int flags, const void **blob, size_t *len)
{
	int rc = rules_parse(&run->r, path, text, text_len, flags);

	if (rc && rc != -EINVAL)
		return rc;
	rc = rules_check(&run->r);
	return rc ? rc : rules_compile(&run->r, blob, len);
}

static __attribute__((unused)) int
run_all(struct run *run, const char *path, const char *text, size_t text_len,
	const void **blob, size_t *len)
{
	return run_flags(run, path, text, text_len, 0, blob, len);
}

/* The canonical layout of a text; t is empty if it has errors. */
static __attribute__((unused)) int
run_format(const char *path, const char *text, size_t len, struct text *t,
	   size_t mem_bytes)
{
	struct rules_out out = { text_add, t };
	struct run run;
	int rc;

	run_init(&run, mem_bytes);
	text_add(t, "", 0);
	rc = rules_parse(&run.r, path, text, len, RULES_FORMAT_ONLY);
	if (!rc)
		rc = rules_format(&run.r, &out);
	run_done(&run);
	return rc;
}

#endif
