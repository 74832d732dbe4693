#!/usr/bin/env python3
"""Plays the machines of README.md on this one, with the files of `lab/firewall` loaded, and tries every way between them.

    lab/check_machines.py [--firewall DIR] [--all] [-- COMMAND [ARG...]]

Each machine is a network namespace with the README's addresses on an interface that is called as ZeroTier's. First every port is tried
without firewalls, and all must pass, so that what is dropped afterwards is dropped by them. Then they are loaded, as they are, and what
must pass has to pass and what must not has to be dropped. A command is run afterwards, with the machines standing: `ip netns exec
honeypot ...` is on the honeypot.

Nothing of this machine's network is touched or reached. It needs Linux with `ip`, `nft` and `unshare`, and root or a kernel that lets
users have namespaces. ZeroTier itself has no part in it, nor have the rules at its controller.

Exit codes: 0 all as it must be, 1 something is not, 2 usage, 3 this machine can't play it; with a command, the command's.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from machines import bench, plan

LAB = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firewall", type=Path, default=LAB / "firewall", help="the folder with the files (default: lab/firewall)")
    parser.add_argument("--all", action="store_true", help="list every way that was tried, not only where something is open or wrong")
    parser.add_argument("command", nargs="*", help="to run with the machines standing")
    options = parser.parse_args()
    options.firewall = options.firewall.resolve()
    try:
        bench.enter()
    except bench.Unable as error:
        print(f"check_machines: skipped: {error}", file=sys.stderr)
        return 3
    bench.build()
    stand = bench.Stand()
    ways = plan.ways()
    open_before = stand.attempt(ways, lambda way: True)
    closed = [(way, seen) for way, seen in zip(ways, open_before) if seen != "passes"]
    print(f"without firewalls: {len(ways) - len(closed)} of {len(ways)} ways pass", flush=True)
    for machine in plan.GUARDED:
        bench.load(machine, options.firewall)
    seen = stand.attempt(ways, lambda way: way.may)
    wrong = report(ways, seen, options.all)
    counts = {machine: bench.refused(machine) for machine in plan.GUARDED}
    stand.end()
    print("refused, by the machines' own count: " + ", ".join(f"{machine} {count}" for machine, count in counts.items()))
    for way, what in closed:
        print(f"WRONG without firewalls: {way.source} to {way.target}, {way.over}, {way.by} {way.port}: {what}")
    passing = sum(way.may for way in ways)
    print(f"with firewalls: {passing} of {len(ways)} ways must pass; {wrong or 'none'} went wrong", flush=True)
    verdict = 1 if wrong or closed or not all(counts.values()) else 0
    if options.command:
        return subprocess.run(options.command, check=False).returncode or verdict
    return verdict


def report(ways: list[plan.Way], seen: list[str], everything: bool) -> int:
    """Prints the table and tells how many ways are wrong."""
    wrong = 0
    rows: dict[tuple[str, str, str], list[tuple[plan.Way, str]]] = {}
    for way, what in zip(ways, seen):
        rows.setdefault((way.source, way.target, way.over), []).append((way, what))
    print("| from | to | over | must pass | passes | dropped |\n|---|---|---|---|---|---|")
    for (source, target, over), tried in rows.items():
        must = [name(way) for way, _ in tried if way.may]
        passes = [name(way) for way, what in tried if what == "passes"]
        bad = [f"{name(way)} {what}" for way, what in tried if what != ("passes" if way.may else "dropped")]
        wrong += len(bad)
        if must or bad or everything:
            mark = f" **WRONG: {', '.join(bad)}**" if bad else ""
            dropped = sum(what == "dropped" for _, what in tried)
            print(f"| {source} | {target} | {over} | {', '.join(must) or '-'} | {', '.join(passes) or '-'} | {dropped}{mark} |")
    return wrong


def name(way: plan.Way) -> str:
    return str(way.port) if way.by == "tcp" else f"{way.port}/udp"


if __name__ == "__main__":
    sys.exit(main())
