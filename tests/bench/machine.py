#!/usr/bin/env -S python3 -B
"""What the hypervisor's operations cost, measured inside the machine."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
from lib.machine import Failure, Machine, dom0, domain, log_name  # noqa: E402

OF_ONE_DOMAIN = ("null_hypercall", "user_syscall_round_trip",
                 "pt_update_single", "pt_update_batched_32",
                 "pt_update_multicall_32", "pt_update_trapped")
WARP_US = 100000
CYCLES = 50
SECONDS = 10                            # of sharing by weight


def say(name, value, unit):
    print(name, value, unit, flush=True)


def guest(image, name, **words):
    cmdline = " ".join(f"{key}={value}" for key, value in words.items())
    return domain(image, name, memory=8, cmdline=cmdline)


def figure(m, guest_name, name, title=None):
    found = m.expect(rf"\[{guest_name}\] {name} (\d+) ns", 120)
    say(title or name, found[1].decode(), "ns")


def one_domain():
    with Machine([dom0(), guest("bench", "b", do="cpu")]) as m:
        for name in OF_ONE_DOMAIN:
            figure(m, "b", name)


def events(cpus):
    with Machine([dom0(), guest("bench", "b1", do="ping", peer=2),
                  guest("bench", "b2", do="pong", peer=1)], cpus=cpus) as m:
        figure(m, "b1", "evtchn_ping_pong", f"evtchn_ping_pong_{cpus}_cpu")


def switches():
    """Two domains on one CPU that yield: between two yields of one there are
    two switches."""
    with Machine([dom0(), guest("bench", "b1", do="yield"),
                  guest("bench", "b2", do="yield")], cpus=1) as m:
        found = m.expect(r"\[b[12]\] yield (\d+) ns", 120)
        say("context_switch", int(found[1]) // 2, "ns")


def wake_up(warp_us):
    hogs = [guest("load", f"hog{i}", do="hog") for i in range(3)]
    with Machine([dom0(), *hogs, guest("load", "s", do="sleep")],
                 cpus=1) as m:
        m.expect(r"dom0: ready", 60)
        if warp_us:
            m.command(f"sched s 256 {warp_us}", r"warp on")
        found = m.expect(r"median (\d+) p90 (\d+) max (\d+)\s", 60)
        how = "warp" if warp_us else "no_warp"
        for i, what in enumerate(("median", "p90", "max"), 1):
            say(f"wake_up_{how}_{what}", found[i].decode(), "us")


def shares():
    names = ("a", "b", "c")
    with Machine([dom0()] + [guest("load", n, do="hog") for n in names],
                 cpus=1) as m:
        m.expect(r"dom0: ready", 60)
        for name, weight in zip(names, (100, 200, 400)):
            m.command(f"sched {name} {weight}", f"weight {weight}")
        m.settle(1)
        before = cpu_ms(m, names)
        m.settle(SECONDS)
        used = [b - a for a, b in zip(before, cpu_ms(m, names))]
        for name, part, ms in zip(names, (1, 2, 4), used):
            say(f"cpu_share_of_{part}_in_7", f"{100 * ms / sum(used):.2f}", "%")


def cpu_ms(m, names):
    m.command("list", "ports")
    return [int(m.expect(rf"{name} .*?(\d+) +\d+ +\d+\s*\n")[1])
            for name in names]


def domains():
    with Machine([dom0(), domain("hello", "web", memory=8)]) as m:
        m.expect(r"hello from web", 60)
        m.send(f"cycle web {CYCLES}\r")
        for name in ("domain_create", "domain_destroy"):
            found = m.expect(rf"{name} (\d+) us", 300)
            say(name, found[1].decode(), "us")
        m.send("list\r")
        found = m.expect(r"web +\d+ +\d+ +\d+ \w+ +\d+ +(\d+) +\d+", 30)
        say("heap_of_idle_domain", found[1].decode(), "bytes")
        m.send("info\r")
        found = m.expect(r"interrupts off at most (\d+) ns", 30)
        say("interrupts_off_longest", found[1].decode(), "ns")


def main():
    os.makedirs(os.path.dirname(log_name()), exist_ok=True)
    one_domain()
    events(1)
    events(2)
    switches()
    wake_up(0)
    wake_up(WARP_US)
    shares()
    domains()


try:
    main()
except Failure as failure:
    sys.exit(f"# machine: {failure}")
