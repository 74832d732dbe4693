"""Runs a program within bounds: so many seconds, so many requests, one log. What it started dies with it."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

# How often the bounds are looked at. A fast scanner makes some hundred requests meanwhile, which is what a bound may be missed by.
LOOK_EVERY_SECS = 0.1

# How long a program may take to end by itself when told to.
GRACE_SECS = 3.0


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    seconds: float
    stopped: str
    """Why it was stopped, or nothing if it ended by itself."""


def run(argv: list[str], log: str, folder: str, seconds: float, requests: Callable[[], int], requests_max: int) -> Ended:
    """Runs `argv` in `folder` with its output in `log`, until it ends or passes a bound."""
    started = time.monotonic()
    stopped = ""
    # A home of its own: tools keep sessions and settings there, and what an earlier run found must not spare this one its requests.
    environment = {**os.environ, "HOME": folder, "TERM": "dumb", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
    with open(log, "wb") as out:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=environment,
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                time.sleep(LOOK_EVERY_SECS)
                if time.monotonic() - started > seconds:
                    stopped = f"stopped after {seconds:g} s"
                elif requests() > requests_max:
                    stopped = f"stopped at {requests_max} requests"
                if stopped:
                    break
        finally:
            end_group(child)
    return Ended(child.returncode, time.monotonic() - started, stopped)


def end_group(child: subprocess.Popen) -> None:
    """Ends a child and everything that it started, first by asking."""
    for sign, grace in ((signal.SIGTERM, GRACE_SECS), (signal.SIGKILL, GRACE_SECS)):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            pass
        try:
            child.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            continue
        # The leader is gone; the group may not be.
        try:
            os.killpg(child.pid, 0)
        except ProcessLookupError:
            return
