#!/usr/bin/env -S python3 -B
"""Exchange of pages on receive: kit guests with flip rings."""
import os
import socket
import struct
import sys
import threading

from lib.cases import case, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, WAN, E1000Machine, NetMachine, appliance, files,
                     within_namespace)

PORT = 9000


def rules(**domains):
    """An appliance of such domains, NAME=(address, image, command line [,
    more settings])."""
    text = f"nic wan address {WAN}/24 gateway {HOST}\nnet dmz 10.1.0.0/24\n"
    for name, (address, image, cmdline, *more) in domains.items():
        text += (f'domain {name} on dmz address {address} {{\n'
                 f'    kernel "{image}" memory 16M cmdline "{cmdline}"\n'
                 f'    {" ".join(more)}\n}}\n')
    return text + f"""
allow udp {PORT}-9003 from any to any
allow tcp 7-9 from any to any
"""


def boot(images, machine=NetMachine, cpus=2, **domains):
    return machine([dom0(), appliance(rules(**domains)),
                    files(**{i: f"{GUESTS}/{i}.elf" for i in images})],
                   cpus=cpus)


def send(address, payload, count):
    data = bytes(i & 255 for i in range(payload))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(count):
            s.sendto(data, (address, PORT))


def serve(m, guests, aside=None, endless=()):
    """Send what they ask for until each has its result, but for those that go
    on without end; and each time a long one to the address aside."""
    left = set(guests) - set(endless)
    while left:
        found = m.expect(r"\[(\w+)\] (?:send (\d+) (\d+)[\r\n]|"
                         r"(FAILED [^\r\n]*)[\r\n]|result: (\w+):)", 30)
        name = found[1].decode()
        if found[4]:
            raise Failure(f"{name}: {found[4].decode()}")
        if found[5]:
            left.remove(name)
        else:
            send(guests[name], int(found[2]), int(found[3]))
            if aside:
                send(aside, 1400, 1)


@case(60, "hostile")
def hostile():
    """Every kind of page that can be posted: exchanged, copied to or refused,
    as it must be; then an index out of range ends the service."""
    with boot(["flip"], front=("10.1.0.10", "flip", "")) as m:
        serve(m, {"front": "10.1.0.10"})
        m.expect(r"\[front\] lied")
        send("10.1.0.10", 1400, 1)
        m.expect(r"vif 0 of domain 1 \(front\): .*no more service")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(60, "clean")
def clean(machine=NetMachine):
    """Two guests get short and long packets in frames that both have filled
    with bytes of their own, and that were others' packets' in between: neither
    sees anything of the others."""
    guests = {"short": "10.1.0.10", "long": "10.1.0.11"}
    aside = "10.1.0.12"
    with boot(["flip"], machine, aside=(aside, "flip", "do=talk net=copy"),
              short=(guests["short"], "flip", "do=clean fill=161 payload=1000"),
              long=(guests["long"], "flip", "do=clean fill=178")) as m:
        serve(m, guests, aside)
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(60, "clean_e1000")
def clean_e1000():
    """The same, by a NIC of the other kind."""
    clean(E1000Machine)


@case(60, "vcpus")
def vcpus():
    """A vcpu on another CPU writes to the page that is exchanged, all the time:
    nothing of that gets into packets of others."""
    guests = {"short": "10.1.0.10", "long": "10.1.0.11", "many": "10.1.0.13"}
    # A CPU for each, so that none forgets the entry by turning to another.
    with boot(["flip"], cpus=4, many=(guests["many"], "flip", "do=hammer",
                                      "vcpus 2"),
              short=(guests["short"], "flip", "do=clean fill=161 payload=1000"),
              long=(guests["long"], "flip", "do=clean fill=178")) as m:
        serve(m, guests, endless=["many"])
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


LIVES = 6


def free_memory(m):
    found = m.command("memory", r"memory: free (\d+) pages")
    return int(found[1])


@case(60, "life")
def life():
    """A domain that ends in a flood of exchanges leaves nothing behind, and
    the next one starts as it did."""
    address = "10.1.0.10"
    with boot(["flip"], front=(address, "flip", "do=talk net=flip")) as m:
        m.expect(r"\] talking")
        free = free_memory(m)
        over = threading.Event()
        flood = threading.Thread(target=keep_sending, args=(address, over))
        flood.start()
        try:
            for _ in range(LIVES):
                m.expect(r"received \d+ exchanged [1-9]")
                m.command("destroy front", r"dom0: 1 destroyed")
                m.command("start front", r"front: started")
        finally:
            over.set()
            flood.join()
        m.expect(r"\] talking")
        m.audit()
        for _ in range(10):             # what is dying may take a moment
            now = free_memory(m)
            if now == free:
                break
            m.settle(0.5)
        if now != free:
            raise Failure(f"{free} frames were free, now {now}")
        m.accounts()
        m.command("poweroff")
        m.ends(0)


def keep_sending(address, over):
    while not over.is_set():
        send(address, 1400, 50)
        over.wait(0.005)


@case(90, "audits")
def audits():
    """The frames add up while packets go on to guests that are paused for it."""
    guests = {"flip": "10.1.0.21", "copy": "10.1.0.11"}
    with boot(["flip"], cpus=3,
              **{name: (address, "flip", f"do=talk net={name}")
                 for name, address in guests.items()}) as m:
        for _ in guests:
            m.expect(r"\[(\w+)\] talking frames (\d+)\s")
        over = threading.Event()
        senders = [threading.Thread(target=keep_sending, args=(address, over))
                   for address in guests.values()]
        for s in senders:
            s.start()
        try:
            for _ in range(40):
                m.audit()
        finally:
            over.set()
            for s in senders:
                s.join()
        m.accounts()
        m.command("poweroff")
        m.ends(0)


TCP = {"a": ("10.1.0.31", "flip", "10.1.0.32"),   # to flip
       "b": ("10.1.0.32", "flip", "10.1.0.33"),   # to copy
       "c": ("10.1.0.33", "copy", "10.1.0.34"),   # to copy
       "d": ("10.1.0.34", "copy gso=0", "10.1.0.31")}   # to flip
TCP_BYTES = 2_000_000


def counters(address):
    """What netbench has counted, by name."""
    with socket.create_connection((address, 8), 20) as s:
        words = s.makefile().read().split()
    return {"tcp": int(words[4]), "exchanged": int(words[8])}


def echo_tcp(address):
    data, back = os.urandom(TCP_BYTES), bytearray()
    with socket.create_connection((address, 7), 20) as s:
        threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
        while len(back) < len(data) and (chunk := s.recv(1 << 16)):
            back += chunk
    if back != data:
        raise Failure(f"{len(data)} bytes by TCP to {address} came back "
                      "as others")


@case(60, "tcp")
def tcp():
    """Large segments, of many pages each, from the host and in all pairings;
    cut for the guest that takes none."""
    with boot(["netbench"], **{
            name: (address, "netbench",
                   f"net={mode} send=tcp:{to}:9 seconds=1 wait=2")
            for name, (address, mode, to) in TCP.items()}) as m:
        for _ in TCP:
            m.expect(r"netbench: up", 30)
        sent = {}
        while len(sent) < len(TCP):
            found = m.expect(r"\[(\w)\] .*sent tcp \d+ packets (\d+) "
                             r"bytes\s", 40)
            sent[found[1].decode()] = int(found[2])
        for name, (address, mode, to) in TCP.items():
            got = counters(to)["tcp"]
            if not sent[name] or got < sent[name]:
                raise Failure(f"{name} sent {sent[name]} bytes, {got} arrived")
        for name, (address, mode, _) in TCP.items():
            before = counters(address)["exchanged"]
            echo_tcp(address)
            pages = counters(address)["exchanged"] - before
            if (pages > TCP_BYTES // 8192) != (mode == "flip"):
                raise Failure(f"{name}, {mode}: {pages} pages exchanged")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


ECHO, GO = 9001, 9002
COUNT, LENGTH = 400, 1400


def echoed(address, sizes):
    """Datagrams of such sizes come back as they were sent, all of them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        for i, size in enumerate(sizes):
            data = bytes((i + k) & 255 for k in range(size))
            s.sendto(data, (address, ECHO))
            if s.recv(65536) != data:
                raise Failure(f"other bytes came back than the {size} sent")


def ask(address, peer):
    """Have the guest at address ask its peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(socket.inet_aton(peer) + struct.pack("!HH", COUNT, LENGTH),
                 (address, GO))


@case(60, "pairs")
def pairs(machine=NetMachine):
    """Each pairing of copy and flip, and both with the host; no domain has
    another amount of memory at the end."""
    guests = {"copy1": "10.1.0.11", "copy2": "10.1.0.12",
              "flip1": "10.1.0.21", "flip2": "10.1.0.22"}
    with boot(["flip"], machine,
              **{name: (address, "flip", f"do=talk net={name[:4]}")
                 for name, address in guests.items()}) as m:
        frames = {}
        for _ in guests:
            found = m.expect(r"\[(\w+)\] talking frames (\d+)\s")
            frames[found[1].decode()] = int(found[2])
        for name, address in guests.items():
            echoed(address, [64, LENGTH] * 60)
            found = m.expect(rf"\[{name}\] received (\d+) exchanged (\d+) "
                             rf"errors 0 frames {frames[name]}\s")
            if (int(found[2]) >= 40) != (name[:4] == "flip"):
                raise Failure(f"{name}: {found[2]} pages exchanged")
        for a, b in (("copy1", "copy2"), ("copy1", "flip2"),
                     ("flip1", "copy2"), ("flip1", "flip2")):
            ask(guests[a], guests[b])
            m.expect(rf"\[{a}\] asked {COUNT}, {COUNT} right", 30)
        for name, address in guests.items():
            echoed(address, [LENGTH] * 100)
            m.expect(rf"\[{name}\] received .* frames {frames[name]}\s")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(60, "pairs_e1000")
def pairs_e1000():
    """The same, by a NIC of the other kind."""
    pairs(E1000Machine)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
