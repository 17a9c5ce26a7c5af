/*
 * cmd_fmt.c: `sluice fmt`: the canonical layout of rule files.
 */
#include "commands.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rulefile.h"

extern char **environ;

struct fmt_options {
	bool	in_place, diff;
};

/* Show old against new by diff(1): 0 the same, 1 different, else an error. */
static int show_diff(const char *path, const char *text, size_t len)
{
	char old_label[512], new_label[512];
	char *argv[] = { "diff", "-u", "--label", old_label, "--label",
			 new_label, "--", (char *)path, "/dev/fd/3", NULL };
	posix_spawn_file_actions_t fa;
	FILE *formatted = tmpfile();
	int status = 0, rc;
	pid_t pid;

	if (!formatted)
		return -errno;
	fwrite(text, 1, len, formatted);
	rewind(formatted);
	snprintf(old_label, sizeof(old_label), "%s", path);
	snprintf(new_label, sizeof(new_label), "%s (formatted)", path);
	fflush(stdout);

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fileno(formatted), 3);
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc == 0 && waitpid(pid, &status, 0) != pid)
		rc = errno;
	fclose(formatted);
	if (rc)
		return -rc;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* Replace the file by a new one beside it, so that it is never half written. */
static int replace_file(const char *path, const char *text, size_t len)
{
	char temp[4096];
	struct stat st;
	FILE *out;
	int fd;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    (int)sizeof(temp))
		return -ENAMETOOLONG;
	if (stat(path, &st))
		return -errno;
	fd = mkstemp(temp);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (out && fwrite(text, 1, len, out) == len && fflush(out) == 0 &&
	    fchmod(fd, st.st_mode & 07777) == 0 && rename(temp, path) == 0) {
		fclose(out);
		return 0;
	}
	fd = -errno;
	if (out)
		fclose(out);
	unlink(temp);
	return fd ? fd : -EIO;
}

static bool is_formatted(const struct rulefile *f, const char *text,
			 size_t len)
{
	const struct rules_source *src = &f->r.sources[0];

	return src->len == len && memcmp(src->text, text, len) == 0;
}

static int use_formatted(const struct fmt_options *o, const struct rulefile *f,
			 const char *text, size_t len)
{
	int rc;

	if (!o->in_place && !o->diff) {
		fwrite(text, 1, len, stdout);
		return EXIT_OK;
	}
	if (is_formatted(f, text, len))
		return EXIT_OK;
	if (o->in_place) {
		rc = replace_file(f->path, text, len);
		return rc == 0 ? EXIT_OK :
			cli_fail(EXIT_FAILED, "cannot write '%s': %s; it is "
				 "as it was", f->path, strerror(-rc));
	}
	rc = show_diff(f->path, text, len);
	return rc == 0 || rc == 1 ? EXIT_FAILED :
		cli_fail(EXIT_FAILED, "cannot run diff: %s",
			 rc < 0 ? strerror(-rc) : "it failed");
}

static int fmt_file(const struct fmt_options *o, const char *path)
{
	struct rulefile f;
	char *text = NULL;
	size_t len = 0;
	FILE *mem = NULL;
	int code = rulefile_open(&f, path, RULEFILE_FORMAT, NULL);

	if (code == EXIT_OK) {
		struct rules_out out = { .write = rulefile_write };

		mem = open_memstream(&text, &len);
		out.ctx = mem;
		code = EXIT_FAILED;
		if (mem && rules_format(&f.r, &out) == 0)
			code = EXIT_OK;
	}
	if (mem)
		fclose(mem);
	if (code == EXIT_OK)
		code = use_formatted(o, &f, text, len);
	free(text);
	rulefile_close(&f);
	return code;
}

int cmd_fmt(const struct cli_command *self, int argc, char **argv)
{
	struct fmt_options o = { 0 };
	struct cli_line line;
	const char *arg;
	int key, i, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while ((key = cli_next_option(&line, &arg)) >= 0) {
		o.in_place |= key == 'w';
		o.diff |= key == 'd';
	}
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (o.in_place && o.diff)
		return cli_fail(EXIT_USAGE, "fmt: -w changes files and -d only "
				"shows; give one of them");
	for (i = 0; i < line.nr_args; i++) {
		int one;

		if (o.in_place && strcmp(line.args[i], "-") == 0)
			return cli_fail(EXIT_USAGE, "fmt: -w cannot change "
					"standard input");
		one = fmt_file(&o, line.args[i]);
		if (one > code)
			code = one;
	}
	return code;
}
