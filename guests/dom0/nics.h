/* nics.h: the NICs, as the shell shows them. */
#ifndef DOM0_NICS_H
#define DOM0_NICS_H

/* A line for each, one for each of its queues, and one at the end. */
void nics_print(void);

/* nic0 is number 0: see sluice/nic.h, SLUICE_NIC_RESET. */
void nic_reset(unsigned int number);

#endif
