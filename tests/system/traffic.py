#!/usr/bin/env -S python3 -B
"""Debian guests on two nets, guests of the kit and a host outside that talk
through the firewall: what must arrive does, as it was sent."""
import errno
import hashlib
import os
import socket
import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from lib.cases import Checks, case, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, HOST6, NIC_MAC, WAN, WAN6, NetMachine, appliance,
                     files, linux_files, rules_file, run, within_namespace)
from lib.wire import (ICMP, ICMP6, UDP, Wire, echo, ip, is6, number, pieces,
                      udp)

A, A6, B, B6 = "10.1.0.10", "2001:db8:1::10", "10.2.0.20", "2001:db8:2::20"
KIT = {"copy": ("10.1.0.30", "2001:db8:1::30"),
       "flip": ("10.1.0.31", "2001:db8:1::31")}
SMALL = 1400            # bytes of IP that fit into b's net
BYTES = 100_000_000
PARTS = 8
BULK, ECHO = 8000, 7

RULES = f"""
nic wan address {WAN}/24, {WAN6}/64 gateway {HOST}, {HOST6}
net dmz 10.1.0.0/24, 2001:db8:1::/64
net far 10.2.0.0/24, 2001:db8:2::/64 mtu {SMALL}
domain a on dmz address {A}, {A6} {{
    kernel "vmlinux" ramdisk "initrd" memory 330M
    cmdline "console=hvc0 quiet sluice.then=commands"
}}
domain b on far address {B}, {B6} {{
    kernel "vmlinux" ramdisk "initrd" memory 200M
    cmdline "console=hvc0 quiet sluice.then=commands"
}}
domain copy on dmz address {", ".join(KIT["copy"])} {{
    kernel "netbench" memory 16M cmdline "net=copy"
}}
domain flip on dmz address {", ".join(KIT["flip"])} {{
    kernel "netbench" memory 16M cmdline "net=flip"
}}
allow icmp echo-request from any to any
reject {{ tcp 81, udp 81 }} from any to a
allow tcp {{ {ECHO}, {BULK} }} from any to any
allow udp {{ {ECHO}, 9 }} from any to any
"""


def boot():
    narrow = RULES.replace(f"gateway {HOST}", f"mtu 1300 gateway {HOST}")
    return NetMachine([dom0(), appliance(RULES), linux_files(),
                       files(netbench=f"{GUESTS}/netbench.elf"),
                       rules_file("narrow.vfr", narrow)])


def up(m):
    a, b = m.guests("a", "b")
    a.sh(f"netup {A}/24 10.1.0.1 {A6}/64 2001:db8:1::1")
    b.sh(f"netup {B}/24 10.2.0.1 {B6}/64 2001:db8:2::1")
    for g in a, b:
        g.background(f"peer echo {ECHO}")
        g.background("peer errors >/tmp/errors")
        g.sh(f"until nc.openbsd -zw 1 127.0.0.1 {ECHO}; do sleep 0.1; done")
    return a, b


# ---- what is said once and comes back ----

def ping(guest, address):
    guest.sh(f"ping -c 2 -W 5 {address}", timeout=40)


def host_ping(address):
    run(f"busybox ping -c 2 -W 5 {address}")


def udp_echo(address, size, port=ECHO, seconds=5):
    """One datagram there and back, with fragments where it is large."""
    data = os.urandom(size)
    with socket.socket(socket.AF_INET6 if is6(address) else socket.AF_INET,
                       socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect((address, port))
        # Whoever is on the way may take it apart.
        if not is6(address):
            s.setsockopt(socket.IPPROTO_IP, 10, 0)      # IP_PMTUDISC_DONT
        for _ in range(3):      # a path's MTU costs the first its life
            try:
                s.send(data)
                if s.recv(70000) != data:
                    raise Failure("what came back is not what was sent")
                return
            except TimeoutError:
                pass
            except OSError as why:
                if why.errno != errno.EMSGSIZE:
                    raise
    raise Failure(f"{size} bytes of UDP to {address}: no answer")


def tcp_echo(address, size, port=ECHO):
    data = os.urandom(size)
    with socket.create_connection((address, port), 20) as s:
        s.settimeout(60)
        threading.Thread(target=s.sendall, args=(data,)).start()
        got = b""
        while len(got) < size and (more := s.recv(1 << 16)):
            got += more
    if got != data:
        raise Failure(f"{len(got)} bytes came back, not {size}, or others")


def words(check, a, b):
    """Every pair of host and guests, both families, small and large."""
    for name, address in ("a4", A), ("a6", A6), ("b4", B), ("b6", B6):
        with check(f"ping-host-{name}"):
            host_ping(address)
        with check(f"udp-host-{name}"):
            udp_echo(address, 64)
            udp_echo(address, 1300)
        with check(f"tcp-host-{name}"):
            tcp_echo(address, 200_000)
        with check(f"udp-fragments-host-{name}"):
            udp_echo(address, 9000)
    for guest, there in (a, (HOST, HOST6, B, B6)), (b, (HOST, HOST6, A, A6)):
        for address in there:
            with check(f"ping-{guest.name}-{address}"):
                ping(guest, address)
    for name, guest, address in ("b4", a, B), ("b6", a, B6), ("a4", b, A):
        with check(f"udp-{guest.name}-{name}"):
            guest.sh(f"echo hello | nc.openbsd -u -w 3 {address} {ECHO} | "
                     "grep hello")
        with check(f"tcp-{guest.name}-{name}"):
            guest.sh(f"echo hello | nc.openbsd -N -w 9 {address} {ECHO} | "
                     "grep hello")


# ---- much at once ----

def send_to(address, data):
    with socket.create_connection((address, BULK), 20) as s:
        s.settimeout(120)
        s.sendall(data)


def receive(listener, digest):
    with listener, listener.accept()[0] as s:
        s.settimeout(120)
        while chunk := s.recv(1 << 18):
            digest.update(chunk)


def bulk(check, a, b):
    """100 MB host to domain, domain to host, domain to domain."""
    data = os.urandom(BYTES)
    digest = hashlib.md5(data).hexdigest()
    with check("bulk-host-domain"):
        a.sh("mount -o remount,size=110m /tmp")
        a.background(f"nc.openbsd -l {BULK} >/tmp/big; md5sum </tmp/big >/tmp/sum")
        a.sh("sleep 0.3")
        send_to(A, data)
        a.sh(f"while ! grep -q - /tmp/sum; do sleep 0.2; done;"
             f"grep {digest} /tmp/sum", 120)
    with check("bulk-domain-host"):
        listener = socket.create_server((HOST, BULK))
        got = hashlib.md5()
        thread = threading.Thread(target=receive, args=(listener, got),
                                  daemon=True)
        thread.start()
        a.sh(f"nc.openbsd -N {HOST} {BULK} </tmp/big", 120)
        thread.join(60)
        if got.hexdigest() != digest:
            raise Failure("what arrived is not what was sent")
    with check("bulk-domain-domain"):
        b.background(f"nc.openbsd -l {BULK} | md5sum >/tmp/sum")
        b.sh("sleep 0.3")
        a.sh(f"nc.openbsd -N {B} {BULK} </tmp/big", 240)
        b.sh(f"while ! grep -q - /tmp/sum; do sleep 0.2; done;"
             f"grep {digest} /tmp/sum", 120)


def kit(check, a):
    """The guests of the kit, with host and Linux; the large ones crosswise."""
    for mode, addresses in KIT.items():
        for address in addresses:
            name = f"{mode}-{6 if is6(address) else 4}"
            with check(f"udp-host-kit-{name}"):
                for size in 64, 1300, 6000:
                    udp_echo(address, size)
            with check(f"udp-linux-kit-{name}"):
                a.sh(f"echo hello | nc.openbsd -u -w 3 {address} {ECHO} | "
                     "grep hello")
            with check(f"tcp-host-kit-{name}"):
                tcp_echo(address, 2_000_000)
            with check(f"tcp-linux-kit-{name}"):
                a.sh("head -c 2000000 /tmp/big >/tmp/some;"
                     f"nc.openbsd -N {address} {ECHO} </tmp/some | "
                     "cmp - /tmp/some", 60)
    # By several connections, since one alone has a window of a few packets.
    for mode, (address, _) in KIT.items():
        with check(f"bulk-host-kit-{mode}"), ThreadPoolExecutor(PARTS) as pool:
            for done in [pool.submit(tcp_echo, address, BYTES // PARTS)
                         for _ in range(PARTS)]:
                done.result()
        with check(f"bulk-linux-kit-{mode}"):
            a.sh(f"nc.openbsd -N {address} {ECHO} </tmp/big | "
                 "cmp - /tmp/big", 200)


# ---- fragments ----

def families(check, name):
    """The check for each family: its name, and the host's and a's address."""
    for version, host, there in (4, HOST, A), (6, HOST6, A6):
        with check(f"{name}-{version}"):
            yield host, there


def listening(address):
    """A socket from which crafted datagrams may claim to come."""
    s = socket.socket(socket.AF_INET6 if is6(address) else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.bind((address, 0))
    s.settimeout(3)
    return s


def answered(s, data):
    """The echo of that data comes, or nothing at all."""
    try:
        got = s.recv(70000)
    except TimeoutError:
        return False
    if got != data:
        raise Failure("what came back is not what was sent")
    return True


def send_pieces(wire, s, host, there, size, change=None, port=ECHO):
    """A datagram to the echo port in pieces; change() may disturb them."""
    data = os.urandom(2000)
    sport = s.getsockname()[1]
    parts = pieces(host, there, UDP, udp(host, there, sport, port, data), size,
                   ident=int.from_bytes(os.urandom(2), "big"))
    for part in change(parts) if change else parts:
        wire.send(part, NIC_MAC)
    return data


def overlapped(host, there, size=800):
    """Two pieces that both hold the same 8 bytes, among those that do not."""
    def change(parts):
        data = os.urandom(size)
        ident = int.from_bytes(parts[0][4:6] if not is6(host) else
                               parts[0][46:48], "big")
        extra = ip(host, there, UDP, data, ident=ident, offset=size - 8,
                   more=True)
        return [parts[0], extra] + parts[1:]
    return change


def fragments(check, m, wire, a):
    for host, there in families(check, "fragments-in-order"):
        with listening(host) as s:
            if not answered(s, send_pieces(wire, s, host, there, 600)):
                raise Failure("not delivered")
    for host, there in families(check, "fragments-reversed"):
        with listening(host) as s:
            if not answered(s, send_pieces(wire, s, host, there, 600,
                                           lambda parts: parts[::-1])):
                raise Failure("not delivered")
    for host, there in families(check, "fragments-overlap"):
        before = m.ports()["nic0"].get("frag_overlap", 0)
        with listening(host) as s:
            s.settimeout(1)
            if answered(s, send_pieces(wire, s, host, there, 800,
                                       overlapped(host, there))):
                raise Failure("delivered")
        if m.ports()["nic0"].get("frag_overlap", 0) == before:
            raise Failure("the drop is not counted")
    for host, there in families(check, "fragments-denied"):
        before = m.ports()["a"]["out"]
        with listening(host) as s:
            send_pieces(wire, s, host, there, 600, port=ECHO + 1)
            send_pieces(wire, s, host, there, 600, lambda p: p[::-1], ECHO + 1)
            send_pieces(wire, s, host, there, 600, lambda p: p[1:])
        if m.ports()["a"]["out"] != before:
            raise Failure("some of it reached the guest")
    for host, there in families(check, "fragments-from-guest"):
        a.sh(f"ping -c 2 -W 5 -s 5000 {host}")


# ---- the path's MTU, hop limits, errors ----

def errors(wire, host, kind4, kind6, what):
    """The next ICMP error of that type and code."""
    proto, kind = (ICMP6, kind6) if is6(host) else (ICMP, kind4)
    return wire.wait(lambda p: p.proto == proto and
                     (p.sport, p.dport) == kind and p.dst == host, what)


def path(check, m, wire, a):
    for host, there, b in (HOST, WAN, B), (HOST6, WAN6, B6):
        with check(f"mtu-told-{6 if is6(host) else 4}"):
            run("ip route flush cache")
            wire.forget()
            with listening(host) as s:
                data = bytes(1500 - (48 if is6(host) else 28))
                wire.send(ip(host, b, UDP, udp(host, b, s.getsockname()[1],
                                               ECHO, data), df=True), NIC_MAC)
            p = errors(wire, host, (3, 4), (2, 0), "packet too big")
            mtu = struct.unpack("!I", p.data[4:8])[0]
            if mtu != SMALL or p.src != there:
                raise Failure(f"{p.src} tells an MTU of {mtu}")
    with check("mtu-split-4"):
        with listening(HOST) as s:
            data = os.urandom(1472)
            wire.send(ip(HOST, B, UDP, udp(HOST, B, s.getsockname()[1], ECHO,
                                           data)), NIC_MAC)
            if not answered(s, data):
                raise Failure("not delivered")
    for b in B, B6:
        with check(f"mtu-tcp-{6 if is6(b) else 4}"):
            run("ip route flush cache")
            tcp_echo(b, 300_000)
            if f"mtu {SMALL}" not in run(f"ip route get {b}"):
                raise Failure("the host has not learned the path's MTU")
    for host, there in families(check, "hop-limit"):
        wire.forget()
        proto = ICMP6 if is6(host) else ICMP
        wire.send(ip(host, there, proto, echo(host, there), ttl=1), NIC_MAC)
        p = errors(wire, host, (11, 0), (3, 0), "time exceeded")
        if p.src != (WAN6 if is6(host) else WAN):
            raise Failure(f"it comes from {p.src}")
    for host, gate, kind in (HOST, "10.1.0.1", "11 0"), \
            (HOST6, "2001:db8:1::1", "3 0"):
        with check(f"hop-limit-guest-{6 if is6(host) else 4}"):
            packet = ip(A6 if is6(host) else A, host, UDP,
                        udp(A6 if is6(host) else A, host, ECHO, ECHO, b"?"),
                        ttl=1)
            a.sh(f"peer raw {packet.hex()}")
            guest_told(a, kind, gate)


def guest_told(a, kind, source):
    """The guest got an ICMP error: type and code, and from whom."""
    a.sh(f"for i in $(seq 25); do grep -q '^{kind} {number(source).hex()}' "
         "/tmp/errors && break; sleep 0.3; done; cat /tmp/errors; "
         f"grep -q '^{kind} {number(source).hex()}' /tmp/errors")


def refuses(address, port):
    """A datagram to there comes back as "connection refused"."""
    family = socket.AF_INET6 if is6(address) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((address, port))
        s.send(b"?")
        try:
            s.recv(100)
        except ConnectionRefusedError:
            return
    raise Failure("something answers")


def told(check, wire, a):
    for host, there in families(check, "port-unreachable"):
        refuses(there, 9)
    for host, there in families(check, "reject-tcp"):
        try:
            socket.create_connection((there, 81), 5).close()
            raise Failure("connected")
        except ConnectionRefusedError:
            pass
    for host, there in families(check, "reject-udp"):
        wire.forget()
        with listening(host) as s:
            s.sendto(b"?", (there, 81))
        errors(wire, host, (3, 13), (1, 1), "prohibited")
    for host, nobody in (HOST, "10.1.0.99"), (HOST6, "2001:db8:1::99"):
        with check(f"nobody-there-{6 if is6(host) else 4}"):
            wire.forget()
            with listening(host) as s:
                s.sendto(b"?", (nobody, ECHO))
            errors(wire, host, (3, 1), (1, 3), "host unreachable")
    for nobody, gate, kind in ("203.0.113.250", "10.1.0.1", "3 1"), \
            ("2001:db8::250", "2001:db8:1::1", "1 3"):
        with check(f"silent-neighbour-{6 if is6(nobody) else 4}"):
            a.sh(f"echo '?' | nc.openbsd -u -w 1 {nobody} {ECHO}; true")
            guest_told(a, kind, gate)


def narrow(check, m, a):
    """Rules with a smaller MTU on the NIC, loaded while all runs."""
    with check("nic-mtu"):
        m.command("rules load narrow.vfr", r"rules loaded: narrow.vfr")
        before = m.ports()["a"].get("mtu", 0)
        for host in HOST, HOST6:
            a.sh(f"ping -c 3 -W 2 -s 1400 {host}")
        listener = socket.create_server((HOST, BULK))
        got = hashlib.md5()
        thread = threading.Thread(target=receive, args=(listener, got),
                                  daemon=True)
        thread.start()
        said = a.sh("head -c 1000000 /bin/busybox >/tmp/some;"
                    f"nc.openbsd -N {HOST} {BULK} </tmp/some;"
                    "md5sum </tmp/some")
        thread.join(30)
        if got.hexdigest() not in said:
            raise Failure("what arrived is not what was sent")
        if m.ports()["a"].get("mtu", 0) == before:
            raise Failure("nothing was too big")


@case(600, "all")
def everything():
    """Ping, UDP, TCP and fragments of both families; errors; 100 MB each way."""
    check = Checks()
    with boot() as m:
        a, b = up(m)
        wire = Wire("tap0")
        words(check, a, b)
        fragments(check, m, wire, a)
        path(check, m, wire, a)
        told(check, wire, a)
        bulk(check, a, b)
        kit(check, a)
        narrow(check, m, a)
        m.closes()
    check.end()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
