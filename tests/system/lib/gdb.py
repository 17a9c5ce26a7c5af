"""Physical memory of a machine under test, by the debugger's door of QEMU.

    with Memory(path) as memory:        # QEMU got -gdb unix:path,...
        memory.write(address, data)

The machine stands still meanwhile, and goes on afterwards.
"""
import re
import socket

from lib.machine import Failure


class Memory:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(self.path)
        self.seen = b""
        self.ask("Qqemu.PhyMemMode:1")
        return self

    def __exit__(self, *what):
        self.ask("D")
        self.socket.close()

    def ask(self, packet):
        """GDB's remote serial protocol: $packet#sum, + and $answer#sum."""
        data = packet.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 255))
        answer = self.packet()
        while answer[:1] in "TS":       # that the machine has stopped
            answer = self.packet()
        if answer.startswith("E"):
            raise Failure(f"{packet}: {answer}")
        return answer

    def packet(self):
        while not (found := re.search(rb"\$(.*?)#..", self.seen, re.S)):
            part = self.socket.recv(65536)
            if not part:
                raise Failure("the debugger's door is closed")
            self.seen += part
        self.seen = self.seen[found.end():]
        self.socket.sendall(b"+")
        return found[1].decode()

    def read(self, address, length):
        return bytes.fromhex(self.ask(f"m{address:x},{length:x}"))

    def write(self, address, data):
        self.ask(f"M{address:x},{len(data):x}:{data.hex()}")
