"""Bochs: the strict second machine, for what QEMU lets pass.

It checks segment limits, reserved bits, MSRs, IRET and SYSRET as hardware
does, at some 30 million instructions a second: small guests only.
"""
import os
import pty
import subprocess
import threading
import tty

from lib.machine import Machine, log_name

CONFIG = """\
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=broadwell_ult, count={cpus}, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0
memory: guest={memory_mib}, host={memory_mib}
pci: enabled=1, chipset=i440fx
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=term, dev={serial}
log: {log}
panic: action=fatal
"""


def drain(fd):
    """Bochs wants a terminal for its screen; nobody looks at it."""
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass                            # Bochs has ended


class Bochs(Machine):
    def start(self, cpus=1, memory_mib=256):
        base = log_name()
        ours, serial = pty.openpty()
        tty.setraw(serial)
        screen, terminal = pty.openpty()
        with open(base + ".bochsrc", "w") as out:
            out.write(CONFIG.format(cpus=cpus, memory_mib=memory_mib,
                                    image=self.image, log=base + ".bochs",
                                    serial=os.ttyname(serial)))
        with open(base + ".debugger", "w") as out:
            out.write("c\n")            # Debian's Bochs starts in its debugger
        process = subprocess.Popen(
            ["bochs", "-q", "-f", base + ".bochsrc", "-rc", base + ".debugger"],
            stdin=terminal, stdout=terminal, stderr=terminal,
            env=dict(os.environ, TERM="xterm"))
        os.close(terminal)
        threading.Thread(target=drain, args=(screen,), daemon=True).start()
        return process, ours, ours
