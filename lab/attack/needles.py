"""A recording as `quell simulate` plays it: its alerts in the order of their times, and a truth that names who attacked how and when.

A needle is all that one actor did of one class, whether it worked or not: what is looked for in a flood is an attack. Scans are the hay;
guessing of passwords is a needle, because somebody may be in, and the shop's own log tells of it, as it does of a statement that is sent as a
name. What else travels in bodies is in no log, and an attack without an alert is no needle either.
"""

import json
import os
from collections import defaultdict

from attack.judgement import Judgement

COLUMNS = ("name", "actor", "class", "first", "last")

HAY = {"benign", "scanner", "forced_browsing"}


def alerts_of(judged: Judgement) -> list[dict]:
    """Gives all alerts of a recording, in the order of their times."""
    both = [*judged.recording.alerts.values(), *judged.recording.security_alerts]
    return sorted(both, key=lambda alert: alert["timestamp"])


def needles_of(judged: Judgement) -> list[tuple[str, ...]]:
    """Gives a row for each actor and class of attack that raised alerts, in the order of their times."""
    times: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in judged.recording.truth:
        is_unseen = row.note.startswith("body:") and row.kind != "brute_force"
        if row.kind not in HAY and not is_unseen:
            seen = [judged.recording.alerts[number] for number in judged.numbers(row) if number in judged.recording.alerts]
            times[row.tool, row.actor, row.kind] += [alert["timestamp"] for alert in seen]
        elif row.kind not in HAY:
            times[row.tool, row.actor, row.kind] += [alert["timestamp"] for alert in judged.shown_by_the_shop(row.actor, row.kind)]
    rows = [(f"{tool}: {kind}", actor, kind, min(those), max(those)) for (tool, actor, kind), those in times.items() if those]
    return sorted(rows, key=lambda row: row[3])


def write(judged: Judgement, folder: str) -> tuple[int, int]:
    """Writes `alerts.json` and `needles.tsv` into a folder. Gives how many alerts and how many needles there are."""
    os.makedirs(folder, exist_ok=True)
    alerts, needles = alerts_of(judged), needles_of(judged)
    with open(os.path.join(folder, "alerts.json"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(alert) + "\n" for alert in alerts)
    with open(os.path.join(folder, "needles.tsv"), "w", encoding="utf-8") as file:
        for row in (COLUMNS, *needles):
            print(*row, sep="\t", file=file)
    return len(alerts), len(needles)
