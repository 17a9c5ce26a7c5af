#!/usr/bin/env -S python3 -B
"""Domains that tear at each other's channels and grants, destroyed meanwhile."""
import random
import time

from lib.cases import case, main
from lib.machine import Failure, Machine, dom0, domain

STORMS = [f"s{i}" for i in range(1, 5)]
ROUNDS = 12


def free_memory(m):
    """In frames, and the hypervisor's heap in bytes."""
    found = m.command("memory", r"memory: free (\d+) pages, heap (\d+) bytes")
    return int(found[1]), int(found[2])


def destroy(m, name):
    m.command(f"destroy {name}", rf"dom0: {name}: ended: destroyed", 60)
    m.expect(r"dom0: 1 destroyed")


def start(m, name):
    m.command(f"start {name}", rf"dom0: {name}: started", 60)


@case(180)
def storm():
    """Destroyed and begun again in any order; then nothing is missing."""
    chance = random.Random(1)
    modules = [domain("storm", name, memory=8, vcpus=2,
                      cmdline=f"seed={i}")
               for i, name in enumerate(STORMS)]
    with Machine([dom0(), *modules,
                  domain("hello", "bystander", memory=8)]) as m:
        m.expect(r"dom0: ready")
        m.greeted("bystander")
        for name in STORMS:
            destroy(m, name)
        before = free_memory(m)
        for name in STORMS:
            start(m, name)
        for i in range(ROUNDS):
            time.sleep(chance.random())
            name = chance.choice(STORMS)
            destroy(m, name)
            start(m, name)
            if i % 4 == 3:
                m.audit()
        m.expect(r"storm: \d+ operations: [1-9]\d* maps, [1-9]\d* channels, "
                 r"[1-9]\d* copies, [1-9]\d* pins", 60)
        m.command("ping bystander", r"pong bystander")
        for name in chance.sample(STORMS, len(STORMS)):
            destroy(m, name)
        m.audit()
        after = free_memory(m)
        if after != before:
            raise Failure(f"free frames and heap were {before}, are {after}")
        m.command("poweroff")
        m.ends(0)


main()
