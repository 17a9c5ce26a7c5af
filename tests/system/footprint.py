#!/usr/bin/env -S python3 -B
"""What the hypervisor and dom0 take beside the domains and their files."""
import sys

from lib.cases import case, main
from lib.machine import Failure, dom0, log_name
from lib.net import NetMachine, within_namespace

LIMIT_KIB = 32 * 1024
RULES = 1000


def rules(name, count):
    """A boot module with that many rules."""
    path = f"{log_name()}.{name}"
    with open(path, "w") as f:
        f.write("nic wan device nic0\n"
                "net lan 10.77.0.0/24 bridged on wan\n")
        f.writelines(f"deny udp {1000 + i} from 10.200.{i >> 8}.{i & 255} "
                     "to any\n" for i in range(count - 1))
        f.write("allow any from any to any\n")
    return path


def check(m):
    m.send("info\r")
    found = m.expect(r"hypervisor (\d+) KiB, dom0 (\d+) KiB, together (\d+) KiB")
    if int(found[3]) > LIMIT_KIB:
        raise Failure(f"{int(found[3])} KiB are above {LIMIT_KIB}")
    return int(found[2])


def load(m, name):
    m.command(f"rules load {name}.vfr", rf"rules loaded: {name}\.vfr", 30)
    return check(m)


@case(60)
def footprint():
    """Together at most 32 MiB of 2 GiB, with a NIC, also after rules were
    compiled."""
    modules = [f"{rules('few', 2)} :appliance few.vfr",
               f"{rules('many', RULES)} :file many.vfr"]
    with NetMachine([dom0(), modules], cpus=1, memory_mib=2048) as m:
        m.expect(r"rules loaded: few.vfr", 30)
        took = [load(m, name) for name in ("few", "many", "many", "few", "few")]
        # It keeps the rules in force and those before them, and nothing else.
        if took[0] != took[-1]:
            raise Failure(f"dom0 keeps what it compiled with: {took} KiB")
        m.closes()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
