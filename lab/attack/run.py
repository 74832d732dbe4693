"""One bounded run of one real tool: what it is told, who it is, and how its success is seen."""

import os
import re
from dataclasses import dataclass
from typing import Callable

from attack.target import Target


@dataclass
class Job:
    """A run on its way: where it attacks and where its files are."""

    actor: str
    target: Target
    folder: str
    program: str

    @property
    def log(self) -> str:
        return os.path.join(self.folder, "output.log")

    @property
    def header(self) -> str:
        return f"X-Forwarded-For: {self.actor}"

    def said(self, pattern: str) -> str:
        """Gives what the tool printed first that fits a pattern, or nothing."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                found = re.search(pattern, file.read())
        except OSError:
            return ""
        return found.group(0) if found else ""

    def file(self, name: str, lines: list[str]) -> str:
        """Writes a list for the tool and gives its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        return path

    def written(self, suffix: str, pattern: str) -> str:
        """Gives what fits a pattern in a file that the tool wrote, or nothing."""
        for root, _, names in os.walk(self.folder):
            for name in sorted(names):
                if name.endswith(suffix):
                    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
                        found = re.search(pattern, file.read())
                    if found:
                        return found.group(0)
        return ""


@dataclass(frozen=True)
class Run:
    """One run as the catalogue has it."""

    name: str
    tool: str
    kind: str
    """The class of attack, one of the rules' class groups."""
    actor: str
    seconds: float
    requests_max: int
    argv: Callable[[Job], list[str]]
    worked: Callable[[Job], str] = lambda _: ""
    """What shows that it succeeded, or nothing."""
    note: str = ""
    by_name: bool = False
    """Whether it runs only when it is asked for by its name."""
    relay: bool = False
    """Whether the tool can't send a header and needs a relay that does."""
