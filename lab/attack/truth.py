"""What really happened, written by who did it: rows of `truth.tsv`.

`start-line, end-line` (of the access log, from 1), `actor, tool, class, outcome, note`. A row covers the actor's lines in the range;
other lines between them are other people's. `outcome` is `succeeded` only where the attacker saw it: the table on the tool's
screen, the file's text in the answer.
"""

from dataclasses import astuple, dataclass

HEADER = "start_line\tend_line\tactor\ttool\tclass\toutcome\tnote"

OUTCOMES = ("succeeded", "attempted", "blocked")


@dataclass(frozen=True, order=True)
class Row:
    """One run of a tool, or one request of the hand-written attacker."""

    start: int
    end: int
    actor: str
    tool: str
    kind: str
    outcome: str
    note: str


def write(path: str, rows: list[Row]) -> None:
    """Writes the rows in the log's order."""
    with open(path, "w", encoding="utf-8") as file:
        print(HEADER, file=file)
        for row in sorted(rows):
            print(*(str(field).replace("\t", " ").replace("\n", " ") for field in astuple(row)), sep="\t", file=file)


def read(path: str) -> list[Row]:
    """Reads rows as `write` writes them."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines()[1:]:
            start, end, *rest = line.split("\t")
            rows.append(Row(int(start), int(end), *rest))
    return rows
