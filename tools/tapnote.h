/*
 * tapnote.h: what a record of a VFR tap says, in words and in pcapng's terms.
 *
 * For the host and, freestanding, for dom0.
 */
#ifndef TOOLS_TAPNOTE_H
#define TOOLS_TAPNOTE_H

#include <stddef.h>
#include <stdint.h>

#include <vfr/ruleset.h>
#include <vfr/tap.h>

#include "pcapng.h"

#define TAPNOTE_MAX 1024	/* bytes of a note, with its NUL */

/* The rule that decided, NULL: none did, or it is no longer in the ruleset. */
const struct vfr_rs_rule *tapnote_rule(const struct vfr_ruleset *rs,
				       const struct vfr_tap_record *r);

/*
 * `deny rule=web.vfr:27 "label" reason=rule in=wan out=web number=17: the rule`,
 * with what there is of it.  in, out: names of ports, NULL or ""; number 0: none.
 */
void tapnote_write(char buf[TAPNOTE_MAX], const struct vfr_ruleset *rs,
		   const struct vfr_tap_record *r, const char *in,
		   const char *out, uint64_t number);

/* "domain web, net dmz", "nic wan, device nic0": a port of the ruleset. */
void tapnote_port(char buf[TAPNOTE_MAX], const struct vfr_ruleset *rs,
		  uint32_t rs_port);

enum pcapng_verdict tapnote_verdict(const struct vfr_tap_record *r);

#endif
