#!/usr/bin/env -S python3 -B
"""Exchange of pages on receive: kit guests with flip rings behind the firewall."""
import socket
import sys

from lib.cases import case, main
from lib.machine import GUESTS, Failure, dom0
from lib.net import (HOST, WAN, NetMachine, appliance, files,
                     within_namespace)

PORT = 9000


def rules(**domains):
    """An appliance of such domains, NAME=(address, image, command line)."""
    text = f"nic wan address {WAN}/24 gateway {HOST}\nnet dmz 10.1.0.0/24\n"
    for name, (address, image, cmdline) in domains.items():
        text += (f'domain {name} on dmz address {address} {{\n'
                 f'    kernel "{image}" memory 16M cmdline "{cmdline}"\n}}\n')
    return text + f"allow udp {PORT} from any to any\n"


def boot(images, **domains):
    return NetMachine([dom0(), appliance(rules(**domains)),
                       files(**{i: f"{GUESTS}/{i}.elf" for i in images})])


def send(address, payload, count):
    data = bytes(i & 255 for i in range(payload))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(count):
            s.sendto(data, (address, PORT))


def memory(m, name):
    """What `list` says of a domain's memory."""
    m.send("list\r")
    return m.expect(rf"\n{name} +[^\n]*")[0].strip()


@case(60, "hostile")
def hostile():
    """Every kind of page that can be posted: exchanged, copied to or refused,
    as it must be; then an index out of range ends the service."""
    with boot(["flip"], front=("10.1.0.10", "flip", "")) as m:
        while True:
            found = m.expect(r"\[front\] (?:send (\d+) (\d+)[\r\n]|"
                             r"(FAILED [^\r\n]*)[\r\n]|result: (\w+):)", 30)
            if found[3]:
                raise Failure(found[3].decode())
            if found[4]:
                break
            send("10.1.0.10", int(found[1]), int(found[2]))
        if found[4] != b"success":
            raise Failure("the guest's checks")
        m.expect(r"\[front\] lied")
        send("10.1.0.10", 1400, 1)
        m.expect(r"vif 0 of domain 1 \(front\): .*no more service")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
