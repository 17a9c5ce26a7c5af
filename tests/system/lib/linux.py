"""Debian's kernels and the initramfs of tests/guests/linux, as a domain."""
import fcntl
import subprocess

from lib.machine import BUILD, CACHE, Failure, domain


def linux(flavour, cmdline, name="linux", memory=256, **keys):
    """The modules of a Linux domain; kernel and ramdisk are made as needed."""
    ramdisk = f"{BUILD}/test/{flavour}.cpio"
    with open(f"{BUILD}/test/linux.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # another test may do the same
        for command in (["scripts/fetch-guests"],
                        ["scripts/mkinitramfs", ramdisk,
                         f"{CACHE}/linux-{flavour}/modules"]):
            if subprocess.run(command).returncode:
                raise Failure(f"{command[0]} failed")
    return domain(f"{CACHE}/linux-{flavour}/vmlinux", name, ramdisk,
                  memory=memory, cmdline=f"console=hvc0 {cmdline}", **keys)
