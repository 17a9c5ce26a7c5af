/*
 * selftest: every hypercall, rightly used and not.  The first half of each
 * group shows that it works, the second that it refuses.
 */
#include <stdint.h>

#include <xen/sched.h>

#include "kit/check.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/xenbus.h"
#include "selftest/selftest.h"

int guest_main(void)
{
	if (!(start_info->flags & SIF_INITDOMAIN))
		xenbus_init();
	grant_init();
	test_pointers();
	test_traps();
	test_memory();
	test_events();
	test_grants();
	test_vcpus();
	test_user();
	return check_result();
}
