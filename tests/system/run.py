#!/usr/bin/env -S python3 -B
"""make run KERNEL=... ONCE=1, as people type it: its status tells the end."""
import os
import subprocess

from lib.cases import case, main
from lib.linux import linux
from lib.machine import CACHE, BUILD, Failure, log_name

LINUX = f"{CACHE}/linux-cloud/vmlinuz"


def make_run(status, wanted, **variables):
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    argv = ["make", "--no-print-directory", "run", "ONCE=1"]
    argv += [f"{key}={value}" for key, value in variables.items()]
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    with open(log_name() + ".serial", "a") as out:
        out.write(done.stdout)
    if done.returncode != status:
        raise Failure(f"status {done.returncode}, not {status}")
    for text in wanted:
        if text not in done.stdout:
            raise Failure(f"it does not say: {text}")


def run_linux(then, status, ended):
    """From the bzImage as Debian has it, not from a file we unpacked."""
    linux("cloud", "")
    make_run(status, (f"sluice: run ended: {ended}", "sluice: alive: bystander",
                      "frame audit: ok"),
             KERNEL=LINUX, RAMDISK=f"{BUILD}/test/cloud.cpio", VCPUS=2,
             CMDLINE=f"console=hvc0 quiet sluice.then={then}")


case(180, "poweroff")(lambda: run_linux("poweroff", 0, "poweroff"))
case(180, "reboot")(lambda: run_linux("reboot", 0, "reboot"))
case(180, "panic")(lambda: run_linux("panic", 1, "crash"))


@case(180, "no-kernel")
def no_kernel():
    make_run(2, ("neither an ELF file nor a Linux bzImage",),
             KERNEL="/etc/passwd")
    make_run(2, ("No such file",), KERNEL="no-such-file")


main(alone=True)
