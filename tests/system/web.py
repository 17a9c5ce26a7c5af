#!/usr/bin/env -S python3 -B
"""Guests of the kit on the network: netfront, lwIP, and a server on it."""
import hashlib
import http.client
import os
import socket
import subprocess
import sys

from lib.cases import case, log_name, main
from lib.cpio import archive
from lib.machine import GUESTS, Failure, dom0
from lib.net import HOST, WAN, NetMachine, appliance, files, within_namespace

WEB, DB = "10.1.0.10", "10.1.0.20"
BIG = 10_000_000
KEPT = 300

RULES = f"""
nic wan address {WAN}/24 gateway {HOST}
net dmz 10.1.0.0/24
domain web on dmz address {WEB} {{
    kernel "web" ramdisk "files" memory 32M
    cmdline "forward=/db={DB}:80"
}}
domain db on dmz address {DB} {{
    kernel "web" memory 16M
}}
allow icmp from any to any
allow tcp 80 from any to web
allow tcp 80 from web to db
"""


def boot(contents):
    ramdisk = log_name() + ".cpio"
    with open(ramdisk, "wb") as f:
        f.write(archive(contents))
    m = NetMachine([dom0(), appliance(RULES),
                    files(web=f"{GUESTS}/web.elf", files=ramdisk)])
    for name in "web", "db":
        m.expect(r"\[(web|db)\] web: port 80, up", 60)
    return m


def get(connection, path, status=200):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != status:
        raise Failure(f"{path}: {answer.status} {answer.reason}, not {status}")
    return body


def open_web(timeout=30):
    return http.client.HTTPConnection(WEB, 80, timeout=timeout)


@case(60, "pages")
def pages():
    """Pages, small and large, many connections, and what is not allowed."""
    big = os.urandom(BIG)
    index = b"<h1>hello</h1>\n"
    with boot({"index.html": index, "big.bin": big}) as m:
        ping()
        web = open_web()
        if get(web, "/") != index:
            raise Failure("the page is not the file")
        if b"domain <b>web</b>" not in get(web, "/status"):
            raise Failure("no status page")
        get(web, "/none", 404)
        if hashlib.md5(get(web, "/big.bin")).digest() != \
                hashlib.md5(big).digest():
            raise Failure("10 MB did not arrive as they are")
        if b"domain <b>db</b>" not in get(web, "/db/status"):
            raise Failure("no answer passed on")
        keep_many(index)
        for address, port in (WEB, 81), (DB, 80):
            if not refused(address, port):
                raise Failure(f"{address} port {port} answers")
        get(open_web(), "/status")
        m.accounts()
        m.audit()
        m.command("poweroff")
        m.ends(0)


def ping():
    done = subprocess.run(["busybox", "ping", "-c", "2", "-W", "5", WEB],
                          stdout=subprocess.PIPE)
    if done.returncode:
        raise Failure(f"no answer to a ping: {done.stdout.decode()}")


def keep_many(index):
    """Connections that stay open, all asked, twice."""
    kept = [open_web() for _ in range(KEPT)]
    for c in kept:
        c.connect()
    for _ in range(2):
        for c in kept:
            c.request("GET", "/")
        for c in kept:
            if c.getresponse().read() != index:
                raise Failure("a page of a kept connection is not the file")
    for c in kept:
        c.close()


def refused(address, port):
    """Nothing answers there: no connection within 2 seconds."""
    try:
        socket.create_connection((address, port), 2).close()
        return False
    except OSError:
        return True


if len(sys.argv) > 1 and not sys.argv[1].startswith("--"):
    within_namespace()
main()
