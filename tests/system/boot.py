#!/usr/bin/env -S python3 -B
"""The machines that it must come up on: chipsets, firmware, CPUs, memory."""
from lib.cases import case, main
from lib.machine import Failure, Machine, dom0, domain

GIB = 1024

MACHINES = {
    # name: what is said of the machine, the CPUs it must find
    "pc": dict(machine="pc"),
    "pc-disk": dict(machine="pc", disk="disk"),
    "q35-disk": dict(disk="disk"),
    "1cpu": dict(cpus=1),
    "3cpu": dict(cpus=3),
    "8cpu": dict(cpus=8),
    "128M": dict(memory_mib=128),
    "4G": dict(memory_mib=4 * GIB),         # RAM on both sides of the hole
    "64G": dict(memory_mib=64 * GIB),       # QEMU takes what is touched only
    "uefi": dict(firmware="uefi"),
    "uefi-pc": dict(firmware="uefi", machine="pc"),
    "qemu64": dict(cpu="qemu64"),           # no SMEP, SMAP, UMIP, 1 GiB pages
    "nosmap": dict(cpu="max,-smap"),
}


def boots(**machine):
    """To a domain that answers on every machine, and off again."""
    with Machine([dom0(), domain("hello", "web", memory=16)], **machine) as m:
        m.expect(r"Sluice, a hypervisor", 30)
        cpus, memory = m.expect(r"(\d+) CPUs, (\d+) MiB of memory").groups()
        if int(cpus) != machine.get("cpus", 2):
            raise Failure(f"found {int(cpus)} CPUs")
        given = machine.get("memory_mib", 1024)
        if not given - 16 <= int(memory) <= given:
            raise Failure(f"found {int(memory)} of {given} MiB")
        m.greeted("web")
        m.pings(1)
        m.audit()
        m.command("poweroff")
        m.ends(0)


for name, machine in MACHINES.items():
    case(180, name)(lambda machine=machine: boots(**machine))


@case(180, "options")
def options():
    """An option of no meaning is named and ignored; one of meaning works."""
    with Machine([dom0()], options="frobnicate=7 maxcpus=1 nosmap") as m:
        m.expect(r"frobnicate=7.*ignored")
        m.expect(r"1 CPUs")
        m.expect(r"dom0: ready")
        m.command("poweroff")
        m.ends(0)


main()
