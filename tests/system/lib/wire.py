"""Frames by hand, and what passes by on a device.

Packets are bytes of IP on; addresses are text.  A Wire sends and sees frames
of one device from the moment it is made.
"""
import socket
import struct
import time

from lib.machine import Failure

ICMP, TCP, UDP, ICMP6, FRAGMENT = 1, 6, 17, 58, 44


def is6(address):
    return ":" in address


def number(address):
    return socket.inet_pton(socket.AF_INET6 if is6(address) else
                            socket.AF_INET, address)


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def summed(src, dst, proto, data, at):
    """The transport's data with its checksum at that offset."""
    pseudo = number(src) + number(dst) + struct.pack("!II", len(data), proto)
    if proto == ICMP:
        pseudo = b""
    return data[:at] + struct.pack("!H", checksum(pseudo + data)) + \
        data[at + 2:]


def ip(src, dst, proto, data, ttl=64, ident=1, offset=0, more=False, df=False):
    """A packet, or the fragment of one that begins at that offset."""
    if not is6(src):
        where = offset // 8 | more << 13 | df << 14
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), ident, where,
                           ttl, proto, 0) + number(src) + number(dst)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data
    if offset or more:
        data = struct.pack("!BBHI", proto, 0, offset | more, ident) + data
        proto = FRAGMENT
    return struct.pack("!IHBB", 6 << 28, len(data), proto, ttl) + \
        number(src) + number(dst) + data


def udp(src, dst, sport, dport, data):
    """The datagram alone: ip() or pieces() put it into packets."""
    data = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return summed(src, dst, UDP, data, 6)


def echo(src, dst, ident=1, data=b"ping"):
    """An echo request alone."""
    kind, proto = (128, ICMP6) if is6(src) else (8, ICMP)
    data = struct.pack("!BBHHH", kind, 0, 0, ident, 1) + data
    return summed(src, dst, proto, data, 2)


def pieces(src, dst, proto, data, size, ident=7):
    """Fragments of at most size bytes of data, a multiple of 8."""
    return [ip(src, dst, proto, data[at:at + size], ident=ident, offset=at,
               more=at + size < len(data))
            for at in range(0, len(data), size)]


class Packet:
    """What a frame holds, as far as the tests ask."""

    def __init__(self, frame):
        self.frame = frame
        self.dst_mac, self.src_mac = frame[:6], frame[6:12]
        self.type = struct.unpack("!H", frame[12:14])[0]
        self.src = self.dst = self.proto = self.sport = self.dport = None
        self.data = frame[14:]
        if self.type == 0x0800 and len(self.data) >= 20:
            self.take4()
        elif self.type == 0x86dd and len(self.data) >= 40:
            self.take6()

    def take4(self):
        d = self.data
        total, self.ident, where, self.ttl, self.proto = \
            struct.unpack("!HHHBB", d[2:10])
        self.src = socket.inet_ntop(socket.AF_INET, d[12:16])
        self.dst = socket.inet_ntop(socket.AF_INET, d[16:20])
        self.offset, self.more = (where & 0x1fff) * 8, bool(where & 0x2000)
        self.take(d[(d[0] & 15) * 4:total])

    def take6(self):
        d = self.data
        length, self.proto, self.ttl = struct.unpack("!HBB", d[4:8])
        self.src = socket.inet_ntop(socket.AF_INET6, d[8:24])
        self.dst = socket.inet_ntop(socket.AF_INET6, d[24:40])
        self.offset, self.more = 0, False
        body = d[40:40 + length]
        if self.proto == FRAGMENT:
            self.proto, _, where, self.ident = struct.unpack("!BBHI", body[:8])
            self.offset, self.more = where & 0xfff8, bool(where & 1)
            body = body[8:]
        self.take(body)

    def take(self, body):
        """The transport: its ports, or type and code."""
        self.data = body
        if self.offset or len(body) < 4:
            return
        if self.proto in (TCP, UDP):
            self.sport, self.dport = struct.unpack("!HH", body[:4])
        elif self.proto in (ICMP, ICMP6):
            self.sport, self.dport = body[0], body[1]

    def __str__(self):
        return f"{self.src} > {self.dst} proto {self.proto} " \
               f"{self.sport} > {self.dport} {self.frame[:80].hex()}"


class Wire:
    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.bind((device, 3))
        self.mac = self.socket.getsockname()[4]

    def send(self, packet, to, source=None):
        """An IP packet to that MAC."""
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        self.frame(to + (source or self.mac) + kind + packet)

    def frame(self, frame):
        self.socket.send(frame + bytes(max(0, 60 - len(frame))))

    def forget(self):
        """What has passed by till now is of no interest."""
        for _ in self.seen(0):
            pass

    def seen(self, seconds):
        """Frames that others sent, until that time is over."""
        end = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(end - time.monotonic(), 1e-6))
            try:
                frame, address = self.socket.recvfrom(70000)
            except (TimeoutError, BlockingIOError):
                return
            if address[2] != socket.PACKET_OUTGOING:
                yield Packet(frame)

    def wait(self, wanted, what, seconds=5):
        """The first packet for which wanted() holds."""
        for p in self.seen(seconds):
            if wanted(p):
                return p
        raise Failure(f"not seen within {seconds} s: {what}")

    def none(self, unwanted, what, seconds=1):
        for p in self.seen(seconds):
            if unwanted(p):
                raise Failure(f"seen, but must not be: {what}: {p}")


def capture(path):
    """(seconds, Packet) of a file that tcpdump wrote."""
    with open(path, "rb") as f:
        order = "<" if f.read(24)[:4] == b"\xd4\xc3\xb2\xa1" else ">"
        while head := f.read(16):
            seconds, micro, length, _ = struct.unpack(order + "IIII", head)
            yield seconds + micro / 1e6, Packet(f.read(length))
