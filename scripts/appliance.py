"""An appliance file (sluice.vfr(5)) as a machine: its boot modules and NICs.

`sluice check` reads the file; nothing here knows the language.
"""
import json
import os
import re
import secrets
import shlex
import subprocess
import sys

SLUICE = "build/sluice"
DOM0_MIB = 24           # dom0_mem where nothing is said (docs/options.md)
DOM0_OWN_MIB = 4        # of it, what rules may not get
DOM0 = "build/guests/dom0.elf"
MIB = 1 << 20
ELF = b"\x7fELF"
MADE = ("build/guests/", "build/examples/")     # what make knows to make


class Wrong(Exception):
    """The file cannot become a machine; why was told, or is in the text."""


def call(argv, **more):
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, **more)


def without_make():
    """The environment for a make of our own, below one that runs us."""
    return {k: v for k, v in os.environ.items()
            if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}


class Appliance:
    """path is the user's; work a folder for files made on the way.

    The file is read in its own folder, as dom0 reads it: so both make the same
    names of the paths in it, and dom0 finds the modules by them.
    """

    def __init__(self, path, work):
        self.path = path
        self.folder, self.name = os.path.split(path)
        self.work = work
        self.token = self.token_file = None
        if not os.path.isfile(path):
            raise Wrong(f"there is no file {path}; CONFIG names an appliance "
                        "file (examples/*.vfr, man docs/sluice.vfr.5)")
        # First for people, who see their own path in it, then for us.
        if subprocess.run([SLUICE, "check", "-q", path]).returncode:
            raise Wrong(f"{path} is not started: it must pass "
                        f"`{SLUICE} check {path}`")
        said = call([os.path.abspath(SLUICE), "check", "--json", self.name],
                    cwd=self.folder or ".").stdout
        self.wants = json.loads(said)["files"][0]["appliance"]
        self.domains = [d for d in self.wants["domains"] if d["autostart"]]
        self.make_files()

    def on_host(self, name):
        """Where a file lies that the appliance file calls so."""
        return os.path.normpath(os.path.join(self.folder, name))

    def files(self):
        """What the domains need: (name, domain, "kernel" or "ramdisk")."""
        for d in self.domains:
            for kind in ("kernel", "ramdisk"):
                if d[kind]:
                    yield d[kind], d, kind

    def make_files(self):
        """Those of the tree are made as needed; all must be there."""
        paths = {self.on_host(name) for name, _, _ in self.files()}
        ours = sorted(p for p in paths if p.startswith(MADE))
        make = ["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}"]
        if ours and subprocess.run(make + ours,
                                   env=without_make()).returncode:
            raise Wrong(f"{self.path}: make cannot make what it names")
        for name, domain, kind in self.files():
            if not os.path.isfile(self.on_host(name)):
                where = os.path.join(self.folder, domain["file"])
                raise Wrong(f"{where}:{domain['line']}: {kind} of domain "
                            f"{domain['name']}: there is no file "
                            f"{self.on_host(name)}; its path starts at the "
                            "folder of the appliance file")
        for d in self.domains:
            if d["disks"]:
                print(f"run: {self.path}: domain {d['name']} starts without "
                      "its disks: they are not served yet", file=sys.stderr)

    def bootable(self, path):
        """A plain ELF file: the path itself, or what is unpacked from it."""
        with open(path, "rb") as f:
            if f.read(4) == ELF:
                return path
        unpacked = os.path.join(self.work, os.path.basename(path) + ".elf")
        if subprocess.run(["scripts/unpack-kernel", path,
                           unpacked]).returncode:
            raise Wrong(f"{path} is no kernel of a domain")
        return unpacked

    def modules(self):
        """Lines for qemu.make_image(); also sets memory_mib."""
        paths = {name: self.bootable(self.on_host(name)) if kind == "kernel"
                 else self.on_host(name) for name, _, kind in self.files()}
        for name in self.wants["includes"]:
            paths[name] = self.on_host(name)
        sizes = sum(os.path.getsize(path) for path in paths.values())
        # GRUB's copy of each module and dom0's, the domains, all the rest.
        self.memory_mib = 232 + self.dom0_mib() + (2 * sizes + sum(
            d["memory"] for d in self.domains)) // MIB
        return ([self.dom0(), f"{shlex.quote(self.path)} "
                 f":appliance {shlex.quote(self.name)}"] +
                [f"{shlex.quote(path)} :file {shlex.quote(name)}"
                 for name, path in paths.items()])

    def dom0_mib(self):
        """What dom0 needs to compile the rules while such a set is in force and
        another is kept to go back to."""
        return max(DOM0_MIB, DOM0_OWN_MIB + self.wants["compiler_mib"] +
                   2 * self.wants["ruleset_mib"])

    def options(self):
        """The hypervisor's own, before the user's."""
        mib = self.dom0_mib()
        return f"dom0_mem={mib} " if mib != DOM0_MIB else ""

    def dom0(self):
        """dom0's module.  Where the file gives it an address it is a server,
        for those who know the token."""
        if not self.token:
            return f"{DOM0} dom0"
        return shlex.join([DOM0, "dom0", f"token={self.token}"])

    def wants_token(self):
        return any(vif["name"] == "dom0" for vif in self.wants["vifs"])

    def new_token(self):
        """One for this run, and the file that it is kept in."""
        path = os.path.join(self.work, "token")
        self.token = secrets.token_hex(16)
        if os.path.exists(path):
            os.remove(path)             # it may be root's, of NET=tap
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
                  "w") as out:
            out.write(self.token + "\n")
        self.token_file = path

    def nics(self):
        """For each device nic0, nic1 ... its untagged nic, or None."""
        found = {}
        for nic in self.wants["nics"]:
            number = re.fullmatch(r"nic([0-7])", nic["device"])
            if not number:
                raise Wrong(f"{self.path}: nic {nic['name']} is on device "
                            f"{nic['device']}; this machine calls its NICs "
                            "nic0 to nic7")
            found.setdefault(int(number[1]), None)
            if not nic["vlan"]:
                found[int(number[1])] = nic
        return [found.get(i) for i in range(max(found, default=-1) + 1)]

    def verdict(self, packet):
        """What the rules say of a packet: ("allow", "file:line") or the like."""
        said = call([SLUICE, "explain", "--json", self.path, packet])
        if said.returncode:
            raise Wrong(f"{self.path}: no verdict on {packet}")
        outcome = json.loads(said.stdout)["outcome"]
        rule = outcome["rule"]
        if not rule:
            return outcome["verdict"], outcome["reason"]
        return outcome["verdict"], f"{rule['file']}:{rule['line']}"

    def owner(self, address):
        """The vif that an address belongs to, or the address."""
        for vif in self.wants["vifs"]:
            if any(a.split("/")[0] == address for a in vif["addresses"]):
                return vif["name"]
        return address
