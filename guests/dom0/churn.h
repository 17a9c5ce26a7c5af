/*
 * churn.h: start and destroy one domain again and again, so that each time it
 * lives until its vif is connected, and up to 3 ms more; for tests of leaks.
 */
#ifndef DOM0_CHURN_H
#define DOM0_CHURN_H

struct domain;

/*
 * count times; -EBUSY while another one is under way.  At the end, with the
 * domain off, it says how often the vif was connected.
 */
int churn_start(struct domain *d, unsigned long count);

#endif
