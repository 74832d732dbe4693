"""Starts the honeypot for a recording, with addresses taken from the header, and stops it."""

import os
import subprocess
import sys
import time

from attack.process import end_group
from attack.target import Target

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run.py")

# Making and filling a database takes some seconds on a busy machine.
READY_SECS_MAX = 120


def set_up() -> None:
    """Installs what the honeypot needs, while there still is a network."""
    if subprocess.call([sys.executable, RUN, "--setup-only"]) != 0:
        raise RuntimeError("the honeypot could not be installed")


def read(path: str) -> str:
    """Gives a file's text, or nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


class Honeypot:
    """A honeypot of our own on a free port, until `stop`."""

    def __init__(self, data: str):
        os.makedirs(data, exist_ok=True)
        ready = os.path.join(data, "ready")
        with open(os.path.join(data, "run.log"), "wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, RUN, "--port", "0", "--data", data, "--ready-file", ready],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "LAB_TRUST_FORWARDED": "1"},
            )
        deadline = time.monotonic() + READY_SECS_MAX
        while not (address := read(ready)):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the honeypot did not come up\nhint: read `{data}/run.log`")
            time.sleep(0.05)
        self.target = Target.parse(address)

    def stop(self) -> None:
        end_group(self._child)
