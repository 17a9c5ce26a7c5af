#!/usr/bin/env -S python3 -B
"""What a packet costs in the hypervisor, by stage: instructions, and time.

QEMU counts (count_plugin.c); nothing in the hypervisor does.  A stage is a
folder of the source, or a part of netback.  The machine's speed and what else
it does hardly matter to instructions.  Cycles would be the measure, but emulation
has none: one that a CPU does in a quarter of a cycle and one that flushes the
TLB count the same.  The nanoseconds are the host's, sampled, with
all that the emulation does for a stage in them: they say what a stage takes in
QEMU, counting included, and not what it would take on a CPU.
"""
import bisect
import collections
import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../system"), os.path.join(HERE, "lib")]
from lib.machine import log_name             # noqa: E402
from lib.net import HOST                     # noqa: E402
from netload import A, blast, counters, machine, say  # noqa: E402
from parts import run_parts  # noqa: E402
import qemu  # noqa: E402

PLUGIN = "build/bench/count_plugin.so"
BLOCK = struct.Struct("<QQQQ")
# The first that the path of a function's source begins with.
STAGES = (("netback/vif", "rings"), ("netback/flip", "rings"),
          ("netback/segment", "rings"), ("netback/run", "run"),
          ("netback/packet", "run"), ("netback", "nic"),
          ("xen-core/lib/virtq", "nic"), ("vfr", "vfr"),
          ("xen-core/grant", "grants"), ("xen-core/mm", "grants"),
          ("xen-core/event", "events"), ("xen-core/lib/string", "copies"),
          ("xen-core/sched", "scheduler"), ("xen-core/domain", "scheduler"),
          ("xen-core/cpu", "entries"), ("xen-core/hypercall", "entries"),
          ("xen-core/platform", "interrupts"))
GUEST = "guest"
SECONDS = 3


class Functions:
    """The stage of an address in the hypervisor."""

    def __init__(self):
        names = subprocess.run(["nm", "build/sluice.elf"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        self.starts = sorted(int(line.split()[0], 16)
                             for line in names.splitlines()
                             if re.search(r" [tT] ", line))
        places = subprocess.run(
            ["addr2line", "-e", "build/sluice.elf"], check=True, text=True,
            input="\n".join(map(hex, self.starts)),
            stdout=subprocess.PIPE).stdout.splitlines()
        self.stages = [stage_of(place) for place in places]

    def stage(self, address):
        """None: it is a guest's."""
        if not self.starts[0] <= address < self.starts[-1] + 4096:
            return None
        return self.stages[bisect.bisect_right(self.starts, address) - 1]


def stage_of(place):
    place = re.sub(r"^(\./|.*?/(?=(netback|vfr|xen-core)/))", "", place)
    return next((stage for start, stage in STAGES if place.startswith(start)),
                "other" if place.startswith("xen-core") else "entries")


def blocks(path):
    with open(path, "rb") as f:
        count = BLOCK.unpack(f.read(BLOCK.size))[2]
        return list(BLOCK.iter_unpack(f.read(count * BLOCK.size)))


def build():
    os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", PLUGIN,
                    os.path.join(HERE, "count_plugin.c")], check=True)


def counted(path):
    """Machines of this process count into that file."""
    command = qemu.command

    def with_plugin(*args, **keys):
        return command(*args, **keys) + ["-plugin", f"{PLUGIN},counts={path}"]
    qemu.command = with_plugin


def report(name, before, after, packets):
    functions = Functions()
    insns, ns = collections.Counter(), collections.Counter()
    for i, (address, size, count, time) in enumerate(after):
        if i < len(before):
            count, time = count - before[i][2], time - before[i][3]
        stage = functions.stage(address) or GUEST
        insns[stage] += size * count
        ns[stage] += time
    of_guest = ns.pop(GUEST)
    del insns[GUEST]
    for stage, all_insns in insns.most_common():
        if all_insns:
            say(f"{name}_{stage}", all_insns / packets, "instructions")
            say(f"{name}_{stage}_time", ns[stage] / packets, "ns")
    say(f"{name}_all", sum(insns.values()) / packets, "instructions")
    say(f"{name}_all_time", sum(ns.values()) / packets, "ns")
    say(f"{name}_guest_time", of_guest / packets, "ns")


def host_to_domain(mode):
    path = log_name() + ".blocks"
    counted(path)
    with machine([mode]):
        udp, before = counters()[0], blocks(path)
        blast(64, SECONDS)
        after, packets = blocks(path), counters()[0] - udp
    os.remove(path)
    report(f"packet_host_to_domain_{mode[4:]}", before, after, packets)


def from_domain(mode, to, name):
    path = log_name() + ".blocks"
    counted(path)
    with machine([mode, f"{mode} send=udp:{to}:9 size=64 seconds={SECONDS} "
                        "wait=4"]) as m:
        m.settle(2)
        before = blocks(path)
        found = m.expect(r"sent udp (\d+) packets", 90)
        after = blocks(path)
    os.remove(path)
    report(f"packet_{name}_{mode[4:]}", before, after, int(found[1]))


PARTS = {f"{name}_{mode}": (lambda f=f, mode=mode: f(f"net={mode}"))
         for mode in ("copy", "flip")
         for name, f in (
             ("in", host_to_domain),
             ("out", lambda m: from_domain(m, HOST, "domain_to_host")),
             ("between", lambda m: from_domain(m, A, "domain_to_domain")))}

run_parts(PARTS, prepare=build)
