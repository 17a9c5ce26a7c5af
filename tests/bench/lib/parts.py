"""A benchmark in parts: each has a process and a network namespace of its own.

    FILE.py          all parts; those that fail are named at the end
    FILE.py PART     one of them
"""
import os
import subprocess
import sys

from lib.machine import Failure, log_name
from lib.net import within_namespace


def run_parts(parts, prepare=lambda: None):
    """parts: name -> what measures and prints it; prepare() before all."""
    script = sys.argv[0]
    bench = os.path.splitext(os.path.basename(script))[0]
    if len(sys.argv) > 1:
        if sys.argv[1] not in parts:
            sys.exit(f"{bench} has no part {sys.argv[1]}: {' '.join(parts)}")
        within_namespace()
        os.makedirs(os.path.dirname(log_name()), exist_ok=True)
        try:
            parts[sys.argv[1]]()
        except (Failure, OSError) as failure:
            sys.exit(f"# {bench} {sys.argv[1]}: {failure}")
        return
    prepare()
    failed = [part for part in parts
              if subprocess.run([sys.executable, "-B", script, part],
                                check=False).returncode]
    if failed:
        sys.exit(f"# {bench}: failed: {' '.join(failed)}")
