"""A file of system tests: functions marked @case, and cases.main() at the end.

    tests/system/FILE.py --list     the names, the limits in seconds, "alone"
    tests/system/FILE.py NAME       run one

A file with one case calls it "-"; its test is then system/FILE alone.

main(alone=True) says that no other test may run meanwhile: these measure how
CPUs are shared, or use build/run.

A case that shares one boot between several checks gives each its own result:

    check = Checks()
    with check("udp"):
        ...
    check.end()
"""
import contextlib
import os
import sys
import time

from lib.machine import Failure, log_name

CASES = {}


def case(seconds, name="-"):
    """Mark a function as a test that may take that long."""
    def add(function):
        CASES[name] = (seconds, function)
        return function
    return add


class Checks:
    """Named results; one that fails does not keep the others from running."""

    def __init__(self):
        self.failed = []
        self.count = 0

    @contextlib.contextmanager
    def __call__(self, name):
        began = time.monotonic()
        self.count += 1
        result = "ok"
        try:
            yield
        except (Failure, OSError) as why:
            self.failed.append(name)
            result = f"FAILED: {type(why).__name__}: {why}"
        print(f"check {name}: {time.monotonic() - began:.1f} s: {result}",
              flush=True)

    def end(self):
        if self.failed:
            raise Failure(f"{len(self.failed)} of {self.count} checks failed: "
                          + ", ".join(self.failed))


def main(alone=False):
    if sys.argv[1:] == ["--list"]:
        for name, (seconds, _) in CASES.items():
            print(name, seconds, "alone" if alone else "")
        return
    _, function = CASES[sys.argv[1] if len(sys.argv) > 1 else "-"]
    base = log_name()
    os.makedirs(os.path.dirname(base), exist_ok=True)
    open(base + ".serial", "wb").close()
    try:
        function()
    except Failure as failure:
        show_end(base + ".serial")
        sys.exit(f"FAILED: {failure}\nthe serial line: {base}.serial")


def show_end(path, lines=12):
    for line in open(path, errors="replace").read().splitlines()[-lines:]:
        print("> " + line)
