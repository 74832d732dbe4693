"""Writes the figures of the recorded run where people and tests read them: `fixtures/lab/figures.json` and a section of `lab/README.md`.

The figures of Wazuh's stock rules are kept in `figures.json` too, since those rules are not part of this repository.
"""

import json
import re

BEGIN, END = "<!-- figures: lab/report.py --update writes this -->", "<!-- end of figures -->"

# Classes of the promise first, then by name.
FIRST = ("sql_injection", "xss", "command_injection", "path_traversal")


def update(figures_path: str, readme_path: str, now: dict, stock: dict | None) -> None:
    """Writes both. Without new figures of the stock rules the kept ones stay."""
    if stock is None:
        try:
            with open(figures_path, encoding="utf-8") as file:
                stock = json.load(file).get("stock")
        except OSError:
            stock = None
    kept = {**now, "stock": stock and {part: stock[part] for part in ("tools", "classes", "visitors")}}
    with open(figures_path, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
        file.write("\n")
    with open(readme_path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise ValueError(f"`{readme_path}` has no place for the figures: `{BEGIN}` and `{END}`")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    with open(readme_path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n\n" + section(kept) + "\n" + END + after)


def section(figures: dict) -> str:
    """Gives the section's tables."""
    stock = figures.get("stock") or {"tools": {}, "classes": {}, "visitors": {}}
    tools = [[name, kinds(tool), count(tool["requests"]), count(tool["attacks"]), found(stock["tools"].get(name)), found(tool), named(tool),
              str(figures["scans"].get(name, ""))] for name, tool in figures["tools"].items()]
    order = sorted(figures["classes"], key=lambda kind: (FIRST.index(kind) if kind in FIRST else len(FIRST), kind))
    classes = [[kind, count(figures["classes"][kind]["attacks"]), found(stock["classes"].get(kind)), found(figures["classes"][kind]),
                named(figures["classes"][kind])] for kind in order]
    exploits = [[exploit["tool"], exploit["class"], exploit["what"], "yes" if exploit["told"] else "not in the log" if exploit["unseen"] else "**no**",
                 exploit["outcome"], str(exploit["level"] or "-")] for exploit in figures["exploits"]]
    visitors, before = figures["visitors"], stock["visitors"].get("false_alarms")
    parts = [
        table(["run", "class", "requests", "attacks", "found by stock rules", "found", "under its class", "incidents of the scan"], tools),
        table(["class", "attacks", "found by stock rules", "found", "under its class"], classes),
        "What worked, and whether it has an incident of its own, with nobody else's alerts in it and a verdict of the right class:\n\n"
        + table(["run", "class", "what", "told", "outcome", "level"], exploits),
        "What the verdicts say of exploits that didn't work, by the truth: "
        + ", ".join(f"{outcome} {number}" for outcome, number in sorted(figures["failed"].items()))
        + f"; said to have worked: {len(figures['overclaimed'])}.\n",
        f"Ordinary visitors: {count(visitors['requests'])} requests, {visitors['false_alarms']} false alarms"
        + (f" (stock rules: {before})" if before is not None else "")
        + f", highest threat level {visitors['level_max']}. All in all {figures['incidents']} incidents of {count(figures['alerts'])} alerts.\n",
    ]
    return "\n".join(parts)


def kinds(figures: dict) -> str:
    return ", ".join(figures["classes"]) if len(figures["classes"]) < 3 else "various"


def count(number: int) -> str:
    return f"{number:,}"


def found(figures: dict | None) -> str:
    return share(figures["found"], figures["attacks"]) if figures else "-"


def named(figures: dict) -> str:
    return share(figures["named"], figures["attacks"])


def share(part: int, whole: int) -> str:
    """Gives a share, rounded so that only all is 100 %."""
    if whole == 0:
        return "-"
    return "100 %" if part == whole else f"{min(99.9, 100 * part / whole):.1f} %"


def table(names: list[str], rows: list[list[str]]) -> str:
    """Gives a Markdown table."""
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(re.sub(r"[|\n]", " ", cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
