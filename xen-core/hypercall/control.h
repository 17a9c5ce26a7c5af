/*
 * control.h: the rows of the control hypercall, for control.c alone.
 *
 * A function gets a private copy of the struct, already checked for its
 * privilege and padding, and the progress that it returned before (0 at first).
 * It returns 0 or a negative errno; with -ERESTART it has set *progress (48
 * bits), and is called again after whatever was more urgent.
 */
#ifndef HYPERCALL_CONTROL_H
#define HYPERCALL_CONTROL_H

#include <sluice/control.h>

#include "types.h"

union control {
	struct sluice_domid domid;
	struct sluice_physinfo physinfo;
	struct sluice_create create;
	struct sluice_info info;
	struct sluice_mfns mfns;
	struct sluice_write write;
	struct sluice_vcpu vcpu;
	struct sluice_seed_grant seed_grant;
	struct sluice_sched sched;
	struct sluice_time_offset time;
	struct sluice_audit audit;
	struct sluice_power power;
	struct sluice_virtual_time virtual_time;
	struct sluice_counters counters;
	struct sluice_dmesg dmesg;
};

typedef int control_fn(union control *c, uint64_t *progress);

/* control_domain.c: domains and their memory */
control_fn control_create, control_destroy, control_pause, control_unpause,
	control_getinfo, control_get_mfns, control_write_memory,
	control_set_vcpu, control_seed_grant;

/* control_machine.c: the machine and parameters */
control_fn control_physinfo, control_set_sched, control_get_sched,
	control_set_time, control_audit, control_power, control_virtual_time,
	control_counters, control_dmesg;

#endif
