#!/usr/bin/env -S python3 -B
"""The network from outside and between domains: `name value unit`.

Guests of the kit (netbench) on one CPU behind the firewall, in copy and in
flip mode; the host sends and receives in a network namespace, over a TAP.
Each part boots a machine of its own.  pairs_N: two domains send to two others
on N CPUs, all at once; what arrives at both.
"""
import os
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../system"), os.path.join(HERE, "lib")]
from lib.machine import GUESTS, Failure, dom0       # noqa: E402
from lib.net import HOST, WAN, NetMachine, appliance, files  # noqa: E402
from netload import (A, DISCARD, SECONDS, PlainMachine, Sink,  # noqa: E402
                     blast, counters, machine, pull, push, received,
                     round_trips, say)
from parts import run_parts  # noqa: E402

PAUSE = 4                               # until the next sender's turn
# What the senders do, one after the other; HOST's own sinks are in Sink.
SENDS = (("udp64_domain_to_host", f"udp:{HOST}:9", 64),
         ("udp1400_domain_to_host", f"udp:{HOST}:9", 1400),
         ("tcp_domain_to_host", f"tcp:{HOST}:10", 0),
         ("udp64_domain_to_domain", f"udp:{A}:9", 64),
         ("udp1400_domain_to_domain", f"udp:{A}:9", 1400),
         ("tcp_domain_to_domain", f"tcp:{A}:9", 0),
         ("rtt_domain_to_domain", f"rtt:{A}:7", 64))
BULK = [row for row in SENDS if row[0].startswith("tcp")]
FLOODED = 3                             # domains beside the one that floods
PACED = 100                             # packets a second of each


def say_round_trips(name):
    median, p99 = round_trips()
    say(name + "_p50", median, "us")
    say(name + "_p99", p99, "us")


def senders(mode, sends=SENDS, tail="", **how):
    """A domain for each of sends; each waits until those before it are done."""
    lines = [f"{mode} send={to} size={size or 64} seconds={SECONDS} "
             f"wait={4 + i * (SECONDS + PAUSE)}"
             for i, (_, to, size) in enumerate(sends)]
    sink = Sink()
    with machine([mode, *lines], **how) as m:
        taken = 0
        for i, (name, to, size) in enumerate(sends, 1):
            name = f"{name}_{mode.split()[0][4:]}{tail}"
            before = sink.packets[DISCARD]
            if name.startswith("rtt"):
                found = m.expect(rf"\[d{i}\] .*rtt \d+ samples \d+ lost p50 (\d+) "
                                 r"p99 (\d+) max", 90)
                say(name + "_p50", int(found[1]) / 1000, "us")
                say(name + "_p99", int(found[2]) / 1000, "us")
                continue
            found = m.expect(rf"\[d{i}\] .*sent (\w+) (\d+) packets (\d+) "
                             r"bytes (\d+) ns", 90)
            seconds = int(found[4]) / 1e9
            if name.startswith("tcp"):
                say(name, int(found[3]) * 8 / seconds / 1e6, "Mbit/s")
            elif HOST in to:
                time.sleep(0.5)
                say(name, (sink.packets[DISCARD] - before) / seconds, "pkt/s")
            else:
                time.sleep(0.5)
                now = counters()[0]
                say(name, (now - taken) / seconds, "pkt/s")
                taken = now


def host_side(mode):
    with machine([mode]):
        name = mode[4:]
        for size in 64, 1400:
            say(f"udp{size}_host_to_domain_{name}",
                received(lambda: blast(size))[0], "pkt/s")
        say(f"tcp_host_to_domain_{name}", received(push)[1] * 8 / 1e6,
            "Mbit/s")
        say(f"tcp_pulled_from_domain_{name}", pull() * 8 / 1e6, "Mbit/s")
        say_round_trips(f"rtt_host_to_domain_{name}")


# TCP whose packets are of the MTU on the NIC and into a domain, with their
# checksums added up.  Out of a domain of the kit they still come as large
# segments: it is the hypervisor that cuts them.

def plain_host_side(mode):
    with machine([mode + " gso=0"], kind=PlainMachine):
        name = f"{mode[4:]}_no_offload"
        say(f"tcp_host_to_domain_{name}", received(push)[1] * 8 / 1e6,
            "Mbit/s")
        say(f"tcp_pulled_from_domain_{name}", pull() * 8 / 1e6, "Mbit/s")


def plain_senders(mode):
    senders(mode + " gso=0", BULK, "_no_offload", kind=PlainMachine)


def pairs(cpus):
    takers = [f"10.1.0.{10 + i}" for i in range(2)]

    def sends(proto, wait):
        return [f"send={proto}:{taker}:9 size=64 seconds={SECONDS} wait={wait}"
                for taker in takers]
    with machine(["", "", *sends("udp", 5), *sends("tcp", 5 + 2 * SECONDS)],
                 cpus=cpus) as m:
        for proto, column, unit in ("udp", 0, "pkt/s"), ("tcp", 1, "Mbit/s"):
            before = [counters(taker)[column] for taker in takers]
            ns = max(int(m.expect(rf"sent {proto} \d+ packets \d+ bytes "
                                  r"(\d+) ns", 90)[1]) for _ in takers)
            time.sleep(0.5)
            took = sum(counters(taker)[column] - n
                       for taker, n in zip(takers, before))
            say(f"{proto}_two_pairs_{cpus}_cpus",
                took * 1e9 / ns * (8 / 1e6 if proto == "tcp" else 1), unit)


def with_rules(count):
    with machine([""], rules=count):
        say(f"udp64_host_to_domain_{count}_rules",
            received(lambda: blast(64))[0], "pkt/s")
        say_round_trips(f"rtt_host_to_domain_{count}_rules")


def fairness():
    """Three domains send at a pace and one answers, while one floods."""
    ports = range(11, 11 + FLOODED)
    lines = [f"send=udp:{HOST}:{port} size=64 rate={PACED} seconds=60 wait=1"
             for port in ports]
    sink = Sink((DISCARD, *ports))
    with machine(["", *lines,
                  f"send=udp:{HOST}:9 size=1400 seconds=30 wait=14"]) as m:
        m.settle(3)
        quiet = paced(sink, ports), round_trips(200)
        while sink.packets[DISCARD] == 0:
            m.settle(0.5)
        m.settle(1)
        loud = paced(sink, ports), round_trips(200)
    for i in range(FLOODED):
        say(f"fair_share_{i}", 100 * loud[0][i] / max(quiet[0][i], 1), "%")
    say("fair_rtt_p99_quiet", quiet[1][1], "us")
    say("fair_rtt_p99_flooded", loud[1][1], "us")


def paced(sink, ports):
    before, began = dict(sink.packets), time.monotonic()
    time.sleep(3)
    seconds = time.monotonic() - began
    return [(sink.packets[port] - before[port]) / seconds for port in ports]


def first_answer():
    """From power-on to the first page."""
    text = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain web on dmz address {A} {{ kernel "web" memory 16M }}
allow tcp 80 from any to web
"""
    with NetMachine([dom0(), appliance(text),
                     files(web=f"{GUESTS}/web.elf")], cpus=1) as m:
        threading.Thread(target=lambda: m.settle(60), daemon=True).start()
        while m.seconds() < 60:
            try:
                with socket.create_connection((A, 80), 0.2) as s:
                    s.settimeout(5)
                    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    if s.recv(64).startswith(b"HTTP/1."):
                        say("boot_power_on_to_first_http_answer", m.seconds(),
                            "s")
                        return
            except OSError:
                time.sleep(0.01)
    raise Failure("no answer within a minute")


PARTS = {"boot": first_answer,
         "host_copy": lambda: host_side("net=copy"),
         "host_flip": lambda: host_side("net=flip"),
         "sends_copy": lambda: senders("net=copy"),
         "sends_flip": lambda: senders("net=flip"),
         "plain_host_copy": lambda: plain_host_side("net=copy"),
         "plain_host_flip": lambda: plain_host_side("net=flip"),
         "plain_sends_copy": lambda: plain_senders("net=copy"),
         "plain_sends_flip": lambda: plain_senders("net=flip"),
         "rules_10": lambda: with_rules(10),
         "rules_1000": lambda: with_rules(1000),
         "rules_10000": lambda: with_rules(10000),
         "pairs_1": lambda: pairs(1),
         "pairs_2": lambda: pairs(2),
         "fairness": fairness}

run_parts(PARTS)
