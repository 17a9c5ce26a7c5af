"""What peer_hv, peer_bare and peer_rules share: the machine that the
environment speaks of, the guests' command line, and the appliance."""
import os
import shlex
import subprocess

DIR = "build/bench"
SOCKET = f"{DIR}/peer.sock"
RULES = (0, 100, 1000, 10000)
RELOADED, REFUSED = b"dom0: rules loaded: ", b": not loaded"
UNITS = {"K": 1 / 1024, "M": 1, "G": 1024}
POWER_ON = "peer: power on"             # said when all files are made


# ---- the machine ----

def cpus():
    return int(os.environ.get("PEER_SMP", "1"))


def cpu():
    return os.environ.get("PEER_CPU", "max,-smap")


def accel():
    return "tcg,thread=" + ("multi" if cpus() > 1 else "single")


def power_on(argv, mac):
    """Become that QEMU, with the NIC and what else the environment asks for."""
    env = os.environ
    argv += ["-netdev", f"tap,id=n0,ifname={env['PEER_TAP']},script=no,"
                        "downscript=no",
             "-device", f"virtio-net-pci,netdev=n0,romfile=,mac={mac}"]
    if env.get("PEER_ICOUNT"):
        argv += ["-icount", env["PEER_ICOUNT"]]
    argv += shlex.split(env.get("PEER_QEMU_ARGS", ""))
    print(POWER_ON, flush=True)
    os.execvp(argv[0], argv)


def mib(text):
    """QEMU's way to say memory, "2G", in MiB."""
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1] in UNITS \
        else int(text)


# ---- the guests ----

def cmdline(name, address, host):
    return f"loglevel=4 peer_ip={address}/24 peer_name={name} peer_host={host}"


def rules_name(count):
    return f"rules{count}.vfr"


def rules(count):
    """As the nftables rules of the comparison: the last one lets all pass."""
    return [f"deny udp {1000 + i} from 10.200.{i >> 8}.{i & 255} "
            f"to 10.201.{i >> 8}.{i & 255}" for i in range(count - 1)] + \
        ["allow any from 10.77.0.0/24 to any" if count
         else "allow any from any to any"]


def domain(name, address, mac, mem, host):
    return f"""
domain {name} on lan address {address} mac {mac} {{
    kernel "vmlinux" ramdisk "initrd" memory {mem}M
    cmdline "console=hvc0 {cmdline(name, address, host)}"
}}"""


def appliance(guests, host, count):
    return "\n".join(
        ["nic wan device nic0", "net lan 10.77.0.0/24 bridged on wan"] +
        [domain(*guest, host) for guest in guests] +
        rules(count)) + "\n"


def modules(guests, host, kernel, ramdisk):
    """For qemu.make_image(): dom0, the guest's files, a file for each number
    of rules."""
    vmlinux = f"{DIR}/vmlinux"
    subprocess.run(["scripts/unpack-kernel", kernel, vmlinux], check=True)
    found = ["build/guests/dom0.elf dom0"]
    for count in RULES:
        path = f"{DIR}/{rules_name(count)}"
        with open(path, "w") as out:
            out.write(appliance(guests, host, count))
        kind = "file" if count else "appliance"
        found.append(f"{path} :{kind} {rules_name(count)}")
    return found + [f"{vmlinux} :file vmlinux", f"{ramdisk} :file initrd"]
