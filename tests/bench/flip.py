#!/usr/bin/env -S python3 -B
"""Receiving by exchange of pages against receiving by copy, over packet size.

Instructions of the whole machine (QEMU's -icount, one CPU) for a packet from the
NIC to the guest's hands; those that the guest spends waiting are taken off.
"""
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../system"), os.path.join(HERE, "lib")]
from lib.machine import GUESTS, Failure, dom0   # noqa: E402
from lib.net import HOST, WAN, NetMachine, appliance, files  # noqa: E402
from parts import run_parts  # noqa: E402

ADDRESS, SINK = "10.1.0.10", 9004
SIZES = (64, 256, 512, 1024, 1200, 1472)    # of payload
STEP, STEPS = 2000, 4
LIMIT_S = 40                # for one size


def rules(kernel, cmdline):
    return f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain sink on dmz address {ADDRESS} {{
    kernel "{kernel}" memory 16M cmdline "{cmdline}"
}}
allow udp {SINK}, tcp 8-9 from any to any
"""


def flood(m, size):
    """Send until the guest has said so often that it took STEP more."""
    data = bytes(size)
    lines, end = [], time.monotonic() + LIMIT_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        while len(lines) < STEPS + 1:
            for _ in range(200):
                try:
                    s.sendto(data, (ADDRESS, SINK))
                except BlockingIOError:
                    pass
            m.pump(0)
            lines += m.all(r"received (\d+) .* work (\d+)\s")
            if m.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"{len(lines)} lines for {size} bytes")
    (n0, t0), (n1, t1) = lines[0], lines[-1]
    return (t1 - t0) // (n1 - n0)


def bulk(m):
    """TCP in large segments, for each KiB: the least of some looks, since what
    the guest waits is in it."""
    with socket.create_connection((ADDRESS, 9), 20) as s:
        looks = [counters()]
        for _ in range(STEPS + 1):
            for _ in range(20):
                s.sendall(bytes(100_000))
                m.pump(0)
            looks.append(counters())
    return min((t1 - t0) * 1024 // (n1 - n0)
               for (n0, t0), (n1, t1) in zip(looks, looks[1:]))


def counters():
    """Bytes that netbench has discarded, and the time there."""
    with socket.create_connection((ADDRESS, 8), 20) as s:
        words = s.makefile().read().split()
    return int(words[4]), int(words[6])


class Counted(NetMachine):
    def all(self, pattern):
        """All matches so far, as numbers."""
        found = []
        while True:
            try:
                found.append(tuple(map(int, self.expect(pattern, 0).groups())))
            except Failure:
                return found


def machine(kernel, cmdline):
    return Counted([dom0(), appliance(rules(kernel, cmdline)),
                    files(**{kernel: f"{GUESTS}/{kernel}.elf"})],
                   cpus=1, counted=True)


def mode(name):
    with machine("flip", f"do=talk net={name} step={STEP} spin=1") as m:
        m.expect(r"talking")
        for size in SIZES:
            print(f"receive_{name}_{size}", flood(m, size), "instructions",
                  flush=True)


def mode_tcp(name):
    with machine("netbench", f"net={name}") as m:
        m.expect(r"netbench: up")
        print(f"receive_{name}_tcp", bulk(m), "instructions/KiB", flush=True)


run_parts({"copy": lambda: mode("copy"), "flip": lambda: mode("flip"),
           "copy_tcp": lambda: mode_tcp("copy"),
           "flip_tcp": lambda: mode_tcp("flip")})
