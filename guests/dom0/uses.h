/* uses.h: how much of everything is in use, to be compared over time. */
#ifndef DOM0_USES_H
#define DOM0_USES_H

/* One line. */
void uses_print(void);

#endif
