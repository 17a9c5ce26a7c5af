"""The machine under test: Sluice in QEMU, judged from outside by its serial line.

    with Machine([dom0(), domain("hello", "web", memory=16)]) as m:
        m.expect(r"\\[web\\] hello from web")
        m.command("poweroff")
        m.ends(0)

A line on which the hypervisor gives up fails the test wherever it comes.  What
the machine said is in build/test/NAME.serial; leaving the block ends QEMU.
"""
import fcntl
import os
import re
import selectors
import subprocess
import sys
import time

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, "scripts")
import qemu  # noqa: E402

BUILD = "build"
GUESTS = f"{BUILD}/guests"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME")
                     or os.path.expanduser("~/.cache"), "sluice")

# Lines of the hypervisor that no test survives.  Guests may say such words:
# their lines begin with "[name] ", with a letter where our time has a digit,
# and may erase dom0's prompt before.
FATAL = re.compile(rb"PANIC|BUG:|check failed|frame audit: [1-9]|Failed to boot")
OF_GUEST = re.compile(rb"^(dom0> [^\r]*\r\x1b\[K)?\[[A-Za-z_]")


class Failure(Exception):
    """The code under test did what it must not, in words."""


def domain(image, name, ramdisk=None, **keys):
    """The modules of one domain; image is a guest of the kit, or a path."""
    path = image if "/" in image else f"{GUESTS}/{image}.elf"
    return qemu.domain(path, name, ramdisk, **keys)


def dom0(**keys):
    return domain("dom0", "dom0", **keys)


def log_name():
    """Where the running test puts its files: a path without suffix."""
    file = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    case = "".join("/" + word for word in sys.argv[1:2] if word != "-")
    return f"{BUILD}/test/system/{file}{case}"


class Machine:
    """One boot.

    Timeouts are for a machine with other work: what matters is that there is
    an end to waiting.

    modules is a list of what domain() and dom0() give, options the
    hypervisor's own; the machine is described as for qemu.command().  doomed:
    the hypervisor has every reason to give up, and must say which.
    """

    def __init__(self, modules, options="", doomed=False, **machine):
        self.image = log_name() + ".iso"
        self.serial = open(log_name() + ".serial", "ab")
        self.seen = b""                 # not yet matched by expect()
        self.tail = b""                 # the line that is being received
        self.fatal = None
        self.doomed = doomed
        self.make_image(modules, options)
        self.began = time.monotonic()
        self.process, self.from_serial, self.to_serial = self.start(**machine)
        os.set_blocking(self.from_serial, False)
        self.widen()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.from_serial, selectors.EVENT_READ)

    def widen(self):
        """A UART that nobody reads for a second loses what is written: a busy
        host must find room for a long listing."""
        try:
            fcntl.fcntl(self.from_serial, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass                        # a terminal

    def make_image(self, modules, options):
        wrong = qemu.make_image(self.image, sum(modules, []), options)
        if wrong:
            raise Failure(wrong)

    def start(self, **machine):
        """The running emulator, and both ends of its serial line."""
        process = subprocess.Popen(
            qemu.command(self.image, **machine) + ["-serial", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return process, process.stdout.fileno(), process.stdin.fileno()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.pump(0)
        self.serial.close()
        if os.path.exists(self.image):
            os.remove(self.image)
        if kind is None and self.fatal:
            raise Failure(f"the hypervisor gave up: {self.fatal}")

    def pump(self, seconds):
        """Take what the serial line has; False when it has ended."""
        if not self.selector.select(seconds):
            return True
        try:
            data = os.read(self.from_serial, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.serial.write(data)
        self.serial.flush()
        self.seen += data
        lines = (self.tail + data).split(b"\n")
        self.tail = lines.pop()
        for line in lines:
            if FATAL.search(line) and not OF_GUEST.match(line) \
                    and not self.doomed:
                self.fatal = self.fatal or line.decode(errors="replace").strip()
        return True

    def expect(self, pattern, timeout=60):
        """Wait for a line or prompt; returns the match.

        What comes before it is skipped: expect() goes forward only.
        """
        wanted = re.compile(pattern.encode())
        end = time.monotonic() + timeout
        while True:
            found = wanted.search(self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = end - time.monotonic()
            if self.fatal:
                self.settle()
                raise Failure(f"waiting for /{pattern}/, the hypervisor gave "
                              f"up: {self.fatal}")
            if left <= 0:
                raise Failure(f"no /{pattern}/ within {timeout} s")
            if not self.pump(min(left, 0.5)):
                raise Failure(f"the machine ended (status {self.process.wait()}) before "
                              f"/{pattern}/")

    def hears(self, pattern, seconds):
        """Does it come in that time?  What was said stays to be expected."""
        end = time.monotonic() + seconds
        while not re.search(pattern.encode(), self.seen):
            left = end - time.monotonic()
            if left <= 0 or not self.pump(min(left, 0.5)):
                return False
        return True

    def settle(self, seconds=2):
        """Let the machine finish what it has to say about its end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.pump(0.1):
            pass

    def send(self, text):
        os.write(self.to_serial, text.encode())

    def command(self, line, answer=None, timeout=60):
        """Give dom0 a command; wait for its answer, if it must have one."""
        self.send(line + "\r")
        return self.expect(answer, timeout) if answer else None

    def greeted(self, *names, timeout=60):
        """These hello guests are up and can answer, whichever comes first."""
        for _ in names:
            some = "|".join(names)
            self.expect(rf"\[({some})\] hello from", timeout)

    def pings(self, count, timeout=60):
        """That many domains answer an event.  A domain that has just come up
        is asked again: dom0 learns a moment later where it can be asked."""
        end = time.monotonic() + timeout
        wanted = (str(count).encode(),) * 2
        while True:
            got = self.command("ping all", r"pong: (\d+) of (\d+)\b.*\n").groups()
            if got == wanted:
                return
            if time.monotonic() > end:
                raise Failure(f"{int(got[0])} of {int(got[1])} domains answer, "
                              f"not {count}")
            time.sleep(0.5)

    def audit(self, timeout=60):
        self.command("audit", r"frame audit: ok", timeout)

    def ends(self, status, timeout=60):
        """The machine is switched off by dom0, with that status."""
        end = time.monotonic() + timeout
        while self.pump(0.5):
            if time.monotonic() > end:
                raise Failure(f"still runs after {timeout} s")
        got = qemu.status(self.process.wait())
        if self.fatal:
            raise Failure(f"the hypervisor gave up: {self.fatal}")
        if got != status:
            raise Failure(f"ended with status {got}, not {status}")

    def seconds(self):
        """Since power-on."""
        return time.monotonic() - self.began
