#!/usr/bin/env -S python3 -B
"""Debian's own kernels as PV domains, with Debian's own programs in them."""
from lib.cases import case, main
from lib.linux import linux
from lib.machine import Failure, Machine, dom0, domain

FLAVOURS = ("amd64", "cloud")


def boot(modules, **machine):
    return Machine([dom0(), modules, domain("hello", "bystander", memory=8)],
                   **machine)


def ends_well(m, how):
    """The domain has ended so; nobody else noticed, no frame is lost."""
    m.expect(rf"dom0: linux: ended: {how}", 150)
    m.pings(1)
    m.audit()
    m.command("poweroff")
    m.ends(0)


def passed(m, name, timeout):
    if m.expect(rf"SLUICE-TEST: {name}: (ok|FAILED)", timeout)[1] != b"ok":
        raise Failure(f"in the guest, {name} failed")


def programs(flavour, vcpus):
    """To a shell on the PV console, by way of the programs' tests."""
    tests = "programs,time,cpus"
    with boot(linux(flavour, f"quiet sluice.test={tests}", vcpus=vcpus)) as m:
        m.expect(r"SLUICE-INIT: up", 150)
        print(f"init after {m.seconds():.1f} s")
        for test in tests.split(","):
            passed(m, test, 150)
        m.expect(r"SLUICE-INIT: shell")
        m.command("attach linux")
        m.send("echo $((6 * 7)) $(nproc)\r")
        m.expect(rf"42 {vcpus}\r*\n")
        m.send("poweroff -f\r")
        m.send("\x1d")
        ends_well(m, "poweroff")


for flavour in FLAVOURS:
    for vcpus in (1, 2):
        case(300, f"{flavour}-{vcpus}vcpu")(
            lambda f=flavour, n=vcpus: programs(f, n))


@case(600, "forkstorm")
def forkstorm():
    with boot(linux("cloud", "quiet sluice.test=forkstorm sluice.then=poweroff",
                    vcpus=2)) as m:
        passed(m, "forkstorm", 500)
        ends_well(m, "poweroff")


@case(300, "reboot-destroys")
def reboot_destroys():
    with boot(linux("cloud", "quiet sluice.then=reboot",
                    on_reboot="destroy")) as m:
        ends_well(m, "reboot")


@case(300, "reboot-restarts")
def reboot_restarts():
    """As configured: the domain comes again, and can be ended for good."""
    with boot(linux("cloud", "quiet sluice.then=reboot",
                    on_reboot="restart")) as m:
        m.expect(r"SLUICE-INIT: up", 150)
        m.expect(r"dom0: linux: ended: reboot", 150)
        m.expect(r"SLUICE-INIT: up", 150)
        m.command("destroy linux", r"dom0: linux: ended", 60)
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(300, "panic")
def panic():
    with boot(linux("cloud", "quiet sluice.then=panic")) as m:
        m.expect(r"Kernel panic", 150)
        ends_well(m, "crash")


main()
