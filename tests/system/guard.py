#!/usr/bin/env -S python3 -B
"""What must not pass does not, from power-on, and what may pass goes on while
rules change: two Debian guests behind the firewall and a host outside."""
import socket
import struct
import sys
import threading
import time

from lib.cases import Checks, case, main
from lib.machine import Failure, dom0, log_name
from lib.net import (HOST, HOST6, NIC_MAC, WAN, WAN6, NetMachine, appliance,
                     linux_files, rules_file, within_namespace)
from lib.talk import Talk, go_on
from lib.wire import (ICMP, ICMP6, TCP, UDP, Wire, capture, echo, ip, number,
                      udp)

A, A6, B, B6 = "10.1.0.10", "2001:db8:1::10", "10.2.0.20", "2001:db8:2::20"
INNER, OUTER = "10.1.0.11", "203.0.113.11"      # a's second, and as seen outside
STAY, GO, SINK = 8000, 8001, 9000               # TCP ports
RATE = 8                                        # Mbit/s that b may send


def rules(tcp=f"{STAY}, {GO}", rate=f"rate {RATE}Mbit", b=True, more=""):
    """The appliance file; variants of it are loaded while all runs."""
    settings = ('kernel "vmlinux" ramdisk "initrd" memory 200M cmdline '
                '"console=hvc0 quiet sluice.then=commands"')
    b = f"domain b on far address {B}, {B6} {rate} {{ {settings} }}" if b else ""
    return f"""
nic wan address {WAN}/24, {WAN6}/64 gateway {HOST}, {HOST6}
net dmz 10.1.0.0/24, 2001:db8:1::/64
net far 10.2.0.0/24, 2001:db8:2::/64
domain a on dmz address {A}, {INNER}, {A6} {{ {settings} }}
{b}
allow icmp echo-request
allow tcp {{ {tcp} }} from any to a
allow udp 7 from any to a
allow {{ tcp {SINK}, udp {SINK} }}
{more}
"""


NAT = f"""
redirect on wan tcp 8080 to a tcp {STAY}
redirect on wan udp 5000 to a udp 7
masquerade far out wan
static {INNER} as {OUTER} on wan
"""
VARIANTS = {
    "strict.vfr": rules(tcp=STAY),
    "nat.vfr": rules(more=NAT),
    "free.vfr": rules(rate=""),
    "without-b.vfr": rules(b=False),
    "wrong.vfr": rules(more="allow tcp 99999 from any to a"),
}


# ---- from power-on ----

def arp(kind, mac, sender, target):
    return b"\xff" * 6 + mac + b"\x08\x06" + \
        struct.pack("!HHHH", 1, 0x0800, 0x0604, kind) + \
        mac + number(sender) + bytes(6) + number(target)


def knock(wire, until):
    """Ask for the appliance, and a guest, until somebody says it is enough."""
    while not until.wait(0.05):
        wire.frame(arp(1, wire.mac, HOST, WAN))
        for there in WAN, A:
            wire.send(ip(HOST, there, ICMP, echo(HOST, there)), NIC_MAC)


def boot(dump):
    """Booted while outside somebody knocks; and when the rules were there."""
    files = [rules_file(name, text) for name, text in VARIANTS.items()]
    m = NetMachine([dom0(), appliance(rules()), linux_files()] + files,
                   dump=dump,
                   expression=f"not port {STAY} and not port {GO} and "
                              f"not port {SINK}")
    enough = threading.Event()
    thread = threading.Thread(target=knock, args=(Wire("tap0"), enough))
    thread.start()
    try:
        m.expect(r"dom0: up", 60)
        up_at = time.time()
        m.expect(r"rules loaded", 60)
    finally:
        enough.set()
        thread.join()
    return m, up_at


def may_leave(p):
    """What the rules, and the firewall's own duties, let out to the host."""
    if p.type == 0x0806:
        return p.data[14:18] in (number(WAN), number(OUTER))
    if p.proto in (ICMP, ICMP6):
        # Neighbour discovery is the firewall's own.
        return p.src not in (B, B6) or p.sport in (8, 0, 3, 128, 129)
    if p.proto == TCP:          # but for what the capture leaves out
        return (p.src, p.sport) == (WAN, 8080)
    return p.proto == UDP and p.src in (A, A6, WAN)


def silence(dump, up_at):
    """Nothing came before the rules, and since then what they allow alone."""
    ours = [(at, p) for at, p in capture(dump)
            if p.src_mac == NIC_MAC and p.dst_mac != NIC_MAC]
    if not ours:
        raise Failure("the capture has nothing of the appliance")
    if ours[0][0] < up_at - 0.2:
        raise Failure(f"{up_at - ours[0][0]:.1f} s before dom0 was up: "
                      f"{ours[0][1]}")
    for _, p in ours:
        if not may_leave(p):
            raise Failure(f"no rule lets it out: {p}")


def up(m):
    a, b = m.guests("a", "b")
    a.sh(f"netup {A}/24 10.1.0.1 {A6}/64 2001:db8:1::1")
    a.sh(f"ip addr add {INNER}/32 dev eth0")
    b.sh(f"netup {B}/24 10.2.0.1 {B6}/64 2001:db8:2::1")
    a.background(f"peer echo 7 {STAY} {GO}")
    b.background("peer errors >/tmp/errors")
    a.sh(f"until nc.openbsd -zw 1 127.0.0.1 {GO}; do sleep 0.1; done")
    return a, b


# ---- spoofing ----

class Counted:
    """Within the block that many packets of the port are dropped as spoofed,
    and nothing of them is on the wire."""

    def __init__(self, m, wire, port, source, least=1):
        self.m, self.wire, self.port = m, wire, port
        self.source, self.least = source, least

    def count(self):
        return self.m.ports()[self.port].get("spoof", 0)

    def __enter__(self):
        self.before = self.count()
        self.wire.forget()

    def __exit__(self, kind, *rest):
        if kind:
            return
        self.wire.none(lambda p: p.src == self.source, "spoofed", 0.2)
        end = time.monotonic() + 5      # it may wait in the device
        while self.count() < self.before + self.least:
            if time.monotonic() > end:
                raise Failure(f"{self.count() - self.before} drops counted, "
                              f"not {self.least}")


def spoofed_inside(check, m, wire, a, b):
    for source, to in ("10.1.0.77", HOST), (B, HOST), (HOST, B), (WAN, HOST), \
            ("2001:db8:1::77", HOST6), (B6, HOST6), (HOST6, B6):
        with check(f"spoofed-address-{source}"):
            with Counted(m, wire, "a", source):
                packet = ip(source, to, UDP, udp(source, to, 7, SINK, b"x"))
                a.sh(f"peer raw {packet.hex()}")
    for source, to, flag in ("10.1.0.77", "10.1.0.1", ""), \
            ("2001:db8:1::77", "2001:db8:1::1", "-6"):
        with check(f"spoofed-{'ndp' if flag else 'arp'}"):
            with Counted(m, wire, "a", source):
                size = 128 if flag else 32
                a.sh(f"ip {flag} addr add {source}/{size} dev eth0;"
                     "ip neigh flush dev eth0;"
                     f"ping -c 1 -W 1 -I {source} {to}; "
                     f"ip {flag} addr del {source}/{size} dev eth0")
    with check("spoofed-mac"):
        with Counted(m, wire, "b", B):
            b.sh("cat /sys/class/net/eth0/address >/tmp/mac;"
                 "ip link set eth0 down;"
                 "ip link set eth0 address 02:00:00:00:00:99;"
                 "ip link set eth0 up; ip route add default via 10.2.0.1;"
                 f"ping -c 1 -W 1 {HOST}; ip link set eth0 down;"
                 "ip link set eth0 address $(cat /tmp/mac);"
                 "ip addr flush dev eth0")
        b.sh(f"netup {B}/24 10.2.0.1 {B6}/64 2001:db8:2::1")
        b.sh(f"ping -c 1 -W 5 {HOST}")


def spoofed_outside(check, m, wire):
    for source in A, B, WAN:
        with check(f"spoofed-outside-{source}"):
            with Counted(m, wire, "nic0", source):
                wire.send(ip(source, A, UDP, udp(source, A, 9, 7, b"x")),
                          NIC_MAC)
    for source in A6, WAN6:
        with check(f"spoofed-outside-{source}"):
            with Counted(m, wire, "nic0", source):
                wire.send(ip(source, A6, UDP, udp(source, A6, 9, 7, b"x")),
                          NIC_MAC)
    with check("spoofed-outside-mac"):
        with Counted(m, wire, "nic0", "203.0.113.66"):
            wire.send(ip("203.0.113.66", A, UDP, udp("203.0.113.66", A, 9, 7,
                                                     b"x")), NIC_MAC, NIC_MAC)
    for source in WAN, A:
        with check(f"spoofed-outside-arp-{source}"):
            with Counted(m, wire, "nic0", source):
                wire.frame(arp(1, wire.mac, source, HOST))


# ---- translation ----

def tcp_echo(address, port):
    with socket.create_connection((address, port), 10) as s:
        s.sendall(b"hello")
        if s.recv(100) != b"hello":
            raise Failure("no echo")


def udp_echo(address, port, size):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((address, port))
        s.send(b"x" * size)
        if s.recv(70000) != b"x" * size:
            raise Failure("another answer")


def translated(check, m, wire, a, b):
    with check("nat-load"):
        m.command("rules load nat.vfr", r"rules loaded: nat.vfr")
    with check("redirect-tcp"):
        tcp_echo(WAN, 8080)
    with check("redirect-udp"):
        udp_echo(WAN, 5000, 100)
    with check("redirect-fragments"):
        udp_echo(WAN, 5000, 4000)
    with check("redirect-from-inside"):
        b.sh(f"echo hello | nc.openbsd -N -w 9 {WAN} 8080 | grep hello")
    with check("masquerade-tcp"):
        with socket.create_server((HOST, SINK)) as listener:
            listener.settimeout(20)
            b.background(f"echo hello | nc.openbsd -N -w 9 {HOST} {SINK}")
            s, address = listener.accept()
            with s:
                if s.recv(100) != b"hello\n" or address[0] != WAN:
                    raise Failure(f"from {address}")
    with check("masquerade-ping"):
        wire.forget()
        b.sh(f"ping -c 1 -W 5 -s 3000 {HOST}")
        wire.wait(lambda p: (p.src, p.proto, p.dst) == (WAN, ICMP, HOST),
                  "a ping of the firewall's address")
    with check("masquerade-error"):
        b.sh(f"echo '?' | nc.openbsd -u -w 1 {HOST} {SINK}; sleep 0.3;"
             f"grep '^3 3 {number(HOST).hex()}' /tmp/errors")
    with check("static-in"):
        tcp_echo(OUTER, STAY)
    with check("static-out"):
        wire.forget()
        a.sh(f"ping -c 1 -W 5 -I {INNER} {HOST}")
        wire.wait(lambda p: (p.src, p.proto, p.dst) == (OUTER, ICMP, HOST),
                  "a ping of the outer address")
    with check("rules-shown"):
        m.command("rules", r"(?s)redirect: packets [1-9]\d* bytes .*"
                         r"masquerade: packets [1-9].*static: packets [1-9].*"
                         r"rules: nat.vfr, \d+ rules, hash [0-9a-f]{16}, "
                         r"before them: test.vfr")
    with check("nat-rollback"):
        m.command("rules rollback", r"rules loaded: test.vfr")
        try:
            socket.create_connection((WAN, 8080), 1).close()
            raise Failure("the redirect is still there")
        except OSError:
            pass


# ---- rules under load ----

class Opens(threading.Thread):
    """New connections, one after the other; each must succeed."""

    def __init__(self):
        super().__init__(daemon=True)
        self.count, self.failed = 0, None
        self.ending = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ending.wait(0.02):
                tcp_echo(A, STAY)
                self.count += 1
        except (OSError, Failure) as why:
            self.failed = f"after {self.count}: {why}"

    def stop(self):
        self.ending.set()
        self.join()


def fall_silent(talks):
    time.sleep(0.2)             # for answers that are on their way
    before = [t.said for t in talks]
    time.sleep(1)
    heard = sum(t.said > n for t, n in zip(talks, before))
    if heard:
        raise Failure(f"{heard} connections that are not allowed go on")


def closed(m, command):
    """The load's own count of flows that it closed."""
    return int(m.command(command, r"rules loaded: \S+ .* (\d+) closed")[1])


def opens_not(port):
    try:
        socket.create_connection((A, port), 1).close()
        raise Failure(f"a new connection to {port}")
    except TimeoutError:
        pass


def reload_under_load(check, m):
    opens = Opens()
    stay = [Talk(A, STAY) for _ in range(20)]
    go = [Talk(A, GO) for _ in range(20)]
    with check("reload-load"):
        go_on(stay + go)
    with check("reload-closes"):
        count = closed(m, "rules load strict.vfr")
        if count != len(go):
            raise Failure(f"{count} flows closed, not {len(go)}")
        fall_silent(go)
        opens_not(GO)
        go_on(stay)
    for t in go:
        t.stop()
    with check("reload-rollback"):
        closed(m, "rules rollback")
        go = [Talk(A, GO) for _ in range(10)]
        go_on(stay + go)
    with check("reload-errors"):
        m.command("rules load wrong.vfr", r"wrong.vfr:\d+:\d+: port 99999")
        m.expect(r"wrong.vfr: not loaded")
        m.command("rules load nothing.vfr", r"no boot module ':file nothing")
        go_on(stay + go)
        m.command("rules", r"rules: test.vfr, ")
    with check("reload-keep-flows"):
        count = closed(m, "rules load strict.vfr keep-flows")
        if count:
            raise Failure(f"{count} flows closed")
        opens_not(GO)
        go_on(stay + go)
    with check("reload-unconfirmed"):
        closed(m, "rules load test.vfr")
        closed(m, "rules load strict.vfr keep-flows confirm 2")
        m.expect(r"strict.vfr: not confirmed", 20)
        m.expect(r"rules loaded: test.vfr", 20)
        tcp_echo(A, GO)
        go_on(stay + go)
    with check("reload-confirmed"):
        closed(m, "rules load free.vfr confirm 1")
        m.command("rules confirm", r"free.vfr: confirmed")
        time.sleep(1.5)
        m.command("rules", r"rules: free.vfr, ")
        closed(m, "rules load test.vfr")
    with check("reload-often"):
        for _ in range(10):
            if closed(m, "rules load nat.vfr") or \
                    closed(m, "rules load test.vfr"):
                raise Failure("an allowed flow was closed")
        go_on(stay + go)
    with check("reload-new-connections"):
        opens.stop()
        if opens.failed or opens.count < 20:
            raise Failure(opens.failed or f"only {opens.count}")
        print(f"{opens.count} connections opened meanwhile")
    for t in stay + go:
        t.stop()


# ---- what a domain may send in a second; a domain without rules ----

def sent_rate(b, size):
    """Mbit/s of payload at which b sends that many bytes."""
    with socket.create_server((HOST, SINK)) as listener:
        listener.settimeout(30)
        b.background(f"head -c {size} /dev/zero | "
                     f"nc.openbsd -N {HOST} {SINK}")
        with listener.accept()[0] as s:
            s.settimeout(30)
            began, got = time.monotonic(), 0
            while data := s.recv(1 << 16):
                got += len(data)
            seconds = time.monotonic() - began
    if got != size:
        raise Failure(f"{got} bytes of {size}")
    return got * 8 / seconds / 1e6


def rate(check, m, b):
    with check("rate"):
        got = sent_rate(b, 3_000_000)
        if not RATE / 2 < got < RATE * 1.1:
            raise Failure(f"{got:.1f} Mbit/s where {RATE} may be")
    with check("rate-lifted"):
        closed(m, "rules load free.vfr")
        got = sent_rate(b, 6_000_000)
        if got < RATE * 1.5:
            raise Failure(f"{got:.1f} Mbit/s without a limit")
    with check("rate-back"):
        closed(m, "rules load test.vfr")
        got = sent_rate(b, 2_000_000)
        if got > RATE * 1.2:
            raise Failure(f"{got:.1f} Mbit/s where {RATE} may be")


def without_rules(check, m, b):
    with check("not-in-the-rules"):
        m.command("rules load without-b.vfr", r"b: not in these rules: closed")
        before = m.ports()["b"].get("no_port", 0)
        b.sh(f"ping -c 2 -W 1 10.2.0.1 | grep ' 0 packets received'")
        if m.ports()["b"].get("no_port", 0) == before:
            raise Failure("the drops are not counted")
        closed(m, "rules rollback")
        b.sh(f"ping -c 1 -W 5 {HOST}")


@case(400, "all")
def everything():
    """Default deny from power-on, spoofing, translation, rules under load."""
    check = Checks()
    dump = log_name() + ".pcap"
    m, up_at = boot(dump)
    with m:
        a, b = up(m)
        wire = Wire("tap0")
        spoofed_inside(check, m, wire, a, b)
        spoofed_outside(check, m, wire)
        translated(check, m, wire, a, b)
        reload_under_load(check, m)
        rate(check, m, b)
        without_rules(check, m, b)
        with check("dropped-without-rules"):
            if m.ports()["nic0"].get("no_ruleset", 0) < 3:
                raise Failure("nothing came before the rules")
        m.closes()
    with check("silence-from-power-on"):
        silence(dump, up_at)
    check.end()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
