#!/usr/bin/env python3
"""Attacks the lab's honeypot with real tools, within bounds, and records who did what.

    attack.py [--target http://127.0.0.1:8000 --data DIR] [--only NAME,...] [--out DIR] [--seed N] [--visitors N]

Without --target it starts a honeypot of its own on a free port and, where the kernel allows it, in a network namespace in which
nothing else can be reached. With --target it attacks a running one, whose access log is DIR/access.log; it must take client
addresses from the header (LAB_TRUST_FORWARDED=1). Anything but loopback is refused.

In --out (lab/data/attack) it leaves `truth.tsv`, the tools' own output and, of its own honeypot, `data/access.log` and
`data/security.log`. A tool that isn't installed is named and left out. `report.py` tells what Quell made of it.
"""

import argparse
import os
import shutil
import sys
import threading
from dataclasses import dataclass

from attack import honeypot as server
from attack import isolation, process, truth
from attack.accesslog import AccessLog
from attack.browser import Browser
from attack.catalogue import CATALOGUE
from attack.hand import Hand
from attack.honeypot import Honeypot
from attack.relay import Relay
from attack.run import Job, Run
from attack.target import Refused, Target
from attack.toolbox import find
from attack.truth import Row
from attack.visitor import Visitors

HERE = os.path.dirname(os.path.abspath(__file__))

# Marks a folder that a recording made, and may delete.
MARK = "recording"

# Episodes of the hand-written attacker: name and address.
EPISODES = {
    "hand-burglar": "203.0.113.70", "hand-evader": "203.0.113.71", "hand-intruder": "203.0.113.72", "hand-prober": "203.0.113.73",
}

# The burglar comes in the middle of the large scan, as it happened in the flood that Quell was made for.
BESIDE = {"ffuf": "hand-burglar"}


@dataclass
class Line:
    """One line of the summary."""

    name: str
    requests: int
    seconds: str
    lines: str
    outcome: str


class Attack:
    """One attack on one honeypot, from the first request to the truth file."""

    def __init__(self, target: Target, data: str, out: str):
        self.target = target
        self.log_path = os.path.join(data, "access.log")
        self.log = AccessLog(self.log_path)
        self.out = out
        self.rows: list[Row] = []
        self.summary: list[Line] = []
        self.missing: list[str] = []

    def check_addresses(self) -> None:
        """Requires that the honeypot takes addresses from the header: without it everybody is the same one."""
        actor = "203.0.113.254"
        after = self.log.refresh()
        Browser(self.target, actor, "quell-lab").send("GET", "/about/")
        if self.log.wait_for(actor, after) is None:
            raise Refused(
                f"the honeypot does not log the addresses of `X-Forwarded-For`, or `{self.log_path}` is not its log\n"
                "hint: start it with LAB_TRUST_FORWARDED=1, and give its data folder with --data"
            )

    def tool(self, run: Run) -> None:
        """Runs one tool to its end, and an episode beside it if one belongs there."""
        program = find(run.tool)
        if not program:
            self.missing.append(run.name)
            return
        folder = os.path.join(self.out, run.name)
        os.makedirs(folder, exist_ok=True)
        relay = Relay(self.target, run.actor) if run.relay else None
        job = Job(run.actor, relay.target if relay else self.target, folder, program)
        before = self.log.refresh()
        already = self.log.count[run.actor]

        def requests() -> int:
            self.log.refresh()
            return self.log.count[run.actor] - already

        ended = process.run(run.argv(job), job.log, folder, run.seconds, requests, run.requests_max)
        if relay:
            relay.stop()
        self.log.settle()
        numbers = self.log.of(run.actor, before)
        proof = run.worked(job)
        outcome = "succeeded" if proof else "attempted"
        if numbers:
            note = "; ".join(part for part in (run.note, proof, ended.stopped) if part)
            self.rows.append(Row(numbers[0], numbers[-1], run.actor, run.name, run.kind, outcome, note))
        span = f"{numbers[0]}-{numbers[-1]}" if numbers else "-"
        said = outcome if numbers else f"made no request, code {ended.code}: see {job.log}"
        self._say(Line(run.name, len(numbers), f"{ended.seconds:.1f}", span, "; ".join(filter(None, (said, ended.stopped)))))

    def episode(self, name: str) -> None:
        """Carries out one episode of the hand-written attacker."""
        rows = Hand(self.target, self.log_path).episode(name.removeprefix("hand-"), EPISODES[name])
        self.rows += rows
        won = sum(row.outcome == "succeeded" for row in rows)
        self._say(Line(name, len(rows), "", f"{rows[0].start}-{rows[-1].end}", f"{won} of {sum(row.outcome != '-' for row in rows)} attacks succeeded"))

    def visits(self, visitors: Visitors) -> None:
        """Adds the visitors' rows."""
        self.log.settle()
        for number, actor in enumerate(visitors.actors, 1):
            numbers = self.log.of(actor)
            if numbers:
                self.rows.append(Row(numbers[0], numbers[-1], actor, "visitor", "benign", "-", f"visitor {number}"))
        self._say(Line("visitors", visitors.sent, "", "", "ordinary visits"))

    def _say(self, line: Line) -> None:
        if not self.summary:
            print(f"{'WHO':<18} {'REQUESTS':>8} {'SECONDS':>8}  {'LINES':<14} OUTCOME")
        self.summary.append(line)
        print(f"{line.name:<18} {line.requests:>8} {line.seconds:>8}  {line.lines:<14} {line.outcome}", flush=True)


def carry_out(attack: Attack, only: list[str], seed: int, visitors_count: int) -> None:
    """Runs what was asked for, in the catalogue's order."""
    wanted = [run for run in CATALOGUE if run.name in only or (not only and not run.by_name)]
    episodes = [name for name in EPISODES if not only or name in only]
    attack.check_addresses()
    visitors = Visitors(attack.target, seed, visitors_count)
    visitors.start()
    try:
        for run in wanted:
            beside = BESIDE.get(run.name)
            if beside not in episodes or not find(run.tool):
                attack.tool(run)
                continue
            episodes.remove(beside)
            thread = threading.Thread(target=attack.episode, args=(beside,))
            timer = threading.Timer(1.0, thread.start)
            timer.start()
            attack.tool(run)
            timer.join()
            thread.join()
        for name in episodes:
            attack.episode(name)
    finally:
        visitors.stop()
    attack.visits(visitors)


def empty(out: str) -> None:
    """Makes room for a recording, which begins with an empty honeypot. A folder of somebody else's is left alone."""
    if os.path.isdir(out) and os.listdir(out):
        if not os.path.exists(os.path.join(out, MARK)):
            raise Refused(f"`{out}` is not empty and not of an earlier recording\nhint: name a new folder with --out")
        shutil.rmtree(out)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, MARK), "w", encoding="ascii") as file:
        file.write("A recording of lab/attack.py. The next one deletes this folder.\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="a running honeypot; loopback only")
    parser.add_argument("--data", default=os.path.join(HERE, "data"), help="the data folder of that honeypot")
    parser.add_argument("--only", default="", help="names of runs and episodes, with commas; --list gives them")
    parser.add_argument("--out", default=os.path.join(HERE, "data", "attack"), help="where the truth and the tools' output go")
    parser.add_argument("--seed", type=int, default=4, help="what the visitors' choices come from")
    parser.add_argument("--visitors", type=int, default=6, help="how many visitors come meanwhile")
    parser.add_argument("--list", action="store_true", help="name the runs and episodes, and what is missing")
    options = parser.parse_args()
    if options.list:
        for run in CATALOGUE:
            print(f"{run.name:<18} {run.kind:<18} {find(run.tool) or 'not installed'}")
        print("\n".join(EPISODES))
        return 0
    only = [name for name in options.only.split(",") if name]
    unknown = set(only) - {run.name for run in CATALOGUE} - set(EPISODES)
    if unknown:
        print(f"no run is called {', '.join(sorted(unknown))}\nhint: --list names them", file=sys.stderr)
        return 2
    honeypot = None
    try:
        if options.target:
            target, data = Target.parse(options.target), options.data
            os.makedirs(options.out, exist_ok=True)
        else:
            server.set_up()
            if not isolation.isolate():
                print("the kernel allows no network namespace: the tools' own bounds alone keep them on loopback", file=sys.stderr)
            empty(options.out)
            data = os.path.join(options.out, "data")
            honeypot = Honeypot(data)
            target = honeypot.target
        attack = Attack(target, data, os.path.abspath(options.out))
        carry_out(attack, only, options.seed, options.visitors)
    except (Refused, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 3
    finally:
        if honeypot:
            honeypot.stop()
    truth.write(os.path.join(options.out, "truth.tsv"), attack.rows)
    if not honeypot:
        # The report wants the logs beside the truth, as a recording of our own has them.
        os.makedirs(os.path.join(options.out, "data"), exist_ok=True)
        for name in ("access.log", "security.log"):
            shutil.copy(os.path.join(data, name), os.path.join(options.out, "data", name))
    if attack.missing:
        print(f"not installed, left out: {', '.join(attack.missing)}\nhint: lab/attack/tools.sh installs what can be had")
    print(f"{len(attack.log.lines)} lines of access log; the truth is in {os.path.join(options.out, 'truth.tsv')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
