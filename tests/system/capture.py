#!/usr/bin/env -S python3 -B
"""Captures of the running firewall, over dom0's own interface."""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

from lib.cases import case, log_name, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, WAN, NetMachine, appliance, files, rules_file, run,
                     within_namespace)

WEB, DOM0 = "10.1.0.30", "10.1.0.2"
STRANGER = "203.0.113.9"
NEIGHBOUR = "203.0.113.10"             # who may ask dom0, too
API = f"{WAN}:8080"
TOKEN = "a-token-of-the-test"
CLIENT = dict(os.environ, SLUICE_HOST=API, SLUICE_TOKEN=TOKEN)
HEAD = f"Authorization: Bearer {TOKEN}\r\n\r\n"
DENIED = 5353
RING = 1 << 20                          # bytes, of a tap in dom0
SLACK = 16                              # pages: others work meanwhile
WAITING = 256                           # pages, of 8 clients and what TCP holds

RULES = f"""nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain dom0 on dmz address {DOM0}
domain web on dmz address {WEB} {{ kernel "netbench" memory 16M }}
redirect on wan tcp 8080 to dom0 tcp 80
allow tcp 80 from {{ {HOST}, {NEIGHBOUR} }} to dom0
deny udp {DENIED} from any to any log "no-mdns"
allow icmp from any to any
allow udp {{ 7, 9 }} from any to web
"""
OTHER_PORTS = RULES.replace("net dmz", """nic red vlan 10 on wan address 10.10.0.1/24
nic blue vlan 11 on wan address 10.11.0.1/24
net dmz""", 1)
DENY = "rule=test.vfr:7 \"no-mdns\" reason=rule in=wan"


def boot(rules=RULES, token=TOKEN):
    m = NetMachine([[f"{dom0()[0]} token={token}" if token else dom0()[0]],
                    appliance(rules),
                    files(netbench=f"{GUESTS}/netbench.elf"),
                    rules_file("other.vfr", OTHER_PORTS)])
    run(f"ip addr add {STRANGER}/24 dev tap0; "
        f"ip addr add {NEIGHBOUR}/24 dev tap0; sysctl -qw "
        "net.ipv6.conf.tap0.disable_ipv6=1")
    m.expect(r"dom0: API on port 80|dom0: no API", 60)
    m.expect(r"netbench: ", 60)
    return m


def sluice(*words, **keys):
    return subprocess.Popen(["build/sluice", "capture", *words], text=True,
                            stderr=subprocess.PIPE, env=CLIENT, **keys)


def start(m, *words, **keys):
    """A capture whose tap is in place."""
    c = sluice(*words, **keys)
    m.expect(r"dom0: capture \d+: ", 15)
    return c


def ended(m):
    """Packets and losses of the capture that dom0 has given up now."""
    found = m.expect(r"capture \d+ ended: (\d+) packets, (\d+) lost", 15)
    return int(found[1]), int(found[2])


def finish(c, code=0):
    """Interrupt a capture; what it says at its end."""
    if c.poll() is None:
        c.send_signal(signal.SIGINT)
    said = c.communicate(timeout=15)[1]
    if c.returncode != code:
        raise Failure(f"the command ended with {c.returncode}: {said}")
    return said


def fails(code, why, *words):
    said = finish_now(sluice(*words), code)
    if not re.search(why, said):
        raise Failure(f"not /{why}/ but: {said}")


def finish_now(c, code):
    said = c.communicate(timeout=20)[1]
    if c.returncode != code:
        raise Failure(f"the command ended with {c.returncode}, not {code}: "
                      f"{said}")
    return said


def datagrams(count, port, size=32, tries=3):
    """Datagrams to the guest; of port 7 the answers are waited for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((HOST, 0))
        s.settimeout(3)
        for i in range(count):
            s.sendto(struct.pack("!I", i) + bytes(size - 4), (WEB, port))
            if port == 7:
                s.recv(65536)


def tshark(path, *fields, only=""):
    command = ["tshark", "-nr", path, "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command + (["-Y", only] if only else []),
                          capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"tshark cannot read {path}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def frames(path):
    """The packets of a capture in hexadecimal, in their order."""
    done = subprocess.run(["tcpdump", "-nr", path, "-xx", "-t", "-q"],
                          capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"tcpdump cannot read {path}: {done.stderr}")
    found = []
    for line in done.stdout.splitlines():
        if not line.startswith("\t"):
            found.append("")
        else:
            found[-1] += line.split(":", 1)[1].replace(" ", "")
    return found


def same_as_outside(m):
    """What the firewall shows of its NIC is what the host sees on the TAP."""
    ours, theirs = log_name() + ".pcapng", log_name() + ".pcap"
    what = "udp or icmp"
    host = subprocess.Popen(["tcpdump", "-i", "tap0", "--immediate-mode", "-U",
                             "-w", theirs, what], stderr=subprocess.PIPE, text=True)
    while "listening" not in host.stderr.readline():
        pass
    c = start(m, "wan", "-w", ours, what)
    datagrams(20, 7)
    datagrams(3, 7, 1400)
    datagrams(5, DENIED)
    run(f"busybox ping -c 2 -W 5 {WEB}")
    time.sleep(0.5)
    said = finish(c)
    host.terminate()
    host.communicate()
    packets, lost = ended(m)
    if sorted(frames(ours)) != sorted(frames(theirs)):
        raise Failure(f"{len(frames(ours))} packets here, "
                      f"{len(frames(theirs))} outside, or others")
    if packets != len(frames(ours)) or lost:
        raise Failure(f"dom0 counts {packets} packets and {lost} lost")
    if not said.startswith(f"{packets} packets captured") or \
            "5 were dropped by the firewall and 0 lost" not in said:
        raise Failure(f"at the end it says: {said}")
    verdicts(ours)


def verdicts(path):
    """Direction, verdict, rule and one number for a packet, for Wireshark."""
    fields = ("frame.packet_flags_direction", "frame.verdict.ebpf_xdp",
              "frame.comment", "frame.interface_name")
    dropped = tshark(path, *fields, only=f"udp.dstport == {DENIED}")
    if len(dropped) != 5 or \
            any(d[:2] != ["0x00000001", "1"] or DENY not in d[2] or
                d[3] != "wan" for d in dropped):
        raise Failure(f"drops with their rule: {dropped}")
    came = tshark(path, *fields, only="udp.dstport == 7")
    if any(c[:2] != ["0x00000001", "4"] or "allow rule=test.vfr:9 in=wan "
           "out=web" not in c[2] for c in came):
        raise Failure(f"what came in: {came}")
    left = tshark(path, *fields, only="udp.srcport == 7")
    if len(left) != 23 or any(l[:2] != ["0x00000002", ""] or "sent in=web "
                              "out=wan" not in l[2] for l in left):
        raise Failure(f"what left: {left}")
    behind = [abs(time.time() - float(t)) for t, in
              tshark(path, "frame.time_epoch")]
    if max(behind) > 60:
        raise Failure(f"times are off by {max(behind)} s")


def at_the_domain(m):
    """A domain's port, into tcpdump; also what the rules kept from it."""
    c = start(m, "web", "-w", "-", "-s", "60", "-c", "9", "udp",
              stdout=subprocess.PIPE)
    reader = subprocess.Popen(["tcpdump", "-nr", "-"], stdin=c.stdout,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    c.stdout.close()
    datagrams(3, 7)
    datagrams(10, DENIED)
    said = finish_now(c, 0)             # by itself, after nine
    lines = reader.communicate(timeout=10)[0].splitlines()
    ended(m)
    if len(lines) != 9 or sum(f".{DENIED}:" in l for l in lines) != 3:
        raise Failure(f"tcpdump shows {lines}")
    if not said.startswith("9 packets captured"):
        raise Failure(said)
    c = start(m, "any", "-c", "2", "--stage", "drop", stdout=subprocess.PIPE)
    datagrams(2, DENIED)
    lines = c.communicate(timeout=20)[0].splitlines()
    ended(m)
    if len(lines) != 2 or any("deny " + DENY not in l for l in lines):
        raise Failure(f"lines: {lines}")


def reachable(source, port=8080):
    try:
        socket.create_connection((WAN, port), 2, (source, 0)).close()
        return True
    except OSError:
        return False


def ask(target, head=HEAD):
    """The status of an answer."""
    with socket.create_connection((WAN, 8080), 5) as s:
        s.settimeout(10)
        s.sendall(f"GET {target} HTTP/1.1\r\n{head}".encode())
        return int(s.recv(4096).split()[1])


def refusals(m):
    """Who may not, and what is not right."""
    if reachable(STRANGER) or not reachable(HOST):
        raise Failure("the rules do not hold for dom0's port")
    CLIENT["SLUICE_TOKEN"] = TOKEN[:-1] + "x"
    fails(1, "refuses the token", "web")
    CLIENT["SLUICE_TOKEN"] = TOKEN
    fails(3, "no such port", "nothere")
    fails(2, "pcap-filter", "web", "tcp prt 80")
    for status, target, head in (
            (401, "/v1/capture?port=web", "\r\n"),
            (404, "/v2", HEAD),
            (400, "/v1/capture", HEAD),
            (400, "/v1/capture?port=web&filter=0", HEAD),
            (422, "/v1/capture?port=web&snaplen=0", HEAD),
            (422, "/v1/capture?port=web&stages=64", HEAD),
            # a jump back, a jump out, and no return
            (422, "/v1/capture?port=web&filter=00050000ffffffff", HEAD),
            (422, "/v1/capture?port=web&filter=0005000000000007"
                  "0006000000000001", HEAD),
            (422, "/v1/capture?port=web&filter=002800000000000c", HEAD),
            (431, "/" + 20000 * "x", HEAD)):
        got = ask(target, head)
        if got != status:
            raise Failure(f"{target[:60]}: {got}, not {status}")


def silent(m):
    """Connections on which nothing comes keep nobody out."""
    mute = [socket.create_connection((WAN, 8080), 5) for _ in range(40)]
    for _ in range(3):
        got = ask("/v2")
        if got != 404:
            raise Failure(f"beside silent connections: {got}, not 404")
    mute[-1].sendall(f"GET /v2 HTTP/1.1\r\n{HEAD}".encode())
    if b" 404 " not in read_all(mute[-1]):
        raise Failure("the youngest of them had to go too")
    for s in mute:
        s.close()


def crowd(m):
    """Whoever connects again and again loses its own connections, and not one
    of another host that is slow to ask."""
    slow = socket.create_connection((WAN, 8080), 5)
    slow.sendall(b"GET /v2 HTTP/1.1\r\n")
    crowd = [socket.create_connection((WAN, 8080), 5, (NEIGHBOUR, 0))
             for _ in range(40)]
    slow.sendall(HEAD.encode())
    if b" 404 " not in read_all(slow):
        raise Failure("no answer to who was slow beside them")
    for s in crowd:
        s.close()


def free_pages(m):
    return int(m.command("memory", r"free (\d+) pages")[1])


def clients_that_stop(m):
    """A client that is gone takes its tap along; one that does not read
    loses records, which are counted, and nobody waits for it."""
    c = start(m, "web", "-w", "/dev/null")
    c.kill()
    c.communicate()
    ended(m)
    before = free_pages(m)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((WAN, 8080))
        s.sendall(f"GET /v1/capture?port=web&stages=7 HTTP/1.1\r\n"
                  f"{HEAD}".encode())
        m.expect(r"dom0: capture \d+: ", 15)
        datagrams(10, 7)                # so that all is warm
        during = free_pages(m)
        for _ in range(20):
            datagrams(100, 9, 1400)
            datagrams(1, 7)             # it keeps up
        if during - free_pages(m) > SLACK:
            raise Failure("something grows while a client does not read")
        s.shutdown(socket.SHUT_WR)
        got = read_all(s)
    packets, lost = ended(m)
    if not lost or packets + lost < 2020 or \
            packets * 1400 < RING // 2:
        raise Failure(f"{packets} packets, {lost} lost")
    if not got.endswith(b"0\r\n\r\n"):
        raise Failure("the answer is not whole")
    if before - during < RING // 4096:
        raise Failure("a tap takes no memory?")
    if before - free_pages(m) > SLACK:
        raise Failure(f"{before} pages were free, now {free_pages(m)}")


def read_all(s):
    s.settimeout(15)
    got = b""
    while chunk := s.recv(1 << 16):
        got += chunk
    return got


def many_files(m):
    """A row of files, each whole."""
    path = log_name() + ".row"
    for old in "", 1, 2, 3:
        if os.path.exists(f"{path}{old}"):
            os.remove(f"{path}{old}")
    c = start(m, "web", "-w", path, "-C", "1", "-W", "2", "udp port 9")
    for _ in range(23):
        datagrams(100, 9, 1400)
        datagrams(1, 7)
        time.sleep(0.05)
    finish(c)
    packets, lost = ended(m)
    kept = [n for n in range(5) if os.path.exists(f"{path}{n or ''}")]
    if len(kept) != 2 or packets + lost != 2300:
        raise Failure(f"files {kept} of {packets} packets, {lost} lost")
    if len(frames(f"{path}{kept[0]}")) < 600:
        raise Failure("a full file with few packets")
    frames(f"{path}{kept[1]}")


def not_itself(m):
    """Of all ports what the capture itself sends is left out."""
    path = log_name() + ".any"
    c = start(m, "any", "-w", path)
    datagrams(3, 7)
    time.sleep(1)
    finish(c)
    ended(m)
    found = tshark(path, "udp.port", "tcp.port")
    if sum(bool(udp) for udp, _ in found) != 6 or any(t for _, t in found):
        raise Failure(f"of all ports: {found}")


def comes_back(m):
    """A capture stays with its domain, which is another port after a restart."""
    path = log_name() + ".again"
    c = start(m, "web", "-w", path, "-c", "6", "udp port 7")
    datagrams(1, 7)
    m.command("destroy web", r"web: ended", 20)
    m.command("start web", r"netbench: up", 30)
    datagrams(2, 7)
    finish_now(c, 0)
    ended(m)
    names = {name for name, in tshark(path, "frame.interface_name")}
    if names != {"web"}:
        raise Failure(f"a capture of web shows {names}")


def other_rules(m):
    """A capture stays with its domain under rules that count ports anew."""
    path = log_name() + ".other"
    c = start(m, "web", "-w", path, "udp port 7")
    m.command("rules load other.vfr", r"rules loaded: other.vfr")
    datagrams(3, 7)
    time.sleep(1)
    m.command("rules rollback", r"rules loaded: test.vfr")
    finish(c)
    packets, lost = ended(m)
    if (packets, lost) != (6, 0):
        raise Failure(f"{packets} packets, {lost} lost")


@case(150, "live")
def live():
    """What is seen, by whom, and what becomes of clients that stop."""
    with boot() as m:
        refusals(m)
        silent(m)
        crowd(m)
        same_as_outside(m)
        at_the_domain(m)
        not_itself(m)
        comes_back(m)
        other_rules(m)
        clients_that_stop(m)
        many_files(m)
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


def waits():
    """A capture whose client reads nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((WAN, 8080))
    s.sendall(f"GET /v1/capture?port=web&stages=7 HTTP/1.1\r\n"
              f"{HEAD}".encode())
    return s


def own_pages(m):
    """What dom0 has left of its own."""
    return int(m.command("uses", r"own (\d+)\s")[1])


@case(60, "waiting")
def waiting():
    """Clients that let captures wait, as many as there can be, beside others
    that are slow to ask, leave dom0 what it needs for domains."""
    with boot() as m:
        before = own_pages(m)
        clients = []
        for _ in range(8):
            clients.append(waits())
            m.expect(r"dom0: capture \d+: ", 15)
        for _ in range(8):
            s = socket.create_connection((WAN, 8080), 5)
            s.sendall(b"GET /" + b"x" * 8000)
            clients.append(s)
        for _ in range(20):
            datagrams(100, 9, 1400)
            datagrams(1, 7)
        if own_pages(m) > before - WAITING:
            raise Failure("nothing waits in dom0?")
        m.command("clone web more 4", r"dom0: 4 of 4 started")
        m.command("destroy more*")
        for s in clients:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.close()
        if ask("/v2") != 404:
            raise Failure("afterwards nobody is served")
        m.command("poweroff")
        m.ends(0)


@case(30, "closed")
def closed():
    """Without a token nobody is served; without a rule nobody gets there."""
    with boot(RULES.replace("allow tcp 80", "deny tcp 80"), "short") as m:
        if reachable(HOST):
            raise Failure("a port is open that no rule opens")
        m.accounts()
        m.command("poweroff")
        m.ends(0)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
