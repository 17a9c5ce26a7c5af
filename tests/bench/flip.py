#!/usr/bin/env -S python3 -B
"""Receiving by exchange of pages against receiving by copy, over packet size.

Instructions of the whole machine (QEMU's -icount, one CPU) for a packet from the
NIC to the guest's hands; those that the guest spends waiting are taken off.
"""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
from lib.machine import GUESTS, Failure, dom0, log_name          # noqa: E402
from lib.net import (HOST, WAN, NetMachine, appliance, files,    # noqa: E402
                     within_namespace)

ADDRESS, SINK = "10.1.0.10", 9004
SIZES = (64, 256, 512, 1024, 1200, 1472)    # of payload
STEP, STEPS = 2000, 4
LIMIT_S = 40                # for one size


def rules(mode):
    return f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain sink on dmz address {ADDRESS} {{
    kernel "flip" memory 16M cmdline "do=talk net={mode} step={STEP} spin=1"
}}
allow udp {SINK} from any to any
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


class Counted(NetMachine):
    def all(self, pattern):
        """All matches so far, as numbers."""
        found = []
        while True:
            try:
                found.append(tuple(map(int, self.expect(pattern, 0).groups())))
            except Failure:
                return found


def mode(name):
    with Counted([dom0(), appliance(rules(name)),
                  files(flip=f"{GUESTS}/flip.elf")],
                 cpus=1, counted=True) as m:
        m.expect(r"talking")
        for size in SIZES:
            print(f"receive_{name}_{size}", flood(m, size), "instructions",
                  flush=True)


def main():
    if len(sys.argv) == 1:              # a machine and a namespace for each
        sys.exit(any([subprocess.call([sys.argv[0], each])
                      for each in ("copy", "flip")]))
    within_namespace()
    os.makedirs(os.path.dirname(log_name()), exist_ok=True)
    try:
        mode(sys.argv[1])
    except Failure as failure:
        sys.exit(f"# flip: {failure}")


main()
