/*
 * barrier.h: the barriers that Xen's ring macros name (xen/io/ring.h).  x86 keeps
 * loads and stores each in order; only a store before a load needs an
 * instruction (SDM vol. 3A, "Memory Ordering").
 */
#ifndef BARRIER_H
#define BARRIER_H

#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define xen_wmb()	__atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
