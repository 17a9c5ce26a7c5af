#!/usr/bin/env -S python3 -B
"""The same image on Bochs: strict where QEMU is not."""
from lib.bochs import Bochs
from lib.cases import case, main
from lib.machine import dom0, domain


def boots(**machine):
    with Bochs([dom0(), domain("hello", "web", memory=8)], **machine) as m:
        m.expect(r"Sluice, a hypervisor", 60)
        m.greeted("web", timeout=60)
        m.pings(1)
        m.audit()


for cpus in (1, 2):
    case(150, f"{cpus}cpu")(lambda n=cpus: boots(cpus=n))


main()
