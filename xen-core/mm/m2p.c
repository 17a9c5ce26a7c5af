/* m2p.c: machine frame to the owner's numbering; guests read it too. */
#include "mm.h"

void m2p_set(mfn_t mfn, uint64_t pfn)
{
	WRITE_ONCE(((uint64_t *)M2P_RW_VIRT)[mfn.n], pfn);
}

uint64_t m2p_get(mfn_t mfn)
{
	return READ_ONCE(((uint64_t *)M2P_RW_VIRT)[mfn.n]);
}
