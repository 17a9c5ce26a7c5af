"""A machine with a NIC that ends in a network namespace of the test's own.

    within_namespace()          # first: the process goes on in one
    with NetMachine(modules) as m:
        web, db = m.guests("web", "db")         # Linux, with a shell
        web.sh("ping -c 1 10.1.0.1")
        ...
        m.closes()              # the accounts are right, no frame is lost

Outside is HOST on the TAP device; the appliance's NIC has WAN, and reaches the
domains' nets through it.  All of it is gone with the process.
"""
import os
import re
import socket
import subprocess
import sys

from lib.machine import BUILD, CACHE, Failure, Machine, log_name
from lib.linux import linux
import qemu

HOST, WAN = "203.0.113.1", "203.0.113.2"
HOST6, WAN6 = "2001:db8::1", "2001:db8::2"
NETS = ["10.1.0.0/24", "10.2.0.0/24", "2001:db8:1::/64", "2001:db8:2::/64"]
NIC_MAC = bytes.fromhex("525400123456")         # the first of QEMU's
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


class Guest:
    """A Linux domain with sluice.then=commands, by way of its console."""

    def __init__(self, machine, name):
        self.machine, self.name = machine, name
        self.count = 0

    def sh(self, line, timeout=30):
        """Run a command, which must succeed; what it printed."""
        self.count += 1
        self.machine.send(f'send {self.name} {line}; echo "@{self.count}@$?"\r')
        end = self.machine.expect(
            rf"\[{self.name}\] [^\n]*@{self.count}@(\d+)", timeout)
        # What we typed is echoed on a line of its own, or before an answer.
        said = end.string[:end.start()].decode(errors="replace")
        said = "\n".join(re.findall(
            rf"(?m)^(?:dom0> |\r|\x1b\[K)*\[{self.name}\] ([^\r\n]*)", said))
        if end[1] != b"0":
            raise Failure(f"in {self.name}: {line}: status {end[1].decode()}: "
                          f"{said[-500:]}")
        return said

    def background(self, line):
        self.sh(f"{{ (exec >/dev/null 2>&1 </dev/null; {line}) & }}")


def refused(address, port):
    """Nothing answers there: no connection within 2 seconds."""
    try:
        socket.create_connection((address, port), 2).close()
        return False
    except OSError:
        return True


class NetMachine(Machine):
    """dump: a file for tcpdump, from before power-on; expression: of what."""

    DEVICE = "virtio-net-pci,disable-legacy=on"

    def __init__(self, modules, dump=None, expression="", **machine):
        self.dump, self.expression = dump, expression
        self.tcpdump = None
        super().__init__(modules, **machine)

    def start(self, **machine):
        run("ip link set lo up; ip tuntap add tap0 mode tap vnet_hdr &&"
            f"ip addr add {HOST}/24 dev tap0 &&"
            f"ip -6 addr add {HOST6}/64 dev tap0 nodad &&"
            "ip link set tap0 up")
        for net in NETS:
            run(f"ip route add {net} via {WAN6 if ':' in net else WAN}")
        if self.dump:
            self.tcpdump = subprocess.Popen(
                ["tcpdump", "-U", "-s", "256", "-i", "tap0", "-w", self.dump,
                 self.expression], stderr=subprocess.PIPE)
            self.tcpdump.stderr.readline()      # "listening on"
        process = subprocess.Popen(
            qemu.command(self.image, **machine) +
            ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
             "-device", f"{self.DEVICE},netdev=n0",
             "-serial", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return process, process.stdout.fileno(), process.stdin.fileno()

    def __exit__(self, *why):
        self.dumped()
        super().__exit__(*why)

    def dumped(self):
        """The capture is complete."""
        if self.tcpdump:
            self.tcpdump.terminate()
            self.tcpdump.communicate()
            self.tcpdump = None

    def guests(self, *names, timeout=120):
        """These domains have come so far as to take commands."""
        for _ in names:
            self.expect(r"\[(" + "|".join(names) + r")\] SLUICE-INIT: shell",
                        timeout)
        return [Guest(self, name) for name in names]

    def ports(self):
        """Port -> counter -> value; every packet must be accounted for."""
        found = {}
        for line in self.accounts():
            words = line.split("(lost")[0].split()
            if len(words) > 4 and words[3] == "in":
                found[words[0]] = dict(zip(words[3::2], map(int, words[4::2])))
        return found

    def closes(self):
        """What every test of the network ends with: all packets accounted
        for on every port, all frames too, and the machine goes off."""
        self.accounts()
        self.audit()
        self.command("poweroff")
        self.ends(0)

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


class E1000Machine(NetMachine):
    """With a NIC that cuts no segments: the hypervisor does."""

    DEVICE = "e1000"


def appliance(text):
    """The module of an appliance file."""
    path = log_name() + ".vfr"
    with open(path, "w") as f:
        f.write(text)
    return [f"{path} :appliance test.vfr"]


def rules_file(name, text):
    """The module of a further rule file, which dom0 calls by that name."""
    path = f"{log_name()}-{name}"
    with open(path, "w") as f:
        f.write(text)
    return [f"{path} :file {name}"]


def files(**named):
    """Modules for what the appliance file names."""
    return [f"{path} :file {name}" for name, path in named.items()]


def linux_files():
    """The modules of Debian's cloud kernel and the ramdisk of the tests, which
    appliance files call vmlinux and initrd."""
    linux("cloud", "")
    return files(vmlinux=f"{CACHE}/linux-cloud/vmlinux",
                 initrd=f"{BUILD}/test/cloud.cpio")
