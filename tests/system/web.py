#!/usr/bin/env -S python3 -B
"""Guests of the kit on the network: netfront, lwIP and its services."""
import subprocess
import sys

from lib.cases import case, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import HOST, WAN, NetMachine, appliance, files, within_namespace

ECHO = "10.1.0.30"

RULES = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain echo on dmz address {ECHO} {{ kernel "echo" memory 16M }}
allow icmp from any to any
"""


def boot():
    return NetMachine([dom0(attach="echo"), appliance(RULES),
                       files(echo=f"{GUESTS}/echo.elf")])


@case(60, "ping")
def ping():
    with boot() as m:
        m.expect(r"echo: up", 60)
        done = subprocess.run(["busybox", "ping", "-c", "3", "-W", "5", ECHO],
                              stdout=subprocess.PIPE)
        print(done.stdout.decode())
        if done.returncode:
            raise Failure("no answer to a ping")
        m.send("\x1d")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
