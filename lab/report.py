#!/usr/bin/env python3
"""Tells what Quell made of a recorded attack, tool by tool and class by class: `quell detect`, then `quell triage`, then the truth.

    report.py [--recording DIR] [--ruleset PATH]... [--quell PROGRAM] [--misses] [--json]
    report.py [--recording DIR] --needles DIR
    report.py --update [--stock PATH] [--quell PROGRAM]

DIR has `access.log`, `security.log` and `truth.tsv`, plain or with `.gz`, or is what `attack.py` left. Without --ruleset Quell's own
rules of this checkout are taken. `--json` prints figures for tests. `--needles` writes the recording as `quell simulate` plays it. `--update` reads the recording in `fixtures/lab` and writes its figures there and into
`lab/README.md`; with Wazuh's own rules in PATH it also notes what those find alone. Exit code 1 if a successful exploitation is told nowhere, 3 if there is no recording.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime

from attack import needles, page, truth
from attack.judgement import BY_THE_WHOLE, Judgement, Recording, is_about_attack

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))

# The recorded run whose figures are kept.
FIXTURE = os.path.join(ROOT, "fixtures", "lab")

# The honeypot as an agent of Wazuh names it. Both logs go through one engine, as on a manager.
LOCATION = "[001] (lab-shop) 127.0.0.1->/var/log/shop/access.log"

# Above this a person is called; an ordinary visitor must not be the reason.
CALLING_LEVEL = 7


def lines_of(folder: str, name: str) -> list[str]:
    """Reads a file of the recording, packed or not, wherever `attack.py` put it."""
    for path in (os.path.join(folder, name), os.path.join(folder, "data", name)):
        if os.path.exists(path):
            with open(path, "rb") as file:
                return file.read().decode("utf-8", "replace").splitlines()
        if os.path.exists(path + ".gz"):
            with gzip.open(path + ".gz") as file:
                return file.read().decode("utf-8", "replace").splitlines()
    return []


def access_second(line: str) -> float:
    """Gives the time of a line in combined form."""
    stamp = line.partition("[")[2].partition("]")[0]
    try:
        return datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return 0.0


def merged(access: list[str], security: list[str]) -> list[tuple[int, str]]:
    """Puts both logs in the order of their times, as they were written: number of the access line, or 0, and the text."""
    told = sorted((int(datetime.fromisoformat(json.loads(line)["time"].replace("Z", "+00:00")).timestamp()), line) for line in security)
    order, waiting, second = [], 0, 0.0
    for number, line in enumerate(access, 1):
        # The shop writes its own line before the server writes the request's.
        second = max(second, access_second(line))
        while waiting < len(told) and told[waiting][0] <= second:
            order.append((0, told[waiting][1]))
            waiting += 1
        order.append((number, line))
    return order + [(0, line) for _, line in told[waiting:]]


def ask(arguments: list[str], given: str) -> list[dict]:
    """Runs Quell and reads its JSON lines."""
    done = subprocess.run(arguments, input=given.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(arguments[:2])}` failed:\n{done.stderr.decode()[-2000:]}")
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def record(folder: str, quell: str, rulesets: list[str]) -> Recording:
    """Lets Quell read a recording."""
    access, security = lines_of(folder, "access.log"), lines_of(folder, "security.log")
    rows = truth.read(os.path.join(folder, "truth.tsv"))
    order = merged(access, security)
    rules = [part for ruleset in rulesets for part in ("--ruleset", ruleset)]
    with tempfile.TemporaryDirectory() as scratch:
        log = os.path.join(scratch, "shop.log")
        with open(log, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for _, line in order)
        # Settings of this machine must not change the figures.
        empty = os.path.join(scratch, "quell.toml")
        open(empty, "w", encoding="ascii").close()
        events = ask([quell, "detect", "--config", empty, *rules, "--all", "--location", LOCATION, log], "")
        if len(events) != len(order):
            sys.exit(f"{len(order)} lines became {len(events)} events: the report can't tell which is which")
        alerts = [event for event in events if event.pop("alert", True) is not False]
        text = "".join(json.dumps(alert) + "\n" for alert in alerts)
        *incidents, _ = ask([quell, "triage", "--config", empty, "-", "--analyst", "playbook", "--json", "--alert-ids"], text)
    kept = {alert["id"] for alert in alerts}
    by_line = {number: event for (number, _), event in zip(order, events) if number and event["id"] in kept}
    of_security = [event for (number, _), event in zip(order, events) if not number and event["id"] in kept]
    return Recording(access, rows, by_line, of_security, incidents)


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def tables(judged: Judgement) -> list[tuple[str, list[str], list[list[str]]]]:
    """Gives the report's tables: title, column names, rows."""
    recording = judged.recording
    tools = []
    for row in unique(recording.truth):
        figures = judged.by_tool[row]
        if row != "visitor":
            kinds = {entry.kind for entry in recording.truth if entry.tool == row} - {"benign"}
            tools.append([row, ", ".join(sorted(kinds)) if len(kinds) < 3 else "various", str(figures.requests), str(figures.attacks),
                          str(figures.probes), str(figures.unseen), share(figures.found, figures.attacks), share(figures.named, figures.attacks),
                          str(len(figures.incidents))])
    classes = [[kind, str(figures.attacks), share(figures.found, figures.attacks), share(figures.named, figures.attacks),
                f"{figures.probes_found} of {figures.probes}", str(figures.unseen)]
               for kind, figures in sorted(judged.by_class.items())]
    exploits = []
    for exploit in judged.exploits:
        exploits.append([exploit.tool, exploit.kind, exploit.what[:44], str(len(exploit.lines)), str(len(exploit.incidents)),
                         "yes" if exploit.is_told else "not in the log" if exploit.is_unseen else "NO", exploit.outcome, str(exploit.level)])
    scans = []
    for row in recording.truth:
        if row.kind in BY_THE_WHOLE and not row.tool.startswith("hand-"):
            incidents, largest, alerts = judged.largest_share(row)
            scans.append([row.tool, str(len(judged.numbers(row))), str(alerts), str(incidents), share(largest, alerts)])
    return [
        ("Tools", ["tool", "class", "requests", "attacks in the log", "probes", "in bodies", "found", "named", "incidents"], tools),
        ("Classes", ["class", "attacks in the log", "found", "named", "probes found", "in bodies"], classes),
        ("Successful exploitations", ["tool", "class", "what", "lines", "incidents", "told as its own", "outcome", "level"], exploits),
        ("Scans and guessing", ["tool", "requests", "alerts", "incidents", "in the largest"], scans),
    ]


def unique(rows: list[truth.Row]) -> list[str]:
    return list(dict.fromkeys(row.tool for row in rows))


def visitors(judged: Judgement) -> dict[str, int]:
    """Tells what ordinary visitors were taken for."""
    rows = [row for row in judged.recording.truth if row.tool == "visitor"]
    numbers = [number for row in rows for number in judged.numbers(row)]
    alarms = [number for number in numbers if (alert := judged.recording.alerts.get(number)) and is_about_attack(alert)]
    actors = {row.actor for row in rows}
    levels = [incident["verdict"]["threat_level"] for incident in judged.recording.incidents
              if incident.get("verdict") and actors & set(incident["actors"])]
    return {"requests": len(numbers), "false_alarms": len(alarms), "level_max": max(levels, default=0),
            "called": sum(level >= CALLING_LEVEL for level in levels), "lines": alarms}


def print_table(title: str, names: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[index]) for row in [names, *rows]) for index in range(len(names))]
    print(f"\n{title}\n")
    for row in [names, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def as_json(judged: Judgement) -> dict:
    """Gives the figures as tests and the page want them."""
    recording = judged.recording
    kinds = {tool: sorted({row.kind for row in recording.truth if row.tool == tool} - {"benign"}) for tool in judged.by_tool}
    return {
        "tools": {tool: {"classes": kinds[tool], "requests": figures.requests, "attacks": figures.attacks, "found": figures.found,
                         "named": figures.named, "incidents": len(figures.incidents)}
                  for tool in unique(recording.truth) if tool != "visitor" for figures in [judged.by_tool[tool]]},
        "classes": {kind: {"attacks": figures.attacks, "found": figures.found, "named": figures.named, "probes": figures.probes,
                           "probes_found": figures.probes_found, "unseen": figures.unseen}
                    for kind, figures in sorted(judged.by_class.items())},
        "exploits": [{"tool": exploit.tool, "class": exploit.kind, "what": exploit.what, "unseen": exploit.is_unseen, "told": exploit.is_told,
                      "outcome": exploit.outcome, "outcomes": exploit.outcomes, "level": exploit.level} for exploit in judged.exploits],
        "failed": Counter(incident["verdict"]["outcome"] for incident in judged.failed()),
        "overclaimed": [f"{incident['class']} by {', '.join(incident['actors'])}" for incident in judged.overclaimed()],
        "scans": {row.tool: judged.largest_share(row)[0] for row in recording.truth
                  if row.kind in BY_THE_WHOLE and not row.tool.startswith("hand-")},
        "visitors": {name: value for name, value in visitors(judged).items() if name != "lines"},
        "alerts": len(recording.alerts) + len(recording.security_alerts),
        "incidents": len(recording.incidents),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", default=os.path.join(ROOT, "lab", "data", "attack"))
    parser.add_argument("--ruleset", action="append", default=[])
    parser.add_argument("--quell", default=os.path.join(TARGET, "release", "quell"))
    parser.add_argument("--misses", action="store_true", help="print every attack that was not found under its class")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--needles", metavar="DIR", help="write alerts.json and needles.tsv for `quell simulate`, and nothing else")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--stock", help="a folder with Wazuh's own rules and decoders, for --update")
    options = parser.parse_args()
    if options.update:
        stock = as_json(Judgement(record(FIXTURE, options.quell, [options.stock]))) if options.stock else None
        now = as_json(Judgement(record(FIXTURE, options.quell, options.ruleset or [os.path.join(ROOT, "rules")])))
        page.update(os.path.join(FIXTURE, "figures.json"), os.path.join(ROOT, "lab", "README.md"), now, stock)
        return 0
    if not os.path.exists(os.path.join(options.recording, "truth.tsv")):
        print(f"error: there is no recording in {options.recording}\nhint: `make lab-attack` makes one; --recording fixtures/lab takes the one that is kept",
              file=sys.stderr)
        return 3
    judged = Judgement(record(options.recording, options.quell, options.ruleset or [os.path.join(ROOT, "rules")]))
    if options.needles:
        alerts, found = needles.write(judged, options.needles)
        print(f"{alerts} alerts and {found} needles are in {options.needles}: quell simulate {options.needles}/alerts.json --truth {options.needles}/needles.tsv")
        return 0
    if options.json:
        print(json.dumps(as_json(judged), indent=1))
        return 0
    for title, names, rows in tables(judged):
        print_table(title, names, rows)
    failed = Counter(incident["verdict"]["outcome"] for incident in judged.failed())
    print("\nExploits that didn't work: " + (", ".join(f"{number} {outcome}" for outcome, number in sorted(failed.items())) or "none")
          + f"; said to have worked although they didn't: {len(judged.overclaimed())}")
    seen = visitors(judged)
    print(f"\nOrdinary visitors: {seen['requests']} requests, {seen['false_alarms']} false alarms, highest level {seen['level_max']}, "
          f"{seen['called']} incidents of level {CALLING_LEVEL} or more")
    print(f"{len(judged.recording.alerts) + len(judged.recording.security_alerts)} alerts became {len(judged.recording.incidents)} incidents")
    if options.misses:
        # `repr`: what attackers wrote must not reach a terminal as it is.
        for kind, figures in sorted(judged.by_class.items()):
            for number in figures.misses:
                alert = judged.recording.alerts.get(number)
                said = f"{alert['rule']['id']} {','.join(alert['rule']['groups'])}" if alert else "no alert"
                print(f"missed {kind} line {number} ({said}): {judged.recording.lines[number - 1]!r}")
        for number in seen["lines"]:
            print(f"false alarm line {number} ({judged.recording.alerts[number]['rule']['id']}): {judged.recording.lines[number - 1]!r}")
    return 0 if all(exploit.is_told or exploit.is_unseen for exploit in judged.exploits) else 1


if __name__ == "__main__":
    sys.exit(main())
