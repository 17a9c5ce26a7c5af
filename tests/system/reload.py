#!/usr/bin/env -S python3 -B
"""10,000 rules, loaded at run time while packets pass, in dom0's usual memory;
and what is said where there is too little of it."""
import socket
import sys

from lib.cases import Checks, case, main
from lib.machine import GUESTS, Failure, Machine, dom0, domain, log_name
from lib.net import (HOST, WAN, NetMachine, appliance, files, rules_file,
                     within_namespace)
from lib.talk import Talk, go_on

ONE = "10.1.0.30"
MANY, TOO_MANY = 10_000, 16_000         # beside two sets of MANY
FEW = 1500                              # while domains have all memory
TALKS = 10

NETS = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain one on dmz address {ONE} {{
    kernel "netbench" memory 16M
}}
domain db on dmz address 10.1.0.40
set admins {{ 198.51.100.0/24, 203.0.113.77 }}
service http {{ tcp 80, tcp 443 }}
"""
LAST = "allow tcp 7, udp 7 from any to one"

# As people write them; the address differs in each, so that all are needed.
KINDS = ("allow tcp {port} from {address} to one",
         "allow http from {address} to db comment \"ticket {n}\"",
         "allow tcp {port} from {address} to db limit 10/minute log \"n{n}\"",
         "deny udp {port} from {address} to any",
         "allow tcp {port} from db to {address}")


def rules(count, base=20):
    """A file of that many rules, of which the last alone lets us talk."""
    def line(n):
        address = f"{base + (n >> 16)}.{n >> 8 & 255}.{n & 255}.1"
        return KINDS[n % len(KINDS)].format(n=n, address=address,
                                            port=1000 + n % 50_000)
    return NETS + "".join(line(n) + "\n" for n in range(count - 1)) + LAST


def last_line(text):
    return text.count("\n") + 1


def echo():
    """A datagram by a flow of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(b"hello", (ONE, 7))
        if s.recv(100) != b"hello":
            raise Failure("something else came back")


def load(m, what, name):
    """Rules come into force, and no connection is closed by that."""
    found = m.command(f"rules {what}", rf"rules loaded: {name}: (\d+) rules, "
                                       r"(\d+) bytes; .* (\d+) closed", 60)
    if int(found[3]):
        raise Failure(f"{int(found[3])} connections were closed")
    return int(found[1])


def judged(m, name, text):
    """The next packet of a new flow is counted by the last rule."""
    counted = rf"{name}:{last_line(text)} allow [^\n]*: packets (\d+) "
    before = int(m.command("rules all", counted, 60)[1])
    echo()
    after = int(m.command("rules all", counted, 60)[1])
    if after < before + 2:
        raise Failure(f"the last rule counts {after - before} packets")


def sizes(m):
    """KiB of dom0; it must not keep what it compiled in."""
    return int(m.command("info", r"dom0 (\d+) KiB, together")[1])


@case(120, "many")
def many():
    """Each step while ten connections go on."""
    check = Checks()
    big, other, small = rules(MANY), rules(MANY, 60), NETS + LAST
    with NetMachine([dom0(), appliance(small), rules_file("big.vfr", big),
                     rules_file("other.vfr", other),
                     rules_file("more.vfr", rules(TOO_MANY)),
                     files(netbench=f"{GUESTS}/netbench.elf")]) as m:
        m.expect(r"netbench: up", 60)
        talks = [Talk(ONE, 7) for _ in range(TALKS)]
        with check("load"):
            go_on(talks)
            if load(m, "load big.vfr", "big.vfr") != MANY:
                raise Failure("rules were lost")
            judged(m, "big.vfr", big)
            go_on(talks)
        with check("load-another"):     # beside this one, and that before
            load(m, "load other.vfr", "other.vfr")
            load(m, "load big.vfr", "big.vfr")
            load(m, "load other.vfr", "other.vfr")
            judged(m, "other.vfr", other)
            go_on(talks)
        with check("too-many"):
            before = sizes(m)
            m.command("rules load more.vfr", r"more.vfr: not loaded: no memory:"
                      r" dom0_mem=24 is too little [^\n]* dom0_mem=40\b", 60)
            judged(m, "other.vfr", other)
            if sizes(m) != before:
                raise Failure("dom0 keeps what it compiled in")
            go_on(talks)
        with check("load-small"):
            load(m, "load test.vfr", "test.vfr")
            judged(m, "test.vfr", small)
            go_on(talks)
        with check("rollback"):
            load(m, "rollback", "other.vfr")
            judged(m, "other.vfr", other)
            go_on(talks)
        with check("load-small-again"):
            load(m, "load test.vfr", "test.vfr")
            load(m, "load test.vfr", "test.vfr")
            go_on(talks)
        for t in talks:
            t.stop()
        m.closes()
    check.end()


@case(60, "short")
def short():
    """Where domains have all memory that they can get, a small set is loaded
    still; a large one is refused until one of them has ended."""
    small = f"{log_name()}.vfr"
    with open(small, "w") as f:
        f.write(NETS.replace('kernel "netbench"', "") + LAST)
    with Machine([dom0(), [f"{small} :appliance test.vfr"],
                  rules_file("big.vfr", rules(MANY)),
                  rules_file("few.vfr", rules(FEW)),
                  domain("hello", "web", memory=4)], memory_mib=128) as m:
        m.greeted("web")
        m.command("clone web x 100", r"dom0: \d+ of 100 started")
        m.command("rules load big.vfr", r"big.vfr: not loaded: no memory: "
                                        r"domains have what compiling takes")
        load(m, "load few.vfr", "few.vfr")
        m.command("destroy x*", r"dom0: \d+ destroyed")
        load(m, "load big.vfr", "big.vfr")
        m.audit()
        m.command("poweroff")
        m.ends(0)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
