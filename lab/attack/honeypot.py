"""Starts the honeypot for a recording, with addresses taken from the header, and stops it."""

import os
import subprocess
import sys
import time

from attack.process import end_group
from attack.target import Target

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run.py")

# The first start installs Django and gunicorn.
READY_SECS_MAX = 300


class Honeypot:
    """A honeypot of our own on a free port, until `stop`."""

    def __init__(self, data: str):
        os.makedirs(data, exist_ok=True)
        ready = os.path.join(data, "ready")
        if os.path.exists(ready):
            os.remove(ready)
        with open(os.path.join(data, "run.log"), "wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, RUN, "--port", "0", "--data", data, "--ready-file", ready],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "LAB_TRUST_FORWARDED": "1"},
            )
        deadline = time.monotonic() + READY_SECS_MAX
        while not os.path.exists(ready):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the honeypot did not come up\nhint: read `{data}/run.log`")
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as file:
            self.target = Target.parse(file.read())

    def stop(self) -> None:
        end_group(self._child)
