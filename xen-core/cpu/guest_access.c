/* guest_access.c: see guest_access.h; the copies themselves are in entry.S. */
#include "guest_access.h"

#include "cpu_private.h"

entry_path bool guest_range_ok(uint64_t addr, uint64_t len)
{
	uint64_t last = addr + len - (len ? 1 : 0);

	if (last < addr)
		return false;
	if (addr < 1ull << 47)
		return last < 1ull << 47;
	return addr >= HV_VIRT_END;
}

entry_path int copy_from_guest(void *to, uint64_t from, uint64_t len)
{
	if (!guest_range_ok(from, len))
		return -EFAULT;
	return guest_copy(to, (const void *)from, len) ? -EFAULT : 0;
}

int copy_to_guest(uint64_t to, const void *from, uint64_t len)
{
	if (!guest_range_ok(to, len))
		return -EFAULT;
	return guest_copy((void *)to, from, len) ? -EFAULT : 0;
}

int clear_guest(uint64_t to, uint64_t len)
{
	if (!guest_range_ok(to, len))
		return -EFAULT;
	return guest_clear((void *)to, len) ? -EFAULT : 0;
}
