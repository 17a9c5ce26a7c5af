"""Connections to an echo on which something is said all the time."""
import socket
import struct
import threading
import time

from lib.machine import Failure


class Talk(threading.Thread):
    """One connection on which something is said, and echoed, all the time."""

    def __init__(self, address, port):
        super().__init__(daemon=True)
        self.port = port
        self.socket = socket.create_connection((address, port), 20)
        self.socket.settimeout(15)
        self.said = 0
        self.silent = None              # why it is no longer heard
        self.start()

    def run(self):
        try:
            while self.silent is None:
                text = b"%08d" % self.said
                self.socket.sendall(text)
                if self.socket.recv(100) != text:
                    self.silent = "closed"
                    break
                self.said += 1
                time.sleep(0.02)
        except OSError as why:
            self.silent = str(why)

    def stop(self):
        self.silent = self.silent or "stopped"
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        # What comes of an end is not to be sent any more.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()


def go_on(talks, seconds=15):
    """All of them are heard, more than once, in that time."""
    wanted = [t.said + 5 for t in talks]
    end = time.monotonic() + seconds
    while lost := [t for t, n in zip(talks, wanted) if t.said < n]:
        if time.monotonic() > end or any(t.silent for t in lost):
            raise Failure(f"{len(lost)} of {len(talks)} are not heard: " +
                          ", ".join(f"{t.port} after {t.said} words: "
                                    f"{t.silent}" for t in lost))
        time.sleep(0.1)
