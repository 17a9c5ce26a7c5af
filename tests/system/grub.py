#!/usr/bin/env -S python3 -B
"""GRUB as a PV domain, unmodified: to its prompt, where it answers an echo."""
from lib.cases import case, main
from lib.machine import Machine, dom0, domain

GRUB = "/usr/lib/grub-xen/grub-x86_64-xen.bin"


@case(180)
def grub():
    with Machine([dom0(), domain(GRUB, "grub", memory=64),
                  domain("hello", "bystander", memory=8)]) as m:
        m.expect(r"dom0: ready")
        m.command("attach grub")
        m.expect(r"grub> ", 60)
        m.send("echo sl''uice\r")       # what is typed is not what it answers
        m.expect(r"sluice")
        m.expect(r"grub> ")
        m.send("halt\r")
        m.send("\x1d")
        m.expect(r"dom0: grub: ended")
        m.pings(1)
        m.audit()
        m.command("poweroff")
        m.ends(0)


main()
