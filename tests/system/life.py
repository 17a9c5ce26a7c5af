#!/usr/bin/env -S python3 -B
"""What follows the end of a domain, and the commands that end and start it."""
from lib.cases import case, main
from lib.machine import GUESTS, Failure, Machine, dom0, domain
from lib.net import appliance, files


def doomed(name, on_crash, **keys):
    return domain("hostile", name, memory=8, cmdline="attack=bad_stack",
                  on_crash=on_crash, **keys)


@case(120, "policies")
def policies():
    with Machine([dom0(), doomed("bad", "restart"), doomed("keep", "preserve"),
                  domain("hello", "web", memory=4),
                  domain("hello", "on", memory=4, on_poweroff="restart")]) as m:
        m.expect(r"dom0: ready", 60)
        for wait in (0, 1, 2):          # longer each time
            m.expect(rf"bad: starts again in {wait} s")
        m.command("destroy bad", r"bad: ended: destroyed")
        m.command("list", r"keep .* ended")
        m.command("destroy keep", r"keep: ended: destroyed")
        m.command("reboot web", r"web: ended: reboot")
        m.expect(r"web: starts again in 0 s")
        m.expect(r"hello from web")
        m.command("shutdown on", r"on: ended: poweroff")
        m.expect(r"hello from on")
        m.command("shutdown web", r"web: ended: poweroff")
        m.command("start web", r"hello from web")
        m.command("pause web")
        m.command("list", r"web .* paused")
        m.command("unpause web")
        m.command("ping web", r"pong web")
        m.audit()
        m.command("poweroff")
        m.ends(0)


def waits(m, name):
    """It has ended so often that it is started again only after two seconds."""
    m.expect(rf"hello from {name}")
    for wait in (0, 1, 2):
        m.command(f"reboot {name}", rf"{name}: starts again in {wait} s")
        if wait < 2:
            m.expect(rf"hello from {name}")


@case(120, "by-hand")
def by_hand():
    """One that waits to be started again, and is started by hand before."""
    with Machine([dom0(), domain("hello", "web", memory=4)]) as m:
        waits(m, "web")
        m.command("start web", r"hello from web")
        if m.hears(r"not started", 4):
            raise Failure("it was started a second time while it ran")
        m.command("ping web", r"pong web")
        m.command("destroy web", r"web: ended: destroyed")
        m.command("list", r"web .* off")
        m.command("poweroff")
        m.ends(0)


@case(180, "no-memory")
def no_memory():
    """Memory that is gone when a domain is to start again may come back."""
    with Machine([dom0(), domain("hello", "web", memory=192),
                  domain("hello", "one", memory=96, paused=1)],
                 memory_mib=512) as m:
        waits(m, "web")
        m.command("clone one more 9", r"dom0: [1-8] of 9 started")
        m.expect(r"web: not started: not enough free memory")
        m.expect(r"web: starts again in 4 s")
        m.command("destroy more*", r"\d destroyed")
        m.expect(r"hello from web")
        m.command("poweroff")
        m.ends(0)


@case(120, "once")
def once():
    """The end of a run is not lost where dom0 asks who is alive just then."""
    with Machine([dom0(once="web"), domain("hello", "web", memory=4),
                  domain("hello", "slow", memory=4)]) as m:
        m.greeted("web", "slow")
        m.pings(2)
        m.command("pause slow")
        m.command("ping all")           # web has answered, slow does not
        m.command("shutdown web", r"web: ended: poweroff")
        m.command("unpause slow", r"pong: \d of 2")
        m.expect(r"run ended: poweroff")
        m.ends(0)


@case(120, "reasons")
def reasons():
    """Of domains that end side by side each has its own reason."""
    names = [f"bad{i}" for i in range(4)]
    with Machine([dom0(), *(doomed(name, "preserve", paused=1)
                            for name in names)], cpus=3) as m:
        m.expect(r"dom0: ready")
        for _ in range(150):
            for name in names:
                m.command(f"unpause {name}")
            for _ in names:
                why = m.expect(r"bad\d: ended: (\w+)\r?\n")[1]
                if why != b"crash":
                    raise Failure(f"one that crashed has ended by {why}")
            for name in names:
                m.command(f"destroy {name}")
            for name in names:
                m.command(f"start {name}", rf"{name}: started")
        m.command("poweroff")
        m.ends(0)


ORDER = """
net lan 10.1.0.0/24
domain last on lan address 10.1.0.11 {
    kernel "hello" memory 4M after { middle, byhand } }
domain middle on lan address 10.1.0.12 {
    kernel "hello" memory 4M after first delay 1s }
domain byhand on lan address 10.1.0.13 {
    kernel "hello" memory 4M autostart no }
domain first on lan address 10.1.0.14 { kernel "hello" memory 4M }
"""


@case(60, "order")
def order():
    """An appliance's domains start in the order that they ask for."""
    with Machine([dom0(), appliance(ORDER),
                  files(hello=f"{GUESTS}/hello.elf")]) as m:
        m.expect(r"dom0: last: waits for middle")
        m.expect(r"dom0: middle: waits for first")
        m.expect(r"dom0: first: started")
        began = m.expect(r"\[first\] hello from first: .* up (\d+) ms")[1]
        then = m.expect(r"\[middle\] hello from middle: .* up (\d+) ms")[1]
        if int(then) - int(began) < 900:
            raise Failure("middle did not wait for a second")
        m.command("list", r"last .* waiting")
        m.expect(r"byhand .* off")
        m.command("start byhand", r"\[last\] hello from last")
        # What waits is started by hand, or ended, like all others.
        m.command("destroy *", r"first: ended: destroyed")
        m.command("start middle", r"\[middle\] hello from middle")
        m.command("poweroff")
        m.ends(0)


main()
