/*
 * reason.c: names of the drop reasons.
 */
#include <vfr/reason.h>

static const struct {
	const char *word, *text;
} reasons[] = {
#define REASON(name, word, text) { word, text },
	VFR_REASONS(REASON)
#undef REASON
};

const char *vfr_reason_word(unsigned int reason)
{
	return reason < VFR_NR_REASONS ? reasons[reason].word : "";
}

const char *vfr_reason_text(unsigned int reason)
{
	return reason < VFR_NR_REASONS ? reasons[reason].text : "";
}
