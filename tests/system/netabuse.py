#!/usr/bin/env -S python3 -B
"""Frontends that mean harm; a bystander keeps its traffic meanwhile."""
import re
import socket
import sys
import threading
import time

from lib.cases import case, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, WAN, E1000Machine, NetMachine, appliance, files,
                     run, within_namespace)

BYSTANDER, EVIL = "10.1.0.20", "10.1.0.66"
ECHO = 7
DENIED = 6666
RATE = 250                      # packets a second of the bystander's stream

RULES = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain evil on dmz address {EVIL} {{
    kernel "netabuse.elf" memory 8M vcpus 2
    cmdline "ip={EVIL}"
}}
domain web on dmz address {BYSTANDER} {{
    kernel "netabuse.elf" memory 8M
    cmdline "role=echo ip={BYSTANDER}"
}}
allow udp {ECHO} from any to any
allow tcp {ECHO} from any to any
allow icmp from any to any
"""


DOOMED = f"""
domain doomed on dmz address 10.1.0.99 {{
    kernel "netabuse.elf" memory 4M
    cmdline "role=burst ip=10.1.0.99"
}}
"""
PAL = """
domain pal on dmz address 10.1.0.98 {
    kernel "netabuse.elf" memory 8M
    cmdline "ip=10.1.0.98"
}
"""
CYCLES = 1000
OWN_PAGES = 16


class Stream:
    """Numbered packets to the bystander at a bounded rate, and what comes
    back: a packet is lost that is not back after a while."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((HOST, 0))
        self.socket.settimeout(0.2)
        self.sent = 0
        self.back = set()
        self.stop = False
        self.threads = [threading.Thread(target=f, daemon=True)
                        for f in (self.send, self.receive)]

    def send(self):
        began = time.monotonic()
        while not self.stop:
            self.socket.sendto(self.sent.to_bytes(8, "big") + bytes(92),
                               (BYSTANDER, ECHO))
            self.sent += 1
            late = began + self.sent / RATE - time.monotonic()
            # Not a burst to catch up: that would be another rate.
            if late > 0:
                time.sleep(late)
            else:
                began -= late

    def receive(self):
        while not self.stop or self.left > time.monotonic():
            try:
                self.back.add(int.from_bytes(self.socket.recv(2048)[:8], "big"))
            except socket.timeout:
                pass

    def __enter__(self):
        # The ways there are learned before anything is counted.
        for _ in range(50):
            self.socket.sendto(bytes(100), (BYSTANDER, ECHO))
            try:
                self.socket.recv(2048)
                break
            except socket.timeout:
                pass
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.left = time.monotonic() + 1
        self.stop = True
        for thread in self.threads:
            thread.join()
        self.socket.close()
        if kind is None:
            self.judge()

    def judge(self):
        share = len(self.back) / max(self.sent, 1)
        print(f"bystander: {len(self.back)} of {self.sent}")
        if share < 0.99:
            raise Failure(f"the bystander got {len(self.back)} packets of "
                          f"{self.sent}")


def boot(rules=RULES, machine=NetMachine):
    m = machine([dom0(), appliance(rules),
                    files(**{"netabuse.elf": f"{GUESTS}/netabuse.elf"})])
    m.expect(r"dom0: ready", 60)
    return m


def attack(m, line, timeout=60, domain="evil"):
    """Have the hostile domain do something, all of whose checks hold."""
    name = line.split()[0]
    m.send(f"send {domain} {line}\r")
    found = m.expect(rf"\[{domain}\] result: (\w+): \d+ checks.*\n(.*\n)*?.*over: {name}",
                     timeout)
    if found[1] != b"success":
        raise Failure(f"{name}: see the lines with FAILED")


# What the hypervisor says when it cuts a vif off, once for each time.
WHY = {
    "tx": ["a packet that does not end", "extra slots without an end",
           "extra slots without an end", "a packet of too many slots"],
    "index": ["a request index out of range"] * 4,
    "rx": ["a receive index out of range"] * 3,
    "store": [],
    "rings": [],
}


def said(m):
    """From the log: on the serial line others' words come in between."""
    log = m.command("dmesg\rmemory", r"((?:.*\n)*?)memory: free")[1].decode()
    return re.findall(r"vif 0 of domain \d+ \(evil\): (.*): no more service",
                      log)


@case(100, "rings")
def rings():
    """Each way to break the protocol that is one packet or one state long."""
    with boot() as m:
        m.expect(r"\[web\] echo: ready")
        with Stream():
            for name, why in WHY.items():
                before = len(said(m))
                attack(m, name)
                found = said(m)[before:]
                if found != why:
                    raise Failure(f"{name}: said {found}, not {why}")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


class Flood:
    """As many packets to the hostile domain as a bounded rate allows."""

    def __init__(self, rate):
        self.rate = rate
        self.stop = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        began, sent = time.monotonic(), 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while self.rate and not self.stop:
                for _ in range(20):
                    s.sendto(bytes(200), (EVIL, ECHO))
                sent += 20
                late = began + sent / self.rate - time.monotonic()
                if late > 0:
                    time.sleep(late)
                else:
                    began -= late

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


@case(100, "others")
def others():
    """What goes on and on: floods, races, and a receiver that takes nothing."""
    with boot() as m:
        m.expect(r"\[web\] echo: ready")
        for name in sys.argv[2:] or ("race 2000", "events 2000", "garbage 2000",
                                     "flood 2000", "leech 3000", "stall 3000"):
            with Flood(4000 if name.startswith("stall") else 0), Stream():
                attack(m, name)
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


def uses(m):
    """What is in use, when all that ends by itself has ended."""
    time.sleep(1)
    found = m.command("uses", r"uses: ([^\r\n]*)\r*\n")[1].decode()
    return {key: int(n) for key, n in (x.split() for x in found.split(", "))}


def same(m, before, what):
    """Nothing leaked; dom0's own memory may be cut into other pieces."""
    after = uses(m)
    print(after)
    own = before.pop("own") - after.pop("own")
    if after != before or own > OWN_PAGES:
        raise Failure(f"{what}: in use was {before}, is {after}; "
                      f"dom0 took {own} pages")


@case(200, "connects")
def connects():
    """A thousand connects and disconnects leave nothing behind."""
    with boot() as m:
        m.expect(r"\[web\] echo: ready")
        attack(m, "cycles 20")
        before = uses(m)
        attack(m, f"cycles {CYCLES}", 150)
        same(m, before, f"{CYCLES} connects")
        m.accounts()
        m.audit()


@case(500, "lives")
def lives():
    """A thousand domains, ended with packets on their way, leave nothing."""
    with boot(RULES + DOOMED) as m:
        m.expect(r"\[web\] echo: ready")
        m.command("churn doomed 20", r"churn: 20 times")
        before = uses(m)
        found = m.command(f"churn doomed {CYCLES}",
                          rf"churn: {CYCLES} times, (\d+) connected", 450)
        if int(found[1]) < CYCLES * 9 // 10:
            raise Failure(f"only {int(found[1])} were connected")
        same(m, before, f"{CYCLES} lives")
        m.accounts()
        m.audit()


def checksum(data):
    total = sum(int.from_bytes(data[i:i + 2], "big")
                for i in range(0, len(data), 2))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def errors(address, count, timeout=2):
    """How many packets, one at a time, whose hops run out are told so: the
    VFR makes a packet of its own for each."""
    answers = 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_ICMP) as s:
        s.settimeout(timeout)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        for number in range(count):
            head = bytes([8, 0, 0, 0, 0x12, 0x34, 0, number])
            head = head[:2] + checksum(head).to_bytes(2, "big") + head[4:]
            s.sendto(head, (address, 0))
            try:
                # Type 11, behind whose 8 bytes comes what we sent.
                while (got := s.recv(2048)[20:])[0] != 11 or \
                        got[28:36] != head:
                    pass
                answers += 1
            except socket.timeout:
                pass
            time.sleep(0.05)
    return answers


@case(60, "segments")
def segments():
    """Packets of many small segments, for a NIC that cannot make them."""
    with boot(machine=E1000Machine) as m:
        m.expect(r"\[web\] echo: ready")
        # Without an answer to each: that would be a flood from outside.
        run("nft 'add table inet t; add chain inet t in"
            " { type filter hook input priority 0; };"
            f" add rule inet t in tcp dport {ECHO} drop'")
        with Stream():
            attack(m, "segments 3000")
        m.accounts()
        m.audit()


@case(60, "deaf")
def deaf():
    """Who asks the VFR and takes no answer leaves it answers for others."""
    with boot() as m:
        m.expect(r"\[web\] echo: ready")
        errors(BYSTANDER, 1, 10)
        m.send("send evil deaf 4000\r")
        m.expect(r"\[evil\] ok connected")
        time.sleep(0.5)
        answered = errors(BYSTANDER, 20)
        print(f"answered: {answered} of 20")
        if answered < 20:
            raise Failure(f"the VFR answered {answered} of 20")
        m.expect(r"over: deaf")
        m.accounts()
        m.audit()


@case(100, "ghosts")
def ghosts():
    """Vifs that are gone, while their packets wait for a stalled receiver."""
    with boot(RULES + PAL) as m:
        m.expect(r"\[web\] echo: ready")
        m.send("send evil stall 600000\r")
        m.expect(r"\[evil\] ok connected")
        attack(m, "ghosts 300", domain="pal")
        m.audit()


@case(60, "rewrite")
def rewrite():
    """A header that changes while it is judged: what is judged is sent."""
    allowed, denied = listener(ECHO), listener(DENIED)
    with boot() as m:
        m.expect(r"\[web\] echo: ready")
        attack(m, "rewrite 2000")
        counts = [drain(s) for s in (allowed, denied)]
        print(f"allowed {counts[0]}, denied {counts[1]}")
        if counts[1] or not counts[0]:
            raise Failure(f"{counts[0]} packets to the allowed port and "
                          f"{counts[1]} to the other one")
        if "default_deny" not in " ".join(m.accounts()):
            raise Failure("no header was seen with the other port")
        m.command("poweroff")
        m.ends(0)


def listener(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    s.setblocking(False)
    return s


def drain(s):
    n = 0
    try:
        while s.recv(2048):
            n += 1
    except BlockingIOError:
        return n


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
