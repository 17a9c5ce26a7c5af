#!/usr/bin/env -S python3 -B
"""How long it takes to come up, by the clock of the host: `name value unit`."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
from lib.linux import linux                                     # noqa: E402
from lib.machine import Failure, Machine, dom0, domain, log_name  # noqa: E402


def since(began):
    return f"{time.monotonic() - began:.2f} s"


def hypervisor():
    with Machine([dom0(), domain("hello", "web", memory=8)]) as m:
        m.expect(r"Sluice, a hypervisor")
        print("boot_power_on_to_hypervisor", since(m.began))
        handed_over = time.monotonic()
        m.expect(r"dom0: ")
        print("boot_grub_to_dom0", since(handed_over))
        m.expect(r"\[web\] hello")
        print("boot_power_on_to_kit_guest", since(m.began))


def debian(flavour):
    with Machine([dom0(), linux(flavour, "quiet")]) as m:
        m.expect(r"Sluice, a hypervisor")
        print(f"boot_linux_{flavour}_to_hypervisor", since(m.began))
        m.expect(r"SLUICE-INIT: up", 120)
        print(f"boot_linux_{flavour}_to_init", since(m.began))


os.makedirs(os.path.dirname(log_name()), exist_ok=True)
try:
    hypervisor()
    debian("amd64")
    debian("cloud")
except Failure as failure:
    sys.exit(f"# boot: {failure}")
