#!/usr/bin/env -S python3 -B
"""Guests that test from the inside, and guests that mean harm."""
from lib.cases import case, main
from lib.machine import Failure, Machine, dom0, domain

ENDS = {"survives": "poweroff", "ends": "crash", "any": r"\w+"}
WILD = 40               # guests, each with a seed of its own
RESULT = r"result: (\w+): \d+ checks"


def attacks():
    """The rows of guests/hostile/attacks.txt: name and how it must end."""
    with open("guests/hostile/attacks.txt") as f:
        rows = [line.split("#")[0].split() for line in f]
    return [row for row in rows if row]


@case(120, "selftest")
def selftest():
    """Every hypercall, used rightly and not."""
    with Machine([dom0(), domain("hello", "web", memory=8),
                  domain("selftest", "st", memory=16, vcpus=2)]) as m:
        m.expect(r"dom0: ready", 60)
        found = m.expect(r"\[st\] " + RESULT, 60)
        m.expect(r"dom0: st: ended: poweroff")
        m.command("ping web", r"pong web")
        m.audit()
        if found[1] != b"success":
            raise Failure("see the lines with FAILED")


@case(400, "hostile")
def hostile():
    """One attack after the other; a bystander answers after each."""
    rows = attacks()
    with Machine([dom0(), domain("hello", "web", memory=8)] +
                 [domain("hostile", name, memory=8, vcpus=2, paused=1,
                         cmdline=f"attack={name}", on_reboot="destroy")
                  for name, _ in rows]) as m:
        m.expect(r"dom0: ready", 120)
        for name, how in rows:
            m.send(f"unpause {name}\r")
            # In a flood dom0 leaves lines out, the result among them.
            if how == "survives" and name != "console":
                found = m.expect(rf"\[{name}\] {RESULT}", 90)
                if found[1] != b"success":
                    raise Failure(f"{name}: see the lines with FAILED")
            m.expect(rf"dom0: {name}: ended: {ENDS[how]}", 90)
            m.command("ping web", r"pong web")
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(60, "areas")
def areas():
    """What the hypervisor writes for one guest it writes in no other, though
    that has memory at the same address and was on the CPU just before."""
    with Machine([dom0()] + [domain("hostile", name, memory=8,
                                    cmdline=f"attack=areas {more}")
                             for name, more in (("writes", "user=1"),
                                                ("watches", "watch=1"))],
                 cpus=1) as m:
        for _ in range(2):
            found = m.expect(r"\[(\w+)\] " + RESULT, 60)
            if found[2] != b"success":
                raise Failure(f"{found[1].decode()}: see the lines with FAILED")
        m.command("poweroff")
        m.ends(0)


@case(60, "moves")
def moves():
    """A vcpu that was moved finds no translation from before on its new CPU,
    though another one of the same root kept that busy."""
    with Machine([dom0(), domain("hostile", "moves", memory=8, vcpus=3,
                                 cmdline="attack=moves")]) as m:
        if m.expect(r"\[moves\] " + RESULT, 50)[1] != b"success":
            raise Failure("see the lines with FAILED")
        m.command("poweroff")
        m.ends(0)


@case(300, "fuzz")
def fuzz():
    """Random hypercalls; the same seed makes the same calls."""
    with Machine([dom0(), domain("hello", "web", memory=8)] +
                 [domain("hostile", f"f{seed}", memory=8,
                         cmdline=f"attack=fuzz seed={seed} count=100000")
                  for seed in (1, 2, 3)]) as m:
        m.expect(r"dom0: ready", 60)
        for _ in range(3):
            m.expect(r"fuzz: all 100000 calls made", 200)
        m.expect(r"dom0: f\d: ended: poweroff")
        m.command("ping web", r"pong web")
        m.audit()


@case(120, "wild")
def wild():
    """Random hypercalls of every kind: each such guest ends as it may."""
    names = [f"w{seed}" for seed in range(1, WILD + 1)]
    with Machine([dom0(), domain("hello", "web", memory=8)] +
                 [domain("hostile", name, memory=8, paused=1,
                         on_reboot="destroy", on_crash="destroy",
                         cmdline=f"attack=wild seed={name[1:]} count=100000")
                  for name in names]) as m:
        m.expect(r"dom0: ready", 60)
        for name in names:
            m.send(f"unpause {name}\r")
            # It runs, or it sleeps until the end of its days.
            m.command("ping web", r"pong web")
        for name in names:
            m.send(f"destroy {name}\r")
        m.command("ping web", r"pong web")
        m.audit()
        m.command("poweroff")
        m.ends(0)


main()
