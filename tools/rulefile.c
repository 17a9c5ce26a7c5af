/*
 * rulefile.c: files for the rules library, and its words for people.
 *
 * The library takes its memory as one piece.  Here it gets a large mapping
 * that costs only what is touched.
 */
#include "rulefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cli.h"
#include "describe.h"

#define ARENA_BYTES	 (4ull << 30)		/* of address space */
#define FILE_MAX_BYTES	 (64u << 20)
#define FILE_FIRST_BYTES 65536u

struct rulefile_text {
	struct rulefile_text *next;
	char text[];
};

void rulefile_write(void *ctx, const char *text, size_t len)
{
	fwrite(text, 1, len, ctx);
}

/* Read in whole; the stream may be a pipe, so its size is not asked. */
static int read_stream(FILE *in, struct rulefile_text **to, size_t *len)
{
	size_t room = FILE_FIRST_BYTES, got = 0, n;
	struct rulefile_text *t = malloc(sizeof(*t) + room), *more;

	if (!t)
		return -ENOMEM;
	while ((n = fread(t->text + got, 1, room - got, in)) > 0) {
		got += n;
		if (got < room)
			continue;
		room *= 2;
		more = room > FILE_MAX_BYTES ? NULL :
			realloc(t, sizeof(*t) + room);
		if (!more) {
			free(t);
			return -EFBIG;
		}
		t = more;
	}
	if (ferror(in)) {
		free(t);
		return errno ? -errno : -EIO;
	}
	*to = t;
	*len = got;
	return 0;
}

static int read_file(void *ctx, const char *path, const char **text,
		     size_t *len)
{
	struct rulefile *f = ctx;
	struct rulefile_text *t = NULL;
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "rb");
	int rc;

	if (!in)
		return -errno;
	errno = 0;
	rc = read_stream(in, &t, len);
	if (!is_stdin)
		fclose(in);
	if (rc)
		return rc;
	t->next = f->texts;
	f->texts = t;
	*text = t->text;
	return 0;
}

static json_t *diag_json(const struct rules_diag *d)
{
	json_t *o = json_pack(
		"{s:s, s:s, s:o, s:i, s:i, s:i, s:o, s:o}", "severity",
		d->severity == RULES_ERROR ? "error" : "warning", "code",
		rules_code_word(d->code), "file", json_words(d->file), "line",
		(int)d->pos.line, "column", (int)d->pos.col, "length",
		(int)d->pos.len, "message", json_words(d->message), "hint",
		json_words(d->hint));

	if (o && d->other_file)
		json_object_set_new(o, "other",
				    json_pack("{s:o, s:i}", "file",
					      json_words(d->other_file),
					      "line", (int)d->other_line));
	return o;
}

static void take_diag(void *ctx, const struct rules_diag *d)
{
	struct rulefile *f = ctx;
	struct rules_out err = { rulefile_write, stderr };

	if (f->diags)
		json_array_append_new(f->diags, diag_json(d));
	else
		rules_diag_print(d, &err);
}

/* The file named on the command line: no line of a file can be blamed. */
static int read_first(struct rulefile *f, const char **text, size_t *len)
{
	int rc = read_file(f, f->path, text, len);

	if (!rc)
		return EXIT_OK;
	if (rc == -EISDIR)
		return cli_fail(EXIT_FAILED, "'%s' is a directory; name the "
				"rule file in it", f->path);
	return cli_fail(rc == -ENOENT || rc == -ENOTDIR ? EXIT_NOT_FOUND :
			EXIT_FAILED, "cannot read rule file '%s': %s", f->path,
			strerror(-rc));
}

static int open_deep(struct rulefile *f, enum rulefile_depth depth,
		     const char *text, size_t len)
{
	int rc = rules_parse(&f->r, f->path, text, len,
			     depth == RULEFILE_FORMAT ? RULES_FORMAT_ONLY : 0);
	int rc_check;

	if (depth == RULEFILE_FORMAT || (rc && rc != -EINVAL))
		return rc;
	rc_check = rules_check(&f->r);
	if (!rc)
		rc = rc_check;
	if (!rc && depth == RULEFILE_COMPILE)
		rc = rules_compile(&f->r, &f->blob, &f->blob_len);
	return rc;
}

int rulefile_open(struct rulefile *f, const char *path,
		  enum rulefile_depth depth, json_t *diags)
{
	const char *text;
	size_t len;
	int code, rc;

	*f = (struct rulefile){ .path = path, .diags = diags };
	f->host = (struct rules_host){
		.ctx = f, .read = read_file, .diag = take_diag,
	};
	code = read_first(f, &text, &len);
	if (code)
		return code;
	f->mem = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->mem == MAP_FAILED) {
		f->mem = NULL;
		return cli_fail(EXIT_FAILED, "out of memory");
	}
	rules_init(&f->r, &f->host, f->mem, ARENA_BYTES);
	rc = open_deep(f, depth, text, len);
	if (!rc)
		return EXIT_OK;
	if (!f->r.nr_errors)	/* else each has been told */
		cli_fail(EXIT_FAILED, "%s: %s", path, strerror(-rc));
	return EXIT_FAILED;
}

void rulefile_close(struct rulefile *f)
{
	while (f->texts) {
		struct rulefile_text *t = f->texts;

		f->texts = t->next;
		free(t);
	}
	if (f->mem)
		munmap(f->mem, ARENA_BYTES);
	f->mem = NULL;
}
