/*
 * The reference manual and the parser speak of one language: every example in
 * docs/sluice.vfr.5 is read without an error, and every word that the parser
 * knows stands in one of them.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules_common.h"

#define MANUAL "docs/sluice.vfr.5"

/* The literal blocks of the page, with their escapes undone. */
static unsigned int examples(const char *page, struct text *all,
			     int (*test)(const char *text, size_t len))
{
	struct text block = { NULL };
	unsigned int n = 0;
	bool in = false;
	const char *p;

	for (p = page; *p; p += strcspn(p, "\n") + 1) {
		size_t len = strcspn(p, "\n"), i;

		if (strncmp(p, ".Bd -literal", 12) == 0) {
			in = true;
			block.len = 0;
			continue;
		}
		if (in && strncmp(p, ".Ed", 3) == 0) {
			in = false;
			assert_int_equal(test(block.s, block.len), 0);
			text_add(all, block.s, block.len);
			n++;
			continue;
		}
		for (i = 0; in && i < len; i++) {
			text_add(&block, p + i, 1);
			if (p[i] == '\\' && p[i + 1] == 'e')
				i++;
		}
		if (in)
			text_add(&block, "\n", 1);
		if (!p[len])
			break;
	}
	free(block.s);
	return n;
}

static int reads_well(const char *text, size_t len)
{
	struct run run;
	int rc;

	run_init(&run, 1 << 20);
	rc = rules_parse(&run.r, MANUAL, text, len, RULES_FORMAT_ONLY);
	if (rc)
		fprintf(stderr, "%s\n%.*s", run.said.s, (int)len, text);
	run_done(&run);
	return rc;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || (!isalnum(p[-1]) && p[-1] != '_')) &&
		    !isalnum(p[n]) && p[n] != '_')
			return true;
	return false;
}

static void check_words(const char *text, const char *(*at)(unsigned int i))
{
	const char *word;
	unsigned int i, missing = 0;

	for (i = 0; (word = at(i)); i++)
		if (!has_word(text, word)) {
			fprintf(stderr, "no example of `%s`\n", word);
			missing++;
		}
	assert_int_equal(missing, 0);
	assert_true(i > 10);
}

static void test_manual(void **state)
{
	struct text all = { NULL };
	size_t len;
	char *page = file_load(MANUAL, &len);

	assert_non_null(page);
	assert_true(examples(page, &all, reads_well) > 10);
	check_words(all.s, keyword_at);
	check_words(all.s, domain_setting_at);
	free(all.s);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_manual) };

	return cmocka_run_group_tests_name("rules_manual", tests, NULL, NULL);
}
