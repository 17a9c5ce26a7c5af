#!/usr/bin/env -S python3 -B
"""The smallest whole: two domains greet, one echoes what is typed, all end."""
from lib.cases import case, main
from lib.machine import Machine, dom0, domain


@case(180)
def hello():
    with Machine([dom0(), domain("hello", "web", memory=16),
                  domain("hello", "db", memory=16, vcpus=2)]) as m:
        m.expect(r"Sluice, a hypervisor")
        m.greeted("web", "db")
        m.pings(2)
        m.command("attach web")
        m.send("abc\r")
        m.expect(r"abc")
        m.send("\x1d")
        m.command("destroy web", r"dom0: web: ended")
        m.pings(1)
        m.audit()
        m.command("poweroff")
        m.ends(0)


main()
