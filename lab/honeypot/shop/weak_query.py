"""Runs the SQL that the shop glues together from what strangers typed.

The injection is real: it is SQLite that parses the text, so union, boolean, error and time-based attacks work as they would
in any shop. What it can reach is bounded. The connection is opened read-only, an authorizer allows reading rows and calling
functions and nothing else (no ATTACH, no PRAGMA, no extension), and time, text sizes and steps have limits.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection

# Rows of one answer. The largest table has 40, a dump in one page shows them all.
ROWS_MAX = 500

# The longest text or blob of one query. Longer ones are how an attacker would use up memory.
TEXT_BYTES_MAX = 1_000_000

# LIKE and GLOB take time that grows with the pattern and can't be interrupted.
PATTERN_BYTES_MAX = 128

# SQLite looks at the clock after this many of its steps, about a millisecond.
STEPS_BETWEEN_LOOKS = 20_000

# How many bytes of randomness a real SQLite makes a second, about. Time-based attacks are tuned to it.
RANDOM_BYTES_PER_SECOND = 125_000_000

# A real blob that `randomblob` still gives. Above it the time passes, but the memory isn't used.
RANDOM_BYTES_MAX = 1_000

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}


def run(sql: str) -> tuple[list[str], list[tuple]]:
    """Gives column names and rows. Raises `sqlite3.Error` with SQLite's own words, which the pages show."""
    address = Path(connection.settings_dict["NAME"]).absolute().as_uri() + "?mode=ro"
    deadline = time.monotonic() + settings.LAB_SECONDS_MAX
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
        database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, TEXT_BYTES_MAX)
        database.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_BYTES_MAX)
        database.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
        database.create_function("randomblob", 1, lambda size: _slow_blob(size, deadline))
        database.set_authorizer(_authorize)
        try:
            cursor = database.execute(sql)
            rows = cursor.fetchmany(ROWS_MAX)
            return [column[0] for column in cursor.description or []], rows
        except sqlite3.Warning as error:
            # Two statements at once: Python's module refuses, as most drivers do.
            raise sqlite3.OperationalError(str(error)) from None
        except ValueError as error:
            # A character that SQL can't hold, such as NUL.
            raise sqlite3.OperationalError(f"unrecognized token: {error}") from None


def _slow_blob(size, deadline: float) -> bytes:
    """Stands in for SQLite's `randomblob`, whose time is the sleep of time-based attacks: waits as long, up to the deadline."""
    try:
        wanted = max(1, int(size or 0))
    except (TypeError, ValueError, OverflowError):
        wanted = 1
    rest = max(0.0, deadline - time.monotonic())
    if wanted > RANDOM_BYTES_MAX:
        time.sleep(min(wanted / RANDOM_BYTES_PER_SECOND, rest))
    return b"\0" * min(wanted, RANDOM_BYTES_MAX)


def _authorize(action, first, second, database, source) -> int:
    is_harmless_function = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() != "load_extension"
    return sqlite3.SQLITE_OK if action in ALLOWED or is_harmless_function else sqlite3.SQLITE_DENY
