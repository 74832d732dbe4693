"""Reads the honeypot's access log as it grows, and knows which line is whose.

Each attacker and visitor has an address of its own, which the honeypot takes from `X-Forwarded-For`, so a line belongs to whoever
is named first in it, however the runs overlap.
"""

import os
import time
from collections import Counter


class AccessLog:
    """The lines of one access log, numbered from 1."""

    def __init__(self, path: str):
        self.path = path
        self.lines: list[str] = []
        self.count: Counter[str] = Counter()
        self._read = 0
        self._rest = b""

    def refresh(self) -> int:
        """Reads what was added and returns how many lines there are."""
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                file.seek(self._read)
                added = file.read()
            self._read += len(added)
            *whole, self._rest = (self._rest + added).split(b"\n")
            decoded = [line.decode("utf-8", "replace") for line in whole]
            self.lines.extend(decoded)
            self.count.update(actor_of(line) for line in decoded)
        return len(self.lines)

    def settle(self, quiet_secs: float = 0.3, within_secs: float = 10.0) -> int:
        """Waits until nothing more comes: a server writes a line after its answer. Returns how many lines there are."""
        deadline = time.monotonic() + within_secs
        count = self.refresh()
        while time.monotonic() < deadline:
            time.sleep(quiet_secs)
            now = self.refresh()
            if now == count:
                break
            count = now
        return count

    def of(self, actor: str, after: int = 0) -> list[int]:
        """Gives the numbers of an actor's lines behind line `after`."""
        return [number for number, line in enumerate(self.lines[after:], after + 1) if actor_of(line) == actor]

    def wait_for(self, actor: str, after: int, within_secs: float = 5.0) -> int | None:
        """Waits for the actor's next line and gives its number."""
        deadline = time.monotonic() + within_secs
        while time.monotonic() < deadline:
            self.refresh()
            for number, line in enumerate(self.lines[after:], after + 1):
                if actor_of(line) == actor:
                    return number
            time.sleep(0.005)
        return None


def actor_of(line: str) -> str:
    """Gives the client's address of a line in combined form."""
    return line.split(" ", 1)[0]
