#!/usr/bin/env -S python3 -B
"""NICs of each kind: two of them, the firewall between, a host behind each.

Connections go from the one host to the other and back, while links go down and
devices are reset.  No domain but dom0 takes part.
"""
import ctypes
import mmap
import os
import re
import socket
import subprocess
import sys
import threading
import time

from lib.cases import case, main
from lib.gdb import Memory
from lib.machine import Failure, Machine, dom0, log_name
from lib.net import appliance, run, within_namespace
import qemu

NEAR, FAR = "203.0.113.1", "198.51.100.1"       # the hosts
WAN, LAN = "203.0.113.2", "198.51.100.2"        # the appliance
PORT = 8000
FLOWS = 8
BYTES = 1_500_000                               # each flow, each way
CLONE_NEWNET = 0x40000000

RULES = f"""
nic wan address {WAN}/24 mac 02:00:00:00:00:07
nic lan address {LAN}/24 device "0000:00:11.0"
allow icmp from any to any
allow tcp {PORT} from wan to lan
allow udp 7 from wan to lan
"""


class TwoNics(Machine):
    """devices: two of QEMU's, without their netdev; queues: pairs of each."""

    def __init__(self, devices, queues=1, **machine):
        self.devices, self.queues = devices, queues
        self.monitor_path = log_name() + ".monitor"
        self.memory_path = log_name() + ".memory"
        super().__init__([dom0(), appliance(RULES)], **machine)

    def argv(self, **machine):
        return qemu.command(self.image, **machine)

    def start(self, **machine):
        run("ip link set lo up")
        many = "multi_queue" if self.queues > 1 else ""
        argv = self.argv(**machine)
        for i, device in enumerate(self.devices):
            run(f"ip tuntap add tap{i} mode tap vnet_hdr {many}")
            argv += ["-netdev", f"tap,id=n{i},ifname=tap{i},script=no,"
                     f"downscript=no,queues={self.queues}",
                     "-device", f"{device},netdev=n{i},addr={0x10 + i:#x}"]
        argv += ["-monitor", f"unix:{self.monitor_path},server=on,wait=off",
                 "-gdb", f"unix:{self.memory_path},server=on,wait=off",
                 "-serial", "stdio"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        return process, process.stdout.fileno(), process.stdin.fileno()

    def __enter__(self):
        self.far = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        self.expect(r"nic1 .*link up", 60)
        self.expect(r"dom0>", 60)
        inside = f"nsenter -t {self.far.pid} -n"
        run(f"ip addr add {NEAR}/24 dev tap0 && ip link set tap0 up &&"
            f"ip route add {FAR}/32 via {WAN} &&"
            f"ip link set tap1 netns {self.far.pid} &&"
            f"{inside} ip addr add {FAR}/24 dev tap1 &&"
            f"{inside} ip link set tap1 up &&"
            f"{inside} ip route add {NEAR}/32 via {LAN}")
        listener = self.far_socket(
            lambda: socket.create_server((FAR, PORT), backlog=64))
        threading.Thread(target=mirror, args=(listener,), daemon=True).start()
        return super().__enter__()

    def __exit__(self, *what):
        self.far.kill()
        self.far.wait()
        super().__exit__(*what)

    def far_socket(self, make):
        """make() as a process on the far host would do it."""
        made = []

        def there():
            with open(f"/proc/{self.far.pid}/ns/net") as ns:
                if ctypes.CDLL(None).setns(ns.fileno(), CLONE_NEWNET) == 0:
                    made.append(make())

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if not made:
            raise Failure("no socket on the far host")
        return made[0]

    def monitor(self, line):
        """A command for QEMU."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.monitor_path)
            seen = b""
            for text in (b"", line.encode() + b"\n"):
                s.sendall(text)
                while not seen.endswith(b"(qemu) "):
                    seen += s.recv(4096)
                answer, seen = seen, b""
        if b"rror" in answer:
            raise Failure(f"{line}: {answer}")
        return answer.decode(errors="replace")

    def ring(self, device, queue):
        """Where the parts of a virtio device's queue lie, by name."""
        path = re.findall(r"(/\S+) \[virtio-net\]",
                          self.monitor("info virtio"))[device]
        text = self.monitor(f"info virtio-queue-status {path} {queue}")
        return {name: int(at, 16) for name, at in
                re.findall(r"(desc|avail|used):\s+(0x[0-9a-f]+)", text)}

    def lines(self, command, last):
        self.send(command + "\r")
        lines = []
        while True:
            line = self.expect(r"([^\n]*)\r*\n")[1].decode(errors="replace")
            if line.startswith(last):
                return lines, line
            lines.append(line.strip())

    def ports(self):
        return " ".join(self.lines("ports", "ports:")[0])

    def accounts(self):
        """Every packet is accounted for.  The ports are not read all at once:
        the last packets of a connection may still be under way."""
        for _ in range(5):
            end = self.lines("ports", "ports:")[1]
            if "accounts ok" in end:
                return
            time.sleep(0.3)
        raise Failure(end)

    def nics(self):
        """By name, each NIC's line; by name and queue, each queue's numbers."""
        lines, _ = self.lines("nics", "nics:")
        nics, queues = {}, {}
        for line in lines:
            if found := re.match(r"(nic\d) queue (\d): in (\d+) out (\d+) "
                                 r"sent (\d+) interrupts (\d+)", line):
                queues[found[1], int(found[2])] = [
                    int(n) for n in found.groups()[2:]]
            elif found := re.match(r"(nic\d) ", line):
                nics[found[1]] = line
        return nics, queues

    def number(self, nic, word):
        return int(re.search(rf"\b{word} (\d+)", self.nics()[0][nic])[1])


def mirror(listener):
    """The far host: each connection gets back what it sent."""
    def serve(s):
        with s:
            left = int.from_bytes(s.recv(4, socket.MSG_WAITALL), "big")
            data = s.recv(left, socket.MSG_WAITALL)
            s.sendall(data)

    while True:
        s = listener.accept()[0]
        threading.Thread(target=serve, args=(s,), daemon=True).start()


def transfer(data, errors):
    """The near host: the data there and back on one connection."""
    try:
        with socket.create_connection((FAR, PORT), 30) as s:
            s.settimeout(60)
            s.sendall(len(data).to_bytes(4, "big") + data)
            got = b"".join(iter(lambda: s.recv(1 << 16), b""))
        if got != data:
            errors.append(f"{len(got)} bytes came back, or others")
    except OSError as error:
        errors.append(str(error))


class Traffic:
    """Connections that move data while the block runs, and end well after it."""

    def __init__(self, size=BYTES):
        self.data = os.urandom(size)
        self.errors = []

    def __enter__(self):
        self.threads = [threading.Thread(
            target=transfer, args=(self.data, self.errors), daemon=True)
            for _ in range(FLOWS)]
        for thread in self.threads:
            thread.start()

    def __exit__(self, kind, value, trace):
        for thread in self.threads:
            thread.join(60)
        if kind is None and (self.errors or
                             any(t.is_alive() for t in self.threads)):
            raise Failure(f"connections failed: {self.errors}")


def flood(m, seconds):
    """Datagrams, so that there is always something to drop."""
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        while time.monotonic() < end:
            s.sendto(b"x" * 64, (FAR, 7))
            time.sleep(0.002)


def link_goes(m, size):
    """The far link goes down while data moves, and comes back."""
    with Traffic(1000):      # and then all know their neighbours
        pass
    if "link_down" in m.ports():
        raise Failure("drops at a link that is up")
    with Traffic(size):
        time.sleep(0.2)
        m.monitor("set_link n1 off")
        m.expect(r"nic1: link down", 10)
        flood(m, 0.5)
        if not re.search(r"nic1 +nic +down", m.ports()):
            raise Failure("the port does not show that its link is down")
        m.monitor("set_link n1 on")
        m.expect(r"nic1: link up", 10)
    if not re.search(r"link_down \d+", m.ports()):
        raise Failure("nothing was counted as dropped at the link")


def resets(m, size):
    """Both devices are reset while data moves; the connections live on."""
    with Traffic(size):
        time.sleep(0.2)
        for i in 0, 1:
            m.command(f"nics reset {i}", rf"nic{i}: was reset", 10)
    for nic in "nic0", "nic1":
        if m.number(nic, "resets") != 1:
            raise Failure(f"{nic} does not count its reset")


def ends_well(m):
    nics, queues = m.nics()
    for line in nics.values():
        if " failed" in line or "bad 0 lost in 0" not in line:
            raise Failure(line)
    for (nic, queue), (rx, tx, sent, interrupts) in queues.items():
        # Measured, and shown in the serial line: interrupts a packet.
        if interrupts > (rx + tx) / 2 + 100:
            raise Failure(f"{nic} queue {queue}: {interrupts} interrupts for "
                          f"{rx + tx} packets")
    m.accounts()
    m.audit()
    m.command("poweroff")
    m.ends(0)
    return queues


@case(120, "virtio")
def virtio():
    """Two queue pairs each, both in use, each with interrupts of its own."""
    with TwoNics(["virtio-net-pci,mq=on,vectors=4,disable-legacy=on"] * 2,
                 queues=2) as m:
        link_goes(m, 4 * BYTES)
        resets(m, 4 * BYTES)
        time.sleep(0.3)         # the second pair is in use again after a tick
        with Traffic():
            pass
        queues = ends_well(m)
        for i in range(2):
            rx, tx, sent, interrupts = queues["nic0", i]
            if not (rx > 100 and tx > 100 and interrupts):
                raise Failure(f"nic0 queue {i} is not in use")


def intel(devices, **machine):
    with TwoNics(devices, **machine) as m:
        link_goes(m, BYTES)
        resets(m, BYTES)
        with Traffic():
            pass
        nics, _ = m.nics()
        for i, device in enumerate(devices):
            if not nics[f"nic{i}"].startswith(f"nic{i} {device} "):
                raise Failure(f"nic{i} is no {device}: {nics}")
        ends_well(m)


# By its interrupt line, which it shares with others; and by MSI-X.
case(120, "e1000")(lambda: intel(["e1000", "e1000"], machine="pc"))
case(120, "e1000e")(lambda: intel(["e1000e", "e1000"], machine="q35"))


def recovers(m, nic, why):
    """It says why, is reset, and goes on."""
    m.expect(rf"{nic}: {why}: reset in", 30)
    m.expect(rf"{nic}: link up", 10)
    with Traffic(BYTES // 8):
        pass


def return_no_buffer(m, rx):
    """The device returns a buffer that it never had."""
    with Memory(m.memory_path) as memory:
        done = int.from_bytes(memory.read(rx["used"] + 2, 2), "little")
        memory.write(rx["used"] + 4 + 8 * (done % 256),
                     b"\xff\xff\xff\xff\0\0\0\0")
        memory.write(rx["used"] + 2,
                     ((done + 1) % 65536).to_bytes(2, "little"))


@case(120, "broken")
def broken():
    """Devices that lie, that want a reset, that stop sending."""
    with TwoNics(["virtio-net-pci", "e1000"], machine="pc") as m:
        with Traffic(1000):
            pass
        rx = m.ring(0, 0)
        # A frame that comes before the lie is read has QEMU write over it.
        for _ in range(5):
            return_no_buffer(m, rx)
            if m.hears(r"nic0: it returns a receive buffer", 3):
                break
        recovers(m, "nic0", "it returns a receive buffer .*")
        rx = m.ring(0, 0)
        with Memory(m.memory_path) as memory:   # requests that are none
            memory.write(rx["avail"] + 4, b"\xff\xff" * 256)
        flood(m, 0.2)
        recovers(m, "nic0", "it asks for a reset")
        registers = int(re.search(r"Ethernet controller: PCI device 8086:100e"
                                  r".*?BAR0: 32 bit memory at (0x[0-9a-f]+)",
                                  m.monitor("info pci"), re.S)[1], 16)
        with Memory(m.memory_path) as memory:   # TCTL: the sender is off
            memory.write(registers + 0x400, bytes(4))
        flood(m, 0.2)
        recovers(m, "nic1", "it sends nothing")
        for nic, count in ("nic0", 2), ("nic1", 1):
            if m.number(nic, "failures") != count:
                raise Failure(f"{nic} does not count {count} failures")
        ends_well(m)


class SharedNics(TwoNics):
    """The machine's memory is a file, which can be written to while it runs:
    at a halt by the debugger QEMU looks into all queues."""

    def argv(self, **machine):
        self.file = log_name() + ".ram"
        return [re.sub("^memory-backend-ram(.*)",
                       rf"memory-backend-file\1,share=on,mem-path={self.file}",
                       word) for word in super().argv(**machine)]

    def __exit__(self, *what):
        os.unlink(self.file)
        super().__exit__(*what)

    def deafen(self, device, queue):
        """The device will not be notified of the next request: its wish for it
        is lost, as where one of two barriers is missing."""
        ring = self.ring(device, queue)
        with open(self.file, "r+b") as f, mmap.mmap(f.fileno(), 0) as memory:
            index = memory[ring["avail"] + 2:][:2]
            wish = int.from_bytes(index, "little") + 0x4000
            at = ring["used"] + 4 + 8 * 256
            memory[at:at + 2] = (wish % 65536).to_bytes(2, "little")


@case(120, "missed")
def missed():
    """A notification that the device misses costs a moment, and no reset."""
    with SharedNics(["virtio-net-pci", "virtio-net-pci"]) as m:
        with Traffic(1000):
            pass
        m.settle(0.5)
        m.deafen(0, 1)                  # the queue to send
        with Traffic(BYTES):
            pass
        for nic in "nic0", "nic1":
            if m.number(nic, "failures"):
                raise Failure(f"{nic} had to be reset")
        ends_well(m)


@case(120, "plain")
def plain():
    """Large segments cross to a device without offloads or event index."""
    nothing = "csum=off,host_tso4=off,host_tso6=off,event_idx=off"
    with TwoNics(["virtio-net-pci", f"virtio-net-pci,{nothing}"],
                 machine="pc") as m:
        with Traffic(4 * BYTES):
            pass
        near, far = (m.nics()[0][nic] for nic in ("nic0", "nic1"))
        if "tso4" not in near or "tso4" in far or "csum" in far:
            raise Failure(f"the test has the wrong devices: {near}, {far}")
        ends_well(m)


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
