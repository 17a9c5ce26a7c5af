"""Where the NICs of a machine in QEMU end: the user's own sockets, or TAPs.

    network = UserNetwork(appliance) or TapNetwork(appliance)
    qemu ... network.argv(), run below network.prefix()
    network.ways()         how to reach the appliance from outside
    network.close()        nothing of it is left
"""
import ipaddress
import os
import signal
import socket
import subprocess

from appliance import Wrong

PROTOCOLS = {6: "tcp", 17: "udp"}
HTTP_PORTS = (80, 8000, 8080)
FIRST_PORT = 8080
FORWARDS_MAX = 64
TAP_CURE = ("NET=tap makes a network namespace and TAP devices: run it as root "
            "(NET=user, the default, needs no rights)")


def card(number, backend):
    return ["-netdev", f"{backend},id=n{number}",
            "-device", f"virtio-net-pci,netdev=n{number},disable-legacy=on"]


def addresses(texts, version):
    found = [ipaddress.ip_interface(text) for text in texts]
    return [a for a in found if a.version == version]


def outside_of(nic, version=4):
    """Our address on its link, and that of the host outside: its gateway, or
    any other of the link."""
    for own in addresses(nic["addresses"] if nic else [], version):
        for gateway in map(ipaddress.ip_address, nic["gateways"]):
            if gateway in own.network:
                return own, gateway
        for other in own.network.hosts():
            if other != own.ip:
                return own, other
    return None, None


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in str(address) else \
        f"{address}:{port}"


class Way:
    """One way in: what a host outside dials, and what becomes of it."""

    def __init__(self, appliance, redirect, source, dial):
        self.protocol = PROTOCOLS[redirect["protocol"]]
        self.dial = dial                # address:port
        self.to = appliance.owner(redirect["to"])
        self.to_port = redirect["to_port"]
        self.http = (self.protocol == "tcp" and
                     redirect["first_port"] in HTTP_PORTS)
        there = endpoint(redirect["address"], redirect["first_port"])
        self.packet = f"{self.protocol} {endpoint(source, 40000)} -> {there}"
        self.verdict, self.rule = appliance.verdict(self.packet)

    def allowed(self):
        return self.verdict == "allow"

    def url(self):
        return f"http://{self.dial}/" if self.http else self.dial

    def line(self):
        verb = {"allow": "allowed", "deny": "denied",
                "reject": "rejected"}.get(self.verdict, self.verdict)
        return (f"  {self.url():<30} {self.to}, {self.protocol} port "
                f"{self.to_port}: {verb} by {self.rule}")


def redirects(appliance, nic, version):
    """Single ports of tcp and udp that lead from this nic to a domain."""
    return [r for r in appliance.wants["redirects"]
            if nic and r["nic"] == nic["name"] and
            r["protocol"] in PROTOCOLS and
            r["first_port"] == r["last_port"] and
            ipaddress.ip_address(r["address"]).version == version]


class FreePorts:
    """Ports of localhost that nobody uses, upwards from the first."""

    def __init__(self, first):
        self.next = first

    def take(self, protocol):
        kind = (socket.SOCK_STREAM if protocol == "tcp"
                else socket.SOCK_DGRAM)
        while self.next < 65536:
            port, self.next = self.next, self.next + 1
            with socket.socket(socket.AF_INET, kind) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    pass
        raise Wrong("no port of localhost is free; PORT=n says where to start")


class UserNetwork:
    """QEMU's own network: wants no rights.  The host is the gateway of each
    NIC, and each redirect gets a port of localhost."""

    def __init__(self, appliance, first_port=FIRST_PORT):
        self.appliance = appliance
        self.ports = FreePorts(first_port)
        self.found = []
        self.cards = []
        for i, nic in enumerate(appliance.nics()):
            self.cards += card(i, self.backend(nic))

    def backend(self, nic):
        own, host = outside_of(nic)
        if not own:
            return "user,restrict=on"
        # The resolver that QEMU offers must not take an address of ours.
        free = (a for a in own.network if a not in (own.ip, host))
        words = ["user", "ipv6=off", f"net={own.network}", f"host={host}",
                 f"dns={next(free)}", f"dhcpstart={own.ip}"]
        for redirect in redirects(self.appliance, nic, 4)[:FORWARDS_MAX]:
            protocol = PROTOCOLS[redirect["protocol"]]
            port = self.ports.take(protocol)
            words.append(f"hostfwd={protocol}:127.0.0.1:{port}-"
                         f"{redirect['address']}:{redirect['first_port']}")
            self.found.append(Way(self.appliance, redirect, host,
                                  f"localhost:{port}"))
        return ",".join(words)

    def argv(self):
        return self.cards

    def prefix(self):
        return []

    def enter(self, command):
        """A command line, as typed by somebody outside."""
        return command

    def ways(self):
        return self.found

    def hints(self):
        """More (command, what is seen)."""
        return []

    def close(self):
        pass


class TapNetwork:
    """A namespace with a TAP for each NIC; the host is the gateway there, and
    reaches every net of the appliance by the rules.  Wants root."""

    def __init__(self, appliance):
        if os.geteuid():
            raise Wrong(TAP_CURE)
        self.appliance = appliance
        self.found, self.cards, self.routed = [], [], set()
        self.name = self.namespace()
        try:
            self.ip("link", "set", "lo", "up")
            for i, nic in enumerate(appliance.nics()):
                self.tap(i, nic)
        except BaseException:
            self.close()
            raise

    def namespace(self):
        taken = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
        names = ["sluice"] + [f"sluice{i}" for i in range(2, 100)]
        name = next(n for n in names if n not in taken)
        self.command("ip", "netns", "add", name)
        return name

    def command(self, *argv):
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            raise Wrong(f"NET=tap: {' '.join(argv)}: {done.stdout.strip()}\n"
                        + TAP_CURE)

    def ip(self, *words):
        self.command("ip", "-n", self.name, *words)

    def tap(self, number, nic):
        tap = f"tap{number}"
        self.ip("tuntap", "add", tap, "mode", "tap", "vnet_hdr")
        self.ip("link", "set", tap, "up")
        self.cards += card(number, f"tap,ifname={tap},script=no,downscript=no")
        for version in (4, 6):
            own, host = outside_of(nic, version)
            if own:
                self.ip("addr", "add", f"{host}/{own.network.prefixlen}",
                        "dev", tap, *(["nodad"] if version == 6 else []))
                self.routes(own)
                self.found += [Way(self.appliance, r, host, self.dial(r))
                               for r in redirects(self.appliance, nic,
                                                  version)]

    def dial(self, redirect):
        return endpoint(redirect["address"],
                        redirect["first_port"]).removesuffix(":80")

    def routes(self, via):
        """The appliance's routed nets; through its first NIC alone."""
        for net in self.appliance.wants["nets"]:
            for own in addresses(net["addresses"], via.version):
                if net["bridged_on"] or own.network in self.routed:
                    continue
                self.routed.add(own.network)
                self.ip("route", "add", str(own.network), "via", str(via.ip))

    def argv(self):
        return self.cards

    def prefix(self):
        return ["ip", "netns", "exec", self.name]

    def enter(self, command):
        return f"ip netns exec {self.name} {command}"

    def ways(self):
        return self.found

    def hints(self):
        return [(self.enter("bash"), "a shell outside, on each nic's link")]

    def close(self):
        # Ctrl-C again must not leave the half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.run(["ip", "netns", "delete", self.name])
