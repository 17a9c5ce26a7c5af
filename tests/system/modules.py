#!/usr/bin/env -S python3 -B
"""Boot modules that are missing, broken or greedy: named, and left out."""
import os
import struct

from lib.cases import case, main
from lib.machine import GUESTS, Machine, dom0, domain, log_name
from lib.net import appliance, files

PHDR0 = 64                              # the first program header of our ELFs


def variant(name, change):
    """The path of a hello.elf that change(bytearray) has spoiled."""
    elf = bytearray(open(f"{GUESTS}/hello.elf", "rb").read())
    path = f"{log_name()}-{name}.elf"
    with open(path, "wb") as out:
        out.write(change(elf))
    return path


def put(elf, offset, layout, value):
    struct.pack_into(layout, elf, offset, value)
    return elf


def overlap(elf):
    """Two segments at one place: the first header twice."""
    return put(elf, 56, "<H", 2)[:PHDR0 + 56] + elf[PHDR0:PHDR0 + 56] \
        + elf[PHDR0 + 112:]


BROKEN = {
    "empty": lambda elf: elf[:0],
    "text": lambda elf: b"this is no kernel\n" * 100,
    "header-only": lambda elf: elf[:64],
    "truncated": lambda elf: elf[:len(elf) // 2],
    "32-bit": lambda elf: put(elf, 4, "B", 1),
    "many-headers": lambda elf: put(elf, 56, "<H", 0xffff),
    "headers-beyond": lambda elf: put(elf, 32, "<Q", 1 << 40),
    "headers-wrap": lambda elf: put(elf, 32, "<Q", (1 << 64) - 8),
    "segment-beyond": lambda elf: put(elf, PHDR0 + 8, "<Q", 1 << 62),
    "segment-size": lambda elf: put(elf, PHDR0 + 32, "<Q", 1 << 63),
    "memory-size": lambda elf: put(elf, PHDR0 + 40, "<Q", (1 << 64) - 4096),
    "address-wrap": lambda elf: put(elf, PHDR0 + 24, "<Q", (1 << 64) - 4096),
    "overlap": overlap,
}


@case(180, "broken")
def broken():
    """Each is refused with a reason; the good one beside them runs."""
    paths = {name: variant(name, change) for name, change in BROKEN.items()}
    modules = [dom0()]
    modules += [domain(path, name, memory=16) for name, path in paths.items()]
    modules += [domain("hello", "greedy", memory=1 << 19),
                domain("hello", "good", memory=16),
                domain("hello", "good", memory=16),
                domain("hello", "many", memory=16, vcpus=4000)]
    with Machine(modules, options="") as m:
        for name in list(paths) + ["greedy"]:
            m.expect(rf"dom0: {name}: not started: .+")
        m.greeted("good")
        m.command("ping good", r"pong good")
        m.audit()
        m.command("poweroff")
        m.ends(0)
    for path in paths.values():
        os.remove(path)


SHARED = """net dmz 10.1.0.0/24
domain first on dmz address 10.1.0.10 { kernel "hello" memory 4M }
domain second on dmz address 10.1.0.20 { kernel "hello" memory 4M }
"""


@case(120, "shared")
def shared():
    """A kernel is kept for a domain that comes after one that starts but once."""
    with Machine([dom0(once="first"), appliance(SHARED),
                  files(hello=f"{GUESTS}/hello.elf")]) as m:
        m.expect(r"dom0: ready")
        m.greeted("first", "second")
        m.command("reboot second", r"second: starts again in 0 s")
        m.greeted("second")
        m.command("shutdown first", r"sluice: alive: second")
        m.ends(0)


@case(180, "no-dom0")
def no_dom0():
    """Without a dom0, or with a bad one, one clear line says so at the end."""
    with Machine([], doomed=True) as m:
        m.expect(r"GRUB loaded no module: the first one must be dom0")


@case(180, "bad-dom0")
def bad_dom0():
    path = variant("dom0", BROKEN["segment-beyond"])
    with Machine([domain(path, "dom0")], doomed=True) as m:
        m.expect(r"dom0's image cannot be used: a segment lies outside")
    os.remove(path)


main()
