#!/usr/bin/env -S python3 -B
"""Debian's kernel behind the firewall, and a host outside that it talks to."""
import hashlib
import os
import socket
import sys
import threading
import time

from lib.cases import case, main
from lib.machine import Failure, dom0
from lib.net import (HOST, WAN, NetMachine, appliance, linux_files, refused,
                     within_namespace)

ADDRESS, GATEWAY = "10.1.0.10", "10.1.0.1"
BYTES = 20_000_000
PORT = 8000

RULES = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain linux on dmz address {ADDRESS} {{
    kernel "vmlinux" ramdisk "initrd" memory 200M
    cmdline "console=hvc0 quiet"
}}
domain other on dmz address 10.1.0.20
allow icmp from any to any
allow tcp {PORT} from any to any
allow udp 7 from linux to any
allow udp {PORT} from any to linux
"""


def boot(rules):
    return NetMachine([dom0(attach="linux"), appliance(rules), linux_files()])


def shell(m, line, answer=None, timeout=30):
    """A command in the guest; what it prints must match."""
    m.send(line + "; echo DO''NE $?\r")
    found = m.expect(answer, timeout) if answer else None
    if m.expect(r"DONE (\d+)", timeout)[1] != b"0":
        raise Failure(f"in the guest: {line}")
    return found


def up(m):
    m.expect(r"SLUICE-INIT: shell", 90)
    shell(m, "ip link set lo up; ip link set eth0 up;"
             f"ip addr add {ADDRESS}/24 dev eth0;"
             f"ip route add default via {GATEWAY}; cd /tmp")


def serve(data, received):
    """One connection each way: the data out, then what comes back."""
    listener = socket.create_server((HOST, PORT))

    def talk():
        with listener:
            with listener.accept()[0] as s:
                s.sendall(data)
            with listener.accept()[0] as s:
                while chunk := s.recv(1 << 16):
                    received.append(chunk)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    return thread


@case(200, "tcp")
def tcp():
    """Data from the host to the guest and back arrives as it was sent."""
    data = os.urandom(BYTES)
    digest = hashlib.md5(data).hexdigest()
    with boot(RULES) as m:
        up(m)
        shell(m, f"ping -c 2 {GATEWAY}", r"2 packets received")
        shell(m, f"ping -c 2 {HOST}", r"2 packets received")
        received = []
        thread = serve(data, received)
        shell(m, f"nc {HOST} {PORT} >big </dev/null; md5sum big", digest, 90)
        shell(m, f"nc -w 3 {HOST} {PORT} <big", timeout=90)
        thread.join(30)
        if hashlib.md5(b"".join(received)).hexdigest() != digest:
            raise Failure("what came back is not what was sent")
        m.send("\x1d")
        m.closes()


@case(150, "denied")
def denied():
    """What no rule allows does not pass, and what claims to be another less."""
    with boot(RULES) as m:
        up(m)
        m.send("nc -l -p 9000 &\r nc -l -p 8000 &\r")
        shell(m, "sleep 1")
        if not refused(ADDRESS, 9000):
            raise Failure("port 9000 answers, which no rule allows")
        socket.create_connection((ADDRESS, PORT), 10).close()
        # Another's address, which is not bound to this port.
        shell(m, "ip addr add 10.1.0.20/32 dev eth0;"
                 f"ping -c 2 -W 1 -I 10.1.0.20 {HOST}; true",
              r"0 packets received")
        m.send("\x1d")
        lines = " ".join(m.accounts())
        for reason in ("default_deny", "spoof"):
            if reason not in lines:
                raise Failure(f"no drop for {reason} in: {lines}")
        m.closes()


@case(120, "closed")
def closed():
    """Without rules every packet is dropped: an appliance file with an error."""
    with boot(RULES + "allow tcp 99999 from any to any\n") as m:
        m.expect(r"test.vfr:\d+:\d+: ", 60)
        m.expect(r"every packet is dropped", 60)
        if not refused(WAN, PORT):
            raise Failure("the appliance answers without rules")
        m.expect(r"dom0>")
        if "no_ruleset" not in " ".join(m.accounts()):
            raise Failure("the drops are not counted")
        m.closes()


def flood(address, port, seconds):
    """Datagrams as fast as it goes; how many.  Nobody needs to listen."""
    sent, end = 0, time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        while time.monotonic() < end:
            for _ in range(100):
                s.sendto(b"x" * 22, (address, port))
            sent += 100
    return sent


@case(120, "overload")
def overload():
    """What is too much is dropped by the NIC, not worked on in vain."""
    with NetMachine([dom0(attach="linux"), appliance(RULES), linux_files()],
                    cpus=1) as m:
        up(m)
        sent = flood(ADDRESS, PORT, 3)
        shell(m, "true")                # it lives
        m.send("\x1d")
        nic = m.ports()["nic0"]
        late = nic.get("queue_full", 0)
        print(f"sent {sent} got {nic['in']} of which for full rings {late}")
        if late > nic["in"] / 20:
            raise Failure(f"{late} packets of {nic['in']} found a full ring")
        m.closes()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
