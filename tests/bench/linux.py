#!/usr/bin/env -S python3 -B
"""Debian guests in three settings: `name value unit`, and the ratios.

The same kernel and the same senders in the same QEMU: alone (bare), on Sluice,
and on stock Xen with a Linux dom0 (xen).  The settings take turns, so that a
slow phase of the host hits them all; each figure is the median of the turns,
each ratio the median of the turns' own ratios.

    tests/bench/linux.py            all of them (needs SLUICE_DATA, see NEEDS)
    tests/bench/linux.py SETTING [counted]          one, once, without ratios

PEER_REPS turns (3), with PEER_SECS seconds (4) for each kind of traffic.
"""
import collections
import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../system"), os.path.join(HERE, "lib")]
from lib.net import within_namespace  # noqa: E402
import peer                           # noqa: E402

PEER = os.path.join(os.environ.get("SLUICE_DATA") or "none", "../peer")
WORK = os.environ.get("PEER_WORK") or \
    os.path.join(os.environ.get("TMPDIR") or "/var/tmp", "xen-peer")
NEEDS = ((f"{PEER}/peer.py", "the folder `peer` beside that of DATA=folder"),
         (f"{WORK}/b/initrd-dom0", "what its `run.sh fetch build` makes"),
         (shutil.which("iperf3") or "iperf3", "iperf3"))

# Our scripts, and how many guests they start.
COMMANDS = {"bare": ("peer_bare", 1), "sluice": ("peer_hv", 3), "xen": None}
REPS = int(os.environ.get("PEER_REPS", "3"))
TURN_S = 1800                           # the limit for one

OUTSIDE, G1, G2, G3 = (None, "10.77.0.11", "10.77.0.12", "10.77.0.13")
HOST, DOM0 = "10.77.0.1", "10.77.0.2"
OFFLOAD, PORT = "offload", 8000         # our program, and where we serve it
RULES = (1000, 10000)
ROUND_TRIPS = "7 64 400 2000".split()   # port, bytes, how many, us between them
# Name, what, from, to; of datagrams the bytes, and how many a second are
# offered (0: as many as go).
INWARD = (("udp64_in_10000", "udp", OUTSIDE, G1, 64, 10000),
          ("udp64_in_40000", "udp", OUTSIDE, G1, 64, 40000),
          ("udp64_in_80000", "udp", OUTSIDE, G1, 64, 80000),
          ("udp64_in_flood", "udp", OUTSIDE, G1, 64, 0),
          ("udp1400_in_10000", "udp", OUTSIDE, G1, 1400, 10000),
          ("udp1400_in_40000", "udp", OUTSIDE, G1, 1400, 40000),
          ("udp1400_in_flood", "udp", OUTSIDE, G1, 1400, 0),
          ("tcp_in", "tcp", OUTSIDE, G1),
          ("rtt", "rtt", OUTSIDE, G1))
OUTWARD = (("udp64_out", "udp", G1, OUTSIDE, 64, 0),
           ("udp1400_out", "udp", G1, OUTSIDE, 1400, 0),
           ("tcp_out", "tcp", G1, OUTSIDE))
BETWEEN = (("udp64_between", "udp", G1, G2, 64, 0),
           ("udp1400_between", "udp", G1, G2, 1400, 0),
           ("tcp_between", "tcp", G1, G2),
           ("rtt_between", "rtt", G1, G2))
# Under -icount, by the guests' own clocks.
COUNTED = (("udp64_in", "udp", OUTSIDE, G1, 64, 0),
           ("udp64_out", "sent", G1, HOST, 64),
           ("udp1400_out", "sent", G1, HOST, 1400),
           ("tcp_in", "tcp_inside", G1, "-R"),
           ("tcp_out", "tcp_inside", G1, ""))
BULK = [row for row in INWARD + OUTWARD + BETWEEN if row[1] == "tcp"]
ICOUNT = "shift=2,sleep=on"             # 4 ns an instruction; who waits, waits


def say(name, value, unit):
    print(name, f"{value:.4g}" if value < 1000 else f"{value:.0f}", unit,
          flush=True)


def note(*words):
    print("#", *words, flush=True)


def speed():
    """Of the host at this moment, in millions of turns a second."""
    turns, end = 0, time.perf_counter() + 0.2
    while time.perf_counter() < end:
        turns += 1
    return turns / 0.2 / 1e6


# ---- one setting, once ----

class Setting:
    """A machine of that setting, driven by the peer's own functions."""

    def __init__(self, name, guests=None):
        os.environ.pop("PEER_HV_CMD", None)
        if COMMANDS[name]:
            script, most = COMMANDS[name]
            guests = min(guests or most, most)
            os.environ["PEER_HV_CMD"] = (
                f'env PEER_GUESTS="$(echo "$PEER_GUESTS" | '
                f'head -n {guests})" {HERE}/{script}')
        self.x = load_peer()
        self.name, self.guests = name, guests or 3
        self.power_on_s = 0.0           # after the command began

    def __enter__(self):
        busy = self.x.Noise.quiet(60)
        note(f"{self.name}: others use {100 * busy:.0f} % of the host before "
             f"it; a loop turns {speed():.1f} million times a second")
        self.noise = self.x.Noise()
        self.vm = self.x.VM()
        try:
            if COMMANDS[self.name]:
                self.power_on_s = self.vm.wait(peer.POWER_ON, 60)[0]
            self.vm.ready()
            for i in range(1, self.guests + 1):
                self.vm.guest(i)
        except BaseException:
            for _, line in self.vm.lines[-5:]:
                note(f"{self.name}: {line}")
            self.vm.stop()
            raise
        time.sleep(2)
        return self

    def __exit__(self, *why):
        self.vm.stop()
        note(f"{self.name}: others, and the kernel for our TAP, used "
             f"{100 * self.noise.share():.0f} %; {speed():.1f} million turns")

    def power_on_to_network(self):
        return self.vm.up.seen["g1"][0] - self.vm.t0 - self.power_on_s

    def measure(self, rows, prefix=""):
        for name, what, *how in rows:
            try:
                for tail, value, unit in getattr(self, what)(*how):
                    say(prefix + name + tail, value, unit)
            except (RuntimeError, OSError, ValueError, KeyError,
                    subprocess.SubprocessError) as e:
                note(f"{self.name}: {name} failed: {str(e)[:300]!r}")
            time.sleep(1)

    # What the tables name.

    def udp(self, source, sink, size, offered):
        yield "", self.x.blast(source, sink, size, offered)[0], "pkt/s"

    def sent(self, guest, to, size):
        said = self.x.must(guest, f"pnet blast {to} 6000 {size} {self.x.SECS}")
        yield "", self.x.field(said, "pps"), "pkt/s"

    def tcp(self, client, server):
        yield "", self.x.iperf(client, server, "")[0], "Mbit/s"

    def tcp_inside(self, guest, way):
        """With the host, but by the guest's clock."""
        server = subprocess.Popen(["iperf3", "-s", "-1"],
                                  stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            end = json.loads(self.x.must(
                guest, f"iperf3 -c {HOST} -t {self.x.SECS} -J {way}"))["end"]
        finally:
            server.terminate()
            server.wait()
        how = end["sum_received" if way else "sum_sent"]
        yield "", how["bits_per_second"] / 1e6, "Mbit/s"

    def rtt(self, client, server):
        words = ["rtt", server, *ROUND_TRIPS]
        said = self.x.must(client, " ".join(["pnet", *words])) if client else \
            self.x.host(f"{WORK}/b/pnet", *words)
        if self.x.field(said, "got") < self.x.field(said, "sent"):
            note(f"{self.name}: round trips lost: {said.strip()}")
        for which in "p50", "p99":
            yield "_" + which, self.x.field(said, which), "us"

    def offload(self, how):
        """On all interfaces of all, "on" or "off"."""
        offload = f"chmod +x /tmp/{OFFLOAD} && /tmp/{OFFLOAD} {how} " \
            "$(ls /sys/class/net)"
        subprocess.run([f"{peer.DIR}/{OFFLOAD}", how, "tap0"], check=True)
        for to in (G1, G2, G3)[:self.guests] + \
                (() if COMMANDS[self.name] else (DOM0,)):
            self.x.must(to, f"[ -e /tmp/{OFFLOAD} ] || wget -q -O /tmp/{OFFLOAD} "
                            f"http://{HOST}:{PORT}/{OFFLOAD}; {offload}")

    def background(self, guest, command):
        self.x.must(guest, f"{command} >/dev/null 2>&1 &")
        time.sleep(1)


def load_peer():
    """peer.py as a module: it reads its settings when it is loaded."""
    spec = importlib.util.spec_from_file_location("xen_peer", f"{PEER}/peer.py")
    module = importlib.util.module_from_spec(spec)
    arguments, sys.argv = sys.argv, ["peer.py", f"{WORK}/b"]
    spec.loader.exec_module(module)
    sys.argv = arguments
    return module


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve_offload():
    """To machines that have no such program."""
    os.makedirs(peer.DIR, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-o",
                    f"{peer.DIR}/{OFFLOAD}", f"{HERE}/offload.c"], check=True)
    server = http.server.ThreadingHTTPServer(
        ("", PORT), functools.partial(Files, directory=peer.DIR))
    threading.Thread(target=server.serve_forever, daemon=True).start()


def setting(name):
    serve_offload()
    first = Setting(name, guests=1)
    first.x.setup_net()
    if name != "xen":                   # there the guests start one by one
        with first as s:
            say("power_on_to_network", s.power_on_to_network(), "s")
            if name == "bare":
                s.measure(INWARD + OUTWARD)
                without_offload(s)
                return
    with Setting(name) as s:
        if name == "xen":
            say("power_on_to_network", s.power_on_to_network(), "s")
        s.measure(INWARD + OUTWARD + BETWEEN)
        if name == "sluice":
            with_rules(s)
        without_offload(s)
        beside_others(s)


def with_rules(s):
    rows = [row for row in INWARD if row[0] in
            ("udp64_in_10000", "udp64_in_40000", "tcp_in", "rtt")]
    for count in (*RULES, 0):
        subprocess.run([f"{HERE}/peer_rules", str(count)], check=True)
        if count:
            s.measure(rows, f"rules_{count}_")


def without_offload(s):
    s.offload("off")
    s.measure(BULK if s.guests > 1 else
              [row for row in BULK if row[0] != "tcp_between"], "no_offload_")
    s.offload("on")


def beside_others(s):
    """Round trips with g1 while g2 spins, and while g3 floods as well."""
    rtt = ("rtt", "rtt", OUTSIDE, G1)
    s.measure([rtt], "quiet_")
    s.background(G2, "pnet spin")
    s.measure([rtt], "spin_")
    s.background(G3, f"pnet blast {HOST} 6001 64 600")
    s.measure([rtt], "spin_flood_")


def counted(name):
    """What time is where each instruction takes the same, and nothing else
    any: a TLB that was flushed costs nothing."""
    os.environ["PEER_ICOUNT"] = ICOUNT
    s = Setting(name, guests=2)
    s.x.setup_net()
    with s:
        s.measure(COUNTED + (BETWEEN if s.guests > 1 else ()), "counted_")


# ---- all, in turns ----

class Figures:
    """(setting, figure) -> its values, one for each turn that has it."""

    def __init__(self):
        self.values = collections.defaultdict(dict)
        self.units = {}
        self.failed = []

    def take(self, turn, name, *how):
        """Run this program for one setting."""
        with subprocess.Popen(
                ["timeout", "-k", "20", str(TURN_S), sys.executable, "-B",
                 os.path.abspath(__file__), name, *how],
                stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                found = re.fullmatch(r"(\w+) ([\d.e+]+) (\S+)\n", line)
                if found:
                    self.values[name, found[1]][turn] = float(found[2])
                    self.units[found[1]] = found[3]
                    note(f"turn {turn}: {name}_{line.strip()}")
                else:
                    print(line, end="", flush=True)
        if child.returncode:
            self.failed.append(" ".join((name, *how)))
            note(f"{self.failed[-1]} failed")

    def medians(self):
        for (name, figure), turns in self.values.items():
            say(f"{name}_{figure}", statistics.median(turns.values()),
                self.units[figure])

    def ratios(self, name, to, of="", against=""):
        """name's figures OF... divided by to's AGAINST..."""
        for (setting_, figure), turns in list(self.values.items()):
            if setting_ != name or not figure.startswith(of):
                continue
            others = self.values.get((to, against + figure[len(of):]), {})
            both = [turns[i] / others[i] for i in turns if others.get(i)]
            if both:
                say(f"ratio_{name}_{figure}_to_{to}" +
                    (f"_{against}{figure[len(of):]}" if name == to else ""),
                    statistics.median(both), "ratio")


def everything():
    lacking = [what for path, what in NEEDS if not os.path.exists(path)]
    if lacking:
        note("linux: skipped, it needs", " and ".join(lacking))
        return
    figures = Figures()
    for turn in range(1, REPS + 1):
        for name in COMMANDS:
            figures.take(turn, name)
    for name in COMMANDS:
        figures.take(1, name, "counted")
    figures.medians()
    figures.ratios("sluice", "bare")
    figures.ratios("sluice", "xen")
    for count in RULES:
        figures.ratios("sluice", "sluice", of=f"rules_{count}_")
    if figures.failed:
        sys.exit(f"# linux: failed: {', '.join(figures.failed)}")


def main():
    if len(sys.argv) == 1:
        everything()
        return
    within_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # and stop QEMU
    name, *how = sys.argv[1:]
    try:
        counted(name) if how else setting(name)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        sys.exit(f"# linux {name}: {e}")


main()
