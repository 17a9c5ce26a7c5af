/*
 * options.c: the words of our own GRUB line.  docs/options.md describes them.
 */
#include "boot.h"

#include "lib.h"
#include "log.h"

struct options options = {
	.dom0_memory_mib = 0,
	.max_cpus = MAX_CPUS,
	.baud = 115200,
	.log_level = LOG_INFO,
	.smap = true,
	.smep = true,
	.umip = true,
};

enum kind { NUMBER64, NUMBER32, SWITCH_OFF, SWITCH_ON };

static const struct {
	const char *name; /* with '=' for those that take a value */
	enum kind kind;
	void *value;
} table[] = {
	{ "dom0_mem=", NUMBER64, &options.dom0_memory_mib }, /* MiB */
	{ "maxcpus=", NUMBER32, &options.max_cpus },
	{ "baud=", NUMBER32, &options.baud },
	{ "loglevel=", NUMBER32, &options.log_level },
	{ "nosmap", SWITCH_OFF, &options.smap },
	{ "nosmep", SWITCH_OFF, &options.smep },
	{ "noumip", SWITCH_OFF, &options.umip },
	{ "panic=exit", SWITCH_ON, &options.panic_exit },
};

/* The number that fills all of [s, end), else false. */
static bool number(const char *s, const char *end, uint64_t *out)
{
	uint64_t v = 0;

	if (s == end)
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9' || v > UINT32_MAX)
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*out = v;
	return true;
}

static bool option(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t n = strlen(table[i].name);
		uint64_t v;

		if (len < n || strncmp(word, table[i].name, n) != 0)
			continue;
		if (table[i].kind >= SWITCH_OFF) {
			if (len != n)
				continue;
			*(bool *)table[i].value = table[i].kind == SWITCH_ON;
			return true;
		}
		if (!number(word + n, word + len, &v))
			return false;
		if (table[i].kind == NUMBER64)
			*(uint64_t *)table[i].value = v;
		else
			*(uint32_t *)table[i].value = (uint32_t)v;
		return true;
	}
	return false;
}

void options_parse(const char *line)
{
	while (*line) {
		size_t len = 0;

		while (*line == ' ')
			line++;
		while (line[len] && line[len] != ' ')
			len++;
		if (len && !option(line, len)) {
			char word[40];

			memset(word, 0, sizeof(word));
			memcpy(word, line, MIN(len, sizeof(word) - 1));
			log_warn("option \"%s\" is not known or its value is not "
				 "a number: ignored", word);
		}
		line += len;
	}
}
