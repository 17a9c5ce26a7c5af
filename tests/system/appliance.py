#!/usr/bin/env -S python3 -B
"""The first appliance as a newcomer meets it: make run, its ways in and what
it refuses; other appliance files; a network namespace with NET=tap."""
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from lib.cases import case, main
from lib.machine import GUESTS, Failure, log_name
from lib.makerun import MakeRun, as_nobody_special
from lib.net import run, within_namespace

URL = r"  (http://localhost:\d+/) +%s, tcp port \d+: %s by \S+:\d+"


def ask(url, timeout=10):
    """(headers, text) of a page; None if nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as page:
            return page.headers, page.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        raise Failure(f"{url}: {error}")
    except OSError:
        return None


def page(url):
    answer = ask(url)
    if not answer:
        raise Failure(f"{url} does not answer")
    return answer


@case(150, "first")
def first():
    """Without any rights: web answers at a port of localhost, db only web; a
    capture shows both."""
    run("ip link set lo up")
    with MakeRun(as_nobody_special()) as m:
        m.expect(r"--- examples/first.vfr runs, \d+ s after power-on", 120)
        web = m.expect(URL % ("web", "allowed"))[1].decode()
        db = m.expect(URL % ("db", "denied"))[1].decode()
        watch = m.expect(r"  (build/sluice capture .* any) ")[1].decode()
        m.expect(r"Ctrl-A X ends")
        capture = subprocess.Popen(watch.split(), stdout=subprocess.PIPE,
                                   text=True)
        m.expect(r"dom0: capture 0: any")
        if "web" not in page(web)[1]:
            raise Failure("the page does not say whose it is")
        if ask(db, 3):
            raise Failure("db answers from outside")
        if "db" not in page(web + "db")[1]:
            raise Failure("web does not reach db")
        capture.send_signal(signal.SIGINT)
        lines = capture.communicate(timeout=30)[0]
        for part in (r"wan +in +tcp .*:80 flags S,.* allow rule=first.vfr:\d+",
                     r"web +in +tcp .* -> 10.1.0.20:80 .* allow rule=",
                     r"wan +in +tcp .*:8080 flags S,.* deny rule=first.vfr:"):
            if not re.search(part, lines):
                raise Failure(f"the capture has no /{part}/:\n{lines}")
        m.command("rules", r"first.vfr:\d+ deny any .*: packets [1-9]")
        m.command("ports", r"nic0 .* rule \d+")
        m.expect(r"ports: accounts ok")
        m.command("poweroff")
        if m.wait():
            raise Failure("a power-off from dom0 is no success")


# The world is refused at once, by IPv4; the LAN is not.
TWO_NICS = """nic wan address 203.0.113.2/30, 2001:db8::2/64 gateway 203.0.113.1
nic lan address 192.168.7.1/24
net dmz 10.1.0.0/24, 2001:db8:1::/64
domain web on dmz address 10.1.0.10, 2001:db8:1::10 {
    kernel "%s" memory 16M
    disk xvda "gpt:web" delay 1s
}
redirect on wan tcp 80 to web
redirect on lan tcp 8000 to web tcp 80
reject tcp 80 in wan from not 2001:db8::/64 to web
allow tcp 80 from any to web
"""
BROKEN = """nic wan address 10.0.2.15/24 gateway 10.0.2.2
net dmz 10.1.0.0/24
domain web on dmz address 10.1.0.10 {
    kernel "%s" memory 16M
}
allow tcp %s from any to web
"""


def refused(wanted, prefix=(), **variables):
    """make run ends at once, with status 2 and these words."""
    with MakeRun(prefix, **variables) as m:
        for pattern in wanted:
            m.expect(pattern)
        if m.wait() != 2:
            raise Failure("the status is not 2")


def appliance_file(text):
    path = log_name() + ".vfr"
    with open(path, "w") as out:
        out.write(text)
    return path


@case(60, "refused")
def all_refused():
    """Whatever cannot become an appliance is told with cause and cure."""
    path = appliance_file(BROKEN % ("none.elf", 99999))
    refused([r"\.vfr:6:11: port 99999 is out of range; ports run from 0",
             r"is not started: it must pass `build/sluice check "],
            CONFIG=path)
    path = appliance_file(BROKEN % ("none.elf", 80))
    refused([r"\.vfr:3: kernel of domain web: there is no file \S+none.elf; "
             r"its path starts at the folder of"], CONFIG=path)
    refused([r"there is no file nowhere.vfr; CONFIG names an appliance file"],
            CONFIG="nowhere.vfr")
    refused([r"NET=ether: user, tap or none is wanted"], NET="ether")


def leftovers():
    names = "/run/netns"
    return (os.listdir(names) if os.path.isdir(names) else [],
            run("ip -o link show type tun"))


@case(120, "tap")
def tap():
    """NET=tap: the appliance from a namespace of its own, with a link to each
    of two nics; nothing of it is left after Ctrl-C, or a kill of make."""
    run("mount -t tmpfs none /run")     # our own names of namespaces
    before = leftovers()
    path = appliance_file(TWO_NICS % os.path.abspath(f"{GUESTS}/web.elf"))
    with MakeRun(NET="tap", CONFIG=path) as m:
        m.expect(r"dom0: web: it has no disks: ", 120)
        m.expect(r"dom0: web: starts in 1000 ms")
        enter = m.expect(r"  (ip netns exec \S+) bash ", 120)[1].decode()
        got = run(f"{enter} curl -s -m 10 http://192.168.7.1:8000/ && "
                  f"{enter} curl -s -m 10 http://[2001:db8::2]/")
        if got.count("domain <b>web</b>") != 2:
            raise Failure(f"web does not answer: {got}")
        run(f"{enter} curl -s -m 10 http://203.0.113.2/; test $? = 7")
        if leftovers() == before:
            raise Failure("the test does not see the namespace")
        m.interrupt()
        if leftovers() != before:
            raise Failure(f"left behind: {leftovers()}")
    with MakeRun(NET="tap", CONFIG=path) as m:
        m.expect(r"Booting")
        m.process.kill()                # make, which can tell nobody
        m.wait()
        if leftovers() != before:
            raise Failure(f"left behind by a kill: {leftovers()}")
    refused([r"NET=tap makes a network namespace \S+ TAP devices: run it as "
             r"root"], as_nobody_special(), NET="tap")


@case(200, "nginx")
def nginx():
    """Debian's kernel and Debian's server, unmodified."""
    run("ip link set lo up")
    run("make -s build/examples/nginx/vmlinux build/examples/nginx/initrd")
    with MakeRun(as_nobody_special(), CONFIG="examples/nginx.vfr") as m:
        m.expect(r"--- examples/nginx.vfr runs", 150)
        url = m.expect(URL % ("nginx", "allowed"))[1].decode()
        headers, text = page(url)
        if not headers["Server"].startswith("nginx/"):
            raise Failure(f"the server is {headers['Server']}")
        if "Welcome to nginx!" not in text:
            raise Failure("that is not nginx's page")
        # The visitor's own address, not one of a proxy.
        m.expect(r"\[nginx\] 10\.0\.2\.2 - - .*GET / .* 200 ")
        m.command("poweroff")
        m.wait()


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace("-nm")
main(alone=True)
