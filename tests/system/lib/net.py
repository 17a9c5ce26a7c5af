"""A machine with a NIC that ends in a network namespace of the test's own.

    within_namespace()          # first: the process goes on in one
    with NetMachine(modules) as m: ...

Outside is HOST on the TAP device; the appliance's NIC has WAN, and reaches the
domains' net through it.  All of it is gone with the process.
"""
import os
import subprocess
import sys

from lib.machine import BUILD, Failure, Machine, log_name
import qemu

HOST, WAN = "203.0.113.1", "203.0.113.2"
NET = "10.1.0.0/24"
INSIDE = "SLUICE_TEST_NAMESPACE"


def within_namespace(flags="-n"):
    """Root, or a user who may make user namespaces, gets a network of its own.
    flags: what unshare takes for it; -nm: mounts of its own as well."""
    if os.environ.get(INSIDE):
        return
    os.environ[INSIDE] = "1"
    if os.geteuid():
        flags += "r"
    os.execvp("unshare", ["unshare", flags, sys.executable, "-B", *sys.argv])


def run(command):
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failure(f"{command}: {done.stdout}")
    return done.stdout


class NetMachine(Machine):
    def start(self, **machine):
        run("ip link set lo up; ip tuntap add tap0 mode tap vnet_hdr &&"
            f"ip addr add {HOST}/24 dev tap0 && ip link set tap0 up &&"
            f"ip route add {NET} via {WAN}")
        process = subprocess.Popen(
            qemu.command(self.image, **machine) +
            ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
             "-device", "virtio-net-pci,netdev=n0,disable-legacy=on",
             "-serial", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return process, process.stdout.fileno(), process.stdin.fileno()

    def accounts(self):
        """Every packet is accounted for; returns the ports' lines."""
        self.send("ports\r")
        lines = []
        while True:
            line = self.expect(r"([^\n]*)\r*\n")[1].decode(errors="replace")
            if line.startswith("ports:"):
                if "accounts ok" not in line:
                    raise Failure(line)
                return lines
            lines.append(line)


def appliance(text):
    """The module of an appliance file."""
    path = log_name() + ".vfr"
    with open(path, "w") as f:
        f.write(text)
    return [f"{path} :appliance test.vfr"]


def files(**named):
    """Modules for what the appliance file names."""
    return [f"{path} :file {name}" for name, path in named.items()]
