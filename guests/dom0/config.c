/*
 * config.c: the words of a module's GRUB line.
 */
#include "dom0/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAMDISK_SUFFIX ":ramdisk"

enum value_kind { VALUE_NUMBER, VALUE_SIGNED, VALUE_POLICY, VALUE_TEXT };

static const struct option {
	const char	*key;
	enum value_kind	 kind;
	size_t		 offset;	/* in struct domain_config */
	size_t		 size;		/* of that field */
	uint64_t	 min, max;	/* of a number */
} options[] = {
#define FIELD(f) offsetof(struct domain_config, f), \
	sizeof(((struct domain_config *)0)->f)
	{ "memory", VALUE_NUMBER, FIELD(memory_mib), 1, MEMORY_MAX_MIB },
	{ "vcpus", VALUE_NUMBER, FIELD(vcpus), 1, 32 },
	{ "weight", VALUE_NUMBER, FIELD(weight), 1, 65535 },
	{ "warp", VALUE_NUMBER, FIELD(warp_us), 0, 1000000 },
	{ "time_offset", VALUE_SIGNED, FIELD(time_offset_s) },
	{ "paused", VALUE_NUMBER, FIELD(paused), 0, 1 },
	{ "on_poweroff", VALUE_POLICY, FIELD(on_poweroff) },
	{ "on_reboot", VALUE_POLICY, FIELD(on_reboot) },
	{ "on_crash", VALUE_POLICY, FIELD(on_crash) },
	{ "cmdline", VALUE_TEXT, FIELD(cmdline) },
#undef FIELD
};
#define NR_OPTIONS (sizeof(options) / sizeof(options[0]))

static const char *const policies[] = {
	[POLICY_DESTROY] = "destroy",
	[POLICY_RESTART] = "restart",
	[POLICY_PRESERVE] = "preserve",
};

const char *policy_name(enum policy p)
{
	return policies[p];
}

/*
 * Copy the next word without its quotes.  The rest of the line, or NULL where
 * a quote is not closed or the word is too long.
 */
static const char *word_take(const char *s, char *word, size_t size)
{
	bool quoted = false;
	size_t n = 0;

	for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '"') {
			quoted = !quoted;
			continue;
		}
		if (*s == '\\' && s[1])
			s++;
		if (n + 1 >= size)
			return NULL;
		word[n++] = *s;
	}
	word[n] = 0;
	return quoted ? NULL : s;
}

static void number_store(void *field, size_t size, uint64_t n)
{
	memcpy(field, &n, size);	/* little-endian: the low bytes */
}

static bool value_set(const struct option *o, struct domain_config *c,
		      const char *value)
{
	void *field = (char *)c + o->offset;
	uint64_t n;
	char *end;

	switch (o->kind) {
	case VALUE_NUMBER:
		n = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end || n < o->min ||
		    n > o->max)
			return false;
		number_store(field, o->size, n);
		return true;
	case VALUE_SIGNED:
		n = strtol(value, &end, 10);
		if (!*value || *end)
			return false;
		number_store(field, o->size, n);
		return true;
	case VALUE_POLICY:
		for (n = 0; n < sizeof(policies) / sizeof(*policies); n++) {
			if (!strcmp(policies[n], value)) {
				*(enum policy *)field = n;
				return true;
			}
		}
		return false;
	case VALUE_TEXT:
		if (strlen(value) >= o->size)
			return false;
		strcpy(field, value);
		return true;
	}
	return false;
}

static int option_set(struct domain_config *c, char *word, char *err,
		      size_t err_size)
{
	char *value = strchr(word, '=');

	for (size_t i = 0; value && i < NR_OPTIONS; i++) {
		size_t len = strlen(options[i].key);

		if ((size_t)(value - word) != len ||
		    strncmp(word, options[i].key, len))
			continue;
		if (value_set(&options[i], c, value + 1))
			return 0;
		snprintf(err, err_size, "bad value: %s", word);
		return -EINVAL;
	}
	snprintf(err, err_size, "unknown option: %s", word);
	return -EINVAL;
}

static bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= SLUICE_NAME_MAX)
		return false;
	for (; *name; name++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", *name))
			return false;
	return true;
}

static int name_set(struct domain_config *c, enum module_kind *kind,
		    char *word, char *err, size_t err_size)
{
	size_t len = strlen(word), suffix = strlen(RAMDISK_SUFFIX);

	*kind = MODULE_KERNEL;
	if (len > suffix && !strcmp(word + len - suffix, RAMDISK_SUFFIX)) {
		*kind = MODULE_RAMDISK;
		word[len - suffix] = 0;
	}
	if (!name_valid(word)) {
		snprintf(err, err_size, "no valid domain name: '%s'", word);
		return -EINVAL;
	}
	strcpy(c->name, word);
	return 0;
}

int config_parse(const char *line, enum module_kind *kind,
		 struct domain_config *c, char *err, size_t err_size)
{
	char word[CMDLINE_MAX + 16];
	bool named = false;
	int rc;

	*c = (struct domain_config){
		.memory_mib = 16, .vcpus = 1, .on_reboot = POLICY_RESTART,
	};
	for (;;) {
		line += strspn(line, " \t");
		if (!*line && named)
			return 0;
		line = word_take(line, word, sizeof(word));
		if (!line) {
			snprintf(err, err_size, "open quote or too long a word");
			return -EINVAL;
		}
		if (!named)
			rc = name_set(c, kind, word, err, err_size);
		else
			rc = option_set(c, word, err, err_size);
		if (rc)
			return rc;
		named = true;
	}
}
