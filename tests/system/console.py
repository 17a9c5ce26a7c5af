#!/usr/bin/env -S python3 -B
"""Nothing that is typed is lost, and nothing that is said, at any speed."""
from lib.cases import case, main
from lib.machine import Failure, Machine, dom0, domain


@case(180, "typing")
def typing():
    """Command upon command, with pauses of every length between keys."""
    with Machine([dom0(), domain("hello", "web", memory=8)]) as m:
        m.greeted("web")
        for i in range(150):
            for key in f"ping nobody{i}\r":
                m.send(key)
                m.pump(i % 7 / 2000)
            m.expect(rf"nobody{i}\b.*\n(.*\n)*?.*dom0> ", 10)
        m.audit()
        m.command("poweroff")
        m.ends(0)


@case(60, "paste")
def paste():
    """Many commands at once, more than one interrupt takes."""
    with Machine([dom0(), domain("hello", "web", memory=8)]) as m:
        m.greeted("web")
        for turn in range(4):
            m.send("".join(f"ping n{turn}x{i}\r" for i in range(80)))
            m.expect(rf"'n{turn}x79'", 10)
        m.command("poweroff")
        m.ends(0)


@case(180, "echo")
def echo():
    """4000 bytes through an attached domain and back, in order."""
    with Machine([dom0(), domain("hello", "web", memory=8)]) as m:
        m.greeted("web")
        m.command("attach web", r"leaves it")
        for i in range(200):
            text = f"line {i:04} of echo"
            m.send(text)
            m.expect(text, 10)
        m.send("\x1d")
        m.pings(1)
        m.command("poweroff")
        m.ends(0)


@case(60, "odd")
def odd():
    """Words that are no numbers are not taken for some."""
    with Machine([dom0(), domain("hello", "web", memory=32)],
                 memory_mib=256) as m:
        m.greeted("web")
        for words in "", " nic1", " -1", " 1x", " 99999999999":
            m.command(f"nics reset{words}", r"nics reset: which\?", 10)
        for words in "", " soon", " 1m", " 0", " 4294967296":
            m.command(f"rules load some.vfr confirm{words}",
                      r"confirm SECONDS: ", 10)
        # What does not start is not kept, and no more of it is tried.
        m.command("clone web more 99", r"more\d: not started: .*memory", 30)
        m.expect(r"dom0: \d of 99 started", 10)
        if m.command("list", r"web(.*\n)*?.*\bdom0> ", 10)[0].count(b" off"):
            raise Failure("clones that could not be started are listed")
        m.audit()
        m.command("poweroff")
        m.ends(0)


main()
