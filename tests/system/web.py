#!/usr/bin/env -S python3 -B
"""Guests of the kit on the network: netfront, lwIP, and a server on it."""
import hashlib
import http.client
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time

from lib.cases import Checks, case, log_name, main
from lib.cpio import archive
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, HOST6, WAN, WAN6, NetMachine, appliance, files,
                     refused, run, within_namespace)

WEB, DB = "10.1.0.10", "10.1.0.20"
BIG = 10_000_000
KEPT = 300

RULES = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain web on dmz address {WEB} {{
    kernel "web" ramdisk "files" memory 32M
    cmdline "forward=/db={DB}:80"
}}
domain db on dmz address {DB} {{
    kernel "web" memory 16M
}}
allow icmp from any to any
allow tcp 80 from any to web
allow tcp 80 from web to db
"""


def boot(contents):
    ramdisk = log_name() + ".cpio"
    with open(ramdisk, "wb") as f:
        f.write(archive(contents))
    m = NetMachine([dom0(), appliance(RULES),
                    files(web=f"{GUESTS}/web.elf", files=ramdisk)])
    for name in "web", "db":
        m.expect(r"\[(web|db)\] web: port 80, up", 60)
    return m


def get(connection, path, status=200):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != status:
        raise Failure(f"{path}: {answer.status} {answer.reason}, not {status}")
    return body


# Half a request, and what is none: the rest of the world must not notice.
RUDE = [b"GET / HTTP/1.1\r\nHost: ", b"GET /../../etc HTTP/1.1\r\n\r\n",
        b"A" * 100_000, b"GET /big.bin HTTP/1.1\r\n\r\n" * 3,
        b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"]


def rudeness(text):
    """A connection that sends this and never reads."""
    s = socket.create_connection((WEB, 80), 30)
    s.setblocking(False)
    try:
        s.send(text)
    except OSError:
        pass
    return s


def open_web(timeout=30):
    return http.client.HTTPConnection(WEB, 80, timeout=timeout)


@case(60, "pages")
def pages():
    """Pages, small and large, many connections, and what is not allowed."""
    big = os.urandom(BIG)
    index = b"<h1>hello</h1>\n"
    with boot({"index.html": index, "big.bin": big}) as m:
        ping()
        web = open_web()
        if get(web, "/") != index:
            raise Failure("the page is not the file")
        if b"domain <b>web</b>" not in get(web, "/status"):
            raise Failure("no status page")
        get(web, "/none", 404)
        if hashlib.md5(get(web, "/big.bin")).digest() != \
                hashlib.md5(big).digest():
            raise Failure("10 MB did not arrive as they are")
        if b"domain <b>db</b>" not in get(web, "/db/status"):
            raise Failure("no answer passed on")
        rude = [rudeness(text) for text in RUDE * 20]
        keep_many(index)
        for s in rude:
            s.close()
        for address, port in (WEB, 81), (DB, 80):
            if not refused(address, port):
                raise Failure(f"{address} port {port} answers")
        m.command("destroy db")
        m.audit()
        if b"does not answer" not in get(open_web(), "/db/status", 502):
            raise Failure("a server that is gone is not named")
        get(open_web(), "/status")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


def ping():
    done = subprocess.run(["busybox", "ping", "-c", "2", "-W", "5", WEB],
                          stdout=subprocess.PIPE)
    if done.returncode:
        raise Failure(f"no answer to a ping: {done.stdout.decode()}")


def keep_many(index):
    """Connections that stay open, all asked, twice."""
    kept = [open_web() for _ in range(KEPT)]
    for c in kept:
        c.connect()
    for _ in range(2):
        for c in kept:
            c.request("GET", "/")
        for c in kept:
            if c.getresponse().read() != index:
                raise Failure("a page of a kept connection is not the file")
    for c in kept:
        c.close()


# ---- the server behind ----

BEHIND = 9090                   # its port on the host outside
KEEP = 4
FORWARD = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain web on dmz address {WEB} {{
    kernel "web" memory 16M
    cmdline "forward=/x={HOST}:{BEHIND} forward_keep={KEEP}"
}}
allow tcp 80 from any to web
allow tcp {BEHIND} from web to {HOST}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
BODY = bytes(range(256)) * 400


class Behind:
    """A server that does what the path says, well or badly."""

    def __init__(self):
        self.listener = socket.create_server((HOST, BEHIND), backlog=64)
        self.connections = 0            # since the beginning
        self.open = 0
        self.paths = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.listener.accept()
            with self.lock:
                self.connections += 1
                self.open += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            with s, s.makefile("rb") as lines:
                while self.answer(s, lines):
                    pass
        except OSError:
            pass
        with self.lock:
            self.open -= 1

    def answer(self, s, lines):
        """False: that was the last one on this connection."""
        line = lines.readline()
        while lines.readline() not in (b"", b"\r\n"):
            pass
        if not line:
            return False
        path = line.split()[1].decode()[1:]
        with self.lock:
            self.paths.append(path)
        return getattr(self, "do_" + path)(s)

    def do_ok(self, s):
        s.sendall(HEAD % 2 + b"X-Kept: yes\r\nConnection: keep-alive\r\n"
                  b"Keep-Alive: timeout=5\r\n\r\nok")
        return True

    def do_large(self, s):
        s.sendall(HEAD % len(BODY) + b"\r\n" + BODY)
        return True

    def do_pieces(self, s):
        for byte in HEAD % 2 + b"\r\nok":
            s.sendall(bytes([byte]))
            time.sleep(0.005)
        return True

    def do_empty(self, s):
        s.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    def do_slow(self, s):
        time.sleep(1)
        return self.do_ok(s)

    def do_end(self, s):
        s.sendall(b"HTTP/1.0 200 OK\r\n\r\nup to the end")
        return False

    def do_reset(self, s):
        """The first time it is reset, after a while."""
        if self.paths.count("reset") > 1:
            return self.do_ok(s)
        time.sleep(1.5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        return False

    def do_leave(self, s):
        """Says that it stays, and goes."""
        self.do_ok(s)
        return False

    def do_more(self, s):
        s.sendall(HEAD % 2 + b"\r\nok" + HEAD % 4 + b"\r\nevil")
        return True

    def do_later(self, s):
        """Says more while nobody asks."""
        self.do_ok(s)
        time.sleep(0.5)
        s.sendall(HEAD % 4 + b"\r\nevil")
        return True

    def do_short(self, s):
        s.sendall(HEAD % 100 + b"\r\nshort")
        return False

    def do_silent(self, s):
        return False

    def do_never(self, s):
        time.sleep(5)
        return False

    def do_half(self, s):
        s.sendall(HEAD % 2)
        return False

    def do_noise(self, s):
        s.sendall(b"\x00\xff\r\n\r\n" * 100)
        return True

    def do_chunks(self, s):
        s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  b"2\r\nok\r\n0\r\n\r\n")
        return True

    def do_twice(self, s):
        s.sendall(HEAD % 2 + HEAD.split(b"\n")[1] % 3 + b"\n\r\nok")
        return True

    def do_endless(self, s):
        s.sendall(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000)
        return True


def below(path, status=200):
    return get(open_web(), "/x/" + path, status)


def kept(behind):
    """One after the other go on one connection, and the pool has an end."""
    if any(below("ok") != b"ok" for _ in range(10)):
        raise Failure("another answer")
    if behind.connections != 1:
        raise Failure(f"{behind.connections} connections for 10 requests")
    threads = [threading.Thread(target=below, args=("slow",))
               for _ in range(5 * KEEP)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    end = time.monotonic() + 5
    while behind.open > KEEP:
        if time.monotonic() > end:
            raise Failure(f"{behind.open} connections are kept, not {KEEP}")
        time.sleep(0.1)
    web = open_web()
    web.request("GET", "/x/ok")
    answer = web.getresponse()
    if answer.getheader("X-Kept") != "yes" or \
            answer.getheader("Connection") != "close" or \
            answer.getheader("Keep-Alive"):
        raise Failure(f"passed on: {answer.getheaders()}")


def well(behind):
    for path, body in ("large", BODY), ("pieces", b"ok"), ("end",
                                                           b"up to the end"):
        if below(path) != body:
            raise Failure(f"{path}: another body")
    below("empty", 204)
    web = open_web()
    web.request("HEAD", "/x/end")
    if web.getresponse().read():
        raise Failure("a body for HEAD")
    with socket.create_connection((WEB, 80), 10) as s:
        for _ in range(2):              # the second in vain
            s.sendall(b"GET /x/slow HTTP/1.1\r\n\r\n")
            time.sleep(0.3)
        got = b"".join(iter(lambda: s.recv(65536), b""))
    if got.count(b"HTTP/1.1 200") != 1 or not got.endswith(b"ok"):
        raise Failure(f"two requests at once: {got}")


def badly(behind):
    for _ in range(2 * KEEP):           # each on one that is gone
        if below("leave") != b"ok":
            raise Failure("a server that leaves: another answer")
    for path in "silent", "never", "half", "noise", "chunks", "twice", \
            "endless":
        if b"the other server" not in below(path, 502):
            raise Failure(f"{path}: not said why")
        if below("ok") != b"ok":
            raise Failure(f"after {path}: another answer")
    for path, until in ("more", 0), ("later", 0.8):
        for _ in range(3):
            if below(path) != b"ok":
                raise Failure(f"{path}: another answer")
            time.sleep(until)
            if below("ok") != b"ok":
                raise Failure(f"{path}: one got what another asked")
    try:
        below("short")
        raise Failure("half of an answer looks whole")
    except (http.client.IncompleteRead, ConnectionError):
        pass


@case(90, "forward")
def forward():
    """A server behind that is asked on kept connections, and lies."""
    check = Checks()
    behind = Behind()
    with NetMachine([dom0(), appliance(FORWARD),
                     files(web=f"{GUESTS}/web.elf")]) as m:
        m.expect(r"web: port 80, up", 60)
        for step in kept, well, badly:
            with check(step.__name__):
                step(behind)
        with check("gone"):
            behind.listener.close()
            below("ok")                 # on one that is still open
        m.closes()
    check.end()


PCBS = 1024                     # connections that lwIP has (lwipopts.h)


def held(count):
    """So many connections."""
    found = []
    for _ in range(count):
        found.append(socket.create_connection((WEB, 80), 10))
        found[-1].settimeout(10)
    return found


@case(120, "all-taken")
def all_taken():
    """Where all connections are taken, a second one to the server behind takes
    the place of some other client, not of the one that it is for."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * PCBS, 2 * PCBS))
    behind = Behind()
    with NetMachine([dom0(), appliance(FORWARD),
                     files(web=f"{GUESTS}/web.elf")]) as m:
        m.expect(r"web: port 80, up", 60)
        below("ok")                     # one is kept
        asks = held(1)[0]
        others = held(PCBS - 2)         # in the place of what below() left, too
        asks.sendall(b"GET /x/reset HTTP/1.1\r\n\r\n")
        time.sleep(1)
        for c in others:                # it has been silent for the longest
            try:
                c.send(b"\r\n")
            except OSError:
                pass                    # one had to go before
        got = b"".join(iter(lambda: asks.recv(65536), b""))
        if not got.endswith(b"\r\n\r\nok") or behind.connections != 2:
            raise Failure(f"on {behind.connections} connections: {got}")
        m.closes()


ONE, ONE6, TWO = "10.1.0.30", "2001:db8:1::30", "10.1.0.40"

SERVICES = f"""
nic wan address {{ {WAN}/24, {WAN6}/64 }} gateway {{ {HOST}, {HOST6} }}
net dmz {{ 10.1.0.0/24, 2001:db8:1::/64 }}
domain one on dmz address {{ {ONE}, {ONE6} }} {{
    kernel "netbench" memory 16M
}}
domain two on dmz address {TWO} {{
    kernel "netbench" memory 16M
    cmdline "send=udp:{ONE}:9 rate=1000 seconds=2 wait=5"
}}
domain three on dmz address 10.1.0.50 {{
    kernel "netbench" memory 16M cmdline "send=tcp:{ONE}:9 seconds=2"
}}
domain four on dmz address 10.1.0.60 {{
    kernel "netbench" memory 16M
    cmdline "send=rtt:{ONE}:7 seconds=2 wait=2"
}}
allow udp 7, udp 9, tcp 7, tcp 8, tcp 9, tcp 19, icmp from any to one
"""


def discarded():
    """What the sink has: packets and bytes of UDP, bytes of TCP."""
    with socket.create_connection((ONE, 8), 10) as s:
        words = s.makefile().read().split()
    return int(words[1]), int(words[2]), int(words[4])


def echo_udp(address, size):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = os.urandom(size)
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(data, (address, 7))
        if s.recv(65536) != data:
            raise Failure(f"{size} bytes by UDP to {address} came back "
                          "as others")


def echo_tcp(address, size):
    data = os.urandom(size)
    back = bytearray()
    with socket.create_connection((address, 7), 20) as s:
        sender = threading.Thread(target=s.sendall, args=(data,), daemon=True)
        sender.start()
        while len(back) < size:
            chunk = s.recv(1 << 16)
            if not chunk:
                break
            back += chunk
    if back != data:
        raise Failure(f"{size} bytes by TCP to {address} came back as others")


@case(60, "services")
def services():
    """Echo, sink and source, IPv4 and IPv6, and guest to guest."""
    with NetMachine([dom0(), appliance(SERVICES),
                     files(netbench=f"{GUESTS}/netbench.elf")]) as m:
        for _ in range(4):
            m.expect(r"netbench: up", 60)
        for address in ONE, ONE6:
            for size in 1, 64, 1400, 5000:
                echo_udp(address, size)
            echo_tcp(address, 1_000_000)
        sent = {}
        for _ in range(3):
            found = m.expect(r"sent (\w+) (\d+) packets (\d+) bytes", 20)
            sent[found[1]] = int(found[2]), int(found[3])
        packets, _, tcp = discarded()
        if not sent[b"udp"][0] or packets < sent[b"udp"][0] * 0.9:
            raise Failure(f"{packets} of {sent[b'udp'][0]} datagrams arrived")
        if not sent[b"tcp"][1] or tcp < sent[b"tcp"][1]:
            raise Failure(f"{tcp} of {sent[b'tcp'][1]} bytes arrived")
        take(1_000_000)
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


# Two nets within one /64, and one that holds many of them.
NEAR, FAR, WIDE = "2001:db8:1::30", "2001:db8:1::130", "2001:db8:2:5::40"
WIDE2 = "2001:db8:2:6::50"

PREFIXES = f"""
nic wan address {{ {WAN}/24, {WAN6}/64 }} gateway {{ {HOST}, {HOST6} }}
net small 2001:db8:1::/120
net other 2001:db8:1::100/120
net wide  2001:db8:2::/48
domain near on small address {NEAR} {{ kernel "netbench" memory 16M }}
domain far on other address {FAR} {{
    kernel "netbench" memory 16M cmdline "send=tcp:[{NEAR}]:9 seconds=1"
}}
domain wide1 on wide address {WIDE} {{
    kernel "netbench" memory 16M cmdline "send=tcp:[{FAR}]:9 seconds=1"
}}
domain wide2 on wide address {WIDE2} {{
    kernel "netbench" memory 16M cmdline "send=tcp:[{WIDE}]:9 seconds=1"
}}
allow udp 7, tcp 7, tcp 9, icmp6
"""


@case(60, "prefixes")
def prefixes():
    """Nets of IPv6 are as long as the appliance file says, not /64."""
    with NetMachine([dom0(), appliance(PREFIXES),
                     files(netbench=f"{GUESTS}/netbench.elf")]) as m:
        for _ in range(4):
            m.expect(r"netbench: up", 60)
        run(f"ip route add 2001:db8:2::/48 via {WAN6}")
        for address in NEAR, FAR, WIDE, WIDE2:
            echo_udp(address, 1400)
            echo_tcp(address, 100_000)
        for _ in range(3):      # from net to net, and within the wide one
            found = m.expect(r"\[(\w+)\] .*sent tcp \d+ packets (\d+) bytes",
                             20)
            if int(found[2]) < 100_000:
                raise Failure(f"{found[1].decode()} sent {found[2]} bytes")
        m.closes()


def take(size):
    """Bytes from the source, as long as we want."""
    with socket.create_connection((ONE, 19), 20) as s:
        while size > 0:
            chunk = s.recv(1 << 16)
            if not chunk or chunk.strip(b"x"):
                raise Failure("the source sends something else, or ends")
            size -= len(chunk)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
