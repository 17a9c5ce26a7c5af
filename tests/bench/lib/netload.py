"""Traffic between the host and guests of the kit (netbench), to measure."""
import re
import socket
import threading
import time

from lib.machine import GUESTS, dom0
from lib.net import HOST, WAN, NetMachine, appliance, files

A = "10.1.0.10"                         # the first guest
SECONDS = 4
ECHO, DISCARD, SOURCE, COUNTERS = 7, 9, 19, 8
ASKED = 400


def say(name, value, unit):
    print(name, f"{value:.4g}", unit, flush=True)


class Sink(threading.Thread):
    """Counts datagrams by port, and bytes of connections to port 10."""

    def __init__(self, ports=(DISCARD,)):
        super().__init__(daemon=True)
        self.sockets = {}
        for port in ports:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.bind(("0.0.0.0", port))
            self.sockets[port] = s
        self.packets = dict.fromkeys(ports, 0)
        self.listener = socket.create_server(("0.0.0.0", 10))
        for port, s in self.sockets.items():
            threading.Thread(target=self.count, args=(port, s),
                             daemon=True).start()
        self.start()

    def count(self, port, s):
        while s.recv(2048):
            self.packets[port] += 1

    def run(self):
        while True:
            s = self.listener.accept()[0]
            try:
                while s.recv(1 << 18):
                    pass
            except ConnectionResetError:
                pass                    # how netbench ends


def blast(size, seconds=SECONDS):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((A, DISCARD))
        data, end = bytes(size), time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(16):
                try:
                    s.send(data)
                except ConnectionRefusedError:
                    pass


def counters(address=A):
    """Of the guest: packets of UDP, bytes of TCP, its time in ns."""
    with socket.create_connection((address, COUNTERS), 20) as s:
        text = b""
        while chunk := s.recv(4096):
            text += chunk
    found = re.search(rb"udp (\d+) (\d+) tcp (\d+) ns (\d+)", text)
    return int(found[1]), int(found[3]), int(found[4])


def received(send):
    """What arrives at the guest in a second of its time: packets, bytes."""
    before = counters()
    send()
    udp, tcp, ns = (b - a for a, b in zip(before, counters()))
    return udp * 1e9 / ns, tcp * 1e9 / ns


def push(seconds=SECONDS):
    with socket.create_connection((A, DISCARD), 20) as s:
        data, end = bytes(1 << 18), time.monotonic() + seconds
        while time.monotonic() < end:
            s.sendall(data)


def pull(seconds=SECONDS):
    total, began = 0, time.monotonic()
    with socket.create_connection((A, SOURCE), 20) as s:
        while time.monotonic() - began < seconds:
            total += len(s.recv(1 << 18))
    return total / (time.monotonic() - began)


def round_trips(count=ASKED):
    """The median and the 99th percentile, in us."""
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((A, ECHO))
        s.settimeout(1)
        for i in range(count):
            began = time.monotonic()
            s.send(i.to_bytes(64, "little"))
            try:
                while s.recv(2048)[:8] != i.to_bytes(8, "little"):
                    pass
                times.append((time.monotonic() - began) * 1e6)
            except socket.timeout:
                pass
            time.sleep(0.002)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


# ---- machines ----

def denials(count):
    return [f"deny udp {1000 + i} from 10.200.{i >> 8}.{i & 255} to any"
            for i in range(count)]


class PlainMachine(NetMachine):
    """Its NIC neither cuts segments nor adds up, nor takes what others left."""

    DEVICE = NetMachine.DEVICE + "".join(
        f",{what}=off" for what in
        """csum guest_csum gso host_tso4 host_tso6 host_ecn host_ufo guest_tso4
           guest_tso6 guest_ecn guest_ufo""".split())


def machine(cmdlines, rules=1, kind=NetMachine, cpus=1):
    domains = [f"""
domain d{i} on dmz address 10.1.0.{10 + i} {{
    kernel "netbench" memory 16M cmdline "{line}"
}}""" for i, line in enumerate(cmdlines)]
    text = "\n".join([f"nic wan address {WAN}/24 gateway {HOST}",
                      "net dmz 10.1.0.0/24", *domains, *denials(rules - 1),
                      "allow any from any to any", ""])
    m = kind([dom0(), appliance(text),
              files(netbench=f"{GUESTS}/netbench.elf")],
             cpus=cpus, cpu="max,-smap",
             accel=f"tcg,thread={'single' if cpus == 1 else 'multi'}",
             memory_mib=2048)
    for _ in cmdlines:
        m.expect(r"netbench: up", 120)
    return m
