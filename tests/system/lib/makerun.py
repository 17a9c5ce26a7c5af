"""`make run` as people type it, as a Machine: its output is the serial line's,
with what the runner says, and its status make's."""
import os
import signal
import subprocess
import time

from lib.machine import Failure, Machine, log_name

# What a user has who is not root: files of his own, and no rights.
NO_RIGHTS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all",
             "--no-new-privs"]


def as_nobody_special():
    """A prefix: the owner of build/run, without any capability."""
    os.makedirs("build/run", exist_ok=True)
    owner = os.stat("build/run")
    if owner.st_uid == os.geteuid():
        return NO_RIGHTS
    return NO_RIGHTS + [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}",
                        "--clear-groups"]


class MakeRun(Machine):
    def __init__(self, prefix=(), **variables):
        self.prefix, self.variables = list(prefix), variables
        super().__init__(None)

    def make_image(self, modules, options):
        pass                            # make run has its own

    def start(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        argv = self.prefix + ["make", "--no-print-directory", "run"]
        argv += [f"{key}={value}" for key, value in self.variables.items()]
        process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT,
                                   start_new_session=True)
        return process, process.stdout.fileno(), process.stdin.fileno()

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.interrupt()
        super().__exit__(kind, value, trace)

    def interrupt(self, seconds=20):
        """Ctrl-C, for all that the terminal would tell; waits for the end."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.wait(seconds)

    def wait(self, seconds=60):
        """The status of make."""
        end = time.monotonic() + seconds
        while self.pump(0.5):
            if time.monotonic() > end:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise Failure("make run does not end")
        return self.process.wait()
