#!/usr/bin/env -S python3 -B
"""Who gets the CPU, and when; what vcpus see of time."""
import re
import sys

from lib.cases import case, main
from lib.machine import GUESTS, Failure, Machine, dom0, domain
from lib.net import NetMachine, appliance, files, within_namespace


def load(name, what, **keys):
    return domain("load", name, memory=8, cmdline=f"do={what}", **keys)


def cpu_ms(m, names):
    """The CPU time of each domain, from dom0's list."""
    m.command("list", "ports")
    return [int(m.expect(rf"{name} .*?(\d+) +\d+ +\d+\s*\n")[1])
            for name in names]


def shares(m, names, seconds):
    """What part of the time that they had together each had."""
    before = cpu_ms(m, names)
    m.settle(seconds)
    used = [b - a for a, b in zip(before, cpu_ms(m, names))]
    return [u / sum(used) for u in used], sum(used)


def check_share(names, got, want, within):
    for name, g, w in zip(names, got, want):
        if abs(g - w) > w * within:
            raise Failure(f"{name} had {g:.4f} of the CPU, not {w:.4f}")


@case(180, "weights")
def weights():
    """Three domains that always want the one CPU share it 1:2:4, to 2 %."""
    names = ["a", "b", "c"]
    with Machine([dom0()] + [load(n, "hog") for n in names], cpus=1) as m:
        m.expect(r"dom0: ready")
        for name, weight in zip(names, (100, 200, 400)):
            m.command(f"sched {name} {weight}", f"weight {weight}")
        m.settle(1)
        got, _ = shares(m, names, 10)
        check_share(names, got, [1 / 7, 2 / 7, 4 / 7], 0.02)


@case(180, "equal_on_two")
def equal_on_two():
    """Three equal domains on two CPUs take turns."""
    names = ["a", "b", "c"]
    with Machine([dom0()] + [load(n, "hog") for n in names], cpus=2) as m:
        m.expect(r"dom0: ready")
        got, used = shares(m, names, 10)
        check_share(names, got, [1 / 3] * 3, 0.15)
        if used < 15000:
            raise Failure(f"two CPUs ran the three for {used} ms of 10 s")


@case(180, "yielders")
def yielders():
    """Domains that only yield do not keep others from running."""
    with Machine([dom0(), load("a", "yield"), load("b", "yield", vcpus=2),
                  domain("hello", "web", memory=8)], cpus=1) as m:
        m.expect(r"hello from web")
        m.settle(3)
        m.command("ping web", r"pong", 20)
        m.command("ping web", r"pong", 20)


def lateness(work_ms, warp_us):
    with Machine([dom0(), load("hog1", "hog"), load("hog2", "hog"),
                  load("hog3", "hog"), load("s", f"sleep work={work_ms}")],
                 cpus=1) as m:
        m.expect(r"dom0: ready")
        if warp_us:
            m.command(f"sched s 256 {warp_us}", r"warp on")
        m.expect(r"woke late", 40)
        found = m.expect(r"median (\d+) p90 (\d+) max (\d+)\s", 40)
        print("work", work_ms, "ms, warp", warp_us, "us: median",
              found[1].decode(), "p90", found[2].decode(), "max",
              found[3].decode())
        return int(found[1])


@case(180, "warp")
def warp():
    """Beside three hogs, a domain that needs less than its share is served soon
    when it wakes; one that needs more, for a while, only if it warps."""
    light, heavy = lateness(1, 0), lateness(7, 0)
    warps = lateness(7, 1000000)
    if light * 2 > heavy or warps * 2 > heavy:
        raise Failure(f"median wake-up: {heavy} us, {warps} us with warp, "
                      f"{light} us for one that works little")


@case(180, "clock")
def clock():
    """Real and virtual time, and the alarms on both."""
    with Machine([dom0(), load("c", "clock", vcpus=4)], cpus=2) as m:
        m.expect(r"\[c\] clock: vcpus agree", 40)
        m.expect(r"clock: done", 30)
    with open(m.serial.name, "rb") as f:
        wrong = re.findall(rb"clock: .*FAILED", f.read())
    if wrong:
        raise Failure(wrong[-1].decode())


NOTIFIER = """
nic wan address 203.0.113.2/24
net dmz 10.1.0.0/24
domain evil on dmz address 10.1.0.66 {
    kernel "netabuse" memory 8M vcpus 2 cmdline "ip=10.1.0.66"
}
domain hog on dmz address 10.1.0.11 { kernel "load" memory 8M cmdline "do=hog" }
"""


@case(60, "notifier")
def notifier():
    """The time of notifications of an empty ring is their sender's own: its two
    vcpus have no more than two thirds of the CPU beside one that spins."""
    with NetMachine([dom0(), appliance(NOTIFIER),
                     files(netabuse=f"{GUESTS}/netabuse.elf",
                           load=f"{GUESTS}/load.elf")], cpus=1) as m:
        m.expect(r"dom0: ready", 30)
        m.send("send evil events 15000\r")
        m.settle(3)
        (evil, hog), _ = shares(m, ["evil", "hog"], 6)
        print(f"evil {evil:.3f} hog {hog:.3f}")
        if evil > 2 / 3 * 1.05:
            raise Failure(f"it has {evil:.3f} of the CPU")
        m.expect(r"over: events", 30)
        m.closes()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main(alone=True)
