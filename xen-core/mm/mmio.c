/* mmio.c: device registers, uncached. */
#include "mm_private.h"
#include "platform.h"

#include "spinlock.h"

void *mmio_map(paddr_t at, size_t size)
{
	static struct spinlock lock;
	static uint64_t next = MMIO_VIRT;
	uint64_t first = at & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t pages = (ROUND_UP(at + size, PAGE_SIZE) - first) >> PAGE_SHIFT;
	uint64_t va;

	spin_lock(&lock);
	va = next;
	if (pages > (MMIO_VIRT + MMIO_SIZE - va) >> PAGE_SHIFT) {
		spin_unlock(&lock);
		return NULL;
	}
	next += pages << PAGE_SHIFT;
	for (uint64_t i = 0; i < pages; i++)
		hv_map(va + (i << PAGE_SHIFT), MFN((first >> PAGE_SHIFT) + i),
		       PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PCD | PTE_PWT |
			       PTE_G | PTE_NX);
	spin_unlock(&lock);
	return (void *)(va + (at & (PAGE_SIZE - 1)));
}
