"""The reference machine: QEMU without KVM, booted from an image of mkiso."""
import os
import shlex
import subprocess

OVMF = "/usr/share/OVMF/OVMF_CODE.fd"


def domain(image, name, ramdisk=None, **keys):
    """The modules of one domain, for make_image(): kernel and ramdisk.

    keys are the words of its GRUB line: memory in MiB, vcpus, cmdline ...
    """
    words = [name] + [f"{key}={value}" for key, value in keys.items()]
    modules = [shlex.join([image] + words)]
    if ramdisk:
        modules.append(shlex.join([ramdisk, name + ":ramdisk"]))
    return modules


def make_image(path, modules, options=""):
    """Returns nothing, or what mkiso complained of."""
    done = subprocess.run(["scripts/mkiso", "-o", path, "-x", options, *modules],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.stdout if done.returncode else ""


def command(image, cpus=2, memory_mib=1024, machine="q35", firmware="bios",
            disk="cd", cpu="max", accel="tcg,thread=multi", counted=False):
    """QEMU's command line, without a serial line.

    counted: a nanosecond of its time is an instruction, whatever the host
    does meanwhile; one CPU only.  The hypervisor tells the status of a run through the exit device.
    """
    argv = ["qemu-system-x86_64", "-accel", accel,
            "-machine", machine + ",memory-backend=ram", "-cpu", cpu,
            "-smp", str(cpus), "-m", str(memory_mib),
            # Only what is touched is taken from the host: 64 GiB fit anywhere.
            "-object",
            f"memory-backend-ram,id=ram,size={memory_mib}M,reserve=off",
            "-nodefaults", "-display", "none", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    if firmware == "uefi":
        argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}"]
    if counted:
        argv[2] = "tcg"
        argv += ["-icount", "shift=0,sleep=off"]
    kind = {"cd": "cd", "disk": "hd"}[disk]
    drive = f"if=none,id=boot,format=raw,file={image}," + \
        {"cd": "readonly=on", "disk": "snapshot=on"}[disk]
    if machine == "q35":
        return argv + ["-drive", drive,
                       "-device", f"ide-{kind},drive=boot,bus=ide.0"]
    # On pc, IDE moves data word by word: three times slower than this.
    return argv + ["-device", "virtio-scsi-pci", "-drive", drive,
                   "-device", f"scsi-{kind},drive=boot"]


def status(code):
    """What the hypervisor wrote to the exit device; None if it wrote nothing."""
    return (code - 1) // 2 if code > 0 and code % 2 else None
