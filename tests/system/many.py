#!/usr/bin/env -S python3 -B
"""A hundred domains at once, each answering; then not one frame is missing."""
from lib.cases import case, main
from lib.machine import Failure, Machine, dom0, domain

COUNT = 100


def free_memory(m):
    """In frames, and the hypervisor's heap in bytes."""
    found = m.command("memory", r"memory: free (\d+) pages, heap (\d+) bytes")
    return int(found[1]), int(found[2])


@case(300)
def many():
    with Machine([dom0(), domain("hello", "model", memory=8, paused=1)],
                 memory_mib=4096) as m:
        m.expect(r"dom0: ready")
        before = free_memory(m)
        m.command(f"clone model d {COUNT}", rf"dom0: {COUNT} of {COUNT} started", 120)
        m.pings(COUNT, 60)
        m.audit(120)
        m.command("destroy d*", rf"dom0: d{COUNT}: ended", 120)
        after = free_memory(m)
        if after != before:
            raise Failure(f"free frames and heap were {before}, are {after}")
        m.audit()
        m.command("poweroff")
        m.ends(0)


main()
