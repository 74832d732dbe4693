"""Builds the machines: one network namespace each, an overlay between them, and a real network with the Internet behind it.

Everything stands inside namespaces of this program's own (mounts, processes, network), which the kernel takes away with it, however it
ends. Nothing of the host's network is touched or reached.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from machines import plan

MARK = "LAB_MACHINES"
PROBE = Path(__file__).resolve().parent / "probe.py"

# ZeroTier calls its interface `zt` and a name that it makes from the network's.
OVERLAY_INTERFACE = "ztlab00001"

# All that is used later, once: some kernels give namespaces, but no pairs of interfaces, no IPv6 or no tables that know connections.
TRIAL = """
mount -t tmpfs none /run
ip netns add trial
ip link add trial0 type veth peer name trial1 netns trial
ip link add trial2 type bridge
ip address add fd77::1/64 dev trial0
nft add table inet lab
nft 'add chain inet lab input { type filter hook input priority filter; }'
nft add rule inet lab input ct state established counter accept
"""


class Unable(Exception):
    """This machine can't play the others; says why."""


def enter() -> None:
    """Starts this program again inside its own namespaces, as their root. Raises `Unable` where that is not to be had."""
    if os.environ.get(MARK):
        return
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in ("unshare", "ip", "nft", "mount") if not shutil.which(tool, path=path)]
    if missing:
        raise Unable(f"{', '.join(missing)} not found (Debian: util-linux, iproute2, nftables)")
    parts = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    prefix = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), *parts]
    environment = dict(os.environ, PATH=path)
    done = subprocess.run([*prefix, "sh", "-ec", TRIAL], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unable(f"the kernel does not allow it here ({said})" + ("" if os.geteuid() == 0 else "; try as root"))
    sys.stdout.flush()
    os.execvpe("unshare", [*prefix, sys.executable, *sys.argv], environment | {MARK: "1"})


def build() -> None:
    """Makes the namespaces with their addresses. `ip netns exec NAME` works from here on."""
    # Names of namespaces are files; these are seen by nobody else.
    run("mount", "-t", "tmpfs", "none", "/run")
    run("ip", "link", "set", "lo", "up")
    for bridge in ("overlay", "real"):
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "link", "set", bridge, "up")
    for number, (name, (four, six)) in enumerate(plan.MACHINES.items(), 10):
        machine(name)
        plug(name, OVERLAY_INTERFACE, "overlay", f"o{number}", f"{four}/24", f"{six}/64")
        plug(name, "eth0", "real", f"r{number}", f"{plan.real_address(number)}/24")
        inside(name, "ip", "route", "add", "default", "via", plan.ROUTER)
    machine("internet")
    plug("internet", "eth0", "real", "r1", f"{plan.ROUTER}/24", f"{plan.INTERNET}/32")


def machine(name: str) -> None:
    run("ip", "netns", "add", name)
    inside(name, "ip", "link", "set", "lo", "up")


def plug(name: str, interface: str, bridge: str, outer: str, *addresses: str) -> None:
    """Gives a machine an interface on a network."""
    run("ip", "link", "add", outer, "type", "veth", "peer", "name", interface, "netns", name)
    run("ip", "link", "set", outer, "master", bridge, "up")
    for address in addresses:
        # Without `nodad` an IPv6 address is of no use for a second or two.
        inside(name, "ip", "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
    inside(name, "ip", "link", "set", interface, "up")


def load(name: str, folder: Path) -> None:
    """Loads a machine's firewall as README.md says it: from the folder, by the name of the machine."""
    inside(name, "nft", "-f", f"{name}.nft", folder=folder)


def refused(name: str) -> int:
    """How many packets the machine's last rules refused, by its own count."""
    told = json.loads(inside(name, "nft", "--json", "list", "table", "inet", "lab"))["nftables"]
    rules = [entry["rule"] for entry in told if entry.get("rule", {}).get("comment") == "refused"]
    return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)


def run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def inside(name: str, *command: str, folder: Path | None = None) -> str:
    return run("ip", "netns", "exec", name, *command, folder=folder)


class Stand:
    """A probe on each machine."""

    def __init__(self) -> None:
        self.probes: dict[str, subprocess.Popen] = {}
        for name in (*plan.MACHINES, "internet"):
            command = ["ip", "netns", "exec", name, sys.executable, str(PROBE)]
            self.probes[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        tcp, udp = sorted({*plan.SERVED, *plan.ABROAD}), [53, 123, plan.ZEROTIER]
        for number, name in enumerate(self.probes, 10):
            own = [plan.MACHINES[name][0], plan.real_address(number)] if name in plan.MACHINES else [plan.ROUTER, plan.INTERNET]
            self.order(name, {"serve": [tcp, udp, own]})
        for name in self.probes:
            self.answer(name)

    def attempt(self, ways: list[plan.Way], should_pass) -> list[str]:
        """Tries all ways and gives what became of each. What should pass and doesn't gets a second chance: a busy host is slow."""
        became = self.once(ways)
        again = [index for index, way in enumerate(ways) if should_pass(way) and became[index] == "dropped"]
        for index, seen in zip(again, self.once([ways[index] for index in again]), strict=True):
            became[index] = seen
        return became

    def once(self, ways: list[plan.Way]) -> list[str]:
        """Tries all ways, from all machines at once."""
        shares: dict[str, list[int]] = {name: [] for name in self.probes}
        for index, way in enumerate(ways):
            shares[way.source if way.source in plan.MACHINES else "internet"].append(index)
        for name, share in shares.items():
            self.order(name, {"try": [ways[index]._asdict() for index in share]})
        became = [""] * len(ways)
        for name, share in shares.items():
            for index, seen in zip(share, self.answer(name), strict=True):
                became[index] = seen
        return became

    def order(self, name: str, order: dict) -> None:
        self.probes[name].stdin.write(json.dumps(order) + "\n")
        self.probes[name].stdin.flush()

    def answer(self, name: str):
        line = self.probes[name].stdout.readline()
        if not line:
            raise RuntimeError(f"the probe on {name} ended by itself")
        return json.loads(line)

    def end(self) -> None:
        for probe in self.probes.values():
            probe.stdin.close()
        for probe in self.probes.values():
            probe.wait(10)
            probe.stdout.close()
